"""Files of weights that several tests read, and how their networks are compared."""

from functools import cache

import h5py
import keras
import numpy as np

from resnet_keras import convolutional_block, family
from resnet_keras.models import ResNet
from resnet_keras.nets.variants import vary
from tests.conftest import randomize

SHAPE = (64, 64, 3)


# Two float32 networks of the same operations in the same order agree to the last bit;
# with other kernels additions round otherwise, about 1e-7 in each of 50 layers.
RELATIVE = 1e-5


def images(size=64, seed=0):
    rng = np.random.default_rng(seed)
    noise = rng.uniform(-2, 2, (2, size, size, 3))
    return (noise * [[[[0.2]]], [[[2]]]]).astype("float32")  # one faint, one strong


def assert_equal(a, b):
    a, b = np.asarray(a), np.asarray(b)
    tolerance = RELATIVE * np.abs(b).max()
    assert np.ptp(a, axis=0).max() > 100 * tolerance  # the images make a difference
    assert np.abs(a - b).max() <= tolerance


def save_as_keras_2(model, path, head=True):
    """Write weights alone in the layout of Keras 1 and 2, as the published files."""
    layers = [layer for layer in model.layers if layer.weights]
    layers = layers if head else layers[:-1]
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group, names = file.create_group(layer.name), []
            for variable in layer.weights if layer in layers else []:
                names.append(f"{layer.name}/{variable.name}:0")
                group[names[-1]] = np.asarray(variable)
            group.attrs["weight_names"] = [name.encode() for name in names]


@cache
def write(directory, kind):
    """Write a network's file of weights, once; return its path and the network."""
    path = directory / f"{kind}.h5"
    if kind == "keras":
        model = keras.applications.ResNet50(weights=None, input_shape=SHAPE, classes=5)
    else:
        model = ResNet(14, SHAPE, 5)
    randomize(model)
    save_as_keras_2(model, path, head=kind != "notop")
    return path, model


def small(variant):
    """Return a stem and one bottleneck of stage 3, in a variant."""
    variant_row = family.VARIANTS[variant]
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(8, 3, name="conv1")(inputs)
    x = keras.layers.BatchNormalization(name="bn_conv1")(x)
    x = keras.layers.ZeroPadding2D(variant_row.pool_padding)(x) if variant_row[0] else x
    x = keras.layers.MaxPooling2D(3, 2)(x)
    x = convolutional_block(x, 3, [4, 4, 8], 3, "a")
    x = keras.layers.GlobalAveragePooling2D()(x)
    return vary(keras.Model(inputs, x), variant_row)
