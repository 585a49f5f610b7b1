"""What is likely wrong, in words, where training and test accuracy part."""

import math


def diagnose(metrics, accuracy_in_training):
    """Return a warning, naming the likely cause, for each gap between accuracies.

    A gap counts if it is more than 0.05 and what chance makes of so many test images.

    Args:
        metrics: dictionary with `train_accuracy`, of the finished model on its training
            images, `validation_accuracy` (or None), `test_accuracy` and
            `num_test_images`.
        accuracy_in_training: of the last epoch, with the statistics of each batch.

    Returns:
        List of str; empty if nothing parts.

    Example:

    >>> metrics = {"train_accuracy": 0.99, "validation_accuracy": 0.81}
    >>> metrics |= {"test_accuracy": 0.8, "num_test_images": 400}
    >>> [warning] = diagnose(metrics, 0.98)
    >>> warning.split(":")[0]
    '0.990 of the training images are right, but 0.800 of the test images'
    """
    on_train, on_test = metrics["train_accuracy"], metrics["test_accuracy"]
    on_validation = metrics["validation_accuracy"]
    # Two standard errors of a share near one half.
    margin = 0.05 + 1 / math.sqrt(metrics["num_test_images"])
    warnings = []
    if accuracy_in_training - on_train > margin:
        warnings.append(
            f"{accuracy_in_training:.3f} of the training images were right with the "
            f"statistics of their batch, but {on_train:.3f} with the moving averages "
            "that predict: the averages lag behind the network. Train for more epochs, "
            "or with --recipe default, whose averages follow sooner."
        )
    if on_train - on_test > margin:
        if on_validation is not None and on_validation - on_test > margin:
            cause = (
                f"of the validation images, set aside from the same source, it is "
                f"{on_validation:.3f}, so the test images are likely of another kind. "
                "Train on images like them."
            )
        else:
            cause = (
                "the network has likely learned these images by heart. Give it more of "
                "them, or more varied ones."
            )
        warnings.append(
            f"{on_train:.3f} of the training images are right, but {on_test:.3f} of "
            f"the test images: {cause}"
        )
    return warnings
