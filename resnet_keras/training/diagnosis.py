"""Warnings, with the likely cause, where accuracies differ or a loss is absurd."""

import math

# In nats above the loss of guessing: on average the right class gets less than e^-5, a
# 150th, of the probability that it has in a guess.
_ABSURD = 5.0
_LEAST_GAP = 0.05


def diagnose(metrics, last_epoch, num_classes, advises_default=False):
    """Return warnings about what a finished run's scores say.

    A gap between two accuracies counts if it is more than 0.05 and two standard errors
    of its own, both numbers of images taken into account.

    Args:
        metrics: dictionary with `train_accuracy` and `train_loss`, of the finished
            model on `num_train_images_scored` of its training images,
            `validation_accuracy` (or None) on `num_validation_images`, and
            `test_accuracy` and `test_loss` on `num_test_images`.
        last_epoch: dictionary with `accuracy` and `loss` of the last epoch, with the
            statistics of each batch.
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
    warnings = _absurd_losses(metrics, last_epoch["loss"], num_classes)
    if last_epoch["accuracy"] - on_train > _margin(num_train, num_train):
        advice = "Train for more epochs"
        if advises_default:
            advice += ", or with --recipe default, whose averages follow sooner"
        warnings.append(
            f"{last_epoch['accuracy']:.3f} of the training images were right with the "
            f"statistics of their batch, but {on_train:.3f} with the moving averages "
            f"that predict: the averages lag behind the network. {advice}."
        )
    if on_train - on_test > _margin(num_train, metrics["num_test_images"]):
        warnings.append(
            f"{on_train:.3f} of the training images are right, but {on_test:.3f} of "
            f"the test images: {_cause(metrics)}"
        )
    return warnings


def _margin(first, second):
    """Return the largest gap that says nothing, between accuracies on so many images.

    Two standard errors of a difference, of proportions near one half.
    """
    return _LEAST_GAP + math.sqrt(1 / first + 1 / second)


def _absurd_losses(metrics, loss_in_training, num_classes):
    guessing = math.log(num_classes)
    losses = {
        "test images": metrics["test_loss"],
        "training images": metrics["train_loss"],
        "training images, with the statistics of their batch,": loss_in_training,
    }
    return [
        f"the loss on the {name} is {loss:,.1f}, where guessing has {guessing:.1f}: "
        "the network is certain of wrong predictions. Lower --learning-rate, or check "
        "that the images are what their labels say."
        for name, loss in losses.items()
        if loss > guessing + _ABSURD
    ]


def _cause(metrics):
    """Return why test images are worse, as far as the validation images tell."""
    on_validation = metrics["validation_accuracy"]
    num_validation = metrics["num_validation_images"]
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
            return (
                "the network has likely learned its images by heart. Give it more of "
                "them, or more varied ones."
            )
    return (
        "the network has learned its images by heart, or the test images are of "
        f"another kind; {num_validation or 'no'} validation images cannot tell. Give "
        "it more images, or more varied ones."
    )
