"""A network that asks for more memory than its file needs is not made."""

import json

import h5py
import keras
import pytest

from resnet_keras import load_model, save_model
from resnet_keras.errors import InputError


def change_config(path, change):
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change({layer["config"]["name"]: layer for layer in config["config"]["layers"]})
        file.attrs["model_config"] = json.dumps(config)


@pytest.fixture
def flat(tmp_path):
    """Return a small file of a network that flattens its map before a dense layer."""
    layers = [
        keras.Input((8, 8, 3), name="input"),
        keras.layers.Conv2D(64, 3, name="conv"),
        keras.layers.Flatten(name="flat"),
        keras.layers.Dense(64, name="dense"),
    ]
    x = layers[0]
    for layer in layers[1:]:
        x = layer(x)
    path = tmp_path / "flat.h5"
    save_model(keras.Model(layers[0], x), path)
    load_model(path)
    return path


def test_false_picture_size_is_refused_before_anything_is_built(flat):
    # 1022 x 1022 x 64 inputs to 64 units are 4.3e9 weights, 17 GB.
    def change(layers):
        layers["input"]["config"]["batch_shape"] = [None, 1024, 1024, 3]

    change_config(flat, change)
    with pytest.raises(InputError, match=r"asks for 4,278,\d+,\d+ parameters"):
        load_model(flat)


def test_false_build_config_is_refused(flat):
    def change(layers):
        layers["dense"]["build_config"] = {"input_shape": [None, 10**8]}

    change_config(flat, change)
    with pytest.raises(InputError, match=r"asks for 6,400,\d+,\d+ parameters"):
        load_model(flat)


def test_huge_pictures_are_refused(flat):
    def change(layers):
        layers["input"]["config"]["batch_shape"] = [None, 10**5, 10**5, 3]

    change_config(flat, change)
    with pytest.raises(InputError, match="pictures of 100000 x 100000"):
        load_model(flat)
