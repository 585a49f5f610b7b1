"""Small images and short trainings, so that an experiment takes minutes."""

import time
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
from PIL import Image

from resnet_keras import data, hands
from resnet_keras.accelerate.copies import copy_weights, training_copy
from resnet_keras.accelerate.probe import uses_fused_operations
from resnet_keras.models import ResNetCIFAR
from resnet_keras.nets.graph import plain_twin
from resnet_keras.nets.initialization import varied_initializer

_BATCH_SIZE = 30


@dataclass(frozen=True)
class Data:
    """Images as the networks take them, float32 (number, size, size, 3), and labels."""

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    @property
    def num_classes(self):
        """How many classes there are."""
        return int(self.train_labels.max()) + 1

    @property
    def input_shape(self):
        """(height, width, channels) of one image."""
        return self.train_images.shape[1:]


def load(source, size, num_train, num_test):
    """Return up to so many images of a source, at a small size.

    The built-in hands are cut out by their boxes first, so that 16 pixels are enough
    to see their fingers.

    Args:
        source: "hands", or what `load_dataset` reads.
        size: side in pixels.
        num_train: the most training images; fewer where the source has fewer.
        num_test: the most test images.

    Returns:
        `Data`: brightness is centred on the training images' mean and scaled by their
        deviation.
    """
    if source == data.HANDS:
        parts = [
            (cut_out(rendered, size), rendered.labels)
            for rendered in (
                hands.render(num_train),
                hands.render(num_test, start=hands.TEST_START),
            )
        ]
    else:
        dataset = data.load_dataset(source, size)
        rng = np.random.default_rng(0)
        parts = []
        for split, number in ((dataset.train, num_train), (dataset.test, num_test)):
            rows = rng.permutation(len(split))[:number]
            parts.append((split.images[rows], split.labels[rows]))
    (train, train_labels), (test, test_labels) = parts
    mean, deviation = train.mean((0, 1, 2)), train.std()
    train, test = (
        ((images - mean) / deviation).astype(np.float32) for images in (train, test)
    )
    name = f"{len(train)} training and {len(test)} test images of {source}"
    return Data(f"{name}, {size} x {size}", train, train_labels, test, test_labels)


def load_usual(source, quick, num_train=1800, num_test=300):
    """Return images of 16 pixels, enough for an experiment, or a handful of 8 pixels.

    Args:
        source: as in `load`.
        quick: whether a handful is enough.
        num_train: the most training images otherwise.
        num_test: the most test images otherwise.

    Returns:
        `Data`.
    """
    return load(source, 8, 60, 30) if quick else load(source, 16, num_train, num_test)


def cut_out(rendered, size):
    """Return each hand by itself, as uint8 (number, size, size, 3).

    Args:
        rendered: what `hands.render` returns.
        size: side in pixels.
    """
    images = []
    for image, (left, top, right, bottom) in zip(
        rendered.images, rendered.boxes, strict=True
    ):
        x, y = (left + right) / 2, (top + bottom) / 2
        half = 0.55 * max(right - left, bottom - top)  # a tenth of margin
        box = np.clip([x - half, y - half, x + half, y + half], 0, len(image))
        images.append(
            Image.fromarray(image).resize(
                (size, size), Image.Resampling.BICUBIC, tuple(map(float, box))
            )
        )
    return np.stack([np.asarray(image) for image in images])


def network(
    kind,
    depth,
    data,
    seed,
    shortcut="A",
    initialization=keras.initializers.GlorotUniform,
):
    """Return "plain" or "residual" of 6n + 2 layers, with weights drawn by `seed`.

    The two of a seed begin with the same kernels.
    """
    initializer = varied_initializer(seed, initialization)
    model = ResNetCIFAR(
        depth, data.input_shape, data.num_classes, shortcut, initializer
    )
    return plain_twin(model) if kind == "plain" else model


def redraw(model, seed, initialization):
    """Give a network of `network` the kernels with which one of that seed begins."""
    initializer = varied_initializer(seed, initialization)
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            layer.kernel.assign(initializer(seed)(layer.kernel.shape))


