"""Scores of predictions whose classes are known; predictions that are not finite."""

import math

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

    Accuracy counts images; `balanced_accuracy` and `macro_f1` count each class of which
    there is an image alike, however few it has.

    Args:
        probabilities: (num_images, num_classes).
        labels: integers (num_images,), from 0 on.

    Returns:
        Dictionary: `accuracy` in [0, 1], and `interval`, its 95 % interval;
        `balanced_accuracy`, the mean recall of the classes, and `macro_f1`, the mean of
        their F1, in [0, 1]; `loss`, the mean cross-entropy in nats; `confusion`, counts
        (num_classes, num_classes), true class by predicted class; `precision`,
        `recall`, (num_classes,), NaN where no image was predicted to be of the class,
        or none is; `count`, images per true class.

    Raises:
        InputError: the labels are of another shape or type, or of no class.

    Example:

    >>> result = scores(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1]))
    >>> result["accuracy"], result["confusion"].tolist()
    (0.5, [[1, 0], [1, 0]])
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    number, num_classes = probabilities.shape
    is_right = labels.shape == (number,) and np.issubdtype(labels.dtype, np.integer)
    if not is_right or (number and not 0 <= labels.min() <= labels.max() < num_classes):
        raise InputError(
            f"labels: {labels.dtype} of shape {labels.shape}; expected integers "
            f"({number},), from 0 to {num_classes - 1}."
        )
    predicted = probabilities.argmax(axis=1)
    confusion = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    of_truth = probabilities[np.arange(len(labels)), labels]
    loss = float(-np.log(np.maximum(of_truth, _EPSILON)).mean())
    return scores_of_confusion(confusion) | {"loss": loss}


def scores_of_confusion(confusion):
    """Return what `scores` does, but the loss, of counts of true by predicted class.

    Args:
        confusion: int (num_classes, num_classes), of one image at least.

    Example:

    >>> found = scores_of_confusion(np.array([[90, 0], [10, 0]]))
    >>> found["accuracy"], found["balanced_accuracy"]
    (0.9, 0.5)
    """
    hits, count = confusion.diagonal(), confusion.sum(axis=1)
    num_predicted = confusion.sum(axis=0)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
        precision, recall = hits / num_predicted, hits / count
        f1 = 2 * hits / (num_predicted + count)
    right, number = int(hits.sum()), int(count.sum())
    return {
        "accuracy": right / number,
        "interval": list(wilson(right, number)),
        "balanced_accuracy": float(recall[count > 0].mean()),
        "macro_f1": float(f1[count > 0].mean()),
        "confusion": confusion,
        "precision": precision,
        "recall": recall,
        "count": count,
    }


def never_predicted(result, class_names):
    """Return a sentence where the accuracy hides that a class is never predicted.

    Args:
        result: what `scores` returned.
        class_names: list of str.

    Returns:
        List of one sentence, or of none.

    Example:

    >>> found = scores_of_confusion(np.array([[90, 0], [10, 0]]))
    >>> [sentence] = never_predicted(found, ["healthy", "ill"])
    >>> sentence.split(":")[0]
    'No image was taken for ill, though 10 are'
    """
    hidden = (result["count"] > 0) & (result["confusion"].sum(axis=0) == 0)
    if not hidden.any():
        return []
    names = [
        str(name)
        for name, is_hidden in zip(class_names, hidden, strict=True)
        if is_hidden
    ]
    more = " or ..." if len(names) > 5 else ""
    return [
        f"No image was taken for {' or '.join(names[:5])}{more}, though "
        f"{result['count'][hidden].sum()} are: the accuracy of "
        f"{result['accuracy']:.3f} hides it, the balanced one is "
        f"{result['balanced_accuracy']:.3f}. Train on more images of "
        f"{'it' if len(names) == 1 else 'them'}, or with --balance."
    ]


def wilson(hits, number):
    """Return the 95 % interval of a share, such as an accuracy, by Wilson's formula.

    It holds for few images too, and for none or all right, if the images are drawn
    independently: near copies among them count as several and make it too narrow.

    Args:
        hits: int, how many are right.
        number: int, of how many; 1 or more.

    Returns:
        (low, high), in [0, 1].

    Example:

    >>> [round(end, 3) for end in wilson(118, 120)]
    [0.941, 0.995]

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical
    inference".
    """
    z = 1.959964  # of the normal distribution, at 0.975
    share = hits / number
    middle = share + z * z / (2 * number)
    half = z * math.sqrt(share * (1 - share) / number + z * z / (4 * number**2))
    scale = 1 + z * z / number
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def with_interval(share, interval):
    """Return a share and its interval in words.

    Example:

    >>> with_interval(0.9833, (0.941, 0.9955))
    '0.9833 (95 % interval 0.941 to 0.996)'
    """
    low, high = interval
    return f"{share:.4f} (95 % interval {low:.3f} to {high:.3f})"
