"""Hostile files are refused in one line, and nothing in them runs."""

import json
import os
import pickle
import stat
import struct
import zipfile
import zlib

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

from resnet_keras import load_dataset, load_model, save_model
from resnet_keras.data.images import read_image
from resnet_keras.errors import InputError
from resnet_keras.files import safety
from resnet_keras.files.metadata import NAME
from tests.conftest import assert_refused, pooled, refusing, rewrite_keras, write_pair

HUGE = 10 * 2**30  # bytes that a file of some kilobytes claims to hold
TEXT = h5py.string_dtype()  # of any length
SUFFIXES = [".h5", ".keras"]


@pytest.fixture
def canary(tmp_path):
    """Return a path that hostile code would create."""
    path = tmp_path / "canary"
    yield path
    assert not path.exists()


@pytest.fixture
def h5(small_model, tmp_path):
    save_model(small_model, tmp_path / "model.h5")
    return tmp_path / "model.h5"


@pytest.fixture
def archive(small_model, tmp_path):
    save_model(small_model, tmp_path / "model.keras")
    return tmp_path / "model.keras"


@pytest.fixture(params=["h5", "archive"])
def either(request):
    return request.getfixturevalue(request.param)


def refused(path, *words):
    with refusing(path, *words):
        load_model(path)


def with_lambda(canary):
    """Return a model with a layer whose code creates `canary` when it is built."""
    inputs = keras.Input((8, 8, 3))
    code = f"lambda x: (open({str(canary)!r}, 'w').close(), x)[1]"
    hostile = keras.layers.Lambda(eval(code))  # the path is a constant of the code
    outputs = keras.layers.Softmax()(keras.layers.Flatten()(hostile(inputs)))
    model = keras.Model(inputs, outputs)
    canary.unlink()  # building it has shown that the code works
    return model


def change_config(path, change):
    """Let `change` edit the text of the configuration in a model file."""
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = change(file.attrs["model_config"])
    else:
        rewrite_keras(
            path,
            lambda name, data: change(data.decode()) if name == "config.json" else data,
        )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_lambda_is_refused_by_name(suffix, tmp_path, canary):
    path = tmp_path / f"model{suffix}"
    save_model(with_lambda(canary), path)
    refused(path, "Lambda", "--trust")


def test_the_fixture_is_dangerous_and_trust_opens_it(tmp_path):
    canary = tmp_path / "canary"
    path = tmp_path / "model.h5"
    save_model(with_lambda(canary), path)
    load_model(path, trust=True)
    assert canary.exists()


@pytest.mark.parametrize(
    "line",
    [
        ["predict", "model.h5", "image.png"],
        ["evaluate", "model.h5", "--data", "hands"],
        ["experiments", "explain", "model.h5", "image.png"],
    ],
    ids=lambda line: line[0],
)
def test_commands_refuse_in_one_line(line, tmp_path, canary, command_here):
    save_model(with_lambda(canary), tmp_path / "model.h5")
    Image.new("RGB", (8, 8)).save(tmp_path / "image.png")
    process = command_here(*line, cwd=tmp_path)
    assert_refused(process, "model.h5", "Lambda", "--trust")


def test_a_command_that_is_told_to_trust_does(tmp_path, command_here):
    canary = tmp_path / "canary"
    save_model(with_lambda(canary), tmp_path / "model.h5")
    canary.unlink(missing_ok=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "image.png")
    line = ("predict", "model.h5", "image.png", "--trust")
    process = command_here(*line, cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    assert canary.exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"class_name": "Conv2D"', '"class_name": "TFSMLayer"'),
        ('"class_name": "Conv2D"', '"class_name": {"class_name": "Lambda"}'),
        ('"class_name": "GlorotUniform"', '"class_name": "__lambda__"'),
        ('"class_name": "Conv2D"', '"class_name": "Conv2D", "module": "os"'),
        ('"class_name": "Conv2D"', '"class_name": "Conv2D", "module": "kerasevil"'),
        ('"registered_name": null', '"registered_name": "mine>Thing"'),
        (
            '"activation": "relu"',
            '"activation": {"class_name": "function", "module": "os", '
            '"config": "system"}',
        ),
    ],
)
def test_other_classes_are_refused(old, new, either):
    change_config(either, lambda text: text.replace(old, new))
    refused(either, "could run code")


def test_compile_config_within_the_network_is_checked(archive):

    def nest(text):
        config = json.loads(text)
        layer = config["config"]["layers"][1]
        layer["compile_config"] = {"class_name": "Lambda", "config": {}}
        return json.dumps(config)

    change_config(archive, nest)
    refused(archive, "Lambda")


def test_a_layer_larger_than_its_weights_is_not_made(either):
    change_config(
        either, lambda text: text.replace('"filters": 4', f'"filters": {HUGE}')
    )
    refused(either, f"filters {HUGE}")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_map_larger_than_any_memory_is_not_made(suffix, tmp_path):
    path = tmp_path / f"model{suffix}"
    save_model(pooled(keras.layers.UpSampling2D(2)), path)
    change_config(path, lambda text: text.replace("[2, 2]", "[2000, 2000]"))
    refused(path, "UpSampling2D makes feature maps of (None, 64000, 64000, 3)")


def test_deep_nesting_is_damage(either):
    change_config(either, lambda text: "[" * 10_000 + "]" * 10_000)
    refused(either, "damaged")