class Training:
    """A short training of one network, which may be repeated from other weights.

    TensorFlow's tracing costs as much as two epochs, and is done once.

    Args:
        model: `keras.Model`.
        data: `Data`.
        epochs: passes over the training images, from 1 up.
        learning_rate: the highest; it rises for one epoch, then falls as a cosine.
    """

    def __init__(self, model, data, epochs, learning_rate=0.03):
        self.model, self._data, self._epochs = model, data, epochs
        copies = uses_fused_operations()
        self._trained = training_copy(model) if copies else model
        for layer in self._trained.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = 0.9  # a short training; see Recipe.statistics_momentum
        steps = -(-len(data.train_labels) // _BATCH_SIZE)
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0,
            max(1, (epochs - 1) * steps),
            warmup_target=learning_rate,
            warmup_steps=steps,
        )
        self._trained.compile(
            keras.optimizers.SGD(schedule, momentum=0.9),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
            jit_compile=False,  # XLA is slower on a CPU, and slow to compile
        )

    def run(self, seed, on_epoch):
        """Train the model from the weights that it has.

        Args:
            seed: of the shuffling.
            on_epoch: called without arguments after each epoch.

        Returns:
            `(history, seconds)`: one dictionary per epoch with `loss` and `train_error`
            (while it trained), the last one that whose loss is no number, if any; and
            the time without that of `on_epoch`.
        """
        keras.utils.set_random_seed(seed)
        if self._trained is not self.model:
            copy_weights(self.model, self._trained)
        for variable in self._trained.optimizer.variables:  # of an earlier run
            variable.assign(keras.ops.zeros_like(variable))
        history, seconds = [], 0.0
        for epoch in range(self._epochs):
            start = time.perf_counter()
            one = self._trained.fit(
                self._data.train_images,
                self._data.train_labels,
                _BATCH_SIZE,
                initial_epoch=epoch,
                epochs=epoch + 1,
                verbose=0,
            ).history
            seconds += time.perf_counter() - start
            error = 1 - one["accuracy"][0]
            history.append({"loss": one["loss"][0], "train_error": error})
            on_epoch()
            if not np.isfinite(one["loss"][0]):
                break  # no later step can mend this
        if self._trained is not self.model:
            copy_weights(self._trained, self.model)
        return history, seconds

    def train_error(self):
        """Return the error on the training images, with the moving averages."""
        return self._error(self._data.train_images, self._data.train_labels)

    def test_error(self):
        """Return the error on the test images, with the moving averages."""
        return self._error(self._data.test_images, self._data.test_labels)

    def _error(self, images, labels):
        probabilities = self._trained.predict(images, batch_size=100, verbose=0)
        return float((probabilities.argmax(axis=1) != labels).mean())


def trainings(make, data, epochs, seeds, learning_rate=0.03):
    """Yield a `Training` per seed: one network, with the weights of `make(seed)`.

    Args:
        make: function from a seed to a `keras.Model`, always of the same layers.
        data: `Data`.
        epochs: as in `Training`.
        seeds: how many, from seed 0 on.
        learning_rate: as in `Training`.
    """
    training = Training(make(0), data, epochs, learning_rate)
    for seed in range(seeds):
        if seed:
            training.model.set_weights(make(seed).get_weights())
        yield seed, training


def trained(kinds, depth, data, epochs, seeds, report):
    """Yield (kind, seed, model) of networks of `network`, trained by `trainings`.

    The `report` is told of each as its training begins.
    """
    for kind in kinds:
        make = partial(network, kind, depth, data)
        for seed, training in trainings(make, data, epochs, seeds):
            report.begin(f"{kind}-{depth}, seed {seed}")
            training.run(seed, report.dot)
            yield kind, seed, training.model


def train(model, data, epochs, seed, on_epoch):
    """Train with the paper's optimizer, and return what each epoch reached.

    SGD with momentum 0.9, as `Training` has it.

    Args:
        model: `keras.Model`; it has the trained weights afterwards.
        data: `Data`.
        epochs: passes over the training images, from 1 up.
        seed: of the shuffling.
        on_epoch: called without arguments after each epoch.

    Returns:
        `(history, seconds)`. The history is a list of one dictionary per epoch with
        `loss`, `train_error` (while it trained) and `test_error`; in the last one
        `train_error` is measured afterwards, with the moving averages.
    """
    training, test_errors = Training(model, data, epochs), []

    def evaluate():
        test_errors.append(training.test_error())
        on_epoch()

    history, seconds = training.run(seed, evaluate)
    for one, error in zip(history, test_errors, strict=True):
        one["test_error"] = error
    history[-1]["train_error"] = training.train_error()
    return history, seconds
