"""Arrays of images and labels: checked, fitted, and outside the memory where large.

Errors name the file and the array's key, what was found and what was expected.
"""

import math
import os
import tempfile
from collections import Counter

import numpy as np

from resnet_keras.errors import InputError
from resnet_keras.images import fit

# Above this many bytes decoded images go to a temporary file mapped into memory.
_IN_MEMORY_BYTES = 512 * 2**20


def allocate(num_images, image_size):
    """Return an array for images, uint8 (num_images, height, width, 3), not yet filled.

    Above 512 MiB it lies in a temporary file that is mapped into memory.

    Args:
        num_images: int.
        image_size: (height, width).

    Raises:
        InputError: the disk has no room for it.
    """
    shape = (num_images, *image_size, 3)
    num_bytes = math.prod(shape)
    if num_bytes <= _IN_MEMORY_BYTES:
        return np.empty(shape, np.uint8)
    # The file has no name any more and goes when the last reference to the map does.
    with tempfile.TemporaryFile(prefix="resnet_keras-") as file:
        try:
            if hasattr(os, "posix_fallocate"):
                # Without its bytes a full disk would kill whoever writes to the map.
                os.posix_fallocate(file.fileno(), 0, num_bytes)
            return np.memmap(file, np.uint8, "w+", shape=shape)
        except OSError as error:
            raise InputError(
                f"{tempfile.gettempdir()}: has no room for {num_bytes / 1e9:.1f} GB of "
                f"decoded images ({error.strerror}). Set TMPDIR to a folder that has."
            ) from error


def fit_all(array, image_size):
    """Copy an array, or an HDF5 data set chunk by chunk, fitted to `image_size`."""
    images = allocate(len(array), image_size)
    for start in range(0, len(array), 1024):
        chunk = array[start : start + 1024]
        if chunk.shape[1:3] == image_size:
            images[start : start + 1024] = chunk
        else:
            for offset, image in enumerate(chunk):
                images[start + offset] = fit(image, image_size)
    return images


def check_images(path, key, array, num_labels):
    """Refuse what is not uint8 (m, height, width, 3), with as many images as labels."""
    if len(array.shape) != 4 or array.shape[-1] != 3:
        raise InputError(
            f'{path}: "{key}" has shape {array.shape}; expected (m, height, width, 3).'
        )
    if 0 in array.shape[1:3]:
        raise InputError(
            f'{path}: "{key}" has shape {array.shape}, pictures without a pixel.'
        )
    if array.dtype != np.uint8:
        has_nan = array.dtype.kind == "f" and np.isnan(array[()]).any()
        found = f"{array.dtype} and contains NaN" if has_nan else array.dtype
        raise InputError(f'{path}: "{key}" is {found}; expected uint8, 0 to 255.')
    if len(array) != num_labels:
        raise InputError(
            f'{path}: "{key}" has {len(array)} images but there are {num_labels} '
            "labels; expected one label per image."
        )
    if len(array) == 0:
        raise InputError(f'{path}: "{key}" has no images; expected at least one.')


def as_labels(path, key, array):
    """Return labels given as (m,) or (1, m), of whole numbers, as int64 (m,)."""
    array = np.asarray(array)
    if not (array.ndim == 1 or (array.ndim == 2 and array.shape[0] == 1)):
        raise InputError(
            f'{path}: "{key}" has shape {array.shape}; expected (m,) or (1, m), one '
            "integer per image (of one-hot labels take the argmax)."
        )
    labels = array.ravel()
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        wrong = "NaN" if np.isnan(labels).any() else "an infinity"
        raise InputError(f'{path}: "{key}" contains {wrong}; expected integers.')
    if labels.dtype.kind not in "iuf" or (labels != np.floor(labels)).any():
        raise InputError(f'{path}: "{key}" is {labels.dtype}; expected integers.')
    wrong = labels[np.abs(labels.astype(np.float64)) >= 2**31]
    if len(wrong):  # before a narrower type makes another number of it
        raise InputError(
            f'{path}: "{key}" contains the label {wrong[0]}; expected 0 or a little '
            "more, a position among the classes."
        )
    return labels.astype(np.int64)


def check_names(path, key, class_names):
    """Refuse class names of which one comes twice: who reads it cannot know which."""
    for name, number in Counter(class_names).items():
        if number > 1:
            raise InputError(
                f'{path}: "{key}" names {name!r} {number} times; expected a different '
                "name for each class."
            )


def check_labels(path, key, labels, class_names):
    """Refuse a label that is no position among the class names."""
    wrong = labels[(labels < 0) | (labels >= len(class_names))]
    if len(wrong):
        raise InputError(
            f'{path}: "{key}" contains the label {wrong[0]}; expected 0 to '
            f"{len(class_names) - 1}, a position among the {len(class_names)} classes."
        )


def check_no_empty_class(path, train, class_names):
    """Refuse a training `Split` without an image of one of the classes."""
    counts = train.counts(len(class_names))
    if (counts == 0).any():
        name = class_names[int(np.flatnonzero(counts == 0)[0])]
        raise InputError(
            f'{path}: no training image of class "{name}", an empty class; expected at '
            "least one of each."
        )
