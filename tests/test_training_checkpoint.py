"""The files of a new run take the place of an earlier one's at the first checkpoint."""

from pathlib import Path

import pytest

from resnet_keras import ResNetCIFAR, load_model, train
from resnet_keras.training import RunConfig, checkpoint
from resnet_keras.training.checkpoint import RunFiles
from resnet_keras.training.directory import RUN_FILES
from tests.test_training_loop import colours, config

HISTORY = [{"epoch": 1, "loss": 1.0}]


@pytest.fixture(scope="module")
def model():
    return ResNetCIFAR(8, (32, 32, 3), 3)


@pytest.fixture
def earlier(tmp_path):
    """Return the paths of all files that a run may have."""
    paths = [tmp_path / name for name in RUN_FILES]
    for path in paths:
        path.write_text("old")
    return paths


@pytest.fixture
def files(earlier, tmp_path):
    names = {"class_names": list("abc")}
    settings = config(model="resnet-cifar-20", seed=1).resolved(colours())
    return RunFiles(tmp_path, colours(), settings, names, earlier)


def test_the_first_checkpoint_replaces_the_earlier_run(files, model, tmp_path):
    assert files.begin(model) == []
    assert {path.read_text() for path in tmp_path.iterdir()} == {"old"}
    files.save_checkpoint(model, None, HISTORY)
    assert {path.name for path in tmp_path.iterdir()} == {
        "checkpoint.h5",
        "config.json",
    }
    assert RunConfig.read(tmp_path / "config.json").seed == 1
    assert files.begin(model) == HISTORY
    (tmp_path / "metrics.json").write_text("of the new run")
    files.save_checkpoint(model, None, HISTORY)
    assert (tmp_path / "metrics.json").exists()


def test_a_disk_without_room_leaves_the_earlier_run(
    files, model, monkeypatch, tmp_path
):
    def full(*_, **__):
        raise OSError("no space")

    files.begin(model)
    monkeypatch.setattr(checkpoint, "save_model", full)
    with pytest.raises(OSError, match="no space"):
        files.save_checkpoint(model, None, HISTORY)
    assert {path.read_text() for path in tmp_path.iterdir()} == {"old"}


@pytest.mark.parametrize("num_removed", range(len(RUN_FILES) + 1))
def test_files_of_two_runs_are_never_one_run(
    num_removed, files, earlier, model, monkeypatch, tmp_path
):
    """As if the process were killed while the files are replaced."""
    unlink, removed = Path.unlink, []

    def killed_unlink(path, **settings):
        if path in earlier and len(removed) == num_removed:
            raise SystemExit
        removed.extend([path] if path in earlier else [])
        unlink(path, **settings)

    def killed_rename(*_):
        raise SystemExit

    files.begin(model)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed_unlink)
        patch.setattr(Path, "rename", killed_rename)
        with pytest.raises(SystemExit):
            files.save_checkpoint(model, None, HISTORY)
    found = load_model(tmp_path / "new-checkpoint.h5")[1]
    assert found["provenance"]["history"] == HISTORY
    left = {path.name for path in tmp_path.iterdir()} - {"new-checkpoint.h5"}
    assert left == {*RUN_FILES[num_removed:]}
    if num_removed:
        with pytest.raises(ValueError, match=r"expected the config\.json of a run"):
            train.main(["--out", str(tmp_path), "--resume"])
