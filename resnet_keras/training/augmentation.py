"""Random variants of the training images, in batches."""

import copy

import keras
import numpy as np
from PIL import Image, ImageOps

from resnet_keras.distributed import devices
from resnet_keras.training import corruptions
from resnet_keras.training.mixing import mixed
from resnet_keras.training.strong_augmentation import cropped, rand_augmented

NUM_DRAWS = 9  # random numbers that `augment` takes for an image without corruption


class Batches(keras.utils.PyDataset):
    """Shuffled, augmented batches; only epoch and position decide what they hold.

    So a resumed run sees the batches of an uninterrupted one. Call `begin_epoch` before
    each epoch, and `fit` with shuffle=False. Batches are float32 (batch_size, size,
    size, 3) in [0, 1] and one-hot labels (batch_size, num_classes). All are full: the
    images left over at the end of an epoch are shuffled again for the next. `prepare`,
    if given, turns a batch into what the network expects. There is a multiple of
    `accumulate` batches, which together hold the images of one batch that large.
    """

    callbacks = ()  # for `fit`
    error = None  # in reading

    def __init__(
        self,
        images,
        one_hot,
        rows,
        batch_size,
        recipe,
        seed,
        prepare=None,
        accumulate=1,
    ):
        # With one worker Keras 3.15 feeds TensorFlow 2.21 through a self-tuning buffer,
        # which paused for 18 s at the start of every other epoch.
        super().__init__(workers=2)
        self._images, self._one_hot, self._rows = images, one_hot, rows
        self.batch_size = min(batch_size, max(1, len(rows) // accumulate))
        self._accumulate = accumulate
        self._recipe, self._seed = recipe, seed
        self._prepare = prepare
        self._first_step = 0
        self.begin_epoch(0)

    def __len__(self):
        number = len(self._rows) // self.batch_size
        return number - number % self._accumulate - self._first_step

    def __getitem__(self, index):
        index += self._first_step
        chosen = self._order[index * self.batch_size :][: self.batch_size]
        rng = np.random.default_rng([self._seed, self._epoch, index])
        start, end = devices.part_of_batch(self.batch_size)
        self._pass_over(chosen[:start], rng)
        pairs = [self._variant(row, rng) for row in chosen[start:end]]
        batch, targets = map(np.stack, zip(*pairs, strict=True))
        if self._recipe.mixup or self._recipe.cutmix:
            batch, targets = mixed(batch, targets, self._recipe, rng)
        if self._prepare:
            batch = self._prepare(batch)
        return batch, targets

    def _variant(self, row, rng):
        """Return a random variant of an image, and what is to be learned of it."""
        return augment(self._images[row], self._recipe, rng), self._one_hot[row]

    def _pass_over(self, rows, rng):
        """Draw what the variants of images draw that other processes make."""
        if not self._recipe.corruption and not self._recipe.crop:
            rng.bit_generator.advance(NUM_DRAWS * len(rows))
            return
        for row in rows:  # how much corruption or crop draws hangs on what it draws
            self._variant(row, rng)

    def feed(self, epoch, step=0):
        """Return arguments of `keras.Model.fit`: batches from a step of an epoch on.

        Args:
            epoch, step: from 0 on. If `step` is not 0, `fit` is to end with the epoch.
        """
        batches = self
        if step:
            batches = copy.copy(self)
            batches.begin_epoch(epoch)
            batches._first_step = step
        return {"x": batches}

    def begin_epoch(self, epoch):
        """Shuffle for the given epoch, counted from 0."""
        self._epoch = epoch
        rng = np.random.default_rng([self._seed, epoch])
        self._order = rng.permutation(self._rows)


def augment(image, recipe, rng, side=None):
    """Return a random variant of an image, as float32 in [0, 1].

    One affine transformation shifts, scales, rotates and flips, so that the picture is
    sampled only once; beyond its border its edge repeats. Then light and colour change.
    The robust recipe corrupts the picture first. Where the recipe has a `crop`, it is
    `cropped`, flipped and given to `rand_augmented` instead.

    Args:
        image: uint8 (size, size, 3); for a recipe with a `crop` of any height and
            width.
        recipe: `Recipe`.
        rng: `numpy.random.Generator`.
        side: of the result, in pixels, for a recipe with a `crop`. None: as
            `Recipe.training_side` of the image's.
    """
    if recipe.crop:
        side = side or recipe.training_side(image.shape[0])
        picture = cropped(Image.fromarray(image), recipe.crop, side, rng)
        if rng.random() < recipe.flip:
            picture = ImageOps.mirror(picture)
        if recipe.rand_augment:
            picture = rand_augmented(picture, recipe.rand_augment, rng)
        return np.asarray(picture, np.float32) / 255
    return augment_and_map(image, recipe, rng)[0]


def augment_and_map(image, recipe, rng):
    """Return what `augment` does, and which place of the source each pixel shows.

    Returns:
        float32 image in [0, 1], and (linear, offset): the point (x, y) of the result
        shows the point linear @ (x, y) + offset of `image`, in the coordinates of
        pixel edges.
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
    values = np.clip(np.asarray(moved) * np.float32(gains / 255), 0, 1)
    return values.astype(np.float32), (linear, offset - margin)
