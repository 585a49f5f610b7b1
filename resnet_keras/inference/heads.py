"""What the outputs of a model mean, and how they become probabilities.

A head is known by its last activation, found through models within the model, and by
its outputs: probabilities are in [0, 1] and add up to 1.
"""

import keras
import numpy as np

from resnet_keras.errors import InputError
from resnet_keras.inference import graph

_SUM_TOLERANCE = 1e-2  # half precision leaves about three digits

# They keep what the activation before them made: its values, or their mean.
_PASSING = {
    *("ActivityRegularization", "AlphaDropout", "Cast", "Dropout", "Flatten"),
    *("GaussianDropout", "GaussianNoise", "Identity", "Reshape", "SpatialDropout1D"),
    *("SpatialDropout2D", "Squeeze", "AveragePooling2D", "GlobalAveragePooling1D"),
    *("GlobalAveragePooling2D", "ExpandDims"),
}
# Activations that are layers or operations of their own.
_ACTIVATIONS = {
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "Sigmoid": "sigmoid",
    "HardSigmoid": "hard_sigmoid",
    "LogSigmoid": "log_sigmoid",
    "BatchNormalization": "linear",
    **{name: name.lower() for name in ("ReLU", "Relu", "Relu6", "Tanh", "Softplus")},
    **{name: name for name in ("ELU", "PReLU", "LeakyReLU", "Gelu", "Silu", "Elu")},
}


def last_activation(model):
    """Return the name of the activation that makes a model's output, or None.

    Args:
        model: functional or sequential `keras.Model`.

    Returns:
        Its name as in `keras.activations`; "linear" for logits; None where the last
        operation is not known to be one.

    Example:

    >>> logits = keras.layers.Dense(3)
    >>> last_activation(keras.Sequential([keras.Input((2,)), logits]))
    'linear'
    """
    for operation in graph.backwards(model):
        kind = type(operation).__name__
        if kind in _PASSING:
            continue
        if kind in _ACTIVATIONS:
            return _ACTIVATIONS[kind]
        activation = getattr(operation, "activation", None)
        name = getattr(activation, "__name__", None)
        if name == "linear" and isinstance(operation, keras.layers.Activation):
            continue
        return name
    return None


class Head:
    """How a model's outputs become probabilities of classes.

    Args:
        activation: as `last_activation` returns it.
        num_outputs: int, numbers per image.
        name: what to call the model in messages.

    Attributes:
        num_classes: int; one output distinguishes two classes.
        note: what is assumed of the outputs, or "".

    Raises:
        InputError: such outputs are not probabilities and cannot be made into them.
    """

    def __init__(self, activation, num_outputs, name="model"):
        self._name, self._is_binary = name, num_outputs == 1
        kinds = _BINARY if self._is_binary else _SEVERAL
        if activation not in kinds:
            raise InputError(f"{name}: {_why_refused(activation, num_outputs)}")
        self._convert, self.note = kinds[activation]
        self.num_classes = 2 if self._is_binary else num_outputs

    def probabilities(self, outputs):
        """Return probabilities, float32 (num_images, num_classes).

        Args:
            outputs: float32 (num_images, num_outputs), as the model gives them.

        Raises:
            InputError: they are not probabilities. NaN and infinity are left to
                `check_numbers`.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            outputs = self._convert(outputs)
            if self._is_binary:
                outputs = np.concatenate([1 - outputs, outputs], axis=1)
            are_right = _are_probabilities(outputs)
        if not are_right:
            self._check(outputs[np.isfinite(outputs).all(axis=1)])
        return np.clip(outputs, 0, 1)  # off by a rounding

    def _check(self, rows):
        if _are_probabilities(rows):
            return
        furthest = np.abs(rows.sum(axis=1) - 1).max()
        raise InputError(
            f"{self._name}: gives numbers from {rows.min():.3g} to {rows.max():.3g}, "
            f"which are no probabilities: their sum is up to {furthest:.3g} away from "
            "1. Expected a model that ends in a softmax, a sigmoid, or logits."
        )


def _are_probabilities(rows):
    if not len(rows):
        return True
    furthest = np.abs(rows.sum(axis=1) - 1).max()
    lowest, highest = rows.min(), rows.max()
    return (
        furthest <= _SUM_TOLERANCE
        and lowest >= -_SUM_TOLERANCE
        and highest <= 1 + _SUM_TOLERANCE
    )


def _softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _sigmoid(logits):
    # The hyperbolic tangent does not overflow.
    return (np.tanh(logits / 2) + 1) / 2


_LOGITS = "its outputs are logits, whose softmax are the probabilities"
_LOGIT = "its one output is a logit, whose sigmoid is the probability of class 1"
_LOGARITHMS = "its outputs are logarithms of the probabilities"
# Activation: (how its outputs become probabilities, what is assumed)
_SEVERAL = {
    "softmax": (np.asarray, ""),
    "linear": (_softmax, _LOGITS),
    "log_softmax": (np.exp, _LOGARITHMS),
    None: (np.asarray, ""),  # known by its outputs
}
_BINARY = {
    "sigmoid": (np.asarray, ""),
    "hard_sigmoid": (np.asarray, ""),
    "linear": (_sigmoid, _LOGIT),
    "log_sigmoid": (np.exp, _LOGARITHMS),
}


def _why_refused(activation, num_outputs):
    wanted = "Expected softmax, or logits, one per class; or one sigmoid."
    if activation == "softmax":
        return (
            "has one output behind a softmax, which is 1 for every picture. Expected "
            "a sigmoid there, or two outputs."
        )
    if activation in ("sigmoid", "hard_sigmoid", "log_sigmoid"):
        return (
            f"its {num_outputs} outputs are sigmoids, each for itself: their sum is "
            "not 1, and several classes may hold at once. Expected a softmax, or one "
            "sigmoid for two classes."
        )
    if activation is None:
        return (
            "its one output is of an operation that is not known to give a "
            f"probability. {wanted}"
        )
    outputs = "one output is" if num_outputs == 1 else f"{num_outputs} outputs are"
    return (
        f"its {outputs} made by the activation {activation}, which gives no "
        f"probabilities. {wanted}"
    )
