"""Networks that other libraries do not build are refused before anything is written."""

import keras
import numpy as np
import pytest

from resnet_keras import ResNetCIFAR, plain_twin
from resnet_keras.errors import InputError
from resnet_keras.export import keras_applications, torchvision
from resnet_keras.export.translating import translated
from resnet_keras.models import ResNet
from tests import course_networks
from tests.conftest import assert_refused
from tests.export_runs import skip_without

pytestmark = pytest.mark.usefixtures("short_networks")
SHAPE = (32, 32, 3)


@pytest.fixture(scope="module")
def network():
    return ResNet(14, SHAPE, 3)


@pytest.mark.parametrize("check", [torchvision.check, keras_applications.check])
def test_plain_network_is_refused(network, check):
    with pytest.raises(InputError, match="0 residual connections for 4 blocks"):
        check(plain_twin(network))


@pytest.mark.parametrize(
    ("depth", "shortcut", "words"),
    [(10, "A", 'option "A"'), (10, "C", 'option "C"'), (14, "A", 'option "A"')],
)
@pytest.mark.parametrize("check", [torchvision.check, keras_applications.check])
def test_other_shortcuts_are_refused(check, depth, shortcut, words):
    with pytest.raises(InputError, match=words):
        check(ResNet(depth, SHAPE, 3, shortcut=shortcut))


def test_other_depths_are_refused():
    with pytest.raises(InputError, match="has 8 layers with weights"):
        torchvision.check(ResNetCIFAR(8))


def test_network_without_a_head_is_refused(network):
    body = keras.Model(network.input, network.layers[-2].output)
    with pytest.raises(InputError, match="no dense layer"):
        torchvision.check(body)


def test_head_of_logits_is_refused(network):
    logits = keras.layers.Dense(3, name="fc3")(network.layers[-2].output)
    with pytest.raises(InputError, match="dense layer with softmax"):
        torchvision.check(keras.Model(network.input, logits))


def test_model_within_a_model_is_refused(network):
    outer = keras.Sequential([keras.Input(SHAPE), network])
    with pytest.raises(InputError, match="other layers than a residual network"):
        torchvision.check(outer)


def test_grey_images_are_refused_by_torchvision():
    with pytest.raises(InputError, match="take 3 channels; ResNet10 takes 1"):
        torchvision.check(ResNet(10, (32, 32, 1), 3))


def test_keras_applications_has_no_shallow_network(network):
    with pytest.raises(InputError, match="no network of 14 layers"):
        keras_applications.check(network)


def test_course_network_without_names_is_translated():
    model = course_networks.build(keras)
    variant, depth, arrays = translated(model, "torchvision")
    assert (variant.pool_padding, variant.stride_in, depth) == (0, "1x1", 14)
    first = model.layers[2].get_weights()[0]
    np.testing.assert_array_equal(next(iter(arrays.values()))[0], first)


@pytest.mark.parametrize("name", ["torchvision", "keras-applications"])
@pytest.mark.parametrize(
    ("shortcut", "words"),
    [("plain", "0 residual connections for 4 blocks"), ("C", 'option "C"')],
)
def test_the_command_writes_nothing_for_them(
    name, shortcut, words, tmp_path, command_here
):
    skip_without(name)
    model = ResNet(10, SHAPE, 3, shortcut="B" if shortcut == "plain" else shortcut)
    model = plain_twin(model) if shortcut == "plain" else model
    model.save(tmp_path / "model.keras")
    process = command_here("export", tmp_path / "model.keras", "--format", name)
    assert_refused(process, f"--format {name}: ", words)
    assert [each.name for each in tmp_path.iterdir()] == ["model.keras"]


def test_only_the_refusal_is_printed(small_file, command_here):
    process = command_here("export", small_file, "--format", "keras-applications")
    assert_refused(process, "--format keras-applications: ")
    assert process.stdout == ""
