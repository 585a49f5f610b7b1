"""Weights alone are opened with the network that they were trained for."""

import pytest
from PIL import Image

from resnet_keras import ResNetCIFAR, predict
from resnet_keras.errors import InputError
from resnet_keras.weights import open_model
from tests.conftest import coloured_images

pytestmark = pytest.mark.usefixtures("short_networks")


def test_predict_names_things_with_weights_alone(weight_files, tmp_path, capsys):
    path, _ = weight_files("course")
    picture = tmp_path / "photo.png"
    Image.fromarray(coloured_images([0])[0]).save(picture)
    assert predict.main([str(path), str(picture), "--top", "5"]) == 0
    named = capsys.readouterr().out
    assert all(f" {label} (" in named for label in range(5))


def test_predict_with_weights_without_a_head_is_refused(weight_files):
    with pytest.raises(InputError, match="has no head"):
        open_model(weight_files("notop")[0])


def test_weights_alone_of_a_small_network_ask_for_the_whole_model(tmp_path):
    ResNetCIFAR(8).save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(InputError, match="of ResNetCIFAR8 without the network"):
        open_model(tmp_path / "a.weights.h5")
