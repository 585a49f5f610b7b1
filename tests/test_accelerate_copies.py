"""The training copy computes what the plain network computes."""

import importlib.util

import keras
import numpy as np
import pytest

from resnet_keras.accelerate import (
    FusedAdam,
    MatrixConv2D,
    copy_weights,
    fold_batch_norm,
    training_copy,
)
from tests.conftest import python, randomize


@pytest.fixture
def model(tiny_model):
    """Return a network with random weights, biases and statistics."""
    model = keras.models.clone_model(tiny_model)
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 0.5, w.shape) for w in model.get_weights()])
    return model


def images(number=16):
    return np.random.default_rng(1).random((number, 32, 32, 3), np.float32)


def test_twin_answers_as_the_network_in_both_modes(model):
    copy = training_copy(model)
    for training in (False, True):
        expected = model(images(), training=training)
        found = copy(images(), training=training)
        np.testing.assert_allclose(found, expected, atol=2e-6)
    copy_weights(copy, model)  # the statistics that training moved
    np.testing.assert_allclose(model(images()), copy(images()), atol=2e-6)


def test_round_trip_keeps_every_weight_and_bias(model):
    before = model.get_weights()
    copy = training_copy(model)
    for layer in model.layers:  # all but the kernels, which both share
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([0 * weights for weights in layer.get_weights()])
    copy_weights(copy, model)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_allclose(new, old, atol=1e-6)


def test_twin_has_fused_layers_and_no_bias_before_normalization(model):
    copy = training_copy(model)
    kinds = [type(layer).__name__ for layer in copy.layers]
    assert "BatchNormalization" not in kinds
    assert kinds.count("FusedBatchNormalization") == 7
    convolutions = [x for x in copy.layers if isinstance(x, keras.layers.Conv2D)]
    assert not any(layer.use_bias for layer in convolutions)


def test_twin_trains_the_kernels_of_the_network_itself(model):
    copy = training_copy(model)
    for layer in copy.layers:
        if isinstance(layer, MatrixConv2D):
            assert layer.kernel is model.get_layer(layer.name).kernel
            # Once, and first: what is stored of both has one order.
            assert layer.weights[0].name == "kernel"
            assert len(layer.weights) == 1 + layer.use_bias
    distinct = {id(weight) for weight in copy.trainable_variables}
    assert len(distinct) == len(copy.trainable_variables)
    copy.compile("adam", "categorical_crossentropy")
    copy.train_on_batch(images(), np.eye(3)[np.arange(16) % 3])
    copy_weights(copy, model)
    np.testing.assert_allclose(model(images()), copy(images()), atol=2e-6)


def test_bias_stays_where_no_normalization_follows():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="alone")(inputs)
    y = keras.layers.BatchNormalization()(x)
    outputs = keras.layers.Add()([x, y])  # x is used twice
    model = keras.Model(inputs, outputs)
    assert training_copy(model).get_layer("alone").use_bias


def two_heads():
    """A network with two outputs, of layers that both heads share."""
    inputs = keras.Input((8, 8, 3))
    shared = keras.layers.Conv2D(4, 3, padding="same", name="shared")
    x = keras.layers.Conv2D(3, 3, padding="same", name="alone")(inputs)
    x = keras.layers.BatchNormalization(name="bn_alone")(x)
    outputs = []
    for name in ("a", "b"):
        y = keras.layers.BatchNormalization(name=f"bn_{name}")(shared(x))
        y = keras.layers.Conv2D(2, 1, name=name)(keras.layers.ReLU()(y))
        outputs.append(keras.layers.Reshape((-1,))(y))
    return randomize(keras.Model(inputs, outputs))


def test_each_output_is_computed_in_float32():
    copy = training_copy(two_heads(), "mixed_bfloat16")
    assert [output.dtype for output in copy.outputs] == ["float32", "float32"]
    dtypes = {layer.name: layer.compute_dtype for layer in copy.layers}
    assert dtypes["a"] == dtypes["b"] == "float32"
    assert dtypes["shared"] == dtypes["bn_a"] == dtypes["alone"] == "bfloat16"


def test_a_shared_convolution_keeps_its_bias_and_the_others_lose_theirs():
    model = two_heads()
    copy = training_copy(model)
    biases = {
        layer.name: layer.use_bias
        for layer in copy.layers
        if isinstance(layer, keras.layers.Conv2D)
    }
    assert biases == {"alone": False, "shared": True, "a": True, "b": True}
    pictures = np.random.default_rng(0).random((4, 8, 8, 3), np.float32)
    for own, its in zip(model(pictures), copy(pictures), strict=True):
        np.testing.assert_allclose(own, its, atol=1e-5)
    folded = fold_batch_norm(model)
    assert {layer.name for layer in folded.layers} >= {"bn_a", "bn_b"}
    assert "bn_alone" not in {layer.name for layer in folded.layers}
    for own, its in zip(model(pictures), folded(pictures), strict=True):
        np.testing.assert_allclose(own, its, atol=1e-5)


def test_training_steps_equal_keras_adam(model):
    other = keras.models.clone_model(model)  # since the copy trains its kernels
    other.set_weights(model.get_weights())
    copy = training_copy(other)
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    copy.compile(FusedAdam(1e-3), "sparse_categorical_crossentropy")
    model.jit_compile = copy.jit_compile = False
    labels = np.arange(16) % 3
    for _ in range(5):
        expected = model.train_on_batch(images(), labels)
        found = copy.train_on_batch(images(), labels)
        assert found == pytest.approx(expected, rel=1e-5)
    copy_weights(copy, other)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            found = other.get_layer(layer.name).kernel
            # A tenth of one step: Adam makes much of how tiny gradients are rounded.
            np.testing.assert_allclose(found, layer.kernel, atol=1e-4)


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="needs JAX")
def test_network_can_be_asked_while_its_copy_trains_on_jax():
    code = """if True:
        import keras, numpy as np
        from resnet_keras.accelerate import copy_weights, training_copy
        inputs = keras.Input((4, 4, 3))
        outputs = keras.layers.Conv2D(5, 3)(inputs)
        outputs = keras.layers.BatchNormalization()(outputs)
        outputs = keras.layers.GlobalAveragePooling2D()(outputs)
        model = keras.Model(inputs, keras.layers.Softmax()(outputs))
        images, answers = np.ones((5, 4, 4, 3)), np.eye(5)
        copy = training_copy(model)
        copy.compile("adam", "categorical_crossentropy")
        for _ in range(2):
            copy.fit(images, answers, verbose=0)
            before = np.array(model(images))
            copy_weights(copy, model)
            assert np.any(before != model(images))"""
    python(code, KERAS_BACKEND="jax")


def test_bfloat16_copy_keeps_weights_in_float32_and_answers_alike(model):
    copy = training_copy(model, "mixed_bfloat16")
    assert {str(w.dtype) for w in copy.weights} == {"float32"}
    assert np.asarray(copy(images(2))).dtype == np.float32
    # 8 bits of mantissa: relative steps of 2^-8
    np.testing.assert_allclose(copy(images()), model(images()), atol=0.02)