def hostile_weights(kind, file, other):
    """Put one thing into an HDF5 file that points out of it or claims too much."""
    if kind == "external link":
        file["bad"] = h5py.ExternalLink(other, "/secret")
    elif kind == "soft link":
        file["bad"] = h5py.SoftLink("/elsewhere")
    elif kind == "external data":
        file.create_dataset("bad", (4,), "u1", external=[(other, 0, 4)])
    elif kind == "virtual data":
        layout = h5py.VirtualLayout((4,), "u1")
        layout[:] = h5py.VirtualSource(other, "secret", (4,))
        file.create_virtual_dataset("bad", layout)
    elif kind == "claim":
        file.create_dataset("bad", (HUGE,), "u1", chunks=(2**20,))
    elif kind == "chunk":
        file.create_dataset("bad", (1,), "u1", chunks=(2**30,), maxshape=(None,))
    elif kind == "bomb":
        zeros = np.zeros(2**27, "u1")
        file.create_dataset("bad", data=zeros, chunks=(2**20,), compression="gzip")
    elif kind == "references":
        file.create_dataset("bad", (1,), h5py.ref_dtype)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("external link", "ExternalLink"),
        ("soft link", "SoftLink"),
        ("external data", "another file"),
        ("virtual data", "another file"),
        ("claim", "claims to hold"),
        ("chunk", "claims to hold"),
        ("bomb", "claims to hold"),
        ("references", "expected numbers or text"),
    ],
)
class TestHdf5:
    """The same hostile content in each kind of file that HDF5 carries."""

    def test_model(self, kind, words, tmp_path, h5):
        with h5py.File(h5, "r+") as file:
            group = file["model_weights"]
            hostile_weights(kind, group, str(tmp_path / "other.h5"))
        refused(h5, words)
        assert h5.stat().st_size < 2**20

    def test_archive(self, kind, words, tmp_path, archive):

        def change(name, data):
            if name != "model.weights.h5":
                return data
            (tmp_path / "inner.h5").write_bytes(data)
            with h5py.File(tmp_path / "inner.h5", "r+") as file:
                hostile_weights(kind, file, str(tmp_path / "other.h5"))
            return (tmp_path / "inner.h5").read_bytes()

        rewrite_keras(archive, change)
        refused(archive, words)

    def test_images(self, kind, words, tmp_path):
        if kind == "bomb":
            pytest.skip("pictures of one colour do shrink so much")
        pair = write_pair(tmp_path / "colours")
        with h5py.File(pair / "train_colours.h5", "r+") as file:
            hostile_weights(kind, file, str(tmp_path / "other.h5"))
        with pytest.raises(InputError, match=words):
            load_dataset(pair, 32)


@pytest.mark.parametrize("name", ["../canary", "/tmp/canary", "assets/../../canary"])
def test_paths_out_of_an_archive(name, archive, canary):
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(name, "hostile")
    refused(archive, "leads out of the archive")


def test_link_in_an_archive(archive):
    link = zipfile.ZipInfo("assets/")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(link, "/etc")
    refused(archive, "is a link")


def test_unknown_member_and_bomb_in_an_archive(archive):
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("assets/vocabulary.txt", "hello")
    refused(archive, "assets/vocabulary.txt")
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", bytes(2**27))
    refused(archive, "claims to hold")


def npy(header):
    """Return an `.npy` file that is all header."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def test_npz_that_claims_too_much(tmp_path):
    path = tmp_path / "set.npz"
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({HUGE},)}}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train.npy", npy(header))
    with pytest.raises(InputError, match="claims to hold 10,737,418,240"):
        load_dataset(path, 32)


class Hostile:
    """A pickle of it creates a file when it is read."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mknod, (self.path,)


def test_pickle_in_npz(tmp_path, canary):
    path = tmp_path / "set.npz"
    np.savez(path, x_train=np.array([Hostile(canary)], object))
    with pytest.raises(InputError, match="Python objects"):
        load_dataset(path, 32)


def test_the_pickle_is_dangerous(tmp_path):
    pickle.loads(pickle.dumps(Hostile(tmp_path / "canary")))
    assert (tmp_path / "canary").exists()


def test_picture_bomb(tmp_path):
    def chunk(kind, data):
        sum_ = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + sum_

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(2**20)))
        + chunk(b"IEND", b"")
    )
    assert path.stat().st_size < 10_000
    with pytest.raises(InputError, match="DecompressionBomb"):
        read_image(path, 32)


def test_names_that_come_twice_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["conv1"]
        group = file.create_group("conv1")
        group["kernel"] = np.zeros((7, 7, 3, 64), np.float32)
        group.attrs["weight_names"] = ["kernel", "kernel"]
    with pytest.raises(InputError, match="names one thing twice"):
        safety.check_h5_weights(path)


def test_texts_are_counted_by_their_length(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["list_classes"] = ["cat", "dog"]
        file["text"] = "one"
        assert safety._text_bytes(path, file["list_classes"]) == 6
        assert safety._text_bytes(path, file["text"]) == 3
    safety.check_h5_data(path)


def test_texts_of_any_length_in_an_attribute_are_counted(h5):
    """A file of 1 MB whose 4,000 names are one text would take 4 GB to be read."""
    with h5py.File(h5, "r+") as file:
        del file["model_weights"].attrs["layer_names"]
        texts = np.array(["a" * 2**20, *["b"] * 4000], object)
        file["model_weights"].attrs.create("layer_names", texts, dtype=TEXT)
    refused(h5, "claims to hold")
    with pytest.raises(InputError, match="claims to hold"):
        safety.check_h5_weights(h5)


def test_sizes_are_checked_before_the_metadata_are_read(h5):
    with h5py.File(h5, "r+") as file:
        file.attrs[NAME] = "no JSON"
        file.create_dataset("bad", (HUGE,), "u1", chunks=(2**20,))
    refused(h5, "claims to hold")


def test_a_few_texts_of_any_length_are_names_as_others_are(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs.create("layer_names", ["conv1", "bn_conv1"], dtype=TEXT)
    safety.check_h5_weights(path)
