"""Warnings, with the likely cause, about the scores of a finished run."""

import math

# In nats above the loss of guessing: on average the right class gets less than e^-5, a
# 150th, of the probability that it has in a guess.
_ABSURD = 5.0
_LEAST_GAP = 0.05


def diagnose(metrics, last_epoch, num_classes, advises_default=False):
    """Return warnings about a finished run's scores.

    A gap between two accuracies counts if it is more than 0.05 and two standard errors
    of the difference.

    Args:
        metrics: dictionary with `train_accuracy` and `train_loss`, of the finished
            model on `num_train_images_scored` of its training images,
            `validation_accuracy` (or None) on `num_validation_images`, and
            `test_accuracy` and `test_loss` on `num_test_images`; None without any.
        last_epoch: dictionary with `accuracy` and `loss` of the last epoch, with the
            statistics of each batch, and perhaps `val_loss`.
        num_classes: int.
        advises_default: whether the default recipe's moving averages are faster than
            this run's.

    Returns:
        List of str, empty if nothing stands out.

    Example:

    >>> metrics = {"train_accuracy": 0.99, "train_loss": 0.1, "test_loss": 1.0}
    >>> metrics |= {"num_train_images_scored": 1000, "validation_accuracy": 0.81}
    >>> metrics |= {"num_validation_images": 400}
    >>> metrics |= {"test_accuracy": 0.8, "num_test_images": 400}
    >>> [warning] = diagnose(metrics, {"accuracy": 0.98, "loss": 0.1}, num_classes=6)
    >>> warning.split(":")[0]
    '0.990 of the training images are right, but 0.800 of the test images'
    """
    on_train, on_test = metrics["train_accuracy"], metrics["test_accuracy"]
    num_train = metrics["num_train_images_scored"]
    warnings = []
    if on_test is None:
        warnings.append("There is no test image, so no test accuracy.")
    warnings += _absurd_losses(metrics, last_epoch, num_classes)
    if max(last_epoch["accuracy"], on_train) < 1 / num_classes + _LEAST_GAP:
        warnings.append(
            f"{on_train:.3f} of the training images are right, where guessing has "
            f"{1 / num_classes:.3f}: the network has learned nothing yet. Train for "
            "more epochs, try a lower --learning-rate, or check that the images are "
            "what their labels say."
        )
    if last_epoch["accuracy"] - on_train > _margin(num_train, num_train):
        advice = "Train for more epochs"
        if advises_default:
            advice += ", or with --recipe default, whose averages follow sooner"
        warnings.append(
            f"{last_epoch['accuracy']:.3f} of the training images were right with the "
            f"statistics of their batch, but {on_train:.3f} with the moving averages "
            f"that predict: the averages lag behind the network. {advice}."
        )
    part, accuracy = "test", on_test
    if on_test is None:
        part, accuracy = "validation", metrics["validation_accuracy"]
    number = metrics[f"num_{part}_images"]
    if number and on_train - accuracy > _margin(num_train, number):
        warnings.append(
            f"{on_train:.3f} of the training images are right, but {accuracy:.3f} of "
            f"the {part} images: {_cause(metrics)}"
        )
    return warnings


def _margin(first, second):
    """Return the largest gap, between accuracies on so many images, that may be noise.

    Two standard errors of a difference, of proportions near one half.
    """
    return _LEAST_GAP + math.sqrt(1 / first + 1 / second)


def _absurd_losses(metrics, last_epoch, num_classes):
    guessing = math.log(num_classes)
    losses = {
        "test images": metrics["test_loss"],
        "validation images": last_epoch.get("val_loss"),
        "training images": metrics["train_loss"],
        "training images, with the statistics of their batch,": last_epoch["loss"],
    }
    return [
        f"the loss on the {name} is {loss:,.1f}, where guessing has {guessing:.1f}: "
        "the network is certain of wrong predictions. Lower --learning-rate, or check "
        "that the images are what their labels say."
        for name, loss in losses.items()
        if loss is not None and loss > guessing + _ABSURD
    ]


_BY_HEART = (
    "the network has likely learned its images by heart. Give it more of them, or more "
    "varied ones."
)


def _cause(metrics):
    """Return why other images are worse, as far as the validation images tell."""
    on_validation = metrics["validation_accuracy"]
    num_validation = metrics["num_validation_images"]
    if metrics["test_accuracy"] is None:
        return _BY_HEART
    if on_validation is not None:
        margin = _margin(num_validation, metrics["num_test_images"])
        if on_validation - metrics["test_accuracy"] > margin:
            return (
                "of the validation images, held out from the same source, it is "
                f"{on_validation:.3f}, so the test images are likely of another kind. "
                "Train on images like them."
            )
        margin = _margin(num_validation, metrics["num_train_images_scored"])
        if metrics["train_accuracy"] - on_validation > margin:
            return _BY_HEART
    return (
        "the network has learned its images by heart, or the test images are of "
        f"another kind; {num_validation or 'no'} validation images cannot tell. Give "
        "it more images, or more varied ones."
    )
