"""Networks that are too deep for Python's usual limit are copied, folded and opened."""

import inspect
import sys

import keras
import numpy as np
import pytest
from keras import layers

from resnet_keras import load_model, save_model
from resnet_keras.accelerate import fold_batch_norm, training_copy
from resnet_keras.nets.graph import deep_recursion
from tests.conftest import pooled

FRAMES = 250  # of Python, of which Keras takes one for each layer


@pytest.fixture(scope="module")
def model():
    """Return a network that is too deep for so many frames, but built in a second."""
    deep = [layers.Activation("relu") for _ in range(FRAMES + 50)]
    first = layers.Conv2D(4, 3), layers.BatchNormalization()
    return pooled(*first, *deep, shape=(8, 8, 3))


@pytest.fixture(autouse=True)
def low_limit(model):
    """Leave so many frames, where Python has 1000 and ResNetCIFAR(302) takes more."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + FRAMES)
    yield
    sys.setrecursionlimit(usual)


def assert_same(model, other):
    image = np.ones((1, 8, 8, 3), np.float32)
    np.testing.assert_allclose(other(image), model(image), atol=1e-5)


def test_keras_itself_fails(model):
    with pytest.raises(RecursionError):
        keras.models.clone_model(model)


def test_training_copy(model):
    assert_same(model, training_copy(model))


def test_folding(model):
    assert_same(model, fold_batch_norm(model))


def test_folding_a_sequential_one():
    many = [layers.Activation("relu") for _ in range(FRAMES + 50)]
    first = [keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.BatchNormalization()]
    with deep_recursion():
        model = keras.Sequential([*first, *many])
    assert_same(model, fold_batch_norm(model))


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_file(model, tmp_path, suffix):
    save_model(model, tmp_path / f"model.{suffix}")
    assert_same(model, load_model(tmp_path / f"model.{suffix}")[0])
