"""What every source of labelled images becomes: `Dataset`, with a `Split` per part."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from resnet_keras.data.streaming import Pictures
from resnet_keras.tables import table


@dataclass(frozen=True)
class Split:
    """Images of one part of a data set: uint8 (num_images, height, width, 3), labels.

    Of a set that is streamed, `images` are `Pictures`, read when they are indexed.

    Labels are int64 (num_images,), positions in the data set's `class_names`. `origins`
    says where each image is from: its path, or its row where the part was drawn from an
    array; None stands for its own row.
    """

    images: np.ndarray
    labels: np.ndarray
    origins: list | None = None

    def __len__(self):
        return len(self.labels)

    def take(self, rows):
        """Return some of the images, by a slice or an array of rows, as a `Split`."""
        origins = self.origins
        if origins:
            origins = [origins[row] for row in np.arange(len(self))[rows]]
        is_lazy = isinstance(self.images, Pictures)
        images = self.images.take(rows) if is_lazy else self.images[rows]
        return Split(images, self.labels[rows], origins)

    def counts(self, num_classes):
        """Return the number of images per class, shape (num_classes,)."""
        return np.bincount(self.labels, minlength=num_classes)


@dataclass(frozen=True)
class Dataset:
    """A training and a test part with common classes; `print` shows what is in it.

    Where the source has a validation part of its own, its images are the last
    `num_validation` of `train`: they validate each epoch, and are not trained on.
    `notes` are sentences that say how the source was read; `broken` maps the paths of
    pictures that were left out to the reasons. `extra` are further images to train on,
    of another source, which neither validate nor test; labels as in `class_names`.
    """

    name: str
    source: str
    class_names: list
    train: Split
    test: Split
    notes: tuple = ()
    num_validation: int = 0
    broken: dict = field(default_factory=dict)
    extra: Split | None = None

    @property
    def image_size(self):
        """Side of square images in pixels; of others, the height."""
        return self.test.images.shape[1]

    @property
    def validation(self):
        """The validation part as a `Split`, or None where the source has none."""
        if not self.num_validation:
            return None
        return self.train.take(slice(len(self.train) - self.num_validation, None))

    @property
    def is_streamed(self):
        """Whether the images are read from their source as they are used."""
        return isinstance(self.train.images, Pictures)

    @property
    def has_paths(self):
        """Whether the images are from files of their own."""
        origins = [*(self.train.origins or ()), *(self.test.origins or ())]
        return bool(origins) and isinstance(origins[0], Path)

    def digest(self):
        """Return a hash of class names and labels, which changes as images come or go.

        Pixels are not hashed: drawn hands may differ by a bit between machines.
        """
        found = hashlib.blake2b(json.dumps(self.class_names).encode(), digest_size=16)
        for part in (self.train, self.test, *([self.extra] if self.extra else [])):
            found.update(len(part).to_bytes(8, "little") + part.labels.tobytes())
        if self.num_validation:
            found.update(self.num_validation.to_bytes(8, "little"))
        return found.hexdigest()

    def __str__(self):
        height, width = self.test.images.shape[1:3]
        num_classes = len(self.class_names)
        counts = {"train": self.train.counts(num_classes)}
        numbers = f"{len(self.train) - self.num_validation} training"
        if self.num_validation:
            counts["valid"] = self.validation.counts(num_classes)
            counts["train"] = counts["train"] - counts["valid"]
            numbers += f", {self.num_validation} validation"
        counts["test"] = self.test.counts(num_classes)
        lines = [
            f"{self.name}: {numbers} and {len(self.test)} test images "
            f"of {height} x {width} pixels in {num_classes} classes ({self.source})",
            *self.notes,
            table(
                ("class", *counts),
                zip(self.class_names, *counts.values(), strict=True),
            ),
        ]
        return "\n".join(lines)


def say_copies(dataset):
    """Return a sentence for each part of whose images the test part holds copies."""
    of_train, of_test = (
        [hash(image.tobytes()) for image in part.images]
        for part in (dataset.train, dataset.test)
    )
    first = len(of_train) - dataset.num_validation
    notes = []
    for part, hashes in (
        ("training", set(of_train[:first])),
        ("validation", set(of_train[first:])),
    ):
        if number := sum(each in hashes for each in of_test):
            notes.append(
                f"{number} of {len(of_test)} test images are copies of {part} images."
            )
    return notes
