"""Fused layers compute as Keras' own."""

import keras
import numpy as np
import pytest

from resnet_keras.accelerate import FusedBatchNormalization, MatrixConv2D


def images(number=16):
    return np.random.default_rng(1).random((number, 32, 32, 3), np.float32)


def test_normalization_equals_keras_in_training_and_in_its_statistics():
    x = np.random.default_rng(0).normal(3, 2, (8, 3, 2, 5)).astype("float32")
    plain = keras.layers.BatchNormalization(momentum=0.9)
    copy = FusedBatchNormalization(momentum=0.9)
    expected, found = plain(x, training=True), copy(x, training=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(copy.moving_mean, plain.moving_mean, rtol=1e-5)
    np.testing.assert_allclose(copy.moving_variance, plain.moving_variance, rtol=1e-5)
    np.testing.assert_allclose(
        copy(x, training=False), plain(x, training=False), atol=1e-5
    )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("kernel_size", "options"),
    [
        (1, {}),
        (1, {"strides": 2}),
        (1, {"strides": 3, "padding": "same", "use_bias": False}),
        (3, {"padding": "same"}),
        ((2, 5), {"padding": "same"}),
        (3, {"padding": "same", "strides": 2}),
        (3, {"padding": "same", "dilation_rate": 2}),
        (1, {"groups": 2}),
        (3, {"padding": "valid"}),
    ],
)
@pytest.mark.parametrize("size", [(4, 5), (9, 10)])
def test_convolution_and_its_gradients_equal_keras(kernel_size, options, size, dtype):
    assert_equals_keras(kernel_size, options, size, dtype)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kernel_size", [3, (2, 5)])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 3), (1, 9)])
def test_convolution_of_maps_of_a_few_pixels_equals_keras(kernel_size, size, dtype):
    assert_equals_keras(kernel_size, {"padding": "same"}, size, dtype)


def assert_equals_keras(kernel_size, options, size, dtype):
    """Compare answers and both gradients with those of `keras.layers.Conv2D`."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    maps = tf.constant(rng.normal(size=(3, *size, 6)), dtype)
    results = []
    for kind in (keras.layers.Conv2D, MatrixConv2D):
        policy = "float32" if dtype == "float32" else "mixed_bfloat16"
        layer = kind(4, kernel_size, **options, dtype=policy)
        layer.build(maps.shape)
        layer.kernel.assign(np.random.default_rng(1).normal(size=layer.kernel.shape))
        with tf.GradientTape() as tape:
            tape.watch(maps)
            answers = layer(maps)
            score = tf.reduce_sum(tf.sin(tf.cast(answers, tf.float32)))
        assert answers.shape == layer.compute_output_shape(maps.shape)
        kernel = layer.kernel.value
        results.append((answers, *tape.gradient(score, [maps, kernel])))
    for expected, found in zip(*results, strict=True):
        expected, found = (np.asarray(x, np.float32) for x in (expected, found))
        # The gradient of each passes through an answer that was rounded to 8 bits.
        tolerance = 1e-5 if dtype == "float32" else 0.03
        difference = np.abs(found - expected).max()
        assert difference <= tolerance * np.abs(expected).max()


def test_convolution_takes_maps_of_any_size():
    inputs = keras.Input((None, None, 3))
    outputs = MatrixConv2D(4, 1, strides=2)(inputs)
    outputs = MatrixConv2D(4, 3, padding="same")(outputs)
    assert keras.Model(inputs, outputs)(images(2)).shape == (2, 16, 16, 4)


def test_frozen_normalization_keeps_its_statistics():
    layer = FusedBatchNormalization()
    layer.trainable = False
    layer(images(), training=True)
    np.testing.assert_array_equal(layer.moving_mean, 0)
