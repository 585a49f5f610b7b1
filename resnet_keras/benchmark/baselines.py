"""What is compared, this package and its baselines, as makers for `interleaved`.

Each maker takes (network, size, batch_size): a name of the family, the side of the
images in pixels, and how many make a step. It returns the steps to be timed. The
networks of keras.applications and PyTorch are ResNet-50 whatever the name, except in
the quick form, whose small network is built by this package for all.
"""

import importlib.util
import sys
from functools import partial

import keras
import numpy as np

from resnet_keras.accelerate.copies import training_copy
from resnet_keras.accelerate.memory import keep_freed_memory
from resnet_keras.accelerate.probe import default_precision
from resnet_keras.benchmark import pytorch
from resnet_keras.benchmark.common import CLASSES, random_images
from resnet_keras.inference import Classifier
from resnet_keras.models import build
from resnet_keras.training.augmentation import Batches
from resnet_keras.training.fitting import compile_for_training
from resnet_keras.training.recipe import Recipe
from resnet_keras.training.start import initial_network

PRECISIONS = ("float32", "bfloat16")
MATRIX_SIDE = 3072  # a product takes 0.25 s on two cores, 120 MB in float32
STEPS_IN_FIT = 8


def this_package(network, size, batch_size):
    """Return a training step as `resnet_keras.train` does it, on a fixed batch."""
    trained = _training_copy(network, size)
    images, one_hot = random_images(batch_size, size)
    return {"train": lambda: trained.train_on_batch(images, one_hot)}


def this_package_in_fit(network, size, batch_size):
    """Return `fit` over eight batches, augmented as in training and ready-made."""
    trained = _training_copy(network, size)
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


def _training_copy(network, size):
    keep_freed_memory()
    shape = (size, size, 3)
    model = initial_network(network, shape, CLASSES, Recipe(), 0)
    trained = training_copy(model, default_precision())
    compile_for_training(trained, Recipe(), steps_per_epoch=100, epochs=10)
    return trained


def this_package_predicts(network, size, batch_size, with_runtimes=True):
    """Return prediction as `evaluate` does it for many images."""
    if not with_runtimes:
        sys.modules["openvino"] = None  # as if it were not installed
    classifier = Classifier(build(network, (size, size, 3), CLASSES), {})
    classifier.prepare(1_000_000)
    images = (255 * random_images(batch_size, size)[0]).astype(np.uint8)
    return {
        "batch": lambda: classifier.probabilities(images, batch_size),
        "one": lambda: classifier.probabilities(images[:1]),
    }


def keras_alone(network, size, batch_size, jit_compile):
    """Return a training step of `keras.applications`' network and Keras' defaults."""
    model = _keras_model(network, size, jit_compile)
    images, one_hot = random_images(batch_size, size)
    return {"train": lambda: model.train_on_batch(images, one_hot)}


def keras_alone_predicts(network, size, batch_size, jit_compile):
    """Return what `model.predict` does with the same."""
    model = _keras_model(network, size, jit_compile)
    images, _ = random_images(batch_size, size)
    return {
        "batch": lambda: model.predict(images, batch_size, verbose=0),
        "one": lambda: model.predict(images[:1], verbose=0),
    }


def _keras_model(network, size, jit_compile):
    shape = (size, size, 3)
    if network == "resnet50":
        model = keras.applications.ResNet50(
            weights=None, input_shape=shape, classes=CLASSES
        )
    else:
        model = build(network, shape, CLASSES)
    compile_as_in_the_course(model, jit_compile)
    return model


def compile_as_in_the_course(model, jit_compile):
    """Give `model` the course's optimizer, loss and metric, Keras' settings for all."""
    model.compile(
        optimizer="adam",
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=jit_compile,
    )


def keras_chooses_xla():
    """Return whether Keras compiles with XLA here unless told otherwise."""
    model = keras.Sequential([keras.layers.Dense(1)])
    compile_as_in_the_course(model, "auto")
    return bool(model.jit_compile)


def matrix_products(network, size, batch_size):
    """Return products of two large matrices, in both precisions."""

    def product(dtype):
        matrix = keras.ops.ones((MATRIX_SIDE, MATRIX_SIDE), dtype)
        return lambda: np.asarray(keras.ops.matmul(matrix, matrix)[0, 0], np.float32)

    return {dtype: product(dtype) for dtype in PRECISIONS}


def _has(package):
    return importlib.util.find_spec(package) is not None


THIS, DEFAULTS, WITH_XLA, WITHOUT_XLA, LIMIT = (
    "(a) this package",
    "(b) Keras' defaults",
    "(b) Keras with XLA",
    "(c) Keras without XLA",
    "(e) matrix products",
)
KERAS_ONLY = "(a) without OpenVINO"
# Expert users take bfloat16, and compile, where that is faster: the best one counts.
PYTORCH = {
    "(d) PyTorch float32": {},
    "(d) PyTorch bfloat16": {"bfloat16": True},
    "(d) PyTorch compiled": {"bfloat16": True, "compiled": True},
}


def _with_pytorch(make):
    if not _has("torch"):
        return {}
    return {name: partial(make, **settings) for name, settings in PYTORCH.items()}


TRAINING = {
    THIS: this_package,
    DEFAULTS: partial(keras_alone, jit_compile="auto"),
    WITH_XLA: partial(keras_alone, jit_compile=True),
    WITHOUT_XLA: partial(keras_alone, jit_compile=False),
    **_with_pytorch(pytorch.trains),
    LIMIT: matrix_products,
}
PREDICTION = {
    THIS: this_package_predicts,
    **(
        {KERAS_ONLY: partial(this_package_predicts, with_runtimes=False)}
        if _has("openvino")
        else {}
    ),
    DEFAULTS: partial(keras_alone_predicts, jit_compile="auto"),
    WITH_XLA: partial(keras_alone_predicts, jit_compile=True),
    WITHOUT_XLA: partial(keras_alone_predicts, jit_compile=False),
    **_with_pytorch(pytorch.predicts),
}
INPUT = {"fit": this_package_in_fit}
