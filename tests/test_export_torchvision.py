"""A state dictionary for torchvision's networks predicts the same there."""

import importlib.util
import json
import sys
import types

import pytest
import safetensors

from resnet_keras import save_model
from resnet_keras.errors import InputError
from resnet_keras.export import torchvision as torchvision_format
from resnet_keras.models import ResNet
from tests.conftest import randomize
from tests.export_runs import METADATA, NAMES, difference, run

pytestmark = pytest.mark.usefixtures("short_networks")


@pytest.fixture
def torchvision(monkeypatch):
    """Put networks of PyTorch's own layers in the place of torchvision's."""
    pytest.importorskip("torch")
    from tests import torch_resnet

    class Logits(torch_resnet.ResNet):
        def forward(self, x):
            return super().forward(x).log()  # whose softmax are the probabilities

    models = types.SimpleNamespace(
        resnet10=lambda num_classes: Logits(10, num_classes),
        resnet14=lambda num_classes: Logits(14, num_classes),
    )
    module = types.ModuleType("torchvision")
    module.models = models
    module.__spec__ = importlib.util.spec_from_loader("torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision", module)


@pytest.mark.parametrize("depth", [10, 14])  # of basic blocks, of bottlenecks
def test_torchvision_answers_the_same(
    depth, torchvision, export_source, tmp_path, capsys
):
    # The course's: padding, epsilon, biases and the bottlenecks' strides are its own.
    model = randomize(ResNet(depth, (32, 32, 3), 3))
    save_model(model, tmp_path / "model.h5", METADATA)
    run(tmp_path / "model.h5", "torchvision", tmp_path / "o.safetensors", export_source)
    printed = capsys.readouterr().out
    assert difference(printed) < 1e-5
    assert 'get_submodule("maxpool"), "padding", 0)' in printed
    with safetensors.safe_open(tmp_path / "o.safetensors", "numpy") as file:
        carried = file.metadata()
    assert json.loads(carried["class_names"]) == NAMES
    assert json.loads(carried["preprocessing"])["scale"] == 1 / 255
    assert carried["setup"].splitlines()[0] in printed


def test_setup_of_torchvisions_own_network_changes_nothing():
    model = ResNet(14, (32, 32, 3), 3, variant="torch")
    assert (
        torchvision_format.hint(model)
        == "model = torchvision.models.resnet14(num_classes=3)"
    )


def test_other_libraries_have_no_network_for_other_models(tiny_model):
    with pytest.raises(InputError, match="expected a ResNet of 18, 34"):
        torchvision_format.check(tiny_model)
