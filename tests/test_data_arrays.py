"""Large arrays lie outside the memory, and a full disk is told in time."""

import errno
import os

import numpy as np
import pytest

from resnet_keras import arrays
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
