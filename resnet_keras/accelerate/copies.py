"""The training copy: the same network, trained faster with TensorFlow on a CPU.

Keras composes batch normalization and Adam of many small operations, each of which
reads and writes whole tensors again; it updates convolution biases whose gradient is
zero because a normalization follows; and TensorFlow's own gradient of a convolution's
kernel took half of a training step. `training_copy` makes a network that computes the
same with fused operations and matrix products, and shares the kernels of the plain
one; `copy_weights` copies all other weights between the two. What is saved is always
the plain network.
"""

import keras
import numpy as np

from resnet_keras.accelerate.graph import normalized_convolutions, output_layers
from resnet_keras.accelerate.layers import FusedBatchNormalization, MatrixConv2D
from resnet_keras.accelerate.probe import uses_fused_operations
from resnet_keras.nets.graph import deep_recursion


def training_copy(model, precision="float32"):
    """Return a network that computes the same as `model`, to be trained instead.

    Where fused operations serve (`uses_fused_operations`), its layers are made of them.

    Args:
        model: functional `keras.Model`.
        precision: Keras' name of the policy to compute in, "float32" or
            "mixed_bfloat16". The last layers always compute in float32: those with
            weights that outputs come from, and all behind them.

    Returns:
        `keras.Model` with the same layer names. Its fused convolutions, unless frozen,
        train the kernels of `model` itself, which changes with them; all other
        variables are its own, copied from `model`.
    """
    fuse = uses_fused_operations()
    # A frozen one keeps its bias, so that its statistics come back to the last bit.
    biasless = {
        conv.name
        for conv in normalized_convolutions(model).values()
        if fuse and conv.trainable
    }

    last = output_layers(model)

    def copy(layer):
        config = layer.get_config()
        if layer.name not in last:
            config["dtype"] = precision
        if layer.name in biasless:
            config["use_bias"] = False
        if fuse and type(layer) is keras.layers.BatchNormalization:
            return FusedBatchNormalization.from_config(config)
        if fuse and type(layer) is keras.layers.Conv2D:
            convolution = MatrixConv2D.from_config(config)
            # Of a frozen layer Keras lists the shared kernel after the bias, and
            # `copy_weights` goes by the order.
            if layer.trainable and layer.kernel.dtype == convolution.variable_dtype:
                convolution.share_kernel_of(layer)  # spares memory for a second one
            return convolution
        return type(layer).from_config(config)

    with deep_recursion():
        result = keras.models.clone_model(model, clone_function=copy)
    copy_weights(model, result)
    return result


def copy_weights(source, target):
    """Copy all weights between a network and its training copy, in either direction.

    The copy's normalized convolutions have no bias. In training a bias before a
    normalization changes nothing but the moving mean, so the bias stays what it is in
    the plain network, and the moving mean is shifted by it.
    """
    for layer in target.layers:
        if not layer.weights:
            continue
        weights = source.get_layer(layer.name).weights
        for own, other in zip(layer.weights, weights, strict=False):  # a bias may lack
            if own is not other:
                # By way of NumPy: JAX would have both keep one array, and training
                # gives it up.
                own.assign(keras.ops.convert_to_numpy(other))
    for name, conv in normalized_convolutions(target).items():
        shift = _bias(conv) - _bias(source.get_layer(conv.name))
        target.get_layer(name).moving_mean.assign_add(shift)


def _bias(conv):
    return conv.get_weights()[1] if conv.use_bias else np.float32(0)
