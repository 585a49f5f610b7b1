"""Files of weights are told by their content, and hostile ones are refused."""

import pickle
import shutil

import h5py
import numpy as np
import pytest

from resnet_keras.errors import InputError
from resnet_keras.models import ResNet
from resnet_keras.weights import open_model, read_weights, reading
from tests.weight_files import SHAPE

pytestmark = pytest.mark.usefixtures("short_networks")


class Trap:
    """An object whose unpickling would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_crafted_pickle_does_not_run(tmp_path):
    pytest.importorskip("torch")
    canary = tmp_path / "canary"
    with (tmp_path / "evil.pth").open("wb") as file:
        pickle.dump({"conv1.weight": Trap(str(canary))}, file)
    with pytest.raises(InputError, match=r"evil\.pth: holds Python objects"):
        reading.read(tmp_path / "evil.pth")
    assert not canary.exists()
    pickle.loads((tmp_path / "evil.pth").read_bytes())["conv1.weight"].close()
    assert canary.exists()  # the pickle is dangerous


def test_tensor_larger_than_its_storage(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"conv1.weight": torch.zeros(1).expand(10**12)}, tmp_path / "big.pth")
    with pytest.raises(InputError, match="more numbers than are stored"):
        reading.read(tmp_path / "big.pth")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere.h5", "no such file"),
        ("a.onnx", "no weights known here"),
        ("junk.h5", "damaged"),
        ("junk.safetensors", "damaged"),
        ("data.h5", "not one of weights"),
    ],
)
def test_files_that_hold_no_weights(name, words, tmp_path):
    if name.endswith("safetensors"):
        pytest.importorskip("safetensors")
    if name == "data.h5":
        with h5py.File(tmp_path / name, "w") as file:
            file["x"] = np.zeros(3)
    elif name != "nowhere.h5":
        (tmp_path / name).write_bytes(b"junk" * 100)
    with pytest.raises(InputError, match=words):
        reading.read(tmp_path / name)


def test_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    (tmp_path / "a.pth").write_bytes(b"x")
    with pytest.raises(InputError, match=r"pip install 'resnet_keras\[torch\]'"):
        reading.read(tmp_path / "a.pth")


def test_head_that_is_no_matrix_is_refused(tmp_path):
    layers = {"res2a_branch2a": [np.zeros((1, 1, 4, 4))], "fc": [np.zeros(())]}
    with pytest.raises(InputError, match=r"fc has weights of shape \(\)"):
        reading.arranged(tmp_path / "a.h5", layers)


@pytest.mark.parametrize("name", ["a.bin", "a.pth", "a.safetensors", "a.h5"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"<!DOCTYPE html><title>Not found</title>", "is a web page"),
    ],
)
def test_placeholders_are_told_for_what_they_are(name, content, words, tmp_path):
    (tmp_path / name).write_bytes(content)
    for attempt in (read_weights, open_model):
        with pytest.raises(InputError, match=words):
            attempt(tmp_path / name)


def test_content_decides_what_a_file_is(tmp_path):
    torch = pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    state = {
        "module.backbone.layer1.0.conv1.weight": torch.zeros(4, 3, 1, 1),
        **{
            f"module.backbone.layer1.0.bn1.{part}": torch.zeros(4)
            for part in ("weight", "bias", "running_mean", "running_var")
        },
    }
    torch.save(state, tmp_path / "a.h5")
    safetensors.save_file(state, tmp_path / "a.bin")
    for name in ("a.h5", "a.bin"):
        found = read_weights(tmp_path / name)  # whoever holds the network is passed by
        assert set(found.names.values()) == {"layer1.0.conv1", "layer1.0.bn1"}
    ResNet(10, SHAPE, 5).save_weights(tmp_path / "a.weights.h5")
    shutil.copy(tmp_path / "a.weights.h5", tmp_path / "a.pth")
    assert read_weights(tmp_path / "a.pth").scheme == "course"
