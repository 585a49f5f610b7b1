"""Which images belong together, so that no test image has a copy in training."""

from pathlib import Path

import numpy as np

from resnet_keras.audit.alike import ALIKE, find_alike, groups
from resnet_keras.audit.findings import Pictures
from resnet_keras.data.tables import read_column
from resnet_keras.errors import InputError


def group_images(dataset, by=None):
    """Number images, equal for those that are to stay in one part.

    Args:
        dataset: `Dataset`.
        by: None for copies, exact and near, which are looked for; "1", "2", ... for the
            name of the folder that holds the picture, of the one above it, ...; or the
            name of a column of the tables that `dataset` was read from.

    Returns:
        int64 (num_images,), training images first, and a sentence about it.

    Raises:
        InputError: the images have no paths, or the table no such column.

    Example:

    >>> from resnet_keras import load_dataset
    >>> group_images(load_dataset("photographs"), "1")  # doctest: +SKIP
    """
    pictures = Pictures(dataset)
    if by is None:
        pairs = [each for each in find_alike(pictures.images) if each.kind != ALIKE]
        numbers, what = groups(len(pictures), pairs), "copies, exact and near"
    elif pictures.paths is None:
        raise InputError(
            f"--groups {by}: the images of {dataset.source} have no paths; expected a "
            "folder or a .csv file of pictures. Without --groups copies are looked for."
        )
    else:
        names, what = _names(dataset, pictures.paths, by), f"--groups {by}"
        numbers = np.unique(names, return_inverse=True)[1]
    number = len(np.unique(numbers))
    sentence = f"{len(pictures)} images in {number} groups ({what}), kept together"
    return numbers, sentence


def _names(dataset, paths, by):
    """Return the name of each image's group."""
    if by.isdecimal():
        level = int(by)
        if not 1 <= level <= min(len(path.parents) for path in paths) - 1:
            raise InputError(
                f"--groups {by}: expected 1, the folder of the picture, ..."
            )
        # One name in two classes is one person or place.
        return [path.parents[level - 1].name for path in paths]
    source = str(dataset.source)
    tables = [source] if Path(source).exists() else source.split(", ")
    if not source.endswith((".csv", ".tsv")):
        raise InputError(
            f"--groups {by}: {dataset.source} is no table; expected a number, 1 for "
            "the folder that holds the picture, 2 for the one above it."
        )
    column = {}
    for path in tables:
        column |= read_column(Path(path), by)
    missing = [path for path in paths if not column.get(path)]
    if missing:
        raise InputError(
            f"{dataset.source}: column {by!r} is empty for {missing[0]}; expected a "
            "group for each picture."
        )
    return [column[path] for path in paths]
