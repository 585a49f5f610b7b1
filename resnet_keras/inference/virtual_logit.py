"""How unlike all training images an image's features are: the virtual logit.

Source: Wang et al. 2022, "ViM: Out-of-distribution with virtual-logit matching".
"""

import base64
import math
from dataclasses import dataclass

import keras
import numpy as np

from resnet_keras.errors import InputError
from resnet_keras.inference import graph
from resnet_keras.nets.graph import deep_recursion

_MORE_DIRECTIONS, _MOST_DIRECTIONS = 10, 128  # more than classes; at most
_KEYS = "expected directions, num_features, scale and threshold"


@dataclass(frozen=True, eq=False)
class VirtualLogit:
    """What part of an image's features the training images have no such of.

    The features of the last layer, of training images, lie close to a space of few
    directions. What of an image's features is left beside that space, its residual, is
    one more logit, of "none of these"; the others together must outweigh it.

    Args:
        directions: float16 (num_directions, num_features), the main ones of training
            images' features, orthonormal.
        scale: by which the residual is multiplied to be compared with logits.
        threshold: least score of an image that is answered.
    """

    directions: np.ndarray
    scale: float
    threshold: float

    @classmethod
    def fit(cls, trained, held_out, answered):
        """Return the `VirtualLogit` of some training images, or None.

        Args:
            trained: probabilities (num_images, num_classes) and features (num_images,
                num_features) of images that trained.
            held_out: the same of images that did not.
            answered: fraction of those that reach the threshold.

        Returns:
            `VirtualLogit`; None for too few images or features to tell directions.
        """
        probabilities, features = trained
        number = min(probabilities.shape[1] + _MORE_DIRECTIONS, _MOST_DIRECTIONS)
        if number >= min(features.shape):
            return None
        directions = np.linalg.svd(features, full_matrices=False)[2][:number]
        directions = directions.astype(np.float16)
        residual = _residual(features, directions).mean()
        if not residual > 0:
            return None
        scale = float(_logits(probabilities).max(axis=1).mean() / residual)
        free = cls(directions, scale, -math.inf)
        least = np.quantile(free.scores(*held_out), 1 - answered)
        return cls(directions, scale, float(least))

    @classmethod
    def of_metadata(cls, values):
        """Return what `as_metadata` wrote.

        Raises:
            InputError: it is not what is expected.
        """
        try:
            numbers = float(values["scale"]), float(values["threshold"])
            num_features = int(values["num_features"])
            stored = base64.b64decode(values["directions"], validate=True)
            directions = np.frombuffer(stored, "<f2").reshape(-1, num_features)
        except (TypeError, KeyError, IndexError, ValueError):
            raise InputError(f"its virtual logit is not readable; {_KEYS}.") from None
        if not all(map(math.isfinite, numbers)) or not np.isfinite(directions).all():
            raise InputError("its virtual logit holds NaN or infinity; expected none.")
        return cls(directions, *numbers)

    def as_metadata(self):
        """Return a dictionary that JSON takes; directions as base64 of "<f2"."""
        stored = self.directions.astype("<f2").tobytes()
        return {
            "directions": base64.b64encode(stored).decode(),
            "num_features": self.directions.shape[1],
            "scale": self.scale,
            "threshold": self.threshold,
        }

    def scores(self, probabilities, features):
        """Return by how much the logits outweigh the virtual one, (...).

        Args:
            probabilities: (..., num_classes), of the model as it is.
            features: (..., num_features), of its last layer.
        """
        logits = np.log(np.exp(_logits(probabilities)).sum(axis=-1))
        return logits - self.scale * _residual(features, self.directions)


def _residual(features, directions):
    features = np.asarray(features, np.float64)
    within = features @ directions.T.astype(np.float64)
    squared = (features**2).sum(axis=-1) - (within**2).sum(axis=-1)
    return np.sqrt(np.maximum(squared, 0))


def _logits(probabilities):
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), 1e-30))
    return logits - logits.mean(axis=-1, keepdims=True)


def with_features(model):
    """Return a model whose output is `model`'s and, behind it, its last features.

    Args:
        model: functional or sequential `keras.Model` of one input, which ends in a
            dense layer.

    Returns:
        `keras.Model` of the same layers; output (batch, num_outputs + num_features).
        None where there is no such layer, or it is within a model within the model.
    """
    last, features = graph.last_operation(model)
    if not isinstance(last, keras.layers.Dense) or len(features.shape) != 2:
        return None
    joined = keras.layers.Concatenate(name="output_and_features")
    with deep_recursion():
        return keras.Model(model.inputs[0], joined([model.outputs[0], features]))
