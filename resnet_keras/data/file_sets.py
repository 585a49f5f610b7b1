"""Labelled picture files as a data set: parts given or drawn, broken files named."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from resnet_keras.data.dataset import Dataset, Split
from resnet_keras.data.labels import check_no_empty_class, say_no_test, shown
from resnet_keras.data.splitting import is_for_test, say_drawn, settle_parts
from resnet_keras.data.streaming import PictureFiles, settle
from resnet_keras.errors import InputError

_STREAMED = (
    "Streamed: each picture is read when it is its turn; copies, wrong labels and odd "
    "pictures were not looked for (python -m resnet_keras.audit does)."
)
_MOST_NAMED = 10  # broken pictures


class LabelledFile(NamedTuple):
    """A picture, its class, and its part, which is None where it is not given.

    A part is drawn by `key`: the class and the picture's path below it.
    """

    folder: str
    name: str
    class_name: str
    part: str | None
    inside: str  # the folder's path from the class on

    @property
    def path(self):
        """Where the picture is."""
        return Path(self.folder, self.name)

    @property
    def key(self):
        """What decides its part."""
        return f"{self.inside}/{self.name}"


def read_labelled_files(files, name, source, options, notes=()):
    """Read pictures as a `Dataset`.

    Args:
        files: list of `LabelledFile`.
        name, source: of the `Dataset`.
        options: `Options`.
        notes: sentences on how the source was read.

    Raises:
        InputError: a picture is broken, or a class or part has none.
    """
    present = {file.part or "train" for file in files}
    roles, is_drawn, note = settle_parts(present, options.needs_train)
    notes = [*notes, *([note] if note else [])]
    if options.needs_train and "train" not in present:
        raise InputError(
            f"{source}: holds a {shown(sorted(present))} part only; expected a part to "
            "train on, a folder train/ with a folder per class."
        )
    named = [file for file in files if (file.part or "train") == "train"] or files
    class_names = sorted({file.class_name for file in named})
    notes += _say_order(class_names)
    by_role = {"train": [], "validation": [], "test": []}
    for file in files:
        role = roles[file.part or "train"]
        if is_drawn and role == "train" and is_for_test(file.key, options.split_seed):
            role = "test"
        by_role[role].append(file)
    if is_drawn and "train" in present:
        if options.needs_train:
            _check_drawn(by_role, class_names, source)
        numbers = len(by_role["train"]), len(by_role["test"])
        notes.append(say_drawn(*numbers, options.split_seed, "its file's name"))
    label_of = {name: label for label, name in enumerate(class_names)}
    parts = [
        (
            PictureFiles(group, options.image_size),
            np.array([label_of[file.class_name] for file in group], np.int64),
        )
        for group in (by_role["train"] + by_role["validation"], by_role["test"])
    ]
    num_training = len(by_role["train"])
    dataset = build(
        name, source, class_names, parts, num_training, is_drawn, options, notes
    )
    if len(dataset.test) and "train" in present:
        said = say_no_test(dataset.test.labels, class_names, is_drawn)
        dataset = replace(dataset, notes=(*dataset.notes, *said))
    return dataset


def build(name, source, class_names, parts, num_training, is_drawn, options, notes):
    """Return the `Dataset` of pictures whose parts and labels are known.

    Args:
        name, source, class_names: of the `Dataset`.
        parts: (`Pictures`, labels) to train and then validate on, and to test on.
        num_training: how many of the first are to train on.
        is_drawn: whether the test part was drawn, so that it may be empty.
        options: `Options`.
        notes: sentences on how the source was read.

    Raises:
        InputError: a picture is broken, or a class or part has none.
    """
    num_pictures = sum(len(labels) for _, labels in parts)
    is_streamed = options.is_streamed(num_pictures)
    splits, masks, broken = [], [], {}
    for pictures, labels in parts:
        images, is_read, errors = settle(pictures, is_streamed, options.skip_broken)
        broken |= {pictures.name(row): error for row, error in errors.items()}
        origins = None
        if isinstance(pictures, PictureFiles) and not is_streamed:
            origins = [pictures.path(row) for row in np.flatnonzero(is_read)]
        splits.append(Split(images, labels[is_read], origins))
        masks.append(is_read)
    if broken and not options.skip_broken:
        raise InputError(_report_broken(broken, num_pictures))
    notes = [*notes, *([_STREAMED] if is_streamed else [])]
    if broken:
        notes.append(f"Left out, as asked: {_list_broken(broken, num_pictures)}.")
    train, test = splits
    num_validation = int(masks[0][num_training:].sum())
    num_training = len(train) - num_validation
    if options.needs_train:
        check_no_empty_class(source, train.labels[:num_training], class_names)
    if not is_drawn and not len(test):
        raise InputError(f"{source}: no test image is left; expected at least one.")
    reasons = {Path(name): _reason(name, error) for name, error in broken.items()}
    return Dataset(
        name, source, class_names, train, test, tuple(notes), num_validation, reasons
    )


def _say_order(class_names):
    """Return a note on the order of classes where people may expect another."""
    if not all(name.isdecimal() for name in class_names):
        return []
    if class_names == sorted(class_names, key=int):
        return []
    return [
        "Classes are in the order of text, as Keras and torchvision take them: "
        f"{shown(class_names)}."
    ]


def _check_drawn(by_role, class_names, source):
    trained = {file.class_name for file in by_role["train"]}
    numbers = Counter(file.class_name for file in by_role["test"])
    for name in class_names:
        if name not in trained:
            raise InputError(
                f"{source}: of class {name!r} {_images(numbers[name])} drawn for the "
                "test, and no image is left to train on. A file's part is drawn by its "
                "name alone, so that it never changes; add images, or give parts of "
                "your own, train/ and test/."
            )


def _images(number):
    return f"its {number} image is" if number == 1 else f"all {number} images are"


def _report_broken(broken, num_files):
    if len(broken) == 1:
        (error,) = broken.values()
        return f"{error} Or go on without it: --skip-broken (skip_broken=True)."
    return (
        f"{_list_broken(broken, num_files)}. Replace or remove them, or go on without "
        "them: --skip-broken (skip_broken=True)."
    )


def _list_broken(broken, num_files):
    named = [
        f"{path} ({_reason(path, error)})"
        for path, error in [*broken.items()][:_MOST_NAMED]
    ]
    more = ", ..." if len(broken) > _MOST_NAMED else ""
    noun = "picture" if len(broken) == 1 else "pictures"
    return f"{len(broken)} broken {noun} of {num_files}: {', '.join(named)}{more}"


def _reason(path, error):
    reason = str(error).removeprefix(f"{path}: ")
    reason = reason.removeprefix("not a readable picture (").split("); expected")[0]
    return reason.split(";")[0]
