"""This package, as `interleaved` takes it: training, its input, and prediction."""

import sys

import keras
import numpy as np

from resnet_keras.accelerate.copies import training_copy
from resnet_keras.accelerate.memory import keep_freed_memory
from resnet_keras.accelerate.probe import default_precision
from resnet_keras.benchmark.common import (
    CLASSES,
    MATRIX_SIDE,
    POLICIES,
    PRODUCT,
    random_images,
)
from resnet_keras.inference import Classifier
from resnet_keras.models import build
from resnet_keras.training.augmentation import Batches
from resnet_keras.training.fitting import compile_for_training
from resnet_keras.training.recipe import Recipe
from resnet_keras.training.start import initial_network

STEPS_IN_FIT = 8


def trains(network, size, batch_sizes, precision=None):
    """Return a training step as `resnet_keras.train` does it, for each batch size.

    Args:
        network: a name of the family.
        size: side of the images in pixels.
        batch_sizes: how many images a step takes, several numbers.
        precision: "float32" or "bfloat16"; None is the default of this machine.
    """
    trained = _training_copy(network, size, precision)

    def step(number):
        images, one_hot = random_images(number, size)
        return lambda: trained.train_on_batch(images, one_hot)

    return {str(number): step(number) for number in batch_sizes}


def trains_in_fit(network, size, batch_sizes):
    """Return `fit` over eight batches, augmented as in training and ready-made."""
    trained = _training_copy(network, size)
    [batch_size, *_] = batch_sizes
    images, one_hot = random_images(STEPS_IN_FIT * batch_size, size)
    rows = np.arange(len(images))
    pictures = (255 * images).astype(np.uint8)
    real = Batches(pictures, one_hot, rows, batch_size, Recipe(), seed=0)
    fixed = _Fixed(real[0], len(real))

    def fit(batches):
        return lambda: trained.fit(batches, shuffle=False, verbose=0)

    return {"augmented": fit(real), "fixed": fit(fixed)}


class _Fixed(keras.utils.PyDataset):
    """The same batch at each step, without the cost of making one."""

    def __init__(self, batch, number):
        super().__init__(workers=2)
        self._batch, self._number = batch, number

    def __len__(self):
        return self._number

    def __getitem__(self, index):
        return self._batch


def _training_copy(network, size, precision=None):
    keep_freed_memory()
    shape = (size, size, 3)
    model = initial_network(network, shape, CLASSES, Recipe(), 0)
    policy = POLICIES[precision] if precision else default_precision()
    trained = training_copy(model, policy)
    compile_for_training(trained, Recipe(), steps_per_epoch=100, epochs=10)
    return trained


def predicts(network, size, batch_sizes, precision="float32", without=()):
    """Return prediction of one batch as `evaluate` does it for many images.

    It takes uint8 images and prepares them, which the baselines' are already.

    Args:
        network: as in `trains`.
        size: as in `trains`.
        batch_sizes: as in `trains`.
        precision: as in `Classifier`.
        without: packages to do without, as if they were not installed.
    """
    sys.modules |= dict.fromkeys(without)
    model = build(network, (size, size, 3), CLASSES)
    classifier = Classifier(model, {}, precision=precision)
    classifier.prepare(1_000_000)
    images, _ = random_images(max(batch_sizes), size)
    images = (255 * images).astype(np.uint8)

    def step(number):
        return lambda: classifier.probabilities(images[:number], number)

    return {str(number): step(number) for number in batch_sizes}


def matrix_products(network, size, batch_sizes, precision="float32"):
    """Return the product of two large matrices, which limits what any network does."""
    matrix = keras.ops.ones((MATRIX_SIDE, MATRIX_SIDE), precision)
    return {
        PRODUCT: lambda: np.asarray(keras.ops.matmul(matrix, matrix)[0, 0], np.float32)
    }
