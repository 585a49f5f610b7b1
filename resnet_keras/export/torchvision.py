"""A state dictionary for torchvision's networks, in safetensors."""

import json

import numpy as np

from resnet_keras import family
from resnet_keras.errors import InputError
from resnet_keras.export.translating import translated
from resnet_keras.weights import without_biases
from resnet_keras.weights.naming import HEAD, torch_name

_NAME = "torchvision"
_EPSILON = family.VARIANTS["torch"].epsilon


def check(model):
    """Refuse a model that torchvision has no network for."""
    translated(model, _NAME)
    if model.input_shape[-1] != 3:
        raise InputError(
            f"--format {_NAME}: its networks take 3 channels; {model.name} takes "
            f"{model.input_shape[-1]}."
        )


def write(model, metadata, path, calibration):
    """Write the weights; the metadata also say how to set the network up."""
    from safetensors.numpy import save_file

    texts = {key: json.dumps(value) for key, value in metadata.items()}
    save_file(_state(model), path, {**texts, "setup": hint(model)})


def _state(model):
    variant, _, arrays = translated(model, _NAME)
    state = {}
    for position, values in without_biases(arrays).items():
        name = torch_name(position)
        if position.kind == "norm":
            gamma, beta, mean, variance = values
            variance = variance + np.float32(variant.epsilon - _EPSILON)
            values = (gamma, beta, mean, variance)
            parts = ("weight", "bias", "running_mean", "running_var")
        elif position == HEAD:
            values, parts = (values[0].T, values[1]), ("weight", "bias")
        else:
            values, parts = (values[0].transpose(3, 2, 0, 1),), ("weight",)
        for part, value in zip(parts, values, strict=True):
            state[f"{name}.{part}"] = np.ascontiguousarray(value)
    return state


def _changes(model):
    """Return what differs from torchvision's network: (module, attribute, value)."""
    variant, _, arrays = translated(model, _NAME)
    changes = []
    if variant.pool_padding == 0:
        changes.append(("maxpool", "padding", 0))
    bottlenecks = any(position.part == "2c" for position in arrays)
    if bottlenecks and variant.stride_in == "1x1":
        for stage in (2, 3, 4):
            changes.append((f"layer{stage}.0.conv1", "stride", (2, 2)))
            changes.append((f"layer{stage}.0.conv2", "stride", (1, 1)))
    return changes


def hint(model):
    """Return the Python that makes torchvision's network predict as this one."""
    _, depth, arrays = translated(model, _NAME)
    classes = arrays[HEAD][0].shape[1]
    lines = [f"model = torchvision.models.resnet{depth}(num_classes={classes})"]
    lines += [
        f'setattr(model.get_submodule("{module}"), "{attribute}", {value})'
        for module, attribute, value in _changes(model)
    ]
    return "\n".join(lines)


def read(path, model):
    """Return PyTorch's function of torchvision's network, followed by the softmax."""
    import torch
    import torchvision
    from safetensors.torch import load_file

    _, depth, arrays = translated(model, _NAME)
    build = getattr(torchvision.models, f"resnet{depth}")
    network = build(num_classes=arrays[HEAD][0].shape[1])
    for module, attribute, value in _changes(model):
        setattr(network.get_submodule(module), attribute, value)
    # PyTorch also counts batches in training, which a file need not have.
    missing, unexpected = network.load_state_dict(load_file(path), strict=False)
    wrong = [name for name in missing if not name.endswith("num_batches_tracked")]
    if wrong + unexpected:
        raise InputError(
            f"--format {_NAME}: torchvision's resnet{depth} and {model.name} differ in "
            f"{(wrong + unexpected)[0]}."
        )
    network.eval()

    def outputs(images):
        with torch.no_grad():
            logits = network(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
            return torch.softmax(logits, 1).numpy()

    return outputs
