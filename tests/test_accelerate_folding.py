"""A folded network answers as the one it came from, without normalization."""

import keras
import numpy as np
import pytest

from resnet_keras import ResNetCIFAR, convolutional_block, fold_batch_norm, plain_twin
from resnet_keras.accelerate import copy_folded_weights, normalized_convolutions
from tests.conftest import assert_same_answers, assert_same_weights, pooled, randomize

LAYERS = keras.layers


def images(size=32):
    """Return noise, from faint to strong."""
    noise = np.random.default_rng(1).normal(size=(4, size, size, 3))
    return (noise * np.linspace(0.1, 3, 4)[:, None, None, None]).astype(np.float32)


def count(model, kind=LAYERS.BatchNormalization):
    return sum(isinstance(layer, kind) for layer in model.layers)


def assert_folded(model, folded, size=32):
    expected = np.asarray(model(images(size)))
    assert_same_answers(folded(images(size)), expected, 1e-5 * np.abs(expected).max())


def block():
    return pooled(lambda x: convolutional_block(x, 3, [4, 4, 8], 2, "a"))


@pytest.mark.parametrize(
    "model",
    [
        lambda: ResNetCIFAR(8, shortcut="A"),
        lambda: ResNetCIFAR(8, shortcut="B"),
        lambda: ResNetCIFAR(8, shortcut="C"),
        lambda: plain_twin(ResNetCIFAR(8)),
        block,
    ],
    ids=["A", "B", "C", "plain", "bottleneck"],
)
def test_family_folds_wholly(model):
    model = randomize(model())
    folded = fold_batch_norm(model)
    assert count(folded) == 0
    assert_folded(model, folded)


def test_layers_are_plain_and_keep_their_names():
    model = block()
    folded = fold_batch_norm(model)
    assert {type(layer).__module__.split(".")[0] for layer in folded.layers} == {
        "keras"
    }
    kept = [layer.name for layer in folded.layers[1:]]
    assert set(kept) < {layer.name for layer in model.layers}


def test_model_is_untouched_and_shares_no_variable():
    model = randomize(block())
    before = model.get_weights()
    folded = fold_batch_norm(model)
    folded.set_weights([0 * w for w in folded.get_weights()])
    assert_same_weights(before, model)


def test_new_weights_can_follow():
    model = block()
    folded = fold_batch_norm(model)
    copy_folded_weights(randomize(model), folded)
    assert_folded(model, folded)


def test_without_bias_scale_and_shift():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            LAYERS.Conv2D(4, 3, use_bias=False),
            LAYERS.BatchNormalization(scale=False, center=False),
            LAYERS.Flatten(),
            LAYERS.Dense(2, "softmax"),
        ]
    )
    folded = fold_batch_norm(randomize(model))
    assert count(folded) == 0
    assert_folded(model, folded, 8)


def other_user(x):
    x = LAYERS.Conv2D(4, 3)(x)
    return LAYERS.Add()([x, LAYERS.BatchNormalization()(x)])


def user_that_is_no_layer(x):
    x = LAYERS.Conv2D(4, 3)(x)
    return x + LAYERS.BatchNormalization()(x)


def convolution_called_twice(x):
    convolution = LAYERS.Conv2D(3, 3, padding="same")
    x = LAYERS.BatchNormalization()(convolution(x))
    return convolution(x)


def normalized(make, **settings):
    """Return a function that applies a layer and normalizes what it gives."""
    return lambda x: LAYERS.BatchNormalization(**settings)(make()(x))


@pytest.mark.parametrize(
    "layers",
    [
        lambda x: LAYERS.Conv2D(4, 3)(LAYERS.BatchNormalization()(x)),
        normalized(lambda: LAYERS.Conv2D(4, 3, activation="relu")),
        normalized(lambda: LAYERS.Conv2D(4, 3), axis=1),  # over height
        normalized(lambda: LAYERS.Dense(4)),
        other_user,
        user_that_is_no_layer,
        convolution_called_twice,
    ],
)
def test_what_cannot_be_folded_stays(layers):
    inputs = keras.Input((8, 8, 3))
    outputs = LAYERS.GlobalAveragePooling2D()(layers(inputs))
    model = randomize(keras.Model(inputs, outputs))
    folded = fold_batch_norm(model)
    assert count(folded) == 1
    assert_folded(model, folded, 8)


def test_output_of_the_model_is_not_folded_away():
    inputs = keras.Input((8, 8, 3))
    x = LAYERS.Conv2D(4, 3)(inputs)
    model = keras.Model(inputs, [x, LAYERS.BatchNormalization()(x)])
    assert count(fold_batch_norm(model)) == 1


def test_model_without_a_graph_is_refused():
    class Subclassed(keras.Model):
        pass

    with pytest.raises(ValueError, match=r"is a Subclassed; expected a functional"):
        fold_batch_norm(Subclassed(name="m"))


def test_each_convolution_of_the_courses_network_has_its_normalization(resnet50):
    pairs = normalized_convolutions(resnet50)
    assert len(pairs) == 53  # 49 on the main path, 4 on shortcuts
    assert pairs["bn_conv1"].name == "conv1"
    assert pairs["bn3a_branch1"].name == "res3a_branch1"
