"""Picture files with boxes, whatever format they come from, and what is wrong in them.

The readers of formats list what they find as `Record`s; `settled` compares these with
the pictures and makes `Annotated` of them, boxes in pixels of the picture as it is
shown.
"""

import math
import os
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from resnet_keras.errors import InputError

PARTS = ("train", "validation", "test")
_MOST_TOLD = 3  # bad entries by name
_LEAST_INSIDE = 0.5  # of a box that sticks out of its picture; else it is an error
_ORIENTATION = 0x0112  # of EXIF
_TURNED = (5, 6, 7, 8)  # orientations of pictures that are stored turned


@dataclass(frozen=True)
class Annotated:
    """A picture file and the boxes of its objects.

    Args:
        path: of the picture.
        part: "train", "validation" or "test".
        size: (width, height) in pixels, turned as the camera was held.
        boxes: float64 (num_objects, 4): x_min, y_min, x_max, y_max in pixels, in the
            coordinates of pixel edges.
        labels: int64 (num_objects,), positions in the class names.
        ignored: float64 (num_ignored, 5), corners and class of boxes that are marked
            not to count: COCO's crowds, VOC's difficult objects.
    """

    path: Path
    part: str
    size: tuple
    boxes: np.ndarray
    labels: np.ndarray
    ignored: np.ndarray = field(default_factory=lambda: np.zeros((0, 5)))


@dataclass(frozen=True)
class Annotations:
    """What a reader of a format returns, and a writer takes.

    Args:
        pictures: list of `Annotated`.
        class_names: list of str.
        notes: tuple of sentences that say how they were read.
    """

    pictures: list
    class_names: list
    notes: tuple = ()


@dataclass
class Record:
    """A picture as a format lists it, unchecked.

    `boxes` are (entry, label, four numbers); `entry` names the place in `file`. So are
    `ignored`, those that are marked not to count.
    `size` is (width, height) as the format has it, or None; without pixels, the numbers
    of boxes are fractions of the picture.
    """

    path: Path
    part: str
    file: Path
    size: tuple | None = None
    in_pixels: bool = True
    boxes: list = field(default_factory=list)
    ignored: list = field(default_factory=list)


class Faults:
    """Bad entries of a source, collected so that they are told together.

    Args:
        source: what is read, for the messages.
        skip_broken: whether to leave them out instead of ending.
    """

    def __init__(self, source, skip_broken=False):
        self.source, self.skip_broken = source, skip_broken
        self.found, self.notes = [], Counter()

    def add(self, file, entry, reason):
        """Note a bad entry of a file."""
        self.found.append(f"{file}: {entry}: {reason}")

    def note(self, sentence):
        """Count what was repaired; the sentence has {} for the number."""
        self.notes[sentence] += 1

    def check(self):
        """Raise `InputError` where there are bad entries that must not be left out."""
        if self.found and not self.skip_broken:
            number, mend = len(self.found), "Correct or remove it, or go on without it"
            if number > 1:
                mend = f"Correct or remove the {number} bad entries, or go on without"
            raise InputError(
                f"{self._told()} {mend}: --skip-broken (skip_broken=True)."
            )

    def sentences(self):
        """Return what was repaired and what was left out, as sentences."""
        said = [x.replace("{}", str(number)) for x, number in self.notes.items()]
        if self.found:
            number = len(self.found)
            entries = "entry" if number == 1 else "entries"
            said.append(f"Left out, as asked, {number} bad {entries}: {self._told()}")
        return said

    def _told(self):
        more = "; ..." if len(self.found) > _MOST_TOLD else "."
        return "; ".join(self.found[:_MOST_TOLD]) + more


def numbers(values, count=4):
    """Return finite floats of what a file has in their place, or None.

    Example:

    >>> numbers(["1", 2, 3.5, 4]), numbers([1, 2, 3]), numbers([1, 2, 3, "nan"])
    ([1.0, 2.0, 3.5, 4.0], None, None)
    """
    try:
        found = [float(value) for value in values]
    except (TypeError, ValueError, OverflowError):
        return None
    is_good = len(found) == count and all(map(math.isfinite, found))
    return found if is_good else None


def settled(records, class_names, faults):
    """Check records against their pictures.

    Args:
        records: list of `Record`.
        class_names: list of str.
        faults: `Faults`, which gets what is wrong and what was repaired.

    Returns:
        `Annotations`. Boxes that stick out a little are clipped to their picture.

    Raises:
        InputError: there are bad entries, and `faults` are not to be skipped.
    """
    pictures, first = [], {}
    with warnings.catch_warnings():
        # Whether a picture is too large, or damaged, its reader says.
        warnings.simplefilter("ignore")
        for record in records:
            try:
                real = record.path.resolve()
            except (OSError, ValueError):  # no file can have this name
                faults.add(record.file, repr(record.path.name), "no such picture")
                continue
            if real in first:
                where = first[real]
                where = "" if where == record.file else f", first in {where}"
                faults.add(record.file, record.path.name, f"is listed twice{where}")
                continue
            first[real] = record.file
            if (picture := _settled(record, faults)) is not None:
                pictures.append(picture)
    faults.check()
    if not pictures:
        raise InputError(f"{faults.source}: lists no pictures; expected some.")
    return Annotations(pictures, list(class_names), tuple(faults.sentences()))


