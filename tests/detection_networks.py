"""A network of five stages as small as can be, for the tests of detection."""

import keras
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
