"""PyTorch as a contender: `torch_resnet` trained and asked, channels last.

Nothing here imports Keras, for TensorFlow and PyTorch's optimizers, in one process,
each bring an LLVM, and the second ends the process.
"""

from resnet_keras.benchmark.common import CLASSES, random_images


def trains(network, size, batch_size):
    """Return a training step of PyTorch's, channels last, with its Adam."""
    import torch

    model, images = _model_and_images(size, batch_size)
    labels = torch.arange(batch_size) % CLASSES
    optimizer = torch.optim.Adam(model.parameters())

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return {"train": step}


def predicts(network, size, batch_size):
    """Return prediction by the same."""
    import torch

    model, images = _model_and_images(size, batch_size)
    model.eval()

    def predict(number):
        with torch.inference_mode():
            return model(images[:number]).softmax(1).numpy()

    return {"batch": lambda: predict(batch_size), "one": lambda: predict(1)}


def _model_and_images(size, batch_size):
    import torch

    from resnet_keras.benchmark.torch_resnet import resnet50

    images = torch.tensor(random_images(batch_size, size)[0]).permute(0, 3, 1, 2)
    model = resnet50(CLASSES).to(memory_format=torch.channels_last)
    return model, images.to(memory_format=torch.channels_last)
