"""What is no model is refused in words that say what it is."""

import json
import os
import zipfile

import h5py
import keras
import numpy as np
import pytest

from resnet_keras import load_model, save_model
from resnet_keras.errors import InputError
from resnet_keras.files import models, safety
from tests.conftest import refusing

# A layer that Keras has, with a keyword that no version has
BROKEN = {
    "class_name": "Sequential",
    "config": {"layers": [{"class_name": "Dense", "config": {"unitz": 3}}]},
}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:4d", "git lfs pull"),
        ("<!DOCTYPE html><html></html>", "is a web page"),
        ("", "is empty"),
        ("not a model" * 1000, "not an HDF5 file nor a"),
    ],
)
def test_what_is_no_model_is_told_by_what_it_is(text, words, tmp_path):
    (tmp_path / "model.h5").write_text(text)
    with pytest.raises(InputError, match=words):
        load_model(tmp_path / "model.h5")


def test_saved_model_folder_is_told_what_to_do(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"x")
    with pytest.raises(InputError, match=r"is a SavedModel.*tf_keras\.models\.load_mo"):
        load_model(tmp_path)


def test_missing_file():
    with pytest.raises(InputError, match=r"nowhere\.h5: no such file"):
        load_model("nowhere.h5")


def test_directory(tmp_path):
    with pytest.raises(InputError, match="is a directory"):
        load_model(tmp_path)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.6, 0.99])
def test_truncated(share, suffix, tmp_path, small_model):
    path = tmp_path / f"model{suffix}"
    save_model(small_model, path, {"class_names": ["cat", "dog", "ox"]})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with refusing(path):
        load_model(path)


def test_hdf5_of_something_else(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["train_set_x"] = np.zeros(3)
    with pytest.raises(InputError, match=r"not a model \(it holds train_set_x\)"):
        load_model(tmp_path / "data.h5")


def test_weights_only(tiny_model, tmp_path):
    tiny_model.save_weights(tmp_path / "model.weights.h5")
    with pytest.raises(InputError, match="holds weights only"):
        load_model(tmp_path / "model.weights.h5")


def test_zip_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="not a model"):
        load_model(tmp_path / "a.keras")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "its metadata are"),
        ("[]", "its metadata are"),
        ('{"class_names": 5}', "class_names in its metadata is 5; expected a list"),
        ('{"input_size": [200000, 200000, 3]}', "input_size in its metadata"),
        ('{"input_size": [64]}', "input_size in its metadata"),
        ('{"preprocessing": "x"}', "preprocessing in its metadata"),
        ('{"preprocessing": {"mean": "x"}}', "preprocessing in its metadata"),
        ('{"preprocessing": {"scale": NaN}}', "preprocessing in its metadata"),
        ('{"preprocessing": {"std": [1, 0, 1]}}', "the last not 0"),
        ('{"notes": 5}', "notes in its metadata is 5; expected a list"),
        (f'{{"preprocessing": {{"scale": 1{400 * "0"}}}}}', "preprocessing in its"),
    ],
)
def test_spoilt_metadata(text, words, tmp_path, tiny_model):
    path = tmp_path / "model.h5"
    save_model(tiny_model, path)
    with h5py.File(path, "r+") as file:
        file.attrs["resnet_keras_metadata"] = text
    with pytest.raises(InputError, match=words):
        load_model(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_pipe_is_no_model(tmp_path, suffix):
    path = tmp_path / f"pipe{suffix}"
    os.mkfifo(path)
    with pytest.raises(InputError, match="is no file; expected a model"):
        load_model(path)


@pytest.mark.parametrize(
    ("config", "version", "words"),
    [
        ({"layers": 3, "name": "net"}, None, r"none of Keras \(it has layers, name\)"),
        ({"class_name": "Functional", "config": {}}, "3.1.0", "it has nothing"),
        (["conv"], "3.1.0", "has no configuration"),
        (BROKEN, "99.1.0", "saved by Keras 99.1.0, which is newer: upgrade Keras"),
        (BROKEN, "2.4.0", "if that version opens it, save it again from there"),
        (BROKEN, keras.__version__, "very version saved it: it is damaged"),
        (
            BROKEN,
            None,
            "does not say which Keras wrote it: it is damaged, or of another",
        ),
    ],
)
def test_odd_configuration_is_told_by_what_is_known(config, version, words, tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_group("model_weights")
        file.attrs["model_config"] = json.dumps(config)
        if version:
            file.attrs["keras_version"] = version
    with pytest.raises(InputError, match=words) as raised:
        load_model(path)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError("Unable to allocate 9 GiB"), "not enough memory to read it"),
        (TimeoutError(), r"could not be read \(timed out\)"),
        (PermissionError(13, "Permission denied"), "could not be read .Permission"),
        (
            OSError("read failed: errno = 5, error message = 'Input/output error'"),
            r"read \(I",
        ),
        (OSError(22, "Invalid argument"), "damaged or cut short"),
        (OSError("truncated file: eof = 9"), "damaged or cut short"),
    ],
)
def test_what_is_no_damage_is_not_called_so(error, words):
    with pytest.raises(InputError, match=words), safety.naming_damage("a.h5"):
        raise error


def test_lack_of_memory_is_not_a_fault_of_the_model(tmp_path, small_model, monkeypatch):
    save_model(small_model, tmp_path / "a.h5")

    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(models, "_load_weights", fail)
    with pytest.raises(MemoryError):
        load_model(tmp_path / "a.h5")
