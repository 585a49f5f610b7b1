"""The built-in scenes as a data set: several hands to a picture, or none."""

from pathlib import Path

import numpy as np

from resnet_keras import hands
from resnet_keras.data.arrays import allocate
from resnet_keras.detection.dataset import DetectionDataset, Pictures
from resnet_keras.errors import InputError

SCENES = "scenes"  # the source that is drawn, not read
_MOST_HANDS = 4
_SIZES = (64, hands.SIZES[1])


def drawn_scenes(image_size, num_train=2000, num_test=400):
    """Return the built-in scenes as a `DetectionDataset`: none to four hands each.

    The test scenes are numbered from `hands.TEST_START`, where training never gets.

    Args:
        image_size: side in pixels, 64 to 512.
        num_train: scenes to train on, 0 or more.
        num_test: scenes to test on, 0 or more.

    Raises:
        InputError: the image size is out of range.
    """
    if not _SIZES[0] <= image_size <= _SIZES[1]:
        raise InputError(
            f"scenes of {image_size} pixels cannot be drawn; expected an image size "
            f"from {_SIZES[0]} to {_SIZES[1]}."
        )
    parts = [
        draw_pictures(image_size, num_train, 0, "scene"),
        draw_pictures(image_size, num_test, hands.TEST_START, "test scene"),
    ]
    class_names = [str(sign) for sign in range(6)]
    notes = ()
    if Path(SCENES).exists():
        notes = (
            f'"{SCENES}" means the built-in scenes; the folder of that name that is '
            f'here is "./{SCENES}" (--data ./{SCENES}).',
        )
    source = "drawn by resnet_keras.hands"
    return DetectionDataset(SCENES, source, class_names, *parts, notes)


def draw_pictures(size, number, start, name, most_hands=_MOST_HANDS):
    """Return scenes of none to so many hands as `Pictures`.

    Args:
        size: side in pixels.
        number: of scenes.
        start: number of the first.
        name: of each, before its position.
        most_hands: in a scene; any number up to it is equally frequent.
    """
    images, boxes, labels = allocate(number, (size, size)), [], []
    scenes = hands.iter_scenes(number, size, most_hands, start=start, min_hands=0)
    for index, scene in enumerate(scenes):
        images[index] = scene.image
        boxes.append(scene.boxes)
        labels.append(scene.labels)
    names = tuple(f"{name} {index}" for index in range(number))
    sizes = np.full((number, 2), size, np.int64)
    return Pictures(images, tuple(boxes), tuple(labels), names, sizes)
