"""Large arrays lie outside the memory, and a full disk is told in time."""

import errno
import os
import tracemalloc

import numpy as np
import pytest

from resnet_keras.data import arrays, load_dataset
from resnet_keras.errors import InputError


def test_large_arrays_take_their_room_on_the_disk_at_once(monkeypatch):
    monkeypatch.setattr(arrays, "_IN_MEMORY_BYTES", 1000)
    images = arrays.allocate(100, (64, 64))
    assert isinstance(images, np.memmap)
    assert images.shape == (100, 64, 64, 3)
    small = arrays.allocate(1, (8, 8))
    assert not isinstance(small, np.memmap)


def test_no_room_for_decoded_images_is_one_line(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    monkeypatch.setattr(arrays, "_IN_MEMORY_BYTES", 1000)
    with pytest.raises(InputError, match=r"has no room for 3\.1 GB .*Set TMPDIR"):
        arrays.allocate(1000, (1024, 1000))


def test_images_of_other_sizes_are_fitted():
    images = np.full((3, 20, 30, 3), 7, np.uint8)
    fitted = arrays.fit_all(images, (16, 16))
    assert fitted.shape == (3, 16, 16, 3)
    assert (fitted == 7).all()


def test_a_thousand_large_pictures_take_little_memory(monkeypatch):
    """As many bytes as 1,000 pictures of 1,000 pixels: 3 GB, none of them real."""

    class Large:
        shape, dtype = (1000, 1000, 1000, 3), np.dtype(np.uint8)
        largest = 0

        def __len__(self):
            return 1000

        def __getitem__(self, rows):
            number = len(range(*rows.indices(1000)))
            Large.largest = max(Large.largest, number * 3_000_000)
            return np.broadcast_to(np.uint8(7), (number, 1000, 1000, 3))

    monkeypatch.setattr(arrays, "fit", lambda image, size: image[: size[0], : size[1]])
    tracemalloc.start()
    images = arrays.fit_all(Large(), (8, 8))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (images == 7).all()
    assert Large.largest <= 32 * 2**20
    assert peak < 32 * 2**20


def test_compressed_chunks_are_unpacked_once():
    class Stored:
        shape, dtype, chunks = (100, 1000, 1000, 3), np.dtype(np.uint8), (15,)

        def __len__(self):
            return 100

        def __getitem__(self, rows):
            return range(*rows.indices(100))

    # 11 rows fit 32 MiB; the next multiple of 15 is 15.
    assert [start for start, _ in arrays.chunks(Stored())] == list(range(0, 100, 15))


def test_bytes_of_only_0_and_1_are_refused_with_both_readings(tmp_path):
    images = np.zeros((4, 8, 8, 3), np.uint8)
    images[0, 0, 0] = 1
    path = tmp_path / "a.npz"
    np.savez(path, x_train=images, y_train=[0, 1, 0, 1], x_test=images, y_test=[0] * 4)
    with pytest.raises(InputError, match="holds only 0 and 1: black pictures, or"):
        load_dataset(path, 8)
