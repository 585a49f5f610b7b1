"""The built-in hands as a data set, drawn when its images are first used."""

from functools import cached_property
from pathlib import Path

import numpy as np

from resnet_keras import hands
from resnet_keras.data.arrays import allocate, fit_all
from resnet_keras.data.dataset import Dataset, Split

HANDS = "hands"  # the source that is drawn, not read
_NUM_HANDS = {"train": 9300, "test": 600}


class _DrawnSplit(Split):
    """A part of the hands, drawn when its images or labels are first used."""

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


def drawn_hands(image_size):
    """Return the built-in hands as a `Dataset`; say so where a folder has their name.

    Args:
        image_size: (height, width).
    """
    notes = ()
    if Path(HANDS).exists():
        notes = (
            f'"{HANDS}" means the built-in hands; the folder of that name that is here '
            f'is "./{HANDS}" (--data ./{HANDS}).',
        )
    class_names = [str(sign) for sign in range(6)]
    parts = (_DrawnSplit(part, image_size) for part in ("train", "test"))
    return Dataset(HANDS, "drawn by resnet_keras.hands", class_names, *parts, notes)
