"""Weights that `keras.applications.ResNet50(weights=path)` and its siblings take."""

import keras
import numpy as np

from resnet_keras import family
from resnet_keras.errors import InputError
from resnet_keras.export.converting import write_metadata
from resnet_keras.export.translating import translated
from resnet_keras.weights.naming import keras_name

_NAME = "keras-applications"
_THEIRS = family.VARIANTS["keras"]
_DEPTHS = (50, 101, 152)
_MIN_SIZE = 32  # which keras.applications insists on


def check(model):
    """Refuse a model that keras.applications has no network for."""
    variant, depth, _ = translated(model, _NAME)
    if depth not in _DEPTHS or variant.stride_in != _THEIRS.stride_in:
        raise InputError(
            f"--format {_NAME}: has no network of {depth} layers with its stride in "
            f"the {variant.stride_in}; expected 50, 101 or 152 and 1x1."
        )
    if variant.pool_padding != _THEIRS.pool_padding:
        raise InputError(
            f"--format {_NAME}: its networks pad the max pooling by "
            f"{_THEIRS.pool_padding}, this one by {variant.pool_padding}, so it would "
            "predict wrongly. Choose --format keras or torchvision."
        )
    if any(side and side < _MIN_SIZE for side in model.input_shape[1:3]):
        raise InputError(
            f"--format {_NAME}: its networks take pictures from {_MIN_SIZE} x "
            f"{_MIN_SIZE} pixels; {model.name} takes {model.input_shape[1:3]}."
        )


def write(model, metadata, path, calibration):
    """Write the weights; metadata go to a file beside them."""
    variant, _, arrays = translated(model, _NAME)
    network = _network(model)
    for position, values in arrays.items():
        layer = network.get_layer(keras_name(position))
        if position.kind == "norm":  # only the sum of variance and epsilon counts
            more = np.float32(variant.epsilon - _THEIRS.epsilon)
            values = [*values[:3], values[3] + more]
        elif position.kind == "conv" and len(values) == 1:
            values = [*values, np.zeros(values[0].shape[-1], np.float32)]
        layer.set_weights(values)
    network.save_weights(path)
    write_metadata(
        metadata, path.with_name(path.name.removesuffix(".weights.h5") + ".json")
    )


def _network(model, path=None):
    _, depth, _ = translated(model, _NAME)
    return getattr(keras.applications, f"ResNet{depth}")(
        weights=str(path) if path else None,
        input_shape=model.input_shape[1:],
        classes=model.output_shape[-1],
    )


def read(path, model):
    """Return the prediction of keras.applications' own network."""
    return _network(model, path).predict_on_batch
