"""Weights that are not finite are found, wherever they are."""

import keras
import numpy as np
import pytest

from resnet_keras.errors import InputError
from resnet_keras.files.finite import check_finite, not_finite


@pytest.fixture
def model():
    layers = [
        keras.Input((4, 4, 3)),
        keras.layers.Conv2D(2, 1, name="first"),
        keras.layers.BatchNormalization(name="second"),
    ]
    return keras.Sequential(layers)


def test_finite_weights_pass(model):
    assert not_finite(model) is None
    check_finite(model, "a.h5")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("layer", "number", "words"),
    [
        ("first", 0, "kernel of layer first"),
        ("first", 1, "bias of layer first"),
        ("second", 3, "moving_variance of layer second"),  # statistics count, too
    ],
)
def test_the_first_that_is_not_is_named(layer, number, words, value, model):
    weights = model.get_layer(layer).get_weights()
    weights[number].flat[-1] = value
    model.get_layer(layer).set_weights(weights)
    assert not_finite(model) == words
    with pytest.raises(InputError, match=rf"a\.h5: .*not finite in the {words}; exp"):
        check_finite(model, "a.h5")
