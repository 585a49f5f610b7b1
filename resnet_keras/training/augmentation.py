"""Random variants of the training images, in batches."""

import keras
import numpy as np
from PIL import Image

from resnet_keras.training import corruptions


class Batches(keras.utils.PyDataset):
    """Shuffled, augmented batches; only epoch and position decide what they hold.

    So a resumed run sees the batches of an uninterrupted one. Call `begin_epoch` before
    each epoch, and `fit` with shuffle=False. Batches are float32 (batch_size, size,
    size, 3) in [0, 1] and one-hot labels (batch_size, num_classes). All are full: the
    images left over at the end of an epoch are shuffled again for the next. `prepare`,
    if given, turns a batch into what the network expects.
    """

    def __init__(self, images, one_hot, rows, batch_size, recipe, seed, prepare=None):
        # With one worker Keras 3.15 feeds TensorFlow 2.21 through a self-tuning buffer,
        # which paused for 18 s at the start of every other epoch.
        super().__init__(workers=2)
        self._images, self._one_hot, self._rows = images, one_hot, rows
        self._batch_size = min(batch_size, len(rows))
        self._recipe, self._seed = recipe, seed
        self._prepare = prepare
        self.begin_epoch(0)

    def __len__(self):
        return len(self._rows) // self._batch_size

    def __getitem__(self, index):
        chosen = self._order[index * self._batch_size :][: self._batch_size]
        rng = np.random.default_rng([self._seed, self._epoch, index])
        images = [augment(self._images[row], self._recipe, rng) for row in chosen]
        batch = np.stack(images)
        if self._prepare:
            batch = self._prepare(batch)
        return batch, self._one_hot[chosen]

    def begin_epoch(self, epoch):
        """Shuffle for the given epoch, counted from 0."""
        self._epoch = epoch
        rng = np.random.default_rng([self._seed, epoch])
        self._order = rng.permutation(self._rows)


def augment(image, recipe, rng):
    """Return a random variant of an image, as float32 in [0, 1].

    One affine transformation shifts, scales, rotates and flips, so that the picture is
    sampled only once; beyond its border its edge repeats. Then light and colour change.
    The robust recipe corrupts the picture first.

    Args:
        image: uint8 (size, size, 3).
        recipe: `Recipe`.
        rng: `numpy.random.Generator`.
    """
    if recipe.corruption:
        image = corruptions.corrupt(image, recipe.corruption, rng)
    size = image.shape[0]
    angle = np.deg2rad(rng.uniform(-recipe.rotation, recipe.rotation))
    zoom = np.exp(rng.uniform(-1, 1) * np.log1p(recipe.scale))
    mirror = -1 if rng.random() < recipe.flip else 1
    shift = rng.uniform(-recipe.shift, recipe.shift, 2) * size
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    # From a pixel of the result to its position in the padded source.
    margin = size // 2
    linear = np.array([[cos * mirror, -sin], [sin * mirror, cos]])
    centre = np.full(2, size / 2)  # Pillow counts from the corner of the first pixel
    offset = centre - linear @ (centre + shift) + margin
    padded = np.pad(image, [(margin, margin), (margin, margin), (0, 0)], "edge")
    moved = Image.fromarray(padded).transform(
        (size, size),
        Image.Transform.AFFINE,
        (*linear[0], offset[0], *linear[1], offset[1]),
        Image.Resampling.BILINEAR,
    )
    gain = 1 + rng.uniform(-recipe.brightness, recipe.brightness)
    gains = gain * (1 + rng.uniform(-recipe.colour, recipe.colour, 3))
    return np.clip(np.asarray(moved) * np.float32(gains / 255), 0, 1).astype(np.float32)
