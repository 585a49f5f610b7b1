"""Whether a model is one of the paper's networks that other libraries build, too."""

import keras

from resnet_keras import family
from resnet_keras.errors import InputError
from resnet_keras.weights import layers_of, variant_of
from resnet_keras.weights.naming import HEAD
from resnet_keras.weights.ordering import convolutions, fits


def translated(model, format_name):
    """Return the architecture variant, depth and weights by position of a network.

    Args:
        model: a network of `ResNet`, keras.applications or the course.
        format_name: for messages.

    Raises:
        InputError: it is none of those with 18 to 152 layers, a residual connection
            over every block and a projection where the shape changes (option "B").
    """
    arrays = {
        position: layer.get_weights() for position, layer in layers_of(model).items()
    }
    depth = sum(p.kind == "conv" and p.part != "1" for p in arrays) + 1
    reason = _difference(model, arrays, depth)
    if reason:
        raise InputError(
            f"--format {format_name}: has no network for {model.name}, which {reason}; "
            f"expected a ResNet of {', '.join(map(str, family.DEPTHS))} layers. Choose "
            "--format keras or onnx."
        )
    return variant_of(model), depth, arrays


def _difference(model, arrays, depth):
    """Return what makes a model another network than the paper's, or None."""
    own = [layer for layer in model.layers if layer.weights]
    if len(own) != len(arrays) or not arrays:
        return "has other layers than a residual network"
    if depth not in family.DEPTHS:
        return f"has {depth} layers with weights"
    if HEAD not in arrays or len(arrays[HEAD]) != 2:
        return "has no dense layer with biases at its end"
    if getattr(model.layers[-1], "activation", None) is not keras.activations.softmax:
        return "does not end in a dense layer with softmax"
    kernels = dict(convolutions(depth))
    found = {p: arrays[p][0].shape for p in arrays if p.kind == "conv"}
    if set(found) - set(kernels):
        return 'has projections where nothing changes shape (shortcut option "C")'
    num_blocks = sum(family.DEPTHS[depth][1])
    operations = getattr(model, "operations", model.layers)
    additions = [each for each in operations if type(each).__name__ == "Add"]
    if len(additions) != num_blocks:
        return f"has {len(additions)} residual connections for {num_blocks} blocks"
    if set(kernels) - set(found):
        return 'has shortcuts without a projection (option "A")'
    for position, kernel in found.items():
        if not fits(kernel, kernels[position]):
            return (
                f"has a kernel of shape {kernel} where {kernels[position]} is expected"
            )
    if any(len(arrays.get(p._replace(kind="norm"), ())) != 4 for p in found):
        return "has a convolution without a whole normalization"
    return None
