"""PyTorch as a baseline, as its expert users run it: `torch_resnet`, channels last.

Nothing here imports Keras: TensorFlow and PyTorch's optimizers, in one process, each
bring an LLVM, and the second ends the process.
"""

import contextlib

from resnet_keras.benchmark.common import CLASSES, random_images


def trains(network, size, batch_size, bfloat16=False, compiled=False):
    """Return a training step of PyTorch's, with its fused AdamW.

    Args:
        network: ignored; it is always ResNet-50.
        size: side of the images in pixels.
        batch_size: images per step.
        bfloat16: whether to multiply in bfloat16, by autocast.
        compiled: whether to compile the network, which needs a C++ compiler.
    """
    import torch

    model, images, precision = _prepared(size, batch_size, bfloat16, compiled)
    labels = torch.arange(batch_size) % CLASSES
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def step():
        optimizer.zero_grad()
        with precision():
            loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return {"train": step}


def predicts(network, size, batch_size, bfloat16=False, compiled=False):
    """Return prediction by the same, of a batch and of one image."""
    import torch

    model, images, precision = _prepared(size, batch_size, bfloat16, compiled)
    model.eval()

    def predict(number):
        with torch.inference_mode(), precision():
            return model(images[:number]).float().softmax(1).numpy()

    return {"batch": lambda: predict(batch_size), "one": lambda: predict(1)}


def _prepared(size, batch_size, bfloat16, compiled):
    """Return the network, a batch, and the context in which to use them."""
    import torch

    from resnet_keras.benchmark.torch_resnet import ResNet

    images = torch.tensor(random_images(batch_size, size)[0]).permute(0, 3, 1, 2)
    model = ResNet(50, CLASSES, stride_in="1x1", pool_padding=0)
    model = model.to(memory_format=torch.channels_last)
    if compiled:
        model.compile()

    def precision():
        if bfloat16:
            return torch.autocast("cpu", torch.bfloat16)
        return contextlib.nullcontext()

    return model, images.to(memory_format=torch.channels_last), precision
