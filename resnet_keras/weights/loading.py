"""Weights loaded into an existing network, or read for one that is to be built.

`load_weights` changes a network; `ResNet50(weights=...)` and its siblings build the one
that the weights were trained for. What weights cannot express, the padding of the max
pooling, epsilon and the layer that strides, is compared, and a difference is refused.
"""

import keras
import numpy as np

from resnet_keras import family, tables
from resnet_keras.errors import InputError
from resnet_keras.files import load_model
from resnet_keras.weights import ordering
from resnet_keras.weights.imagenet import IMAGENET, imagenet_class_names, imagenet_file
from resnet_keras.weights.naming import HEAD, ORIGINS, Position
from resnet_keras.weights.reading import arranged, holds_weights, positions_of, read


def load_weights(model, path, verbose=False):
    """Load the weights of a file, in any naming scheme, into a network.

    Where there is no network yet, `ResNet50(weights=path)` builds the right one.

    Args:
        model: a network of this package, or of keras.applications (ResNet50, 101, 152).
        path: weights under the names of the course (fchollet 2017), keras.applications,
            or torchvision and timm, or without names, as the course's since 2021:
            `.h5`, `.safetensors`, `.pth`; or a whole model, `.h5` or `.keras`. Without
            a head in the file, the model's head stays.
        verbose: whether to print what was mapped to what.

    Returns:
        Metadata, as `resnet_keras.load_model` returns it: the preprocessing that the
        weights expect, and class names, where they are known; `notes`, where layers
        without names were matched by order and shape.

    Raises:
        InputError: the file cannot be used, or does not fit: the message names the
            first layer that differs, or what else does. The model is then unchanged.

    Example:

    >>> import resnet_keras, tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = directory + "/a.weights.h5"
    ...     resnet_keras.ResNetCIFAR(8).save_weights(path)
    ...     metadata = load_weights(resnet_keras.ResNetCIFAR(8), path)
    """
    weights = read_weights(path)
    restore(model, weights)
    if verbose:
        print(table(model, weights))
    return weights.metadata


def read_weights(path, depth=50):
    """Read weights, from a file of weights or of a whole model, or of ImageNet.

    Args:
        path: as in `load_weights`, or "imagenet".
        depth: of the network, for "imagenet".

    Returns:
        `Weights`.

    Raises:
        InputError: the file cannot be used.
    """
    if path == IMAGENET:
        weights = read(imagenet_file(depth))
        weights.metadata["class_names"] = imagenet_class_names()
        weights.metadata["preprocessing"] = ORIGINS["keras.applications"][1]
        return weights
    if holds_weights(path):
        return read(path)
    model, metadata = load_model(path)
    layers = {layer.name: layer.get_weights() for layer in _with_weights(model)}
    weights = arranged(path, layers)
    weights.variant = variant_of(model)
    notes = metadata.get("notes", []) + weights.metadata.get("notes", [])
    if metadata.get("preprocessing") is None and weights.scheme == "keras.applications":
        metadata = metadata | {"preprocessing": ORIGINS[weights.scheme][1]}
    weights.metadata = metadata | ({"notes": notes} if notes else {})
    return weights


def _flat(model):
    """Return all layers, also of models within the model."""
    found = []
    for layer in model.layers:
        found += _flat(layer) if hasattr(layer, "layers") else [layer]
    return found


def _with_weights(model):
    return [layer for layer in _flat(model) if layer.weights]


def layers_of(model):
    """Return the layers with weights of a residual network by `Position`.

    Args:
        model: a network of any naming scheme, or of layers without names.

    Returns:
        Dictionary; empty where the layers are those of no residual network.
    """
    layers = {layer.name: layer for layer in _with_weights(model)}
    shapes = {
        name: [tuple(variable.shape) for variable in layer.weights]
        for name, layer in layers.items()
    }
    try:
        positions, _ = positions_of(shapes)
    except ordering.NoMatch:
        return {}
    return {position: layers[name] for name, position in positions.items()}


def restore(model, weights, new_head=False):
    """Give a model the weights read, or refuse and leave it as it is.

    Args:
        model: as in `load_weights`.
        weights: `Weights`.
        new_head: whether to leave the model's head as it is, whatever the file has.

    Raises:
        InputError: they do not fit.
    """
    layers = layers_of(model)
    known = {layer.name for layer in layers.values()}
    for layer in _with_weights(model):
        if layer.name not in known:
            raise InputError(
                f"{model.name}: its layer {layer.name} is not among those of a "
                "residual network, so no weights can be translated for it."
            )
    arrays = dict(weights.arrays)
    if new_head or HEAD not in layers:
        arrays.pop(HEAD, None)
    if not all(getattr(layer, "use_bias", True) for layer in layers.values()):
        arrays = without_biases(arrays)
    kept = {HEAD} if HEAD not in arrays else set()
    new = {
        position: _fitted(model, layers[position], position, arrays, weights)
        for position in sorted(layers)
        if position not in kept
    }
    extra = [weights.names[position] for position in arrays if position not in layers]
    extra += weights.left_over + weights.other_head
    if extra:
        raise InputError(
            f"{weights.path}: holds {extra[0]}, which {model.name} does not have; "
            f"expected weights of the same network. {advice(weights, model.name)}"
        )
    _check_variant(model, weights)
    for position, values in new.items():
        layers[position].set_weights(values)


