"""The course's network in the variants of others, by changing what weights cannot say.

The blocks stay as the course has them. A variant is a copy of the finished network with
other settings in some layers.
"""

import re

import keras

from resnet_keras import family
from resnet_keras.nets.graph import deep_recursion


def vary(model, variant):
    """Return a network with another epsilon, and the stride where others have it.

    Args:
        model: a network of this package, as the course has it but for its pooling.
        variant: `family.Variant`; its `pool_padding` is the model's already.

    Returns:
        `keras.Model` with the same names and initial weights; `model` itself where
        nothing differs. Basic blocks have their stride in a 3x3 convolution anyway.

    Source: the stride in the 3x3 convolution, "v1.5", is that of Gross and Wilber,
    "Training and investigating residual nets" (2016), and of torchvision.
    """
    moved = _strided_bottlenecks(model) if variant.stride_in == "3x3" else set()
    if not moved and variant.epsilon == family.VARIANTS["course"].epsilon:
        return model

    def clone(layer):
        config = layer.get_config()
        if isinstance(layer, keras.layers.BatchNormalization):
            config["epsilon"] = variant.epsilon
        if _block_of(layer.name, "2a") in moved:
            config["strides"] = 1
        if _block_of(layer.name, "2b") in moved:
            config |= {"strides": 2, "padding": "valid"}
        return type(layer).from_config(config)

    def call(layer, *inputs, **settings):
        if _block_of(layer.name, "2b") in moved:
            # Zeros on both sides; "same" would put the windows a pixel further.
            pad = keras.layers.ZeroPadding2D(1, name=layer.name.replace("res", "pad"))
            inputs = (pad(inputs[0]),)
        return layer(*inputs, **settings)

    with deep_recursion():
        return keras.models.clone_model(model, call_function=call, clone_function=clone)


def _strided_bottlenecks(model):
    """Return the blocks, such as "3a", whose first 1x1 convolution strides."""
    return {
        _block_of(layer.name, "2a")
        for layer in model.layers
        if _block_of(layer.name, "2a")
        and layer.kernel_size == (1, 1)
        and layer.strides != (1, 1)
    }


def _block_of(name, part):
    match = re.fullmatch(rf"res(\d+\w+)_branch{part}", name)
    return match and match[1]
