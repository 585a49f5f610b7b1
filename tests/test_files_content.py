"""A file is what its bytes say, whatever its name; a placeholder is called one."""

import gzip
import lzma
import pickle
import zipfile

import h5py
import numpy as np
import pytest

from resnet_keras.errors import InputError
from resnet_keras.files.content import check_not_placeholder, kind_of

TORCH = 0x1950A86A20F9469CFC6C  # what torch.save wrote first, before 1.6
POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    "size 94765736\n"
)


def archive(path, *names):
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, "{}")


def hdf5(path):
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)


def hdf5_after_a_user_block(path):
    with h5py.File(path, "w", userblock_size=1024) as file:
        file["x"] = np.zeros(3)


def npz(path):
    with path.open("wb") as file:
        np.savez(file, x=np.zeros(3))


def safetensors(path):
    header = b'{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("hdf5", hdf5),
        ("hdf5", hdf5_after_a_user_block),
        ("keras", lambda path: archive(path, "metadata.json", "config.json")),
        ("torch", lambda path: archive(path, "model/data.pkl", "model/version")),
        (
            "torch",
            lambda path: path.write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, 2)),
        ),
        ("npz", npz),
        ("npy", lambda path: path.write_bytes(b"\x93NUMPY\x01\x00 and so on")),
        ("gzip", lambda path: path.write_bytes(gzip.compress(b"any"))),
        ("xz", lambda path: path.write_bytes(lzma.compress(b"any"))),
        ("zip", lambda path: archive(path, "readme.txt")),
        ("zip", lambda path: path.write_bytes(b"PK\x03\x04 cut short")),
        ("pickle", lambda path: path.write_bytes(pickle.dumps({}))),
        ("safetensors", safetensors),
        ("tflite", lambda path: path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(99))),
        ("lfs", lambda path: path.write_text(POINTER)),
        ("annex", lambda path: path.write_text("/annex/objects/SHA256E-s9--a.h5\n")),
        ("html", lambda path: path.write_text("\n <!DOCTYPE html><html>")),
        ("html", lambda path: path.write_text("404: Not Found")),
        ("empty", lambda path: path.write_bytes(b"")),
        ("unknown", lambda path: path.write_bytes(bytes(999))),
        ("unknown", lambda path: path.write_bytes(b"x")),
    ],
)
def test_kind_is_that_of_the_content(kind, make, tmp_path):
    path = tmp_path / "model.h5"
    make(path)
    assert kind_of(path) == kind


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (POINTER, "model.h5: is a Git LFS pointer, .* run git lfs pull"),
        ("/annex/objects/SHA256E-s9--a.h5\n", "run git annex get"),
        ("<html><title>Sign in</title>", "is a web page"),
        ("", "model.h5: is empty"),
    ],
)
def test_placeholder_is_refused_with_what_to_do(text, words, tmp_path):
    path = tmp_path / "model.h5"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        check_not_placeholder(path)


def test_real_file_passes(tmp_path):
    hdf5(tmp_path / "model.keras")
    check_not_placeholder(tmp_path / "model.keras")
