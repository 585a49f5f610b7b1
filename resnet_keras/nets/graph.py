"""Surgery on a network's graph: the plain network, feature maps, very deep graphs."""

import re
import sys
from contextlib import contextmanager

import keras
from keras import Model
from keras.layers import Activation, Add, ZeroPadding2D

from resnet_keras.errors import InputError


def plain_twin(model):
    """Return the same network without additions, and so without shortcuts.

    Args:
        model: a network of this package.

    Returns:
        `keras.Model` with new layers of the same names and settings, and so the same
        initial kernels if their initializers have seeds, as here.

    Example:

    >>> from resnet_keras import ResNetCIFAR
    >>> plain = plain_twin(ResNetCIFAR(20))
    >>> plain.name, plain.count_params() == ResNetCIFAR(20).count_params()
    ('PlainCIFAR20', True)

    Source: arXiv 1512.03385, sections 3.3 and 4.2.
    """

    def call(layer, *inputs, **settings):
        if isinstance(layer, Add):
            return inputs[0][0]  # F(X); the blocks write F(X) + shortcut
        return layer(*inputs, **settings)

    name = model.name.replace("ResNet", "Plain")
    with deep_recursion():
        plain = keras.models.clone_model(model, call_function=call)
        # Keras builds a model from its output backwards, so layers on shortcuts go.
        return Model(plain.input, plain.output, name=name)


def feature_maps(model):
    """Return the last feature maps of each stage, named as in detectors: C2, C3, ...

    `keras.Model(model.input, feature_maps(model))` is a backbone. In a network for
    images of 224 pixels, C2 to C5 have strides 4, 8, 16 and 32.

    Args:
        model: a network of this package, or one with the same layer names, such as a
            loaded file of the course.

    Returns:
        Dictionary from "C2", "C3", ... to symbolic tensors (batch, height, width,
        channels).

    Raises:
        InputError: the model has no layers named by stage and block.

    Example:

    >>> from resnet_keras import ResNet50
    >>> [(name, maps.shape[-1]) for name, maps in feature_maps(ResNet50()).items()]
    [('C2', 256), ('C3', 512), ('C4', 1024), ('C5', 2048)]
    """
    # The input of a stage's first layer is the output of the stage before.
    ends, stage = {}, None
    for layer in model.layers:
        match = re.fullmatch(r"res(\d+)a_branch2a", layer.name)
        if match:
            if stage:
                ends[f"C{stage}"] = _before_padding(layer, model)
            stage = int(match[1])
    if not stage:
        raise InputError(
            f"{model.name}: has no layers named like res2a_branch2a; expected a "
            "network of this package."
        )
    last = [
        layer.output
        for layer in model.layers
        if isinstance(layer, Activation) and len(layer.output.shape) == 4
    ][-1]
    return {**ends, f"C{stage}": last}


def _before_padding(layer, model):
    producers = {id(other.output): other for other in model.layers}
    tensor = layer.input
    while isinstance(producers[id(tensor)], ZeroPadding2D):
        tensor = producers[id(tensor)].input
    return tensor


@contextmanager
def deep_recursion():
    """Let Keras, which follows a graph by recursion, get through 1202 layers."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(max(usual, 20_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)
