"""Scores of predictions whose classes are known; predictions that are not finite."""

import numpy as np

from resnet_keras.errors import InputError

_EPSILON = 1e-7  # the smallest probability whose logarithm the loss takes, as in Keras


def check_numbers(predictions, name):
    """Refuse predictions that are not finite, for which argmax gives the first class.

    Raises:
        InputError: naming the model.
    """
    if not np.isfinite(predictions).all():
        raise InputError(
            f"{name}: predicts NaN or infinity, so its weights, or the preprocessing "
            "in its metadata, are damaged. Train it again, or use another copy."
        )


def scores(probabilities, labels):
    """Return accuracy, loss and the confusion matrix of predictions for known labels.

    Args:
        probabilities: (num_images, num_classes).
        labels: integers (num_images,).

    Returns:
        Dictionary: `accuracy` in [0, 1]; `loss`, the mean cross-entropy in nats;
        `confusion`, counts (num_classes, num_classes), true class by predicted class;
        `precision`, `recall`, (num_classes,), NaN where no image was predicted to be
        of the class, or none is; `count`, images per true class.

    Example:

    >>> result = scores(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1]))
    >>> result["accuracy"], result["confusion"].tolist()
    (0.5, [[1, 0], [1, 0]])
    """
    num_classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    confusion = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    of_truth = probabilities[np.arange(len(labels)), labels]
    hits = confusion.diagonal()
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
        precision = hits / confusion.sum(axis=0)
        recall = hits / confusion.sum(axis=1)
    return {
        "accuracy": float((predicted == labels).mean()),
        "loss": float(-np.log(np.maximum(of_truth, _EPSILON)).mean()),
        "confusion": confusion,
        "precision": precision,
        "recall": recall,
        "count": confusion.sum(axis=1),
    }
