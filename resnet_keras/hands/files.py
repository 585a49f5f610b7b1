"""The course's pair of files, and a contact sheet, of rendered hands."""

import os
import shutil
from pathlib import Path

from resnet_keras.errors import InputError
from resnet_keras.files.writing import check_folder, refuse_file, write_whole
from resnet_keras.hands.rendering import (
    TEST_START,
    check,
    check_range,
    iter_batches,
    render,
)


def contact_sheet(columns=12, image_size=96, seed=0):
    """Return a Pillow image with a row per sign and `columns` hands in each row.

    >>> contact_sheet(columns=2, image_size=32).size
    (70, 206)
    """
    import numpy as np
    from PIL import Image

    hands = render(6 * columns, image_size, seed)
    step, gap = image_size + 2, 2
    size = (6 * step + gap, columns * step + gap, 3)
    sheet = np.full(size, 255, np.uint8)
    for i, k in enumerate(np.argsort(hands.labels, kind="stable")):
        row, column = divmod(i, columns)
        y, x = gap + row * step, gap + column * step
        sheet[y : y + image_size, x : x + image_size] = hands.images[k]
    return Image.fromarray(sheet)


def write_pair(directory, num_train=1080, num_test=120, image_size=64, seed=0):
    """Write `train_hands.h5` and `test_hands.h5` in the course's format.

    The two share no picture. Each file appears whole or not at all.

    Args:
        directory: made if it is not there.
        num_train: images in the training file, 1 or more.
        num_test: images in the test file, 1 or more.
        image_size: side in pixels, 16 to 512.
        seed: 0 or more.

    Returns:
        The two paths. Each file holds `<part>_set_x` uint8 (m, size, size, 3),
        `<part>_set_y` int64 (m,) and `list_classes` int64 (6,).

    Raises:
        InputError: an argument out of range.
        OSError: the directory cannot be written, or the disk is full.
    """
    check_range("num_train", num_train, 1, TEST_START)
    check_range("num_test", num_test, 1, TEST_START)
    check(image_size=image_size, seed=seed)
    refuse_file(directory)
    needed = (num_train + num_test) * 3 * image_size**2
    place = Path(directory).absolute()
    while not place.is_dir():
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed > free:
        raise InputError(
            f"{directory}: has room for {free / 1e9:,.1f} GB but these hands take "
            f"{needed / 1e9:,.1f}; expected fewer or smaller ones, or another disk."
        )
    check_folder(directory)
    paths = []
    for part, count, start in (("train", num_train, 0), ("test", num_test, TEST_START)):
        paths.append(os.path.join(directory, f"{part}_hands.h5"))
        _write_h5(paths[-1], part, count, image_size, seed, start)
    return tuple(paths)


def _write_h5(path, part, count, image_size, seed, start):
    import h5py
    import numpy as np

    with write_whole(path) as temporary, h5py.File(temporary, "w") as file:
        shape = (count, image_size, image_size, 3)
        images = file.create_dataset(f"{part}_set_x", shape, np.uint8)
        labels = file.create_dataset(f"{part}_set_y", (count,), np.int64)
        file["list_classes"] = np.arange(6, dtype=np.int64)
        done = 0
        for batch in iter_batches(count, image_size, seed, start=start):
            here = slice(done, done + len(batch.labels))
            images[here], labels[here] = batch.images, batch.labels
            done = here.stop
