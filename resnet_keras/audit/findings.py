"""What an audit finds, picture by picture: `Pictures`, `Finding`, and the kinds."""

from dataclasses import dataclass

import numpy as np

from resnet_keras.data.arrays import Joined

# Kind: what it means, in the order of the report.
KINDS = {
    "two labels": "copies, exact or near, with different classes",
    "wrong label": "another class is probable",
    "exact copy": "the same pixels as another picture",
    "near copy": "encoded or resized again, mirrored, brighter, or the next frame",
    "very alike": "cropped, or moments apart; in some data all pictures are",
    "damaged": "cannot be read",
    "blank": "one colour, or nearly",
    "blurred": "less than half as sharp as the set's usual picture",
    "tiny": "less than half the pixels a side that a network sees",
    "odd size": "of a size or shape that few others have",
    "odd colours": "of a colour mode that few others have",
}


@dataclass(frozen=True)
class Finding:
    """One reason to look at one picture.

    Args:
        kind: a key of `KINDS`.
        name: of the picture: its path, or its place such as "train[17]".
        part: "train", "validation" or "test"; "" where it is not known.
        class_name: that the data give it; "" of what cannot be read.
        detail: in a few words.
        row: in `Pictures`; None for what cannot be read.
        other: row of the picture that it is like.
        score: 0 to 1, how sure the finding is; None where it is no estimate.
        suggested: class that is probable.
    """

    kind: str
    name: str
    part: str
    class_name: str
    detail: str = ""
    row: int | None = None
    other: int | None = None
    score: float | None = None
    suggested: str = ""


class Pictures:
    """All images of a `Dataset`, training, validation and test, in one numbering.

    Attributes:
        images: uint8 (num_images, height, width, 3), to be indexed by rows.
        labels: int64 (num_images,).
        parts: str (num_images,), "train", "validation" or "test".
        names: list of str; paths, or places such as "train[17]".
        paths: list of `Path`, or None where the source is no files.
    """

    def __init__(self, dataset):
        train, test = dataset.train, dataset.test
        self.dataset = dataset
        self.images = Joined(train.images, test.images)
        self.labels = np.concatenate([train.labels, test.labels])
        num_training = len(train) - dataset.num_validation
        counts = (num_training, dataset.num_validation, len(test))
        self.parts = np.repeat(["train", "validation", "test"], counts)
        origins = [*_origins(train), *_origins(test)]
        self.paths = origins if dataset.has_paths else None
        if self.paths:
            self.names = list(map(str, origins))
        elif train.origins is not None:
            self.names = [f"images[{row}]" for row in origins]
        else:
            rows = [row for count in counts for row in range(count)]
            self.names = [
                f"{part}[{row}]" for part, row in zip(self.parts, rows, strict=True)
            ]

    def __len__(self):
        return len(self.labels)

    def class_name(self, row):
        """Return the class that the data give an image."""
        return str(self.dataset.class_names[self.labels[row]])

    def finding(self, kind, row, detail="", **more):
        """Return a `Finding` on an image."""
        row = int(row)
        part, name = str(self.parts[row]), self.names[row]
        return Finding(kind, name, part, self.class_name(row), detail, row, **more)


def _origins(split):
    return range(len(split)) if split.origins is None else split.origins
