"""Weights of other people's residual networks, put into a model of this package.

`load_weights` fills a network that stands; `ResNet50(weights=...)` and its siblings
build the one that the weights were trained for. Names and layouts are translated in
`resnet_keras.dialects`. What weights cannot express, the padding of the max pooling,
epsilon and the place of the stride, is compared, and a difference is refused.
"""

import hashlib
import json
import os
from pathlib import Path

import keras
import numpy as np

from resnet_keras import dialects, family
from resnet_keras.dialects import HEAD, Place, place_of
from resnet_keras.errors import InputError
from resnet_keras.files import load_model

IMAGENET = "imagenet"
# The files that keras.applications downloads, and their published MD5 sums.
_IMAGENET_URL = "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
_IMAGENET_HASHES = {
    50: "2cb95161c43110f7111970584f804107",
    101: "f1aeb4b969a6efcfb50fad2f0c20cfc5",
    152: "100835be76be38e30d865e96f2aaae62",
}
_CLASS_INDEX = (
    "https://storage.googleapis.com/download.tensorflow.org/data/"
    "imagenet_class_index.json",
    "c2c37ea517e94d9795004a39431a14cb",
)


def load_weights(model, path, verbose=False):
    """Fill a network with the weights of a file, in whatever dialect they are.

    Where no network stands yet, `ResNet50(weights=path)` builds the right one.

    Args:
        model: a network of this package, or of keras.applications (ResNet50, 101, 152).
        path: weights under the names of the course (fchollet 2017), keras.applications,
            or torchvision and timm: `.h5`, `.safetensors`, `.pth`; or a whole model,
            `.h5` or `.keras`. Without a head in the file, the model's head stays.
        verbose: whether to print what was mapped to what.

    Returns:
        A card, as `resnet_keras.load_model` returns it: the preprocessing that the
        weights expect, and class names, where they are known.

    Raises:
        InputError: the file cannot be used, or does not fit: the message names the
            first layer that differs, or what else does. The model is then unchanged.

    Example:

    >>> import resnet_keras, tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = directory + "/a.weights.h5"
    ...     resnet_keras.ResNetCIFAR(8).save_weights(path)
    ...     card = load_weights(resnet_keras.ResNetCIFAR(8), path)
    """
    weights = read_weights(path)
    fill(model, weights)
    if verbose:
        print(table(model, weights))
    return weights.card


def read_weights(path, depth=50):
    """Read weights, from a file of weights or of a whole model, or of ImageNet.

    Args:
        path: as in `load_weights`, or "imagenet".
        depth: of the network, for "imagenet".

    Returns:
        `dialects.Weights`.

    Raises:
        InputError: the file cannot be used.
    """
    if path == IMAGENET:
        weights = dialects.read(imagenet_file(depth))
        weights.card["class_names"] = imagenet_class_names()
        return weights
    if dialects.holds_weights(Path(path)):
        return dialects.read(path)
    model, card = load_model(path)
    layers = {layer.name: layer.get_weights() for layer in model.layers}
    weights = dialects.arranged(path, {k: v for k, v in layers.items() if v})
    if card.get("preprocessing") is None and weights.dialect == "keras.applications":
        card = card | {"preprocessing": dialects.BGR_LESS_MEAN}
    weights.traits, weights.card = traits(model), card
    return weights


def fill(model, weights, new_head=False):
    """Give a model the weights read, or refuse and leave it as it is.

    Args:
        model: as in `load_weights`.
        weights: `dialects.Weights`.
        new_head: whether to leave the model's head as it is, whatever the file has.

    Raises:
        InputError: they do not fit.
    """
    layers = {place_of(layer.name): layer for layer in model.layers if layer.weights}
    if None in layers:
        raise InputError(
            f"{model.name}: its layer {layers[None].name} is not among those of a "
            "residual network, so no weights can be translated for it."
        )
    arrays = dict(weights.arrays)
    if new_head or HEAD not in layers:
        arrays.pop(HEAD, None)
    if not all(getattr(layer, "use_bias", True) for layer in layers.values()):
        arrays = without_biases(arrays)
    kept = {HEAD} if HEAD not in arrays else set()
    new = {
        place: _fitted(layers[place], place, arrays.get(place), weights)
        for place in sorted(layers)
        if place not in kept
    }
    extra = [weights.names[place] for place in arrays if place not in layers]
    extra += weights.left_over
    if extra:
        raise InputError(
            f"{weights.path}: holds {extra[0]}, which {model.name} does not have; "
            f"expected weights of the same network. {_advice(weights)}"
        )
    _check_traits(model, weights)
    for place, values in new.items():
        layers[place].set_weights(values)


def _fitted(layer, place, arrays, weights):
    """Return a layer's new weights."""
    wanted = [tuple(variable.shape) for variable in layer.weights]
    if arrays is None:
        raise InputError(
            f"{weights.path}: has no weights for {layer.name}, the first layer that "
            f"differs; it is a network of {weights.depth} layers under names of "
            f"{weights.dialect}. {_advice(weights)}"
        )
    if place.kind == "conv" and len(arrays) == 1 and len(wanted) == 2:
        arrays = [*arrays, np.zeros(wanted[1], np.float32)]
    found = [tuple(array.shape) for array in arrays]
    if found != wanted:
        raise InputError(
            f"{weights.path}: {weights.names[place]} has shapes {found}, but "
            f"{layer.name}, the first layer that differs, needs {wanted}. "
            + (
                f"Build the network with classes={weights.classes}, or give weights "
                "without a head."
                if place == HEAD
                else _advice(weights)
            )
        )
    return arrays


