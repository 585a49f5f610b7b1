"""Scores of predictions whose classes are known; predictions that are no numbers."""

import numpy as np

from resnet_keras.errors import InputError

_EPSILON = 1e-7  # the smallest probability whose logarithm the loss takes, as in Keras


def check_numbers(answers, name):
    """Refuse answers that are no numbers, of which the first class would be the best.

    Raises:
        InputError: naming the model.
    """
    if not np.isfinite(answers).all():
        raise InputError(
            f"{name}: answers NaN or infinity, so its weights, or the preprocessing in "
            "its metadata, are damaged. Train it again, or take another copy."
        )


def scores(probabilities, labels):
    """Return accuracy, loss and the confusion matrix of answers to known labels.

    Args:
        probabilities: (num_images, num_classes).
        labels: integers (num_images,).

    Returns:
        Dictionary: `accuracy` in [0, 1]; `loss`, the mean cross-entropy in nats;
        `confusion`, counts (num_classes, num_classes), true class by predicted class;
        `precision`, `recall`, (num_classes,), NaN where nothing was predicted, or
        nothing is there to be recalled; `count`, images per true class.

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
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN: there is no such share
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
