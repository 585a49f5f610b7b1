"""Keras' own ResNet-50 as a baseline, on any of its backends.

Keras is imported inside the functions, once its backend is chosen.
"""

import os

import numpy as np

from resnet_keras.benchmark.common import CLASSES, POLICIES, random_images


def trains(network, size, batch_sizes, backend=None, precision="float32", xla="auto"):
    """Return a training step of `keras.applications`' network for each batch size.

    Args:
        network: a name of the family; all but "resnet50" are built by this package.
        size: side of the images in pixels.
        batch_sizes: how many images a step takes, several numbers.
        backend: of Keras; None is the one that is set.
        precision: "float32" or "bfloat16", Keras' mixed policy.
        xla: Keras' `jit_compile`: "auto", its default, True or False.
    """
    model = _compiled(network, size, backend, precision, xla)

    def step(number):
        images, one_hot = random_images(number, size)
        return lambda: model.train_on_batch(images, one_hot)

    return {str(number): step(number) for number in batch_sizes}


def predicts(
    network,
    size,
    batch_sizes,
    backend=None,
    precision="float32",
    xla="auto",
    by_predict=False,
):
    """Return prediction of one batch by the same; `by_predict` is by `model.predict`.

    That makes a data set of the batch and shows progress; `predict_on_batch` does not.
    """
    model = _compiled(network, size, backend, precision, xla)
    images, _ = random_images(max(batch_sizes), size)

    def step(number):
        if by_predict:
            return lambda: model.predict(images[:number], number, verbose=0)
        return lambda: np.asarray(model.predict_on_batch(images[:number]))

    return {str(number): step(number) for number in batch_sizes}


def _compiled(network, size, backend, precision, xla):
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    import keras

    keras.config.set_dtype_policy(POLICIES[precision])
    shape = (size, size, 3)
    if network == "resnet50":
        model = keras.applications.ResNet50(
            weights=None, input_shape=shape, classes=CLASSES
        )
    else:
        from resnet_keras.models import build

        model = build(network, shape, CLASSES)
    compile_as_in_the_course(model, xla)
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
    import keras

    model = keras.Sequential([keras.layers.Dense(1)])
    compile_as_in_the_course(model, "auto")
    return bool(model.jit_compile)
