"""The training twin computes what the plain network computes."""

import importlib.util
import itertools
import os
import platform
import subprocess
import sys

import keras
import numpy as np
import pytest

from resnet_keras import fused


@pytest.fixture
def model(tiny_model):
    """Return a network with random weights, biases and statistics."""
    model = keras.models.clone_model(tiny_model)
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 0.5, w.shape) for w in model.get_weights()])
    return model


def images(number=16):
    return np.random.default_rng(1).random((number, 32, 32, 3), np.float32)


def test_normalization_equals_keras_in_training_and_in_its_statistics():
    x = np.random.default_rng(0).normal(3, 2, (8, 3, 2, 5)).astype("float32")
    plain = keras.layers.BatchNormalization(momentum=0.9)
    twin = fused.FusedBatchNormalization(momentum=0.9)
    expected, found = plain(x, training=True), twin(x, training=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(twin.moving_mean, plain.moving_mean, rtol=1e-5)
    np.testing.assert_allclose(twin.moving_variance, plain.moving_variance, rtol=1e-5)
    np.testing.assert_allclose(
        twin(x, training=False), plain(x, training=False), atol=1e-5
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
    for kind in (keras.layers.Conv2D, fused.MatrixConv2D):
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
    outputs = fused.MatrixConv2D(4, 1, strides=2)(inputs)
    outputs = fused.MatrixConv2D(4, 3, padding="same")(outputs)
    assert keras.Model(inputs, outputs)(images(2)).shape == (2, 16, 16, 4)


def test_frozen_normalization_keeps_its_statistics():
    layer = fused.FusedBatchNormalization()
    layer.trainable = False
    layer(images(), training=True)
    np.testing.assert_array_equal(layer.moving_mean, 0)


def test_twin_answers_as_the_network_in_both_modes(model):
    twin = fused.training_twin(model)
    for training in (False, True):
        expected = model(images(), training=training)
        found = twin(images(), training=training)
        np.testing.assert_allclose(found, expected, atol=2e-6)
    fused.copy_weights(twin, model)  # the statistics that training moved
    np.testing.assert_allclose(model(images()), twin(images()), atol=2e-6)


def test_round_trip_keeps_every_weight_and_bias(model):
    before = model.get_weights()
    twin = fused.training_twin(model)
    for layer in model.layers:  # all but the kernels, which both share
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([0 * weights for weights in layer.get_weights()])
    fused.copy_weights(twin, model)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_allclose(new, old, atol=1e-6)


def test_twin_has_fused_layers_and_no_bias_before_normalization(model):
    twin = fused.training_twin(model)
    kinds = [type(layer).__name__ for layer in twin.layers]
    assert "BatchNormalization" not in kinds
    assert kinds.count("FusedBatchNormalization") == 7
    convolutions = [x for x in twin.layers if isinstance(x, keras.layers.Conv2D)]
    assert not any(layer.use_bias for layer in convolutions)


def test_twin_trains_the_kernels_of_the_network_itself(model):
    twin = fused.training_twin(model)
    for layer in twin.layers:
        if isinstance(layer, fused.MatrixConv2D):
            assert layer.kernel is model.get_layer(layer.name).kernel
            # Once, and first: what is stored of both has one order.
            assert layer.weights[0].name == "kernel"
            assert len(layer.weights) == 1 + layer.use_bias
    distinct = {id(weight) for weight in twin.trainable_variables}
    assert len(distinct) == len(twin.trainable_variables)
    twin.compile("adam", "categorical_crossentropy")
    twin.train_on_batch(images(), np.eye(3)[np.arange(16) % 3])
    fused.copy_weights(twin, model)
    np.testing.assert_allclose(model(images()), twin(images()), atol=2e-6)


def test_bias_stays_where_no_normalization_follows():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="alone")(inputs)
    y = keras.layers.BatchNormalization()(x)
    outputs = keras.layers.Add()([x, y])  # x is used twice
    model = keras.Model(inputs, outputs)
    assert fused.training_twin(model).get_layer("alone").use_bias


def test_training_steps_equal_keras_adam(model):
    other = keras.models.clone_model(model)  # for the twin trains its kernels
    other.set_weights(model.get_weights())
    twin = fused.training_twin(other)
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    twin.compile(fused.FusedAdam(1e-3), "sparse_categorical_crossentropy")
    model.jit_compile = twin.jit_compile = False
    labels = np.arange(16) % 3
    for _ in range(5):
        expected = model.train_on_batch(images(), labels)
        found = twin.train_on_batch(images(), labels)
        assert found == pytest.approx(expected, rel=1e-5)
    fused.copy_weights(twin, other)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            found = other.get_layer(layer.name).kernel
            # A tenth of one step: Adam makes much of how tiny gradients are rounded.
            np.testing.assert_allclose(found, layer.kernel, atol=1e-4)


@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="needs JAX")
def test_network_can_be_asked_while_its_twin_trains_on_jax():
    code = """if True:
        import keras, numpy as np
        from resnet_keras import fused
        inputs = keras.Input((4, 4, 3))
        outputs = keras.layers.Conv2D(5, 3)(inputs)
        outputs = keras.layers.BatchNormalization()(outputs)
        outputs = keras.layers.GlobalAveragePooling2D()(outputs)
        model = keras.Model(inputs, keras.layers.Softmax()(outputs))
        images, answers = np.ones((5, 4, 4, 3)), np.eye(5)
        twin = fused.training_twin(model)
        twin.compile("adam", "categorical_crossentropy")
        for _ in range(2):
            twin.fit(images, answers, verbose=0)
            before = np.array(model(images))
            fused.copy_weights(twin, model)
            assert np.any(before != model(images))"""
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_bfloat16_twin_keeps_weights_in_float32_and_answers_alike(model):
    twin = fused.training_twin(model, "mixed_bfloat16")
    assert {str(w.dtype) for w in twin.weights} == {"float32"}
    assert np.asarray(twin(images(2))).dtype == np.float32
    # 8 bits of mantissa: relative steps of 2^-8
    np.testing.assert_allclose(twin(images()), model(images()), atol=0.02)


@pytest.mark.parametrize(
    ("seconds", "expected"), [((1, 2), "mixed_bfloat16"), ((2, 1), "float32")]
)
def test_best_precision_is_that_of_the_faster_products(seconds, expected, monkeypatch):
    # Two looks at the clock for each of five products, bfloat16's first.
    ticks = itertools.accumulate(
        tick for duration in seconds for tick in [0, duration] * 5
    )
    monkeypatch.setattr(fused.time, "perf_counter", lambda: next(ticks))
    assert fused.best_precision() == expected


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc alone")
def test_freed_memory_is_at_hand_again():
    program = (
        "import resource, numpy as np\n"
        "from resnet_keras import fused\n"
        "fused.keep_freed_memory()\n"
        "np.ones(2**23)\n"  # 64 MiB, 16,384 pages
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "np.ones(2**23)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 100
