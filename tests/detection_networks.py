"""Networks as small as can be, for the tests of detection."""

import keras
import numpy as np
from keras import layers

from resnet_keras.nets.blocks import basic_block


def tiny_backbone(size=64, classes=3, widths=(8, 8, 8, 8)):
    """Return a classifier with one block a stage, named as the family's."""
    inputs = keras.Input((size, size, 3))
    X = layers.ZeroPadding2D(3)(inputs)
    X = layers.Conv2D(8, 7, strides=2, name="conv1")(X)
    X = layers.BatchNormalization(axis=3, name="bn_conv1")(X)
    X = layers.Activation("relu")(X)
    X = layers.MaxPooling2D(3, strides=2)(X)
    for stage, width in enumerate(widths, 2):
        s = 2 if stage > 2 else 1
        X = basic_block(X, 3, [width] * 2, stage, "a", s, use_1x1conv=True)
    X = layers.GlobalAveragePooling2D()(X)
    X = layers.Dense(classes, activation="softmax", name=f"fc{classes}")(X)
    return keras.Model(inputs, X, name="Tiny")


def brightness_detector():
    """Find an object of 16x16 pixels wherever an 8x8 cell is white."""
    inputs = keras.Input((64, 64, 3))
    mean = keras.layers.AveragePooling2D(8)(inputs)
    kernel = np.zeros((1, 1, 3, 5), np.float32)
    kernel[..., 4] = 20
    layer = keras.layers.Conv2D(5, 1)
    model = keras.Model(inputs, layer(mean))
    layer.set_weights([kernel, np.float32([0, 0, 0, 0, -55])])  # score sigmoid(5)
    return model


def colour_network(factor=10, size=32):
    """Name the colour that most of a picture has: logits are means times a factor."""
    inputs = keras.Input((size, size, 3))
    means = layers.GlobalAveragePooling2D()(inputs)
    layer = layers.Dense(3, "softmax")
    model = keras.Model(inputs, layer(means))
    layer.set_weights([factor * np.eye(3, dtype=np.float32), np.zeros(3, np.float32)])
    return model
