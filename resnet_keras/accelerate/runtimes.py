"""Faster ways to run a trained network, which take seconds to prepare.

`fastest` hands the network to OpenVINO where that is installed
(`pip install 'resnet_keras[openvino]'`), else it freezes the weights into TensorFlow's
graph, where they need no reading and no rearranging for each batch.
"""

import functools
import importlib.util
import tempfile
import threading
import warnings
from pathlib import Path

import keras
import numpy as np

from resnet_keras.accelerate.graph import output_layers
from resnet_keras.accelerate.probe import uses_fused_operations
from resnet_keras.errors import InputError
from resnet_keras.nets.graph import deep_recursion

# On probabilities, and of larger outputs. In bfloat16, which has 8 bits, they differ in
# the second digit; more says that the runtime computes something else.
TOLERANCES = {"float32": 1e-4, "bfloat16": 0.1}
_LOCK = threading.Lock()
_OPENVINO_NAMES = {"float32": "f32", "bfloat16": "bf16"}


def fastest(model, images, precision="float32"):
    """Return the fastest function from images to predictions that there is here.

    Args:
        model: compiled `keras.Model` of one input, in float32; the function keeps the
            weights that it has now.
        images: float32 (batch, height, width, channels), two or more, on which the
            function's predictions must be the model's to `TOLERANCES`, or another is
            taken.
        precision: of the products, "float32" or "bfloat16".

    Returns:
        Function from such images, in any number, to a NumPy array.
    """
    expected = model.predict_on_batch(images)
    # One by one they may be computed in another way.
    parts = [images] if model.input_shape[0] else [images[:1], images[1:]]
    for way in _ways():
        try:
            function = way(model, precision)
            found = np.concatenate([function(part) for part in parts])
            difference = _difference(found, expected)
        except Exception as error:  # whatever a converter has to say
            reason = f"{type(error).__name__}: {error}".split("\n")[0][:200]
        else:
            if difference <= TOLERANCES[precision]:
                return function
            reason = f"its predictions differ by {difference:.1e}"
        warnings.warn(f"{way.__name__} is not used: {reason}", stacklevel=2)
    return _in(precision, model).predict_on_batch


def _difference(found, expected):
    # Features, which are no probabilities, may be far larger than 1.
    return (np.abs(found - expected) / np.maximum(np.abs(expected), 1)).max()


def _ways():
    if not uses_fused_operations():
        return []
    return [with_openvino, with_constants] if has_openvino() else [with_constants]


def _in(precision, model):
    return in_bfloat16(model) if precision == "bfloat16" else model


def in_bfloat16(model):
    """Return a copy of `model` that multiplies in bfloat16, but for its last layers.

    Args:
        model: functional or sequential `keras.Model`.

    Returns:
        Compiled `keras.Model` with its own weights, in float32; their rounding, and
        that of what flows between layers, is to 8 bits of precision.

    Raises:
        InputError: it has layers that Keras does not copy.
    """
    last = output_layers(model)

    def copy(layer):
        config = layer.get_config()
        if layer.name not in last:
            config["dtype"] = "mixed_bfloat16"
        return type(layer).from_config(config)

    try:
        with deep_recursion():
            result = keras.models.clone_model(model, clone_function=copy)
    except Exception as error:  # each kind of layer has its own
        raise InputError(
            f"precision bfloat16: the model {model.name} cannot be copied "
            f"({type(error).__name__}: {str(error).splitlines()[0][:200]}); use "
            "float32."
        ) from error
    result.set_weights(model.get_weights())
    result.compile(jit_compile=False if uses_fused_operations() else "auto")
    return result


def has_openvino():
    """Say whether OpenVINO is installed."""
    return importlib.util.find_spec("openvino") is not None


def with_openvino(model, precision="float32"):
    """Return `model` as a function that OpenVINO computes, in a precision."""
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "model.xml")
        model.export(path, format="openvino", verbose=False)
        return open_openvino(path, precision)


def open_openvino(path, precision="float32"):
    """Return the network in a file as a function that OpenVINO computes.

    Args:
        path: of OpenVINO's own format, or of another that it reads, such as ONNX.
        precision: "float32" or "bfloat16", of what is not quantized. Left to itself it
            would multiply in bfloat16 where the processor can.
    """
    hint = {"INFERENCE_PRECISION_HINT": _OPENVINO_NAMES[precision]}
    with _LOCK:
        core = _openvino_core()
    model = core.read_model(path)
    of_many = core.compile_model(model, "CPU", hint)
    shape = model.inputs[0].partial_shape
    if not shape[0].is_dynamic:
        return lambda images: of_many(images)[0]
    # Of a shape that is known it takes less time, to the same bits.
    shape[0] = 1
    model.reshape(shape)
    of_one = core.compile_model(model, "CPU", hint)
    return lambda images: (of_one if len(images) == 1 else of_many)(images)[0]


@functools.cache
def _openvino_core():
    """Return the one core of this process.

    A core gives the thread a stack for its handlers of signals. Of two, the one that
    goes first leaves its stack, unmapped, to the other to put back: the next Ctrl-C
    would then be a segmentation fault.
    """
    import openvino

    return openvino.Core()


def open_onnx(path):
    """Return the network in an ONNX file as a function, and the file's metadata.

    Returns:
        Function from float32 images to a NumPy array, and a dictionary of str.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    name = session.get_inputs()[0].name
    metadata = session.get_modelmeta().custom_metadata_map
    return lambda images: session.run(None, {name: images})[0], metadata


def with_constants(model, precision="float32"):
    """Return `model` as a TensorFlow function that holds its weights as constants."""
    import tensorflow as tf

    model = _in(precision, model)
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
