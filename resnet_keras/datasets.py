"""Labelled images from wherever they lie, as one small object.

`load_dataset` reads four kinds of source (see there) into a `Dataset`: images at one
size, as uint8, with integer labels, class names and a training and a test part.
"""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np

from resnet_keras import hands
from resnet_keras.arrays import (
    allocate,
    as_labels,
    check_images,
    check_labels,
    check_names,
    check_no_empty_class,
    fit_all,
)
from resnet_keras.errors import InputError
from resnet_keras.images import IMAGE_SUFFIXES, height_and_width, read_image
from resnet_keras.safety import check_h5_data, check_npz, naming_damage

HANDS = "hands"  # the source that is drawn, not read
_NUM_HANDS = {"train": 9300, "test": 600}
_TEST_SHARE = 0.2  # of each class, where a source has no test part of its own


@dataclass(frozen=True)
class Split:
    """Images of one part of a data set: uint8 (num_images, size, size, 3), and labels.

    Labels are int64 (num_images,), positions in the data set's `class_names`.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.labels)

    def counts(self, num_classes):
        """Return the number of images per class, shape (num_classes,)."""
        return np.bincount(self.labels, minlength=num_classes)


@dataclass(frozen=True)
class Dataset:
    """A training and a test part with common classes; `print` shows what is in it."""

    name: str
    source: str
    class_names: list
    train: Split
    test: Split
    note: str = ""

    @property
    def image_size(self):
        """Side of the images in pixels."""
        return self.train.images.shape[1]

    def digest(self):
        """Return a hash of class names and labels, which changes as images come or go.

        The images do not count: drawn hands may differ by a bit between machines.
        """
        found = hashlib.blake2b(json.dumps(self.class_names).encode(), digest_size=16)
        for part in (self.train, self.test):
            found.update(len(part).to_bytes(8, "little") + part.labels.tobytes())
        return found.hexdigest()

    def __str__(self):
        size = self.image_size
        num_classes = len(self.class_names)
        width = max(5, *(len(name) for name in self.class_names))
        lines = [
            f"{self.name}: {len(self.train)} training and {len(self.test)} test images "
            f"of {size} x {size} pixels in {num_classes} classes ({self.source})",
            *([self.note] if self.note else []),
            f"  {'class':<{width}}  train   test",
        ]
        counts = zip(
            self.class_names,
            self.train.counts(num_classes),
            self.test.counts(num_classes),
            strict=True,
        )
        lines += [
            f"  {name:<{width}}  {train:5d}  {test:5d}" for name, train, test in counts
        ]
        return "\n".join(lines)


def load_dataset(source, image_size=64, split_seed=0):
    """Read labelled images from `source`.

    Args:
        source: "hands", for the built-in hand signs, or the path of one of
            (a) a folder with the course's pair `train_*.h5` and `test_*.h5`, with the
            keys `train_set_x`, `train_set_y`, `test_set_x`, `test_set_y` and
            `list_classes`;
            (b) a folder with `train/` and `test/`, each with a folder per class;
            (c) a folder with a folder per class, of which some fifth of each class
            becomes the test part: a file's name, its class and `split_seed` decide, so
            that it stays in its part when other files come or go;
            (d) an `.npz` file with `x_train`, `y_train`, `x_test`, `y_test`.
        image_size: side in pixels, or (height, width); images of another shape are
            cropped about their centre and resized.
        split_seed: seed of the split of (c).

    Returns:
        A `Dataset`. Images are uint8; above 512 MiB they lie in a temporary file that
        is mapped into memory, so that a source need not fit. Hands are drawn when a
        part's images or labels are first asked for.

    Raises:
        InputError: something is missing, damaged or does not fit together. The message
            names the file.
    """
    image_size = height_and_width(image_size)
    if str(source) == HANDS:
        return _drawn_hands(image_size)
    path = Path(source)
    if not path.exists():
        raise InputError(
            f"{path}: no such file or folder; expected a folder with train_*.h5 and "
            "test_*.h5, a folder with one folder of images per class, or an .npz file."
        )
    if path.is_file():
        if path.suffix != ".npz":
            raise InputError(
                f"{path}: a file; expected an .npz file, or the folder in which "
                "train_*.h5 and test_*.h5 or the class folders lie."
            )
        return _load_npz(path, image_size)
    if has_course_pair(path):
        return _load_course_pair(path, image_size)
    if (path / "train").is_dir() and (path / "test").is_dir():
        return _load_train_and_test_folders(path, image_size)
    if _class_folders(path):
        return _load_class_folders(path, image_size, split_seed)
    raise InputError(
        f"{path}: holds no data set; expected train_*.h5 and test_*.h5, or train/ and "
        "test/ with a folder per class, or a folder per class."
    )


def has_course_pair(directory):
    """Say whether `directory` holds `train_*.h5` or `test_*.h5`."""
    directory = Path(directory)
    return any(directory.glob("train_*.h5")) or any(directory.glob("test_*.h5"))


def stratified_split(labels, share, seed):
    """Draw about `share` of each class, at least one of each that has two or more.

    Args:
        labels: integers, shape (num_images,).
        share: between 0 and 1.
        seed: the same seed draws the same positions.

    Returns:
        (rest, drawn): sorted positions in `labels`, which together are all of them.

    Example:

    >>> stratified_split([0, 0, 0, 0, 1, 1], share=0.25, seed=0)[1].shape
    (2,)
    """
    labels = np.asarray(labels)
    rng = np.random.default_rng(seed)
    drawn = []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        drawn.append(
            members[: min(max(1, round(share * len(members))), len(members) - 1)]
        )
    drawn = np.sort(np.concatenate(drawn))
    return np.setdiff1d(np.arange(len(labels)), drawn), drawn


# --- (a) the course's pair of HDF5 files ---------------------------------------------


def _load_course_pair(directory, image_size):
    paths = {}
    for part in ("train", "test"):
        found = sorted(directory.glob(f"{part}_*.h5"))
        if len(found) != 1:
            names = ", ".join(path.name for path in found) or "none"
            raise InputError(
                f"{directory}: found {names} for {part}_*.h5; expected exactly one "
                "file of the pair train_*.h5 and test_*.h5."
            )
        paths[part] = found[0]
    loaded = {part: _read_h5(paths[part], part, image_size) for part in paths}
    class_names, train = loaded["train"]
    test_class_names, test = loaded["test"]
    if test_class_names != class_names:
        raise InputError(
            f"{paths['test']}: its list_classes is {test_class_names}, but that of "
            f"{paths['train']} is {class_names}; expected the same classes."
        )
    check_names(paths["train"], "list_classes", class_names)
    check_labels(paths["train"], "train_set_y", train.labels, class_names)
    check_labels(paths["test"], "test_set_y", test.labels, class_names)
    check_no_empty_class(paths["train"], train, class_names)
    name = paths["train"].stem.removeprefix("train_")
    source = f"{paths['train']} and {paths['test'].name}"
    return Dataset(name, source, class_names, train, test)


def _read_h5(path, part, image_size):
    check_h5_data(path)
    with naming_damage(path), h5py.File(path) as file:
        x, y, names = (
            _h5_array(path, file, key)
            for key in (f"{part}_set_x", f"{part}_set_y", "list_classes")
        )
        labels = as_labels(path, f"{part}_set_y", y[()])
        check_images(path, f"{part}_set_x", x, len(labels))
        class_names = [_as_text(name) for name in np.ravel(names[()])]
        return class_names, Split(fit_all(x, image_size), labels)


def _h5_array(path, file, key):
    if not isinstance(file.get(key), h5py.Dataset):
        keys = ", ".join(file) or "nothing"
        raise InputError(f'{path}: has no "{key}" (it holds {keys}).')
    return file[key]


def _as_text(name):
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


# --- (d) one .npz file ---------------------------------------------------------------


def _load_npz(path, image_size):
    check_npz(path)
    with naming_damage(path), np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    parts = {}
    for part in ("train", "test"):
        x_key, y_key = f"x_{part}", f"y_{part}"
        for key in (x_key, y_key):
            if key not in arrays:
                keys = ", ".join(arrays) or "nothing"
                raise InputError(f'{path}: has no "{key}" (it holds {keys}).')
        labels = as_labels(path, y_key, arrays[y_key])
        check_images(path, x_key, arrays[x_key], len(labels))
        parts[part] = Split(fit_all(arrays[x_key], image_size), labels)
    num_classes = parts["train"].labels.max() + 1
    if num_classes > len(parts["train"]):
        raise InputError(
            f'{path}: "y_train" contains the label {num_classes - 1} but has only '
            f"{len(parts['train'])} labels, so a class below it is empty; expected "
            "labels from 0 on, each at least once."
        )
    if "class_names" in arrays:
        class_names = [_as_text(name) for name in np.ravel(arrays["class_names"])]
        check_names(path, "class_names", class_names)
    else:
        class_names = [str(label) for label in range(num_classes)]
    train, test = parts["train"], parts["test"]
    check_labels(path, "y_train", train.labels, class_names)
    check_labels(path, "y_test", test.labels, class_names)
    check_no_empty_class(path, train, class_names)
    return Dataset(path.stem, str(path), class_names, train, test)


# --- (b), (c) folders of image files -------------------------------------------------


def _load_train_and_test_folders(directory, image_size):
    train_folders = _class_folders(directory / "train")
    test_folders = _class_folders(directory / "test")
    for part, folders in (("train", train_folders), ("test", test_folders)):
        if not folders:
            raise InputError(
                f"{directory / part}: holds no folders; expected one folder of images "
                "per class."
            )
    class_names = [folder.name for folder in train_folders]
    for folder in test_folders:
        if folder.name not in class_names:
            raise InputError(
                f"{folder}: a class in test that is not in train, whose classes are "
                f"{', '.join(class_names)}."
            )
    train = _read_files(*_list_files(train_folders, class_names), image_size)
    test = _read_files(*_list_files(test_folders, class_names), image_size)
    return Dataset(directory.resolve().name, str(directory), class_names, train, test)


def _load_class_folders(directory, image_size, split_seed):
    folders = _class_folders(directory)
    class_names = [folder.name for folder in folders]
    paths, labels = _list_files(folders, class_names)
    counts = np.bincount(labels)
    if counts.min() < 2:
        raise InputError(
            f"{folders[counts.argmin()]}: has 1 image; expected at least 2, one to "
            "train and one to test."
        )
    is_test = _draw_for_test(paths, labels, split_seed)
    train, test = (
        _read_files([paths[row] for row in rows], labels[rows], image_size)
        for rows in (np.flatnonzero(~is_test), np.flatnonzero(is_test))
    )
    note = (
        f"No test part given: some {_TEST_SHARE:.0%} of each class, drawn by file name "
        f"with seed {split_seed}, are kept for the test."
    )
    name = directory.resolve().name
    return Dataset(name, str(directory), class_names, train, test, note)


def _draw_for_test(paths, labels, seed):
    """Say which files are for the test: at least one of each class, but not all."""

    def draw(path):
        text = f"{seed}/{path.parent.name}/{path.name}"
        digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8)
        return int.from_bytes(digest.digest(), "little") / 2**64

    draws = np.array([draw(path) for path in paths])
    is_test = draws < _TEST_SHARE
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        is_test[members[draws[members].argmin()]] = True
        is_test[members[draws[members].argmax()]] = False
    return is_test


def _class_folders(directory):
    return sorted(
        path
        for path in directory.iterdir()
        if path.is_dir() and not path.name.startswith((".", "__"))
    )


def _list_files(folders, class_names):
    paths, labels = [], []
    for folder in folders:
        found = sorted(
            path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES
        )
        if not found:
            parts = "Folders of parts are called train and test, and hold the classes'."
            raise InputError(
                f"{folder}: an empty class; expected images "
                f"({', '.join(sorted(IMAGE_SUFFIXES))}). "
                f"{parts if _class_folders(folder) else ''}"
            )
        paths += found
        labels += [class_names.index(folder.name)] * len(found)
    return paths, np.array(labels, np.int64)


def _read_files(paths, labels, image_size):
    images = allocate(len(paths), image_size)

    def read(index):
        images[index] = read_image(paths[index], image_size)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(read, range(len(paths))))  # the list raises what a thread raised
    return Split(images, labels)


# --- the built-in hands --------------------------------------------------------------


class _DrawnSplit(Split):
    """A part of the hands, drawn when its images or labels are first asked for."""

    def __init__(self, part, image_size):
        vars(self).update(_part=part, _image_size=image_size)  # Split is frozen

    def __len__(self):
        return _NUM_HANDS[self._part]

    @property
    def images(self):
        return self._drawn[0]

    @property
    def labels(self):
        return self._drawn[1]

    @cached_property
    def _drawn(self):
        images, labels = allocate(len(self), self._image_size), []
        start = {"train": 0, "test": hands.TEST_START}[self._part]
        # Drawn square at the longer side; other shapes are cropped like any image.
        side = max(self._image_size)
        for batch in hands.iter_batches(len(images), side, start=start):
            done = len(labels)
            images[done : done + len(batch.labels)] = fit_all(
                batch.images, self._image_size
            )
            labels += batch.labels.tolist()
        return images, np.array(labels, np.int64)


def _drawn_hands(image_size):
    class_names = [str(sign) for sign in range(6)]
    parts = (_DrawnSplit(part, image_size) for part in ("train", "test"))
    return Dataset(HANDS, "drawn by resnet_keras.hands", class_names, *parts)
