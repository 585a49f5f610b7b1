"""Fine-tuning: what is frozen stays, what is resumed ends as it would have."""

import contextlib
import io

import keras
import numpy as np
import pytest

from resnet_keras import ResNetCIFAR, load_dataset, load_model, save_model, train
from resnet_keras.errors import InputError
from resnet_keras.models import ResNet
from resnet_keras.training import Batches, Recipe, RunConfig, classification
from resnet_keras.training.phases import freeze, network, phases
from resnet_keras.weights.naming import HEAD, position_of
from tests.conftest import (
    assert_same_weights,
    coloured_images,
    stopped_after,
    write_pair,
)

OPTIONS = {
    "model": "resnet-cifar-8",
    "recipe": "default",
    "epochs": 3,
    "batch_size": 12,
    "learning_rate": 1e-2,
    "seed": 0,
    "precision": "float32",
    "freeze_until": 2,
}
BGR = {"scale": 1.0, "channel_order": "bgr", "mean": [1.0, 2.0, 3.0], "resize": "crop"}


pytestmark = pytest.mark.usefixtures("smallest_network")


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    """Return a model of five classes with statistics of its own, and its file."""
    model = ResNetCIFAR(8, (16, 16, 3), 5)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(rng.uniform(-1, 1, layer.moving_mean.shape))
            layer.moving_variance.assign(rng.uniform(1, 2, layer.moving_mean.shape))
        elif isinstance(layer, keras.layers.Conv2D):
            layer.bias.assign(rng.uniform(-1, 1, layer.bias.shape))
    path = tmp_path_factory.mktemp("pretrained") / "model.h5"
    save_model(model, path, {"preprocessing": BGR})
    return model, path


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return str(write_pair(tmp_path_factory.mktemp("data") / "colours"))


@pytest.fixture(scope="module")
def dataset(source):
    return load_dataset(source, 32)


@pytest.fixture(scope="module")
def finished(pretrained, source, tmp_path_factory):
    """Return the directory of a run of the command, and what it printed."""
    directory = tmp_path_factory.mktemp("run")
    line = ["--data", source, "--weights", pretrained[1], "--out", directory]
    line += ["--image-size", 32, "--verbose"]
    for key, value in OPTIONS.items():
        line += [f"--{key.replace('_', '-')}", value]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert train.main([str(word) for word in line]) == 0
    return directory, printed.getvalue()


def changed(before, after):
    """Return the stages in which any weight differs."""
    return {
        position_of(layer.name).stage
        for layer in before.layers
        if layer.weights
        and position_of(layer.name) != HEAD
        and any(
            np.any(a != b)
            for a, b in zip(
                layer.get_weights(),
                after.get_layer(layer.name).get_weights(),
                strict=True,
            )
        )
    }


def test_frozen_stages_keep_weights_and_statistics_to_the_last_bit(
    pretrained, finished
):
    model, metadata = load_model(finished[0] / "model.h5")
    assert changed(pretrained[0], model) == {3, 4}
    assert model.output_shape == (None, 3)
    assert all(layer.trainable for layer in model.layers)  # for whoever goes on
    assert metadata["preprocessing"] == BGR


def test_verbose_says_what_went_where(finished):
    _, printed = finished
    assert "Missing, kept as it was: fc3" in printed
    assert "model.h5: fc5" in printed  # left over


def test_head_learns_alone_first(pretrained, dataset, tmp_path):
    options = OPTIONS | {"weights": str(pretrained[1]), "epochs": 1}  # all of them
    classification.train(dataset, tmp_path, RunConfig.of_options(options))
    model, _ = load_model(tmp_path / "model.h5")
    assert changed(pretrained[0], model) == set()


