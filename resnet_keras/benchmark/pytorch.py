"""PyTorch as a baseline, as it comes and as its expert users run it: `torch_resnet`.

Nothing here imports Keras: TensorFlow and PyTorch's optimizers, in one process, each
bring an LLVM, and the second ends the process.
"""

import contextlib

from resnet_keras.accelerate.memory import keep_freed_memory
from resnet_keras.benchmark.common import CLASSES, random_images
from resnet_keras.family import NETWORKS


def trains(network, size, batch_sizes, precision="float32", compiled=False, tuned=True):
    """Return a training step with AdamW for each batch size.

    Args:
        network: of the family; in place of the small ones it is ResNet-50.
        size: side of the images in pixels.
        batch_sizes: how many images a step takes, several numbers.
        precision: "float32", or "bfloat16" by autocast.
        compiled: whether to compile the network, which needs a C++ compiler.
        tuned: whether channels are last, the optimizer is fused and freed memory is
            kept; otherwise all is as it comes.
    """
    import torch

    model, images_of = _prepared(network, size, compiled, tuned)
    fused = {"fused": True} if tuned else {}
    optimizer = torch.optim.AdamW(model.parameters(), **fused)
    cross_entropy = torch.nn.functional.cross_entropy

    def step(number):
        images, labels = images_of(number), torch.arange(number) % CLASSES

        def train():
            optimizer.zero_grad()
            with _autocast(precision):
                loss = cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            return loss.item()

        return train

    return {str(number): step(number) for number in batch_sizes}


def predicts(
    network, size, batch_sizes, precision="float32", compiled=False, tuned=True
):
    """Return prediction of one batch by the same; in bfloat16 weights are rounded."""
    import torch

    model, images_of = _prepared(network, size, compiled and {"freezing": True}, tuned)
    model.eval()
    kind = getattr(torch, precision)
    model.to(kind)

    def step(number):
        images = images_of(number)

        def predict():
            # Frozen weights are constants: folded, and laid out for the products.
            with torch.no_grad():
                return model(images.to(kind)).float().softmax(1).numpy()

        return predict

    return {str(number): step(number) for number in batch_sizes}


def _prepared(network, size, compiled, tuned):
    """Return the network, and a function from a number to so many images."""
    import torch

    from resnet_keras.benchmark.torch_resnet import ResNet

    if tuned:
        keep_freed_memory()
    layout = torch.channels_last if tuned else torch.contiguous_format
    is_small, depth, _ = NETWORKS[network]
    depth = 50 if is_small else depth
    model = ResNet(depth, CLASSES, stride_in="1x1", pool_padding=0)
    model = model.to(memory_format=layout)
    if compiled:
        options = compiled if isinstance(compiled, dict) else None
        model.compile(dynamic=False, options=options)  # again for each batch size

    def images_of(number):
        images = torch.tensor(random_images(number, size)[0]).permute(0, 3, 1, 2)
        return images.contiguous(memory_format=layout)

    return model, images_of


def _autocast(precision):
    import torch

    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast("cpu", getattr(torch, precision))
