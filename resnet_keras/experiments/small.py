"""Small images and short trainings, so that an experiment takes minutes."""

import time
from dataclasses import dataclass

import keras
import numpy as np
from PIL import Image

from resnet_keras import data, hands
from resnet_keras.accelerate.copies import copy_weights, training_copy
from resnet_keras.accelerate.probe import uses_fused_operations
from resnet_keras.models import ResNetCIFAR
from resnet_keras.nets.graph import plain_twin
from resnet_keras.nets.initialization import varied_initializer


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


def train(model, data, epochs, seed, on_epoch, batch_size=30, learning_rate=0.03):
    """Train with the paper's optimizer, and return what each epoch reached.

    SGD with momentum 0.9; the rate rises for one epoch and then falls as a cosine.

    Args:
        model: `keras.Model`; it has the trained weights afterwards.
        data: `Data`.
        epochs: passes over the training images, from 1 up.
        seed: of the shuffling.
        on_epoch: called without arguments after each epoch.
        batch_size: images per step.
        learning_rate: the highest.

    Returns:
        `(history, seconds)`. The history is a list of one dictionary per epoch with
        `loss`, `train_error` (while it trained) and `test_error`; in the last one
        `train_error` is measured afterwards, with the moving averages.
    """
    keras.utils.set_random_seed(seed)
    trained = training_copy(model) if uses_fused_operations() else model
    for layer in trained.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9  # a short training; see Recipe.statistics_momentum
    steps = -(-len(data.train_labels) // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(1, (epochs - 1) * steps),
        warmup_target=learning_rate,
        warmup_steps=steps,
    )
    trained.compile(
        keras.optimizers.SGD(schedule, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # XLA is slower on a CPU, and slow to compile
    )
    history, seconds = [], 0.0
    for epoch in range(epochs):
        start = time.perf_counter()
        one = trained.fit(
            data.train_images,
            data.train_labels,
            batch_size,
            initial_epoch=epoch,
            epochs=epoch + 1,
            verbose=0,
        ).history
        seconds += time.perf_counter() - start
        history.append(
            {
                "loss": one["loss"][0],
                "train_error": 1 - one["accuracy"][0],
                "test_error": _error(trained, data.test_images, data.test_labels),
            }
        )
        on_epoch()
    history[-1]["train_error"] = _error(trained, data.train_images, data.train_labels)
    if trained is not model:
        copy_weights(trained, model)
    return history, seconds


def _error(model, images, labels):
    probabilities = model.predict(images, batch_size=100, verbose=0)
    return float((probabilities.argmax(axis=1) != labels).mean())
