"""Weights of every naming scheme, compared with the networks that they come from."""

import keras
import numpy as np
import pytest

from resnet_keras import (
    ResNet18,
    ResNet50,
    ResNetCIFAR,
    load_model,
    load_weights,
    save_model,
)
from resnet_keras.errors import InputError
from resnet_keras.models import ResNet
from resnet_keras.weights import read_weights, restore
from tests.conftest import assert_same_weights, randomize
from tests.weight_files import SHAPE, assert_equal, images, small

pytestmark = pytest.mark.usefixtures("short_networks")


def test_keras_applications_to_ours_and_back(weight_files, tmp_path):
    path, theirs = weight_files("keras")
    ours = ResNet50(SHAPE, 5, weights=path)
    assert_equal(ours(images()), theirs(images()))
    assert (
        ours.metadata == {}
    )  # five classes of one's own: nobody says what they expect
    randomize(ours, seed=1)
    save_model(ours, tmp_path / "ours.h5")
    load_weights(theirs, tmp_path / "ours.h5")
    assert_equal(theirs(images()), ours(images()))
    load_weights(theirs, path)  # as the other tests know it


@pytest.mark.slow
@pytest.mark.parametrize("depth", [101, 152])
def test_deep_keras_applications_to_ours(depth, tmp_path):
    build = getattr(keras.applications, f"ResNet{depth}")
    theirs = randomize(build(weights=None, input_shape=SHAPE, classes=5))
    theirs.save_weights(tmp_path / "deep.weights.h5")
    ours = ResNet(depth, SHAPE, 5, weights=tmp_path / "deep.weights.h5")
    assert_equal(ours(images()), theirs(images()))


DEEP = [
    pytest.param(*case, marks=pytest.mark.slow)
    for case in ((18, "3x3"), (34, "3x3"), (50, "3x3"), (50, "1x1"), (101, "3x3"))
]


@pytest.mark.parametrize(
    ("depth", "stride_in"), [(10, "3x3"), (14, "3x3"), (14, "1x1"), *DEEP]
)
def test_pytorch_to_ours(depth, stride_in, tmp_path):
    torch = pytest.importorskip("torch")
    from tests import torch_resnet

    theirs = torch_resnet.build(depth, 5, stride_in)
    path = tmp_path / "theirs.pth"
    torch.save({"state_dict": theirs.state_dict(), "epoch": 3}, path)
    variant = "torch-v1" if stride_in == "1x1" else None
    ours = ResNet(depth, SHAPE, 5, weights=path, variant=variant)
    assert_equal(ours(images()), torch_resnet.answers(theirs, images()))
    notes = read_weights(path).metadata["notes"]
    assert "--preprocessing torch" in notes[0]


def test_safetensors_of_pytorch_at_an_odd_size(tmp_path):
    pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    from tests import torch_resnet

    theirs = torch_resnet.build(10, 5)
    safetensors.save_file(theirs.state_dict(), tmp_path / "theirs.safetensors")
    ours = ResNet(10, (77, 77, 3), 5, weights=tmp_path / "theirs.safetensors")
    assert_equal(ours(images(77)), torch_resnet.answers(theirs, images(77)))


@pytest.fixture(scope="module")
def blank():
    """Return a network of the course's, for tests that fill it."""
    return ResNet(14, SHAPE, 5)


def test_courses_names_with_top(weight_files, blank):
    path, theirs = weight_files("course")
    metadata = load_weights(blank, path)
    assert_same_weights(blank, theirs)
    assert metadata == {}  # five classes: trained in the course, on values up to 1


def test_courses_names_without_top_leave_the_head(weight_files, blank, capsys):
    path, theirs = weight_files("notop")
    blank.set_weights([np.zeros_like(array) for array in blank.get_weights()])
    metadata = load_weights(blank, path, verbose=True)
    assert_same_weights(blank.weights[:-2], theirs.weights[:-2])
    assert not np.any(blank.get_weights()[-2])
    assert metadata["preprocessing"]["mean"] == [103.939, 116.779, 123.68]  # ImageNet's
    printed = capsys.readouterr().out.split("\n")
    assert "Missing, kept as it was: fc5" in printed
    row = next(line for line in printed if line.startswith("bn2a_branch2b"))
    assert row.split()[1] == "bn2a_branch2b"
    assert row.endswith("(64,) (64,) (64,) (64,)")


def test_whole_model_says_what_network_it_is(tmp_path):
    model = randomize(ResNet(10, SHAPE, 2, variant="torch"))
    save_model(model, tmp_path / "model.h5", {"class_names": ["cat", "dog"]})
    again = ResNet(10, SHAPE, 2, weights=tmp_path / "model.h5")
    np.testing.assert_array_equal(again(images()), model(images()))
    assert again.metadata["class_names"] == ["cat", "dog"]