def _advice(weights):
    return (
        f"Build its own network with ResNet{weights.depth}(weights=...)."
        if weights.depth in family.DEPTHS
        else f"No network of the family has its {weights.depth} layers."
    )


def without_biases(arrays):
    """Return the same weights without biases of convolutions.

    The normalization after a convolution subtracts the moving mean, so a bias can be
    subtracted from that mean instead: the same answer, but for rounding.
    """
    result = {}
    for place, values in arrays.items():
        if place.kind == "conv":
            values = values[:1]
        elif place.kind == "norm":
            conv = arrays.get(place._replace(kind="conv"), [])
            if len(conv) == 2:
                gamma, beta, mean, variance = values
                values = [gamma, beta, mean - conv[1], variance]
        result[place] = values
    return result


def traits(model):
    """Return the `family.Variant` that a model of any dialect's names is."""
    layers = {place_of(layer.name): layer for layer in model.layers}
    producers = {id(layer.output): layer for layer in model.layers}
    pool_padding, stride_in = 0, "1x1"
    for layer in model.layers:
        if isinstance(layer, keras.layers.MaxPooling2D):
            before = producers.get(id(layer.input))
            if isinstance(before, keras.layers.ZeroPadding2D):
                pool_padding = before.padding[0][0]
    if Place(3, 1, "2c", "conv") in layers:  # bottlenecks
        first = layers[Place(3, 1, "2a", "conv")]
        stride_in = "1x1" if first.strides[0] > 1 else "3x3"
    normalization = layers.get(Place(1, 1, "", "norm"))
    epsilon = normalization.epsilon if normalization else float("nan")
    return family.Variant(pool_padding, epsilon, stride_in)


def _check_traits(model, weights):
    own = traits(model)
    is_basic = not any(place.part == "2c" for place in weights.arrays)
    variants = [family.VARIANTS[name] for name in weights.variants]
    allowed = [weights.traits] if weights.traits else variants
    if not allowed:  # the file does not say
        return
    for wanted in allowed:
        same_stride = is_basic or own.stride_in == wanted.stride_in
        # Course-named weights were published for both paddings.
        same_padding = own.pool_padding == wanted.pool_padding or (
            weights.variants == ("course",) and not weights.traits
        )
        if same_stride and same_padding and np.isclose(own.epsilon, wanted.epsilon):
            return
    raise InputError(
        f"{weights.path}: was trained with {_in_words(allowed[0])}; {model.name} has "
        f"{_in_words(own)}, and would answer wrongly. {_advice(weights)}"
    )


def _in_words(variant):
    return (
        f"pool_padding {variant.pool_padding}, epsilon {variant.epsilon:g}, stride in "
        f"the {variant.stride_in}"
    )


def table(model, weights):
    """Return, in words, what of a file went where in a model that it has filled.

    Args:
        model: as in `load_weights`.
        weights: `dialects.Weights`.
    """
    rows, missing, mapped = [(model.name, weights.dialect, "shapes")], [], set()
    for layer in model.layers:
        place = place_of(layer.name)
        if not layer.weights:
            continue
        arrays = weights.arrays.get(place, ())
        shapes = [tuple(array.shape) for array in arrays]
        wanted = [tuple(variable.shape) for variable in layer.weights]
        if not arrays or shapes != wanted[: len(shapes)]:  # a head of its own
            missing.append(layer.name)
            continue
        note = "; bias: zeros" if len(shapes) < len(wanted) else ""
        mapped.add(weights.names[place])
        text = " ".join(map(str, shapes)) + note
        rows.append((layer.name, weights.names[place], text))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {text}" for a, b, text in rows]
    left_over = [name for name in weights.names.values() if name not in mapped]
    lines.append(f"Left over in {weights.path}: {', '.join(left_over) or 'nothing'}")
    lines.append(f"Missing, kept as it was: {', '.join(missing) or 'nothing'}")
    return "\n".join(lines)


def imagenet_file(depth):
    """Return the cached file of ImageNet weights for 50, 101 or 152 layers.

    Raises:
        InputError: there are none for this depth, or they can be neither found in the
            cache nor downloaded.
    """
    if depth not in _IMAGENET_HASHES:
        raise InputError(
            f'weights="{IMAGENET}": published for 50, 101 and 152 layers, not {depth}. '
            "For 18 and 34 give a file of torchvision's."
        )
    name = f"resnet{depth}_weights_tf_dim_ordering_tf_kernels.h5"
    return _fetched(_IMAGENET_URL + name, _IMAGENET_HASHES[depth])


def imagenet_class_names():
    """Return the names of ImageNet's 1000 classes, such as "tabby".

    Raises:
        InputError: the list is neither in the cache nor can it be downloaded.
    """
    path = _fetched(*_CLASS_INDEX)
    index = json.loads(Path(path).read_text())
    return [index[str(label)][1] for label in range(len(index))]


def _fetched(url, md5):
    """Return the path of a file in Keras' cache, downloaded if need be."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    place = home / "models" / url.rsplit("/", 1)[1]
    if place.exists():
        with place.open("rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
        if found != md5:  # Keras would overwrite it, or delete it where it cannot
            raise InputError(
                f"{place}: has MD5 {found}; expected {md5}. Two files of ImageNet "
                "weights go by this name. Move it away, or give its path as weights."
            )
    try:
        return keras.utils.get_file(
            place.name, url, cache_subdir="models", file_hash=md5, cache_dir=str(home)
        )
    except Exception as error:  # Keras raises bare exceptions
        reason = str(error).strip().split("\n")[0][:200]
        raise InputError(
            f"{place}: not there, and {url} could not be downloaded ({reason}). Bring "
            f"the file (MD5 {md5}) to that place by other means."
        ) from error
