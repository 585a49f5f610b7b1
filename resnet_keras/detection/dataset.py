"""What every source of pictures with boxes becomes: a `DetectionDataset`."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from resnet_keras.detection.letterboxing import Placement
from resnet_keras.tables import table


@dataclass(frozen=True)
class Pictures:
    """Pictures of one part of a data set, each with the boxes of its objects.

    Args:
        images: uint8 (num_pictures, size, size, 3), letterboxed (`letterbox`).
        boxes: tuple of float32 (num_objects, 4), one array per picture: x_min, y_min,
            x_max, y_max in pixels of `images`, in the coordinates of pixel edges: a box
            around the first pixel is 0, 0, 1, 1. A picture may have none.
        labels: tuple of int64 (num_objects,), positions in the data set's class names.
        names: tuple of str, the file's name or "scene 17".
        sizes: int64 (num_pictures, 2), width and height of the pictures themselves.
        ignored: tuple of float32 (num_ignored, 5), corners as in `boxes` and class:
            crowds and difficult objects, of which nothing is learned and which score
            neither way. None stands for no such boxes.
    """

    images: np.ndarray
    boxes: tuple
    labels: tuple
    names: tuple
    sizes: np.ndarray
    ignored: tuple | None = None

    def __post_init__(self):
        if self.ignored is None:
            none = np.zeros((0, 5), np.float32)
            object.__setattr__(self, "ignored", (none,) * len(self.images))

    def __len__(self):
        return len(self.images)

    def counts(self, num_classes):
        """Return the number of objects per class, shape (num_classes,)."""
        return np.bincount(_flat(self.labels), minlength=num_classes)

    @property
    def num_empty(self):
        """How many pictures have no object."""
        return sum(len(labels) == 0 for labels in self.labels)

    def placement(self, index):
        """Return the `Placement` of a picture on its square."""
        width, height = map(int, self.sizes[index])
        return Placement(width, height, self.images.shape[1])

    def __getitem__(self, rows):
        """Return the pictures that a slice or an array selects, as `Pictures`."""

        def chosen(values):
            return tuple(values[row] for row in np.arange(len(self))[rows])

        return Pictures(
            self.images[rows],
            chosen(self.boxes),
            chosen(self.labels),
            chosen(self.names),
            self.sizes[rows],
            chosen(self.ignored),
        )


@dataclass(frozen=True)
class DetectionDataset:
    """A training and a test part of pictures with boxes; `print` shows what is in it.

    Where the source has a validation part of its own, its pictures are the last
    `num_validation` of `train`, as in `resnet_keras.data.Dataset`. `notes` are
    sentences that say how the source was read.
    """

    name: str
    source: str
    class_names: list
    train: Pictures
    test: Pictures
    notes: tuple = ()
    num_validation: int = 0

    @property
    def image_size(self):
        """Side of the square pictures in pixels."""
        return self.test.images.shape[1]

    @property
    def validation(self):
        """The validation part as `Pictures`, or None where the source has none."""
        if not self.num_validation:
            return None
        return self.train[len(self.train) - self.num_validation :]

    def digest(self):
        """Return a hash of class names, labels and boxes.

        It changes as pictures or boxes come, go or move. Pixels do not count, as in
        `Dataset.digest`; boxes count to the pixel, for drawn ones may differ by a bit.
        """
        found = hashlib.blake2b(json.dumps(self.class_names).encode(), digest_size=16)
        for part in (self.train, self.test):
            found.update(len(part).to_bytes(8, "little"))
            for boxes, labels, ignored in zip(
                part.boxes, part.labels, part.ignored, strict=True
            ):
                found.update(len(labels).to_bytes(8, "little") + labels.tobytes())
                found.update(np.rint(boxes).astype(np.int64).tobytes())
                found.update(np.rint(ignored).astype(np.int64).tobytes())
        found.update(self.num_validation.to_bytes(8, "little"))
        return found.hexdigest()

    def __str__(self):
        parts = {"train": self.train[: len(self.train) - self.num_validation]}
        numbers = f"{len(parts['train'])} training"
        if self.num_validation:
            parts["valid"] = self.validation
            numbers += f", {self.num_validation} validation"
        parts["test"] = self.test
        num_classes = len(self.class_names)
        counts = [part.counts(num_classes) for part in parts.values()]
        rows = [
            *zip(self.class_names, *counts, strict=True),
            ("pictures without objects", *(part.num_empty for part in parts.values())),
        ]
        lines = [
            f"{self.name}: {numbers} and {len(self.test)} test pictures, placed on "
            f"squares of {self.image_size} pixels, with objects of {num_classes} "
            f"classes ({self.source})",
            *self.notes,
            table(("objects", *parts), rows),
        ]
        return "\n".join(lines)


def joined(first, second):
    """Return the pictures of two `Pictures`, of one size, as one."""
    return Pictures(
        np.concatenate([first.images, second.images]),
        first.boxes + second.boxes,
        first.labels + second.labels,
        first.names + second.names,
        np.concatenate([first.sizes, second.sizes]),
        first.ignored + second.ignored,
    )


def _flat(labels):
    return np.concatenate([np.zeros(0, np.int64), *labels])