def test_the_position_of_the_stride_is_compared(tmp_path):
    save_model(small("torch"), tmp_path / "model.keras")
    with pytest.raises(InputError, match=r"stride in the 3x3; .* stride in the 1x1"):
        load_weights(small("torch-v1"), tmp_path / "model.keras")


def test_metadata_of_the_weights_is_saved(tmp_path):
    model = small("torch")
    model.metadata = {"class_names": ["cat", "dog"]}
    save_model(model, tmp_path / "model.h5")
    assert load_model(tmp_path / "model.h5")[1]["class_names"] == ["cat", "dog"]


def test_own_weights_of_any_network(tmp_path):
    model = randomize(ResNetCIFAR(8, classes=3))
    model.save_weights(tmp_path / "a.weights.h5")
    other = ResNetCIFAR(8, classes=3)
    load_weights(other, tmp_path / "a.weights.h5")
    np.testing.assert_array_equal(other(images(32)), model(images(32)))


def test_newer_weights_under_the_courses_names_ask_for_the_variant(tmp_path):
    model = ResNet(10, SHAPE, 3, variant="torch")
    model.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(InputError, match="give variant"):
        ResNet(10, SHAPE, 3, weights=tmp_path / "a.weights.h5")
    path = tmp_path / "a.weights.h5"
    again = ResNet(10, SHAPE, 3, weights=path, variant="torch")
    np.testing.assert_array_equal(again(images()), model(images()))


def test_a_misfit_is_refused_and_changes_nothing(weight_files, resnet50):
    read = read_weights(weight_files("keras")[0])
    before = resnet50.get_weights()
    with pytest.raises(InputError, match=r"pool_padding 1, epsilon 1\.001e-05"):
        restore(resnet50, read, new_head=True)
    assert_same_weights(before, resnet50)


def test_first_layer_that_differs_is_named(weight_files, resnet50):
    path, _ = weight_files("keras")
    with pytest.raises(InputError, match=r"fc6, the first layer .* classes=5"):
        load_weights(resnet50, path)
    with pytest.raises(InputError, match=r"conv1, the first .*\(7, 7, 1, 64\)"):
        load_weights(ResNet(10, (64, 64, 1), 5), path)
    with pytest.raises(InputError, match=r"res2a_branch2a, the .*--model resnet50"):
        load_weights(ResNet(10, SHAPE, 5), path)


def test_a_layer_too_many_is_named(tmp_path):
    larger = ResNetCIFAR(14)
    larger.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(InputError, match="holds res2b_branch2a, which ResNetCIFAR8"):
        load_weights(ResNetCIFAR(8), tmp_path / "a.weights.h5")


@pytest.mark.parametrize("name", ["a.keras", "a.weights.h5"])
def test_network_within_a_model_with_a_head_of_its_own(name, tmp_path):
    network = randomize(ResNet(10, SHAPE, 3))
    body = keras.Model(network.input, network.get_layer("avg_pool").output)
    head = [keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    theirs = keras.Sequential([keras.Input(SHAPE), body, *head])
    write = theirs.save_weights if "weights" in name else theirs.save
    write(tmp_path / name)
    ours = ResNet(10, SHAPE, 2, weights=tmp_path / name, variant="course")
    assert_equal(ours(images()), theirs(images()))


@pytest.mark.parametrize("name", ["a.h5", "a.keras", "a.weights.h5"])
def test_weights_of_another_network_are_named_by_it(name, tmp_path):
    network = ResNetCIFAR(20)
    save = network.save_weights if "weights" in name else network.save
    save(tmp_path / name)
    words = r"weights of ResNetCIFAR20, not of ResNet18\. .*with ResNetCIFAR\(20\), "
    words += "in a command with --model resnet-cifar-20"
    with pytest.raises(InputError, match=words):
        load_weights(ResNet18(classes=10), tmp_path / name)
    with pytest.raises(InputError, match=words):
        ResNet18(weights=tmp_path / name)
    with pytest.raises(InputError, match="of ResNetCIFAR20, not of ResNetCIFAR8"):
        load_weights(ResNetCIFAR(8), tmp_path / name)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value, tmp_path):
    source, target = ResNetCIFAR(8), ResNetCIFAR(8)
    source.get_layer("bn3a_branch2a").gamma.assign([value] * 32)
    source.save_weights(tmp_path / "a.weights.h5")
    before = target.get_weights()
    with pytest.raises(
        InputError, match="bn3a_branch2a has values that are not finite"
    ):
        load_weights(target, tmp_path / "a.weights.h5")
    assert_same_weights(before, target)
