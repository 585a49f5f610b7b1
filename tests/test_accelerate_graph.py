"""Convolutions that only a normalization follows are found, and no others."""

import keras
from keras import layers

from resnet_keras.accelerate.graph import normalized_convolutions


def found(build):
    inputs = keras.Input((8, 8, 3))
    pairs = normalized_convolutions(keras.Model(inputs, build(inputs)))
    return {name: layer.name for name, layer in pairs.items()}


def test_each_convolution_of_the_courses_network_has_its_normalization(resnet50):
    pairs = normalized_convolutions(resnet50)
    assert len(pairs) == 53  # 49 on the main path, 4 on shortcuts
    assert pairs["bn_conv1"].name == "conv1"
    assert pairs["bn3a_branch1"].name == "res3a_branch1"


def test_a_convolution_with_an_activation_or_another_user_is_left_out():
    def build(x):
        x = layers.Conv2D(4, 1, name="plain")(x)
        x = layers.BatchNormalization(name="bn_plain")(x)
        x = layers.Conv2D(4, 1, activation="relu", name="activated")(x)
        x = layers.BatchNormalization(name="bn_activated")(x)
        shared = layers.Conv2D(4, 1, name="shared")(x)
        return shared + layers.BatchNormalization(name="bn_shared")(shared)

    assert found(build) == {"bn_plain": "plain"}


def test_a_convolution_that_is_an_output_is_left_out():
    def build(x):
        x = layers.Conv2D(4, 1)(x)
        return [x, layers.BatchNormalization()(x)]

    assert found(build) == {}


def test_normalization_over_another_axis_or_of_another_layer_is_left_out():
    def build(x):
        x = layers.BatchNormalization(axis=1)(layers.Conv2D(4, 1)(x))
        return layers.BatchNormalization()(layers.Dense(4)(x))

    assert found(build) == {}


def test_a_convolution_that_is_called_twice_is_left_out():
    again = layers.Conv2D(3, 1)

    def build(x):
        return again(layers.BatchNormalization()(again(x)))

    assert found(build) == {}
