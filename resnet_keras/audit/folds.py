"""Predictions for each image by a small network that was trained without it."""

import sys
from dataclasses import replace
from functools import cached_property

import numpy as np

from resnet_keras import workers
from resnet_keras.commands import load_keras
from resnet_keras.data.images import fit
from resnet_keras.errors import InputError

NUM_FOLDS = 5
_NETWORK, _IMAGE_SIZE = "resnet-cifar-20", 32
# Passes over a fold's images: for some 1,000 images 12, for many more half of it.
_NUM_IMAGES_SHOWN, _EPOCHS = 11_500, (6, 60)
_WORTH_A_PROCESS = 2000  # images shown: it takes some seconds to begin
# Of the recipe: a short training has no time for large variations.
_CHANGES = {
    "batch_size": 32,
    "learning_rate": 3e-3,
    "shift": 0.05,
    "rotation": 3.0,
    "scale": 0.03,
}
# Of the images that are predicted, in pixels
_MOVES = [(0, 0)] + [
    (sign * y, sign * x)
    for sign in (1, -1)
    for y, x in ((2, 0), (0, 2), (3, 0), (0, 3))
]


def out_of_fold(images, labels, groups, seed=0, report=lambda number, total: None):
    """Predict each image by a network that saw neither it nor a copy of it.

    The images are divided into folds, by class, with copies together. For each a
    ResNet-20 learns the others at 32 x 32 pixels, by the package's recipe. On a
    processor of several cores several networks learn at a time, each on one of them,
    as operations on images so small are not worth sharing.

    Args:
        images: uint8 (num_images, height, width, 3).
        labels: int64 (num_images,), each class at least twice.
        groups: int64 (num_images,), equal for images that are to stay together.
        seed: of folds, weights and augmentation.
        report: called with how many networks have been trained, from 0, and how many
            there are, before the next are waited for.

    Returns:
        float32 (num_images, num_classes).

    Raises:
        InputError: a class has but one image, or one group, or there is but one class.
    """
    from resnet_keras.accelerate.probe import uses_fused_operations
    from resnet_keras.training.folds import divide, fewest_groups

    num_classes = int(labels.max()) + 1
    fewest = fewest_groups(labels, groups)
    if fewest < 2 or num_classes < 2:
        raise InputError(
            "a class has a single picture, apart from copies, or there is but one "
            "class; expected two of each."
        )
    divided = divide(labels, groups, min(NUM_FOLDS, fewest), seed)
    most = max(len(rows) for rows, _ in divided)
    num_epochs = int(np.clip(round(_NUM_IMAGES_SHOWN / most), *_EPOCHS))
    num_workers = 1
    if uses_fused_operations() and num_epochs * most >= _WORTH_A_PROCESS:
        # Two on one core, too, whose networks are then those of many cores.
        num_workers = min(max(2, workers.num_cores()), len(divided))
    predictions = workers.results(
        _Networks(
            np.stack([fit(image, _IMAGE_SIZE) for image in images]),
            np.eye(num_classes, dtype=np.float32)[labels],
            divided,
            num_epochs,
            seed,
            num_threads=1 if num_workers > 1 else None,
        ),
        range(len(divided)),
        num_workers,
    )
    found = np.zeros((len(images), num_classes), np.float32)
    for number, (_, held_out) in enumerate(divided):
        if number % num_workers == 0:
            report(number, len(divided))
        found[held_out] = next(predictions)
    return found


class _Networks:
    """Networks of folds: called with a fold's number, trains one and lets it predict.

    Args:
        images: uint8 (num_images, side, side, 3).
        targets: float32 (num_images, num_classes).
        divided: for each fold the rows to learn from and those to predict.
        num_epochs: of each training.
        seed: as in `out_of_fold`.
        num_threads: that share an operation; None: as it is.
    """

    def __init__(self, images, targets, divided, num_epochs, seed, num_threads):
        self._images, self._targets, self._divided = images, targets, divided
        self._num_epochs, self._seed = num_epochs, seed
        self._num_threads = num_threads

    def __call__(self, number):
        rows, held_out = self._divided[number]
        trained = self._fits.fit(self._start(number), self._batches(rows))
        views = _views(self._images[held_out].astype(np.float32) / 255)
        found = [trained.predict(view, batch_size=64, verbose=0) for view in views]
        return np.mean(found, axis=0)

    def _start(self, number):
        from resnet_keras.training.start import initial_network

        shape, num_classes = self._images.shape[1:], self._targets.shape[1]
        seed = self._seed + number
        return initial_network(_NETWORK, shape, num_classes, self._recipe, seed)

    def _batches(self, rows):
        from resnet_keras.training import Batches

        recipe = self._recipe
        return Batches(
            self._images, self._targets, rows, recipe.batch_size, recipe, self._seed
        )

    @cached_property
    def _fits(self):
        if self._num_threads and "keras" not in sys.modules:  # in a worker
            load_keras(self._num_threads)
        from resnet_keras.accelerate.probe import default_precision
        from resnet_keras.training.fitting import Fits

        num_steps = max(len(self._batches(rows)) for rows, _ in self._divided)
        start, precision = self._start(0), default_precision()
        return Fits(start, self._recipe, num_steps, self._num_epochs, precision)

    @cached_property
    def _recipe(self):
        from resnet_keras.training import RECIPES

        return replace(RECIPES["default"], **_CHANGES)


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
