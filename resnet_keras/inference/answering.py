"""When a classifier answers, and how sure it is: a temperature and a threshold."""

import math
from dataclasses import dataclass

import numpy as np

from resnet_keras.errors import InputError
from resnet_keras.inference.virtual_logit import VirtualLogit

KEY = "answering"  # in metadata
# Of the validation images so many are answered: of others a point or two fewer.
_ANSWERED = 0.97
_LEAST_IMAGES = 50  # fewer tell neither temperature nor threshold
_TEMPERATURES = np.exp(np.linspace(math.log(0.1), math.log(10), 461))
_EPSILON = 1e-30  # of a probability whose logarithm is taken
_NUM_BINS = 15


@dataclass(frozen=True)
class Answering:
    """How sure predictions are, and which are too unlike the training images' to name.

    Args:
        temperature: divides the logits, so that of predictions with a probability of
            0.9 nine in ten are right; above 0.
        threshold: least probability, without the temperature, of a prediction that is
            given as an answer, where features are not at hand.
        virtual_logit: `VirtualLogit`, which decides by the features where they are; or
            None.
    """

    temperature: float
    threshold: float
    virtual_logit: VirtualLogit | None = None

    def __post_init__(self):
        for name in ("temperature", "threshold"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise InputError(f"its {name} is {value!r}; expected a number.")
            if not math.isfinite(value):
                raise InputError(f"its {name} is {value}; expected a finite number.")
        if self.temperature <= 0:
            raise InputError(
                f"its temperature is {self.temperature}; expected one above 0."
            )

    @classmethod
    def fit(cls, probabilities, features, labels, trained):
        """Return the `Answering` that suits images held out from training.

        Args:
            probabilities: (num_images, num_classes), of the model as it is.
            features: (num_images, num_features), of its last layer; or None.
            labels: int (num_images,).
            trained: probabilities and features of images that trained.

        Returns:
            `Answering`, or None for fewer than 50 images.

        Source: Guo et al. 2017, "On calibration of modern neural networks".
        """
        if len(labels) < _LEAST_IMAGES:
            return None
        rows = np.arange(len(labels))
        losses = [
            -_log_softmax(_logits(probabilities) / t)[rows, labels].mean()
            for t in _TEMPERATURES
        ]
        least = np.quantile(probabilities.max(axis=1), 1 - _ANSWERED)
        virtual_logit = None
        if features is not None:
            held_out = probabilities, features
            virtual_logit = VirtualLogit.fit(trained, held_out, _ANSWERED)
        return cls(float(_TEMPERATURES[np.argmin(losses)]), float(least), virtual_logit)

    @classmethod
    def of_metadata(cls, metadata, name):
        """Return what `as_metadata` wrote, or None for a file without it.

        Raises:
            InputError: it is not what is expected; the message begins with `name`.
        """
        values = metadata.get(KEY)
        if values is None:
            return None
        try:
            virtual_logit = values.get("virtual_logit")
            if virtual_logit is not None:
                virtual_logit = VirtualLogit.of_metadata(virtual_logit)
            return cls(values["temperature"], values["threshold"], virtual_logit)
        except (AttributeError, TypeError, KeyError, IndexError):
            raise InputError(
                f"{name}: its metadata has {KEY} {values!r}; expected temperature and "
                "threshold."
            ) from None
        except InputError as error:
            raise InputError(f"{name}: in its metadata, {error}") from None

    def as_metadata(self):
        """Return a dictionary to be part of a file's metadata."""
        values = {"temperature": self.temperature, "threshold": self.threshold}
        if self.virtual_logit:
            values["virtual_logit"] = self.virtual_logit.as_metadata()
        return {KEY: values}

    def calibrated(self, probabilities):
        """Return probabilities that say how often the prediction is right.

        Args:
            probabilities: (..., num_classes), of the model as it is.

        Example:

        >>> sure = Answering(temperature=0.5, threshold=0.0)
        >>> sure.calibrated(np.array([0.75, 0.25])).round(6).tolist()
        [0.9, 0.1]
        """
        return np.exp(_log_softmax(_logits(probabilities) / self.temperature))

    def answers(self, probabilities, features=None):
        """Return whether each prediction is given as an answer, bool (...).

        Args:
            probabilities: (..., num_classes), of the model as it is.
            features: (..., num_features), of its last layer; None where they are not at
                hand.
        """
        if self.virtual_logit and features is not None:
            scores = self.virtual_logit.scores(probabilities, features)
            return scores >= self.virtual_logit.threshold
        # Dividing by the temperature first rejects far fewer (docs/prediction.md).
        return np.max(probabilities, axis=-1) >= self.threshold


def calibration_error(probabilities, labels):
    """Return the expected calibration error: by how much probabilities are off.

    Predictions are sorted into 15 bins by their probability; the error is the mean
    distance, over images, of a bin's mean probability from its accuracy.

    Args:
        probabilities: (num_images, num_classes).
        labels: int (num_images,).

    Returns:
        The error, and its 95 % interval (low, high) by drawing the images again 1,000
        times. Few images make it larger than it is, even of a calibrated model.

    Example:

    >>> sure = np.array([[0.8, 0.2]] * 10)
    >>> round(calibration_error(sure, np.array([0] * 8 + [1] * 2))[0], 6)
    0.0

    Source: Naeini et al. 2015; Guo et al. 2017, with 15 bins.
    """
    sure = probabilities.max(axis=1)
    is_right = probabilities.argmax(axis=1) == labels
    error = _error(sure, is_right)
    rng = np.random.default_rng(0)
    drawn = (rng.integers(0, len(labels), len(labels)) for _ in range(1000))
    again = [_error(sure[rows], is_right[rows]) for rows in drawn]
    low, high = (float(x) for x in np.quantile(again, [0.025, 0.975]))
    return error, [min(low, error), max(high, error)]  # drawn again it is larger


def reliability(sure, is_right):
    """Return for each of 15 bins of probability its mean, accuracy, and image count.

    Args:
        sure: (num_images,), probability of the predicted class, 0 to 1.
        is_right: bool (num_images,).

    Returns:
        Arrays (15,): mean probability and accuracy, NaN in an empty bin; and counts.
    """
    bins = np.clip((np.asarray(sure) * _NUM_BINS).astype(int), 0, _NUM_BINS - 1)
    counts = np.bincount(bins, minlength=_NUM_BINS)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
        mean = np.bincount(bins, sure, _NUM_BINS) / counts
        accuracy = np.bincount(bins, is_right, _NUM_BINS) / counts
    return mean, accuracy, counts


def _error(sure, is_right):
    mean, accuracy, counts = reliability(sure, is_right)
    return float(np.nansum(counts * np.abs(mean - accuracy)) / counts.sum())


def _logits(probabilities):
    return np.log(np.maximum(np.asarray(probabilities, np.float64), _EPSILON))


def _log_softmax(logits):
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
