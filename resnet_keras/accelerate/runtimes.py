"""Faster ways to run a trained network, which take seconds to prepare.

`fastest` hands the network to OpenVINO where that is installed
(`pip install 'resnet_keras[openvino]'`), else it freezes the weights into TensorFlow's
graph, where they need no reading and no rearranging for each batch.
"""

import importlib.util
import tempfile
import warnings
from pathlib import Path

import numpy as np

from resnet_keras.accelerate.probe import uses_fused_operations

TOLERANCE = 1e-4  # on probabilities, and of larger outputs


def fastest(model, images):
    """Return the fastest function from images to predictions that there is here.

    Args:
        model: compiled `keras.Model` of one input; the function keeps the weights that
            it has now.
        images: float32 (batch, height, width, channels), on which the function's
            predictions must be the model's to `TOLERANCE`, or another is taken.

    Returns:
        Function from such images, in any number, to a NumPy array.
    """
    expected = model.predict_on_batch(images)
    for way in _ways():
        try:
            function = way(model)
            difference = _difference(function(images), expected)
        except Exception as error:  # whatever a converter has to say
            reason = f"{type(error).__name__}: {error}".split("\n")[0][:200]
        else:
            if difference <= TOLERANCE:
                return function
            reason = f"its predictions differ by {difference:.1e}"
        warnings.warn(f"{way.__name__} is not used: {reason}", stacklevel=2)
    return model.predict_on_batch


def _difference(found, expected):
    # Features, which are no probabilities, may be far larger than 1.
    return (np.abs(found - expected) / np.maximum(np.abs(expected), 1)).max()


def _ways():
    if not uses_fused_operations():
        return []
    return [with_openvino, with_constants] if has_openvino() else [with_constants]


def has_openvino():
    """Say whether OpenVINO is installed."""
    return importlib.util.find_spec("openvino") is not None


def with_openvino(model):
    """Return `model` as a function that OpenVINO computes, in float32."""
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "model.xml")
        model.export(path, format="openvino", verbose=False)
        return open_openvino(path)


def open_openvino(path):
    """Return the network in OpenVINO's file `path` as a function, in float32."""
    import openvino

    # Left to itself it would multiply in bfloat16 where the processor can.
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", exact)
    return lambda images: compiled(images)[0]


def with_constants(model):
    """Return `model` as a TensorFlow function that holds its weights as constants."""
    import tensorflow as tf

    trainable = [value.numpy() for value in model.trainable_variables]
    others = [value.numpy() for value in model.non_trainable_variables]

    def call(images):
        constants = [[tf.constant(value) for value in trainable]]
        constants.append([tf.constant(value) for value in others])
        return model.stateless_call(*constants, images, training=False)[0]

    # Retraced, it would take seconds for each new size of batch.
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)]
    compiled = tf.function(call, signature, autograph=False)
    return lambda images: compiled(tf.constant(images)).numpy()