@pytest.mark.parametrize("num_finished", [1, 2])  # between the phases, and within one
def test_resumed_run_ends_the_same(
    num_finished, pretrained, dataset, finished, tmp_path
):
    config = RunConfig.of_options(OPTIONS | {"weights": str(pretrained[1])})
    with stopped_after(num_finished):
        classification.train(dataset, tmp_path, config)
    classification.train(dataset, tmp_path, config)
    ours, theirs = (load_model(d / "model.h5")[0] for d in (tmp_path, finished[0]))
    assert_same_weights(ours, theirs)


def test_second_phase_has_a_lower_rate():
    head, rest = phases(10, 1e-3, is_pretrained=True, frozen_until=2)
    assert (head.end, rest.first, rest.end) == (2, 2, 10)
    assert (head.learning_rate, rest.frozen_until) == (1e-3, 2)
    assert rest.learning_rate == pytest.approx(0.3e-3)
    assert [phase.end for phase in phases(10, 1e-3)] == [10]


def test_freeze_goes_by_stage():
    model = ResNetCIFAR(8)
    freeze(model, 3)
    assert {position_of(x.name).stage for x in model.layers if x.trainable_weights} == {
        4,
        HEAD.stage,
    }
    freeze(model, 0)
    assert all(layer.trainable for layer in model.layers)


def test_network_of_other_weights_gets_a_head_of_its_own(tmp_path):
    model = ResNet(18, (32, 32, 3), 7, variant="torch")
    save_model(model, tmp_path / "model.h5")
    own, _ = network(
        "resnet18",
        tmp_path / "model.h5",
        (64, 64, 3),
        2,
        keras.initializers.GlorotUniform,
    )
    assert (own.input_shape, own.output_shape) == ((None, 64, 64, 3), (None, 2))
    assert own.get_layer("bn_conv1").epsilon == 1e-5
    kernels = [m.get_layer("res5b_branch2b").get_weights()[0] for m in (own, model)]
    np.testing.assert_array_equal(*kernels)


def test_head_of_two_layers_makes_way_for_a_new_one(tmp_path, capsys):
    torch = pytest.importorskip("torch")
    from tests import torch_resnet

    state = torch_resnet.build(18, 5).state_dict()
    kernel = state["layer4.1.conv2.weight"].numpy().transpose(2, 3, 1, 0)
    state["fc.2.weight"], state["fc.2.bias"] = torch.zeros(7, 5), torch.zeros(7)
    state = {key.replace("fc.w", "fc.0.w").replace("fc.b", "fc.0.b"): value
             for key, value in state.items()}  # fmt: skip
    path = tmp_path / "a.pth"
    torch.save({"model_state_dict": {**state, 3: "epochs"}, "epoch": 3}, path)
    glorot = keras.initializers.GlorotUniform
    own, _ = network("resnet18", path, (64, 64, 3), 2, glorot, verbose=True)
    assert own.output_shape == (None, 2)
    found = own.get_layer("res5b_branch2b").get_weights()[0]
    np.testing.assert_array_equal(found, kernel)
    assert "fc.0, fc.2" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"holds fc\.0, which ResNet18 does not have"):
        ResNet(18, (64, 64, 3), 2, weights=path)


def test_weights_of_another_network_are_refused(pretrained):
    with pytest.raises(InputError, match="res2b_branch2a, the first layer"):
        network(
            "resnet-cifar-20",
            pretrained[1],
            (32, 32, 3),
            2,
            keras.initializers.GlorotUniform,
        )


def test_batches_are_prepared():
    images = coloured_images([0, 1, 2, 0])
    arguments = (images, np.eye(3)[[0, 1, 2, 0]], np.arange(4), 2, Recipe(), 0)
    plain, _ = Batches(*arguments)[0]
    prepared, _ = Batches(*arguments, prepare=lambda batch: 2 * batch)[0]
    np.testing.assert_array_equal(prepared, 2 * plain)


def test_freezing_without_weights_is_refused():
    with pytest.raises(InputError, match="freeze_until is given without weights"):
        RunConfig(freeze_until=2)