def _settled(record, faults):
    """Return the `Annotated` of a record, or None where its picture is of no use."""
    try:
        stored, orientation = _stored(record.path)
    except Exception:  # Pillow reports damage in many kinds of exception
        reason = "no such picture"
        if os.path.isfile(record.path):
            reason = "no readable picture"
        faults.add(record.file, record.path, reason)
        return None
    shown = stored[::-1] if orientation in _TURNED else stored
    try:
        change = _change(record, stored, shown, orientation, faults)
    except InputError as error:
        faults.add(record.file, record.path, error)
        return None

    def checked(entries):
        rows = []
        for entry, label, values in entries:
            try:
                box, is_clipped = _clipped(change(np.array(values, np.float64)), shown)
            except InputError as error:
                faults.add(record.file, entry, error)
                continue
            if is_clipped:
                faults.note(
                    "Boxes that stick out of their pictures, clipped to them: {}."
                )
            rows.append([*box, label])
        return np.array(rows, np.float64).reshape(-1, 5)

    objects, ignored = checked(record.boxes), checked(record.ignored)
    boxes, labels = objects[:, :4], objects[:, 4].astype(np.int64)
    return Annotated(record.path, record.part, shown, boxes, labels, ignored)


def _stored(path):
    """Return the (width, height) that a file has, and its EXIF orientation, 1 to 8."""
    with Image.open(path) as image:
        # Of a PNG without EXIF before its pixels getexif() would decode them all.
        if image.format == "PNG" and "exif" not in image.info:
            return image.size, 1
        return image.size, image.getexif().get(_ORIENTATION, 1)


def shown_size(path):
    """Return (width, height) of a picture as it is shown, None if it is unreadable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a huge picture, which its reader says
            size, orientation = _stored(path)
    except Exception:  # Pillow reports damage in many kinds of exception
        return None
    return size[::-1] if orientation in _TURNED else size


def _change(record, stored, shown, orientation, faults):
    """Return the function from a record's boxes to pixels of the picture as shown."""
    if not record.in_pixels:
        return lambda box: box * [*shown, *shown]
    said = record.size
    if said is None or min(said) <= 0 or said == shown:
        return lambda box: box
    if said == stored:  # a tool that does not know of EXIF
        faults.note(
            "Pictures that lie turned in their files, and their boxes with them: {}; "
            "both are turned as the camera was held."
        )
        return lambda box: _turned(box, stored, orientation)
    scales = np.divide(shown, said)
    scale = scales[np.argmax(shown)]
    # Resized later; the shorter side was rounded, here or in the annotations.
    if np.abs(np.multiply(said, scale) - shown).max() <= max(1, scale / 2 + 0.5):
        faults.note(
            "Pictures of another size, but the same shape, than their annotations say: "
            "{}; their boxes are scaled."
        )
        return lambda box: box * [*scales, *scales]
    have, told = (f"{width} x {height}" for width, height in (shown, said))
    raise InputError(f"has {have} pixels, and {told} by its annotations")


def _turned(box, stored, orientation):
    """Turn a box as EXIF says of the picture that is stored."""
    width, height = stored
    left, top, right, bottom = box
    return np.array(
        {
            5: (top, left, bottom, right),
            6: (height - bottom, left, height - top, right),
            7: (height - bottom, width - right, height - top, width - left),
            8: (top, width - right, bottom, width - left),
        }[orientation]
    )


def _clipped(box, size):
    """Return a box clipped to its picture, and whether that changed it by a pixel.

    Raises:
        InputError: it has no area, or most of it lies outside.
    """
    left, top, right, bottom = (f"{value:g}" for value in box.round(2))
    if not (box[2:] > box[:2]).all():
        raise InputError(
            f"a box without area, x from {left} to {right} and y from {top} to {bottom}"
        )
    clipped = np.clip(box, 0, [*size, *size])
    area = (box[2:] - box[:2]).prod()
    inside = np.maximum(clipped[2:] - clipped[:2], 0).prod()
    if inside < _LEAST_INSIDE * area:
        raise InputError(
            f"a box outside the picture, x from {left} to {right} and y from {top} to "
            f"{bottom}, where the picture has {size[0]} x {size[1]} pixels"
        )
    return clipped, np.abs(clipped - box).max() > 1
