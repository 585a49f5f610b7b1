"""Predictions for each image by a small network that was trained without it."""

from dataclasses import replace

import numpy as np

from resnet_keras.data.images import fit
from resnet_keras.errors import InputError

NUM_FOLDS = 5
_NETWORK, _IMAGE_SIZE = "resnet-cifar-20", 32
_LEARNING_RATE = 3e-3
# Passes over a fold's images: for some 1,000 images 12, for many more half of it.
_NUM_IMAGES_SHOWN, _EPOCHS = 11_500, (6, 60)
# A short training has no time for large variations.
_LESS = {"shift": 0.05, "rotation": 3.0, "scale": 0.03}
# Of the images that are predicted, in pixels
_MOVES = [(0, 0)] + [
    (sign * y, sign * x)
    for sign in (1, -1)
    for y, x in ((2, 0), (0, 2), (3, 0), (0, 3))
]


def out_of_fold(images, labels, groups, seed=0, report=lambda fold, num_folds: None):
    """Predict each image by a network that saw neither it nor a copy of it.

    The images are divided into five folds, by class, with copies together. For each a
    ResNet-20 learns the other four at 32 x 32 pixels, by the package's recipe.

    Args:
        images: uint8 (num_images, height, width, 3).
        labels: int64 (num_images,), each class at least twice.
        groups: int64 (num_images,), equal for images that are to stay together.
        seed: of folds, weights and augmentation.
        report: called with a fold's number, from 1, and how many there are, before its
            network is trained.

    Returns:
        float32 (num_images, num_classes).

    Raises:
        InputError: a class has but one image, or one group, or there is but one class.
    """
    from resnet_keras.accelerate.probe import default_precision
    from resnet_keras.training import RECIPES, Batches
    from resnet_keras.training.fitting import Fits
    from resnet_keras.training.folds import divide, fewest_groups
    from resnet_keras.training.start import initial_network

    num_classes = int(labels.max()) + 1
    fewest = fewest_groups(labels, groups)
    if fewest < 2 or num_classes < 2:
        raise InputError(
            "a class has a single picture, apart from copies, or there is but one "
            "class; expected two of each."
        )
    divided = divide(labels, groups, min(NUM_FOLDS, fewest), seed)
    small = np.stack([fit(image, _IMAGE_SIZE) for image in images])
    one_hot = np.eye(num_classes, dtype=np.float32)[labels]
    recipe = replace(
        RECIPES["default"], batch_size=32, learning_rate=_LEARNING_RATE, **_LESS
    )

    def network(number):
        shape = (_IMAGE_SIZE, _IMAGE_SIZE, 3)
        return initial_network(_NETWORK, shape, num_classes, recipe, seed + number)

    all_batches = [
        Batches(small, one_hot, rows, recipe.batch_size, recipe, seed)
        for rows, _ in divided
    ]
    most = max(len(rows) for rows, _ in divided)
    num_epochs = int(np.clip(round(_NUM_IMAGES_SHOWN / most), *_EPOCHS))
    num_steps = max(map(len, all_batches))
    model = network(0)
    fits = Fits(model, recipe, num_steps, num_epochs, default_precision())
    found = np.zeros((len(images), num_classes), np.float32)
    for number, ((_, held_out), batches) in enumerate(
        zip(divided, all_batches, strict=True), 1
    ):
        report(number, len(divided))
        fits.fit(network(number), batches)
        views = _views(small[held_out].astype(np.float32) / 255)
        for view in views:
            found[held_out] += model.predict(view, batch_size=64, verbose=0)
        found[held_out] /= len(views)
    return found


def _views(images):
    """Return images mirrored and moved, whose mean prediction is right more often."""
    height, width = images.shape[1:3]
    most = max(map(max, _MOVES))
    padded = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), "edge")
    moved = [
        padded[:, most + y : most + y + height, most + x : most + x + width]
        for y, x in _MOVES
    ]
    return moved + [view[:, :, ::-1] for view in moved]
