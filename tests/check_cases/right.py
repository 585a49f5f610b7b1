# ruff: noqa: E501 (learners' lines are as long as they are)
"""Right blocks in many styles."""

from tests.check_cases.courses import COURSE_2017, COURSE_2021, HELPERS


def changed(base, *changes):
    for old, new in changes:
        assert old in base, old
        base = base.replace(old, new)
    return base


# Right blocks, each in another style; all check both functions.
RIGHT = {
    "2017": COURSE_2017,
    "2021": COURSE_2021,
    "helpers": HELPERS,
    "operator": changed(
        COURSE_2021,
        ("X = Add()([X_shortcut, X])", "X += X_shortcut"),
        ("X = Add()([X, X_shortcut])", "X = X_shortcut + X"),
    ),
    "relu-layers": changed(
        COURSE_2017,
        ("Activation('relu')", "layers.ReLU()"),
        ("axis = 3", "axis = -1"),
    ),
    "same-everywhere": changed(COURSE_2021, ("'valid'", "'same'")),
    "named-steps": changed(
        COURSE_2017,
        (
            "layers.add([X, X_shortcut])",
            "Add(name='res' + str(stage) + block)([X_shortcut, X])",
        ),
        (
            "X = Activation('relu')(X)  # last",
            "X = Activation('relu', name='out' + block)(X)",
        ),
    ),
    "tensorflow-functions": changed(
        COURSE_2021,
        ("X = Add()([X_shortcut, X])", "X = tf.add(X, X_shortcut)"),
        ("X = Add()([X, X_shortcut])", "X = tf.keras.layers.add([X, X_shortcut])"),
        ("X = Activation('relu')(X) # c3", "X = tf.nn.relu(X)"),
    ),
    "other-names": """\
from tensorflow import keras as k
L = k.layers
conv = lambda n, size, init, **more: L.Convolution2D(n, (size, size), kernel_initializer=init(seed=0), **more)

def identity_block(inp, f, filters, initializer=k.initializers.random_uniform):
    (a, b, c) = filters
    y = L.Activation(k.activations.relu)(L.BatchNormalization(axis=-1)(conv(a, 1, initializer)(inp)))
    y = L.Activation("relu")(L.BatchNormalization(axis=-1)(conv(b, f, initializer, padding="same")(y)))
    y = L.BatchNormalization(axis=-1)(conv(c, 1, initializer)(y))
    return k.ops.maximum(L.add([inp, y]), 0)

def convolutional_block(inp, f, filters, s=2, initializer=k.initializers.glorot_uniform):
    (a, b, c) = filters
    short = L.BatchNormalization(axis=-1)(conv(c, 1, initializer, strides=s)(inp))
    y = L.Activation("relu")(L.BatchNormalization(axis=-1)(conv(a, 1, initializer, strides=s)(inp)))
    y = L.Activation("relu")(L.BatchNormalization(axis=-1)(conv(b, f, initializer, padding="same")(y)))
    y = L.BatchNormalization(axis=-1)(conv(c, 1, initializer)(y))
    return L.ReLU()(L.add([short, y]))
""",
    "sequential": """\
import keras
from keras import layers

def path(filters, f, s, initializer):
    kernels = {"kernel_initializer": initializer(seed=0)}
    return keras.Sequential([
        layers.Conv2D(filters[0], 1, strides=s, **kernels),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Conv2D(filters[1], f, padding="same", **kernels),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Conv2D(filters[2], 1, **kernels),
        layers.BatchNormalization(),
    ])

def identity_block(X, f, filters, initializer=keras.initializers.RandomUniform):
    return layers.ReLU()(path(filters, f, 1, initializer)(X) + X)

def convolutional_block(X, f, filters, s=2, initializer=keras.initializers.GlorotUniform):
    shortcut = keras.Sequential([
        layers.Conv2D(filters[2], 1, strides=s, kernel_initializer=initializer(seed=0)),
        layers.BatchNormalization(),
    ])(X)
    return layers.ReLU()(layers.Add()([path(filters, f, s, initializer)(X), shortcut]))
""",
    "one-function": """\
from keras.layers import Activation, Add, BatchNormalization, Conv2D
from keras.initializers import glorot_uniform

def _step(x, n, k, tag, s=1, act=None):
    x = Conv2D(n, k, s, 'same' if s == 1 else 'valid', name=f'res{tag}', kernel_initializer=glorot_uniform(0))(x)
    x = BatchNormalization(3, name=f'bn{tag}')(x)
    return Activation(act)(x)

def _block(X, f, filters, tag, s, project):
    Y = X
    for part, n, k in zip('abc', filters, (1, f, 1)):
        Y = _step(Y, n, k, f'{tag}_branch2{part}', s if part == 'a' else 1, 'relu' if part < 'c' else 'linear')
    if project:
        X = _step(X, filters[-1], 1, f'{tag}_branch1', s)
    return Activation('relu')(Add()([Y, X]))

def identity_block(X, f, filters, stage, block):
    return _block(X, f, filters, f'{stage}{block}', 1, False)

def convolutional_block(X, f, filters, stage, block, s=2):
    return _block(X, f, filters, f'{stage}{block}', s, True)
""",
    "star-imports": """\
import tensorflow as tf
from tensorflow.keras.layers import *
from tensorflow.keras.initializers import *

def conv_bn_relu(X, n, k, training, initializer, s=1, relu=True):
    X = Conv2D(n, [k, k], strides=[s, s], padding="SAME", kernel_initializer=initializer(seed=0), bias_initializer="zeros")(X)
    X = BatchNormalization()(X, training=training)
    return Activation(tf.nn.relu)(X) if relu else X

def identity_block(X, f, filters, training=True, initializer=random_uniform):
    Y = conv_bn_relu(X, filters[0], 1, training, initializer)
    Y = conv_bn_relu(Y, filters[1], f, training, initializer)
    Y = conv_bn_relu(Y, filters[2], 1, training, initializer, relu=False)
    return ReLU()(Add()([Y, X]))

def convolutional_block(X, f, filters, s=2, training=True, initializer=glorot_uniform):
    Y = conv_bn_relu(X, filters[0], 1, training, initializer, s)
    Y = conv_bn_relu(Y, filters[1], f, training, initializer)
    Y = conv_bn_relu(Y, filters[2], 1, training, initializer, relu=False)
    X = conv_bn_relu(X, filters[2], 1, training, initializer, s, relu=False)
    return ReLU()(Add()([Y, X]))
""",
    "padded-by-hand": """\
from keras.layers import Activation, Add, BatchNormalization, Conv2D, ZeroPadding2D

def identity_block(X, f, filters, initializer):
    F1, F2, F3 = filters
    kept = X
    X = Conv2D(F1, 1, kernel_initializer=initializer(seed=0))(X)
    X = BatchNormalization()(X)
    X = Activation('relu')(X)
    before = (f - 1) // 2
    X = ZeroPadding2D(((before, f - 1 - before), (before, f - 1 - before)))(X)
    X = Conv2D(F2, f, kernel_initializer=initializer(seed=0))(X)
    X = BatchNormalization()(X)
    X = Activation('relu')(X)
    X = Conv2D(F3, 1, kernel_initializer=initializer(seed=0))(X)
    X = BatchNormalization()(X)
    X = Add()([X, kept])
    X = Activation('relu')(X)
    return X
""",
}