def _fitted(model, layer, position, arrays, weights):
    """Return a layer's new weights."""
    wanted = [tuple(variable.shape) for variable in layer.weights]
    arrays = arrays.get(position)
    if arrays is None:
        raise InputError(
            f"{weights.path}: has no weights for {layer.name}, the first layer that "
            f"differs; it is a network of {weights.depth} layers under names of "
            f"{weights.scheme}. {advice(weights, model.name)}"
        )
    if not all(np.isfinite(array).all() for array in arrays):
        raise InputError(
            f"{weights.path}: {weights.names[position]} has values that are not "
            "finite; expected numbers. The file is damaged, or its training failed."
        )
    if position.kind == "conv" and len(arrays) == 1 and len(wanted) == 2:
        arrays = [*arrays, np.zeros(wanted[1], np.float32)]
    found = [tuple(array.shape) for array in arrays]
    if found != wanted:
        raise InputError(
            f"{weights.path}: {weights.names[position]} has shapes {found}, but "
            f"{layer.name}, the first layer that differs, needs {wanted}. "
            + (
                f"Build the network with classes={weights.classes}, or give weights "
                "without a head."
                if position == HEAD
                else advice(weights, model.name)
            )
        )
    return arrays


def advice(weights, name):
    """Return in words which network a file holds, and how to build that one.

    Args:
        weights: `Weights`.
        name: of the network that was asked for.
    """
    network = weights.network
    if not network:
        return f"It holds {weights.depth} layers, which are no {name}."
    held = "" if network == name else f"It holds weights of {network}, not of {name}. "
    small = network.startswith("ResNetCIFAR")
    call = f"ResNetCIFAR({weights.depth})" if small else f"{network}(weights=...)"
    option = f"resnet-cifar-{weights.depth}" if small else network.lower()
    return (
        f"{held}Build its own network with {call}, in a command with --model {option}."
    )


def without_biases(arrays):
    """Return the same weights without biases of convolutions.

    The normalization after a convolution subtracts the moving mean, so a bias can be
    subtracted from that mean instead: the same prediction, but for rounding.
    """
    result = {}
    for position, values in arrays.items():
        if position.kind == "conv":
            values = values[:1]
        elif position.kind == "norm":
            conv = arrays.get(position._replace(kind="conv"), [])
            if len(conv) == 2:
                gamma, beta, mean, variance = values
                values = [gamma, beta, mean - conv[1], variance]
        result[position] = values
    return result


def variant_of(model):
    """Return the `family.Variant` that a network is, by any names of its layers."""
    layers = layers_of(model)
    producers = {id(layer.output): layer for layer in _flat(model)}
    pool_padding, stride_in = 0, "1x1"
    for layer in _flat(model):
        if isinstance(layer, keras.layers.MaxPooling2D):
            before = producers.get(id(layer.input))
            if isinstance(before, keras.layers.ZeroPadding2D):
                pool_padding = before.padding[0][0]
    if Position(3, 1, "2c", "conv") in layers:  # bottlenecks
        first = layers[Position(3, 1, "2a", "conv")]
        stride_in = "1x1" if first.strides[0] > 1 else "3x3"
    normalization = layers.get(Position(1, 1, "", "norm"))
    epsilon = normalization.epsilon if normalization else float("nan")
    return family.Variant(pool_padding, epsilon, stride_in)


def _check_variant(model, weights):
    own = variant_of(model)
    is_basic = not any(position.part == "2c" for position in weights.arrays)
    allowed = [family.VARIANTS[name] for name in weights.variants]
    if weights.variant:
        allowed = [weights.variant]
    if not allowed:  # the file does not say
        return
    for wanted in allowed:
        same_stride = is_basic or own.stride_in == wanted.stride_in
        # Course-named weights were published for both paddings.
        same_padding = own.pool_padding == wanted.pool_padding or (
            weights.variants == ("course",) and not weights.variant
        )
        if same_stride and same_padding and np.isclose(own.epsilon, wanted.epsilon):
            return
    raise InputError(
        f"{weights.path}: was trained with {_in_words(allowed[0])}; {model.name} has "
        f"{_in_words(own)}, and would predict wrongly. "
        f"{advice(weights, model.name)}"
    )


def _in_words(variant):
    return (
        f"pool_padding {variant.pool_padding}, epsilon {variant.epsilon:g}, stride in "
        f"the {variant.stride_in}"
    )


def table(model, weights):
    """Return a table of what was loaded from a file into which layer of a model.

    Args:
        model: as in `load_weights`.
        weights: `Weights`.
    """
    rows, missing, mapped = [], [], set()
    for position, layer in layers_of(model).items():
        arrays = weights.arrays.get(position, ())
        shapes = [tuple(array.shape) for array in arrays]
        wanted = [tuple(variable.shape) for variable in layer.weights]
        if not arrays or shapes != wanted[: len(shapes)]:  # a head of its own
            missing.append(layer.name)
            continue
        note = "; bias: zeros" if len(shapes) < len(wanted) else ""
        mapped.add(weights.names[position])
        text = " ".join(map(str, shapes)) + note
        rows.append((layer.name, weights.names[position], text))
    lines = [tables.table((model.name, weights.scheme, "shapes"), rows, "<<<")]
    left_over = [name for name in weights.names.values() if name not in mapped]
    left_over += weights.other_head
    lines += [f"Note: {note}" for note in weights.metadata.get("notes", ())]
    lines.append(f"Left over in {weights.path}: {', '.join(left_over) or 'nothing'}")
    lines.append(f"Missing, kept as it was: {', '.join(missing) or 'nothing'}")
    return "\n".join(lines)
