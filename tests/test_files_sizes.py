"""A network that asks for more memory than its file needs is not made."""

import json

import h5py
import keras
import pytest

from resnet_keras import load_model, save_model
from resnet_keras.errors import InputError


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


HUGE, ABSURD = [None, 1024, 1024, 3], [None, 10**5, 10**5, 3]


@pytest.mark.parametrize(
    ("layer", "part", "false", "words"),
    [
        # 1022 x 1022 x 64 inputs to 64 units are 4.3e9 weights, 17 GB.
        ("input", "config", {"batch_shape": HUGE}, r"asks for 4,278,\d+,\d+ par"),
        ("dense", "build_config", {"input_shape": [None, 10**8]}, r"for 6,400,\d+,\d+"),
        ("input", "config", {"batch_shape": ABSURD}, "pictures of 100000 x 100000"),
    ],
)
def test_false_size_is_refused_before_anything_is_built(
    layer, part, false, words, flat
):
    with h5py.File(flat, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        layers = {each["config"]["name"]: each for each in config["config"]["layers"]}
        layers[layer][part] = layers[layer].get(part, {}) | false
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(InputError, match=words):
        load_model(flat)
