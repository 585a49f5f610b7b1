"""Normalization folded into convolutions, for a network that only predicts."""

import keras

from resnet_keras.accelerate.graph import normalized_convolutions
from resnet_keras.nets.graph import deep_recursion


def fold_batch_norm(model):
    """Return a network with the same predictions and no normalization to compute.

    For prediction: when its statistics are fixed, a batch normalization multiplies
    each channel and adds to it, and the convolution before it can do both. To train,
    keep the network as it is. A normalization that follows no convolution stays, as
    does one that shares its convolution with another layer.

    Args:
        model: functional or sequential `keras.Model`; it is not changed.

    Returns:
        `keras.Model` of plain Keras layers, with its own variables and one bias per
        folded convolution; its layers are named as in `model`.

    Raises:
        ValueError: the model has no graph of layers to fold.

    Example:

    >>> from resnet_keras import ResNetCIFAR
    >>> model = ResNetCIFAR(8)
    >>> folded = fold_batch_norm(model)
    >>> len(model.layers) - len(folded.layers)
    7

    Source: Jacob et al. (2018), arXiv 1712.05877, section 3.2.
    """
    metadata = getattr(model, "metadata", None)
    model = _as_functional(model)
    pairs = normalized_convolutions(model)
    folded_into = {convolution.name for convolution in pairs.values()}

    def clone(layer):
        config = layer.get_config()
        if layer.name in folded_into:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def call(layer, *inputs, **settings):
        return inputs[0] if layer.name in pairs else layer(*inputs, **settings)

    with deep_recursion():
        folded = keras.models.clone_model(
            model, call_function=call, clone_function=clone
        )
    copy_folded_weights(model, folded)
    if metadata is not None:
        folded.metadata = metadata  # class names and preprocessing are the same
    return folded


def copy_folded_weights(model, folded):
    """Give `folded`, of `fold_batch_norm(model)`, the weights that `model` has now."""
    model = _as_functional(model)
    normalizations = {
        convolution.name: model.get_layer(name)
        for name, convolution in normalized_convolutions(model).items()
    }
    for layer in folded.layers:
        if not layer.weights:
            continue
        weights = model.get_layer(layer.name).get_weights()
        if layer.name in normalizations:
            weights = _folded(weights, normalizations[layer.name])
        layer.set_weights(weights)


def _folded(weights, normalization):
    """Return kernel and bias that also do what the normalization does."""
    statistics = [normalization.moving_mean, normalization.moving_variance]
    mean, variance = map(keras.ops.convert_to_numpy, statistics)
    factor = (variance + normalization.epsilon) ** -0.5
    if normalization.scale:
        factor = factor * keras.ops.convert_to_numpy(normalization.gamma)
    kernel, bias = weights if len(weights) == 2 else (*weights, 0)
    bias = (bias - mean) * factor
    if normalization.center:
        bias = bias + keras.ops.convert_to_numpy(normalization.beta)
    return [kernel * factor, bias]


def _as_functional(model):
    if not getattr(model, "inputs", None):
        raise ValueError(
            f"{model.name}: is a {type(model).__name__}; expected a functional or "
            "sequential keras.Model that is built, whose layers form a graph."
        )
    if isinstance(model, keras.Sequential):
        with deep_recursion():
            return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return model
