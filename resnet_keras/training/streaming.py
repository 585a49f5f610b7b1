"""Batches of pictures that are read and decoded while the network trains.

`tf.data` reads ahead, in as many threads as there are cores, with any Keras backend.
"""

import contextlib
import functools
import math
import threading
import time

import keras
import numpy as np

from resnet_keras.commands import without_notes
from resnet_keras.distributed import devices
from resnet_keras.training.augmentation import augment
from resnet_keras.training.mixing import mixed
from resnet_keras.workers import num_cores

# Reading waits for the disk besides, so there are more threads than cores.
_THREADS_PER_CORE = 2
_BATCHES_AHEAD = 2
_MOST_WAITING = 0.05  # of an epoch, before it is worth a line


class Stream:
    """Shuffled, augmented batches, as `Batches` has them, of pictures read in time.

    Only seed, epoch and position decide what a batch holds, so a run that is resumed,
    in the middle of an epoch too, sees the batches of an uninterrupted one, and each
    picture once an epoch: the order is a permutation of all, not of a buffer. So far
    it is that of `Batches`, but each picture has random numbers of its own, so that
    several processes can share a batch.

    Args:
        images: `Pictures`, or whatever gives a uint8 image for a number.
        labels: int (num_images,).
        num_classes: of the one-hot labels.
        rows: int array, the images that an epoch shows.
        batch_size: of all processes together.
        recipe: `Recipe`.
        seed: int.
        prepare: function that turns a batch into what the network expects, or None.
        accumulate: how many batches a step of the optimizer takes together.
        process: (index, number): which part of each batch this process has; None: as
            JAX knows it.

    Raises:
        ValueError: the number of processes does not divide the batch size.
    """

    def __init__(
        self,
        images,
        labels,
        num_classes,
        rows,
        batch_size,
        recipe,
        seed,
        prepare=None,
        accumulate=1,
        process=None,
    ):
        self.batch_size = min(batch_size, max(1, len(rows) // accumulate))
        self._accumulate = accumulate
        index, number = process or (devices.process_index(), devices.num_processes())
        if self.batch_size % number:
            raise ValueError(
                f"batches of {self.batch_size}; expected a multiple of the {number} "
                "processes."
            )
        self.part_size = size = self.batch_size // number
        self._part = slice(index * size, (index + 1) * size)
        self._images, self._labels, self._rows = images, labels, rows
        self._num_classes, self._prepare = num_classes, prepare
        self._recipe, self._seed = recipe, seed
        self._meter = _Meter(self)
        self.callbacks = [self._meter]

    def __len__(self):
        number = len(self._rows) // self.batch_size
        return number - number % self._accumulate

    def begin_epoch(self, epoch):
        """Do nothing: the epoch is known from where `feed` began."""

    @property
    def error(self):
        """What went wrong in reading, or None."""
        return self._meter.error

    def feed(self, epoch, step=0):
        """Return arguments of `keras.Model.fit`: batches from a step of an epoch on.

        Args:
            epoch, step: from 0 on. If `step` is not 0, `fit` is to end with the epoch.

        Returns:
            Dictionary with `x`, an endless `tf.data.Dataset` of float32 (batch_size,
            size, size, 3) in [0, 1] and one-hot labels; and `steps_per_epoch`.
        """
        self._meter.begin()
        steps = len(self) - step
        return {"x": self._dataset(epoch, step), "steps_per_epoch": steps}

    def order(self, epoch, step=0):
        """Return what this process shows in an epoch, from a step on.

        Returns:
            int64 (num_steps, part of the batch): positions in the epoch, and rows.
        """
        rng = np.random.default_rng([self._seed, epoch])
        rows = rng.permutation(self._rows)[: len(self) * self.batch_size]
        shape = (len(self), self.batch_size)
        positions = np.arange(len(rows)).reshape(shape)
        return positions[step:, self._part], rows.reshape(shape)[step:, self._part]

    def variant(self, epoch, position, row):
        """Return the random variant of an image that an epoch has at a position."""
        rng = np.random.default_rng([self._seed, epoch, position])
        if self._recipe.crop and hasattr(self._images, "whole"):
            side = self._recipe.training_side(self._images.shape[1])
            return augment(self._images.whole(row), self._recipe, rng, side)
        return augment(self._images[row], self._recipe, rng)

    def _dataset(self, first, step):
        tf = _tensorflow()
        meter, sides = self._meter, self._images.shape[1:3]
        mixes = self._recipe.mixup or self._recipe.cutmix
        if self._recipe.crop:
            sides = [self._recipe.training_side(sides[0])] * 2

        @meter.noting
        def order(epoch):
            each = self.order(int(epoch), step if epoch == first else 0)
            return [array.ravel().astype(np.int64) for array in each]

        def of_epoch(epoch):
            arrays = tf.numpy_function(order, [epoch], [tf.int64] * 2)
            for array in arrays:
                array.set_shape([None])
            epochs = tf.fill(tf.shape(arrays[0]), epoch)
            return tf.data.Dataset.from_tensor_slices((epochs, *arrays))

        @meter.noting
        def read(epoch, position, row):
            with meter.reading():
                image = self.variant(int(epoch), int(position), int(row))
                return image, np.int64(self._labels[row])

        @meter.noting
        def mix(images, targets, place):
            # The last number tells it from those of the pictures.
            rng = np.random.default_rng([self._seed, *place.tolist(), 1])
            return mixed(images, targets, self._recipe, rng)

        def of_picture(*place):
            image, label = tf.numpy_function(read, place, [tf.float32, tf.int64])
            image.set_shape([*sides, 3])
            label.set_shape([])
            return image, label, tf.stack(place[:2])

        def of_batch(images, labels, places):
            shape, targets = images.shape, tf.one_hot(labels, self._num_classes)
            if mixes:
                both = [images, targets, places[0]]
                images, targets = tf.numpy_function(mix, both, [tf.float32] * 2)
                images.set_shape(shape)
                targets.set_shape([shape[0], self._num_classes])
            if self._prepare:
                prepare = meter.noting(self._prepare)
                images = tf.numpy_function(prepare, [images], tf.float32)
                images.set_shape(shape)
            return images, targets

        def counted(*batch):
            done = tf.numpy_function(meter.count, [], [])
            with tf.control_dependencies([done]):
                return tuple(map(tf.identity, batch))

        num_threads = _THREADS_PER_CORE * num_cores()
        dataset = tf.data.Dataset.range(first, 2**31).flat_map(of_epoch)
        dataset = dataset.map(of_picture, num_threads, deterministic=True)
        dataset = dataset.batch(self.part_size, drop_remainder=True).map(of_batch)
        options = tf.data.Options()
        options.threading.private_threadpool_size = num_threads
        dataset = dataset.map(counted).prefetch(_BATCHES_AHEAD)
        return dataset.with_options(options)


class _Meter(keras.callbacks.Callback):
    """Whether training waits for pictures, and for how long.

    Before each step it waits until the batch is there, which the step would do too, and
    raises the error for which it will never be.
    """

    def __init__(self, stream):
        super().__init__()
        self._stream = stream
        self._changed = threading.Condition()
        self.begin()

    def begin(self):
        """Begin to count at a new `feed`."""
        self.error = None
        self._num_ready = self._num_taken = 0
        self._start_counting()

    def _start_counting(self):
        self._waited = self._read_seconds = self._num_read = self._num_steps = 0
        self._start = time.perf_counter()

    def count(self):
        """Note that a batch is ready; called by `tf.data` for one after the other."""
        with self._changed:
            self._num_ready += 1
            self._changed.notify_all()

    def noting(self, function):
        """Return the function, of which it is noted what goes wrong in it."""

        @functools.wraps(function)
        def noted(*arguments):
            try:
                return function(*arguments)
            except Exception as error:
                with self._changed:
                    self.error = self.error or error
                    self._changed.notify_all()
                raise

        return noted

    @contextlib.contextmanager
    def reading(self):
        """Note how long a core needs for a picture."""
        start = time.thread_time()
        yield
        with self._changed:
            self._read_seconds += time.thread_time() - start
            self._num_read += 1

    def on_epoch_begin(self, epoch, logs=None):
        """Begin the count of an epoch."""
        self._start_counting()

    def on_train_batch_begin(self, batch, logs=None):
        """Wait for the batch."""
        start = time.perf_counter()
        with self._changed:
            # Nothing is read before the first is asked for.
            while 0 < self._num_taken >= self._num_ready:
                if self.error:
                    raise self.error
                self._changed.wait(1)
            self._num_taken += 1
        if batch == 1:  # the first step began to read, and traced the network
            self._start_counting()
        elif batch:
            self._waited += time.perf_counter() - start
            self._num_steps += 1

    def on_epoch_end(self, epoch, logs=None):
        """Add the fraction of time that training waited, and say so if it is much."""
        seconds = time.perf_counter() - self._start
        fraction = self._waited / seconds
        logs["input_wait"] = fraction
        if fraction > _MOST_WAITING and self._num_read and self._num_steps:
            print(self._say(fraction, seconds), flush=True)

    def _say(self, fraction, seconds):
        per_picture = self._read_seconds / self._num_read
        number = self._num_steps * self._stream.part_size
        rate = number / max(seconds - self._waited, 1e-9)
        cores = math.ceil(rate * per_picture)
        return (
            f"Training waited for pictures {fraction:.0%} of the epoch: reading takes "
            f"{1e3 * per_picture:.1f} ms of a core for each, and it would train on "
            f"{rate:,.0f} a second. {cores} cores for reading alone would keep up; "
            f"this process may use {num_cores()}, for all."
        )


def _tensorflow():
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf
    with without_notes():
        import tensorflow as tf

        with contextlib.suppress(RuntimeError):  # it has begun already
            tf.config.set_visible_devices([], "GPU")  # which are the backend's
    return tf
