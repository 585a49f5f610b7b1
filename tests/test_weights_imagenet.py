"""The files of ImageNet are found in the cache, and named where they are missing."""

import hashlib
import json
import shutil

import keras
import numpy as np
import pytest

from resnet_keras import ResNet18, ResNet50
from resnet_keras.errors import InputError
from resnet_keras.weights import imagenet as imagenet_files
from resnet_keras.weights import read_weights
from resnet_keras.weights.naming import Position
from tests.weight_files import SHAPE

pytestmark = pytest.mark.usefixtures("short_networks")


@pytest.fixture
def imagenet(weight_files, tmp_path, monkeypatch):
    """Return a cache with a file in place of ImageNet's, of five classes."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    path, index = (
        tmp_path / "models" / name
        for name in (
            "resnet50_weights_tf_dim_ordering_tf_kernels.h5",
            "imagenet_class_index.json",
        )
    )
    path.parent.mkdir()
    shutil.copy(weight_files("keras")[0], path)
    index.write_text(json.dumps({str(i): ["n0", f"thing {i}"] for i in range(5)}))

    def md5(path):
        return hashlib.md5(path.read_bytes()).hexdigest()

    monkeypatch.setitem(imagenet_files._IMAGENET_HASHES, 50, md5(path))
    entry = (imagenet_files._CLASS_INDEX[0], md5(index))
    monkeypatch.setattr(imagenet_files, "_CLASS_INDEX", entry)
    return path


def test_imagenet_comes_from_the_cache_with_its_names(imagenet, weight_files):
    read = read_weights("imagenet", 50)
    _, theirs = weight_files("keras")
    kernel = theirs.get_layer("conv5_block3_2_conv").get_weights()[0]
    np.testing.assert_array_equal(read.arrays[Position(5, 3, "2b", "conv")][0], kernel)
    assert (read.classes, read.variants) == (5, ("keras",))
    assert read.metadata["class_names"][3] == "thing 3"
    assert read.metadata["preprocessing"]["channel_order"] == "bgr"


def test_imagenet_offline_says_what_to_put_where(imagenet, monkeypatch):
    def offline(*arguments, **settings):
        raise Exception("URL fetch failure on https://...")

    monkeypatch.setattr(keras.utils, "get_file", offline)
    imagenet.unlink()
    with pytest.raises(InputError, match="could not be downloaded") as raised:
        ResNet50(SHAPE, 1000, weights="imagenet")
    assert str(imagenet) in str(raised.value)
    assert imagenet_files._IMAGENET_HASHES[50] in str(raised.value)


def test_another_file_of_imagenets_name_is_left_alone(imagenet):
    imagenet.write_text("an older file")
    with pytest.raises(InputError, match="Two files of ImageNet weights"):
        ResNet50(SHAPE, 1000, weights="imagenet")
    assert imagenet.read_text() == "an older file"


def test_imagenet_has_no_18_layers():
    with pytest.raises(InputError, match="50, 101 and 152"):
        ResNet18(weights="imagenet")
