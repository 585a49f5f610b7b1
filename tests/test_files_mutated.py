"""Valid files with random bytes changed are refused in one line, or read."""

import io
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from resnet_keras import load_dataset, load_model, save_model
from resnet_keras.accelerate.memory import memory_mb
from resnet_keras.data.images import read_image
from resnet_keras.errors import InputError
from tests.conftest import coloured_images, rewrite_keras


@pytest.fixture(scope="session")
def valid_files(tmp_path_factory, small_model):
    """Return {name: (bytes, function that reads such a file)}."""
    directory = tmp_path_factory.mktemp("valid")

    def read_model(path):
        model, metadata = load_model(path)
        assert isinstance(model, keras.Model)
        assert isinstance(metadata, dict)

    def read_set(path):
        assert load_dataset(path, 8).train.images.dtype == np.uint8

    def read_picture(path):
        assert read_image(path, 8).shape == (8, 8, 3)

    images = coloured_images(np.arange(9) % 3, 8)
    labels = np.arange(9) % 3
    arrays = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    files = {}
    for suffix in (".h5", ".keras"):
        path = directory / f"model{suffix}"
        save_model(small_model, path)
        files[path.name] = (path.read_bytes(), read_model)
    np.savez_compressed(directory / "set.npz", **arrays)
    files["set.npz"] = ((directory / "set.npz").read_bytes(), read_set)
    for suffix in ("png", "jpg", "gif", "webp", "bmp"):
        buffer = io.BytesIO()
        Image.fromarray(coloured_images([0], 24)[0]).save(
            buffer, "jpeg" if suffix == "jpg" else suffix
        )
        files[f"a.{suffix}"] = (buffer.getvalue(), read_picture)
    return files


def mutated(data, rng):
    """Return `data` with bytes changed, a piece cut, doubled, zeroed or made huge."""
    data = bytearray(data)
    kind = rng.integers(5)
    start = int(rng.integers(len(data)))
    length = int(rng.integers(1, 65))
    if kind == 0:
        for place in rng.integers(len(data), size=length):
            data[place] = rng.integers(256)
    elif kind == 1:
        del data[start : start + length]
    elif kind == 2:
        data[start:start] = data[start : start + length]
    elif kind == 3:
        data[start] ^= 1 << int(rng.integers(8))
    else:
        piece = data[start : start + int(rng.choice([1, 2, 4, 8]))]
        data[start : start + len(piece)] = bytes([rng.choice([0, 255])]) * len(piece)
    return bytes(data)


def forget_peak_of_memory():
    """Let `memory_mb` tell what is held from here on, and not by earlier tests."""
    switch = Path("/proc/self/clear_refs")
    if switch.exists():
        switch.write_text("5")


def fuzz(valid_files, tmp_path, number, seed):
    rng = np.random.default_rng(seed)
    outcomes = {"refused": 0, "read": 0}
    forget_peak_of_memory()
    before = memory_mb()
    for name, (data, read) in valid_files.items():
        for index in range(number):
            path = tmp_path / name
            if path.suffix == ".keras" and index % 2:  # where its checksums hold
                path.write_bytes(data)
                member = ["config.json", "model.weights.h5"][index // 2 % 2]
                rewrite_keras(
                    path,
                    lambda each, inner, member=member: (
                        mutated(inner, rng) if each == member else inner
                    ),
                )
            else:
                path.write_bytes(mutated(data, rng))
            try:
                read(path)
                outcomes["read"] += 1
            except InputError:
                outcomes["refused"] += 1
            except Exception as error:
                raise AssertionError(f"{name}, mutation {index}") from error
    assert memory_mb() - before < 1024
    assert min(outcomes.values()) > 0
    return outcomes


def test_mutated_files_are_refused_or_read(valid_files, tmp_path):
    fuzz(valid_files, tmp_path, number=80, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_thousands_of_mutated_files(valid_files, tmp_path, seed):
    fuzz(valid_files, tmp_path, number=250, seed=seed)
