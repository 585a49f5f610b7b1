"""Which part of the work is a process's, and what must be alike in all."""

import json

import numpy as np
import pytest

from resnet_keras.distributed import devices
from resnet_keras.errors import InputError
from resnet_keras.training.augmentation import Batches
from resnet_keras.training.recipe import RECIPES
from tests.conftest import coloured_images


@pytest.fixture
def process(monkeypatch):
    """Return a function that makes this one of several processes."""

    def become(index, number):
        monkeypatch.setattr(devices, "num_processes", lambda: number)
        monkeypatch.setattr(devices, "process_index", lambda: index)

    return become


@pytest.fixture
def gather(monkeypatch):
    """Let JAX gather what is set here, and return what was given to it."""
    multihost_utils = pytest.importorskip("jax.experimental.multihost_utils")
    given = []

    def allgather(value, tiled=False):
        given.append(value)
        return gather.found[len(given) - 1]

    monkeypatch.setattr(multihost_utils, "process_allgather", allgather)

    def gather(*found):
        gather.found = found
        return given

    return gather


@pytest.mark.parametrize("recipe", ["default", "robust", "imagenet-90"])
def test_processes_make_the_parts_of_one_batch(recipe, process):
    labels = np.arange(18) % 3
    images, one_hot = coloured_images(labels), np.eye(3, dtype=np.float32)[labels]

    def batch():
        batches = Batches(images, one_hot, np.arange(18), 12, RECIPES[recipe], seed=3)
        batches.begin_epoch(1)
        return batches[0]

    whole = batch()
    parts = []
    for index in range(3):
        process(index, 3)
        parts.append(batch())
    assert [len(part) for part, _ in parts] == [4, 4, 4]
    for of_whole, of_parts in zip(whole, zip(*parts, strict=True), strict=True):
        np.testing.assert_array_equal(np.concatenate(of_parts), of_whole)


def test_each_process_computes_its_rows(process, gather):
    squares = np.arange(7)[:, None] ** 2
    assert devices.together(lambda rows: squares[rows], 7).tolist() == squares.tolist()
    given = gather(*[np.arange(9)[:, None]] * 3)
    for index in range(3):
        process(index, 3)
        assert devices.together(lambda rows: squares[rows], 7).shape == (7, 1)
    assert [each.ravel().tolist() for each in given] == [
        [0, 1, 4],
        [9, 16, 25],
        [36, 36, 36],  # the last row, for as many as the others have
    ]


def test_processes_with_other_facts_are_told_apart(process, gather):
    process(0, 2)
    texts = [json.dumps({"seed": seed, "keras": "3"}).encode() for seed in (0, 12)]
    longest = max(map(len, texts))
    padded = np.zeros((2, longest), np.uint8)
    for row, text in zip(padded, texts, strict=True):
        row[: len(text)] = np.frombuffer(text, np.uint8)
    sizes = np.array([[len(text)] for text in texts])
    given = gather(sizes, padded)
    with pytest.raises(
        InputError, match="process 1 of 2 has seed 12, and process 0 ha"
    ):
        devices.agree({"seed": 0, "keras": "3"})
    assert given[1].tobytes().rstrip(b"\0") == texts[0]
    gather(sizes[[0, 0]], padded[[0, 0]])
    given.clear()
    devices.agree({"seed": 0, "keras": "3"})


def test_devices_without_equal_parts_are_refused(monkeypatch):
    monkeypatch.setattr(devices, "num_devices", lambda: 4)
    monkeypatch.setattr(devices, "_local_devices", lambda: 4)
    with pytest.raises(InputError, match="6 images and cannot be divided among 4 dev"):
        devices.check_batch(6)
    monkeypatch.setattr(devices, "_local_devices", lambda: 3)
    with pytest.raises(InputError, match="4 devices in 1 processes, of which this"):
        devices.check_batch(8)


def test_one_device_shares_nothing():
    with devices.sharing(7):
        pass
    assert (devices.num_processes(), devices.process_index()) == (1, 0)
    assert devices.part_of_batch(7) == (0, 7)
