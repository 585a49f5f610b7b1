"""Images mixed in pairs, and their labels with them."""

import numpy as np

# For the binary loss, a class of more than this fraction is there: timm's
# --bce-target-thresh, as commands for procedure A2 have it (Alibaba-MIIL/ML_Decoder).
_PRESENT = 0.2


def mixed(batch, targets, recipe, rng):
    """Return a batch in which each image is mixed with another.

    Either mixup, a weighted mean of two images, or cutmix, a rectangle of one in the
    other; one of the two at random, where the recipe has both. All images of a batch
    are mixed in the same proportion, with those of the batch in reverse order.

    Args:
        batch: float32 (batch_size, height, width, 3).
        targets: float32 (batch_size, num_classes), one-hot.
        recipe: `Recipe`, with `mixup`, `cutmix` or both.
        rng: `numpy.random.Generator`.

    Returns:
        Batch and targets of the same shapes. Targets are the classes' fractions; for
        the binary loss 1 for each class of more than a fifth, and else 0.

    Example:

    >>> from resnet_keras.training.recipe import Recipe
    >>> images = np.stack([np.zeros((4, 4, 3)), np.ones((4, 4, 3))])
    >>> images, targets = mixed(
    ...     images, np.eye(2), Recipe(mixup=1.0), np.random.default_rng(0))
    >>> [round(float(x), 3) for x in (images[0, 0, 0, 0], *targets[0])]
    [0.298, 0.702, 0.298]

    Sources: Zhang et al. (2017), arXiv 1710.09412; Yun et al. (2019), arXiv 1905.04899;
    batchwise and with the threshold as in Wightman et al. (2021), arXiv 2110.00476.
    """
    cuts = recipe.cutmix and (not recipe.mixup or rng.random() < 0.5)
    alpha = recipe.cutmix if cuts else recipe.mixup
    fraction = rng.beta(alpha, alpha)  # of the image itself
    if cuts:
        height, width = batch.shape[1:3]
        rows, columns = (_span(n, (1 - fraction) ** 0.5, rng) for n in (height, width))
        other = batch[::-1, rows, columns]
        batch = batch.copy()
        batch[:, rows, columns] = other
        fraction = 1 - other[0, ..., 0].size / (height * width)
    else:
        batch = fraction * batch + (1 - fraction) * batch[::-1]
    targets = fraction * targets + (1 - fraction) * targets[::-1]
    if recipe.loss == "binary":
        targets = targets > _PRESENT
    return batch.astype(np.float32), targets.astype(np.float32)


def _span(number, fraction, rng):
    """Return a slice of that fraction of a side, cut off at its ends."""
    length = round(number * fraction)
    start = int(rng.integers(number)) - length // 2
    return slice(max(start, 0), min(start + length, number))
