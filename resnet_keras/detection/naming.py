"""From finding to naming: a classifier names what a detector finds in a picture."""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from resnet_keras.data.images import fit, height_and_width
from resnet_keras.detection.decoding import IOU, suppress
from resnet_keras.detection.pictures import WHOLE_AT_ONCE, read_whole, rounded
from resnet_keras.inference.metrics import check_numbers
from resnet_keras.inference.pictures import read_together

# Space on each side of a box, as a fraction of its longer side. On 360 drawn scenes of
# one hand the first command's classifier had its least loss with it, 0.243; it had
# 0.253 with 0.1, 0.248 with 0.2 and 0.503 with 0.4.
MARGIN = 0.15


class Place(NamedTuple):
    """Where in a picture the object is that is named."""

    box: np.ndarray | None  # float32 (4,), in pixels of it; None: nothing was found
    score: float | None  # of the box, from 0 to 1
    num_others: int  # objects found elsewhere in the picture

    def as_dict(self):
        """Return it as JSON takes it.

        Example:

        >>> Place(np.float32([1, 2, 3.5, 8]), 0.75, 2).as_dict()
        {'box': [1.0, 2.0, 3.5, 8.0], 'score': 0.75, 'others': 2}
        """
        box = self.box if self.box is None else rounded(self.box)
        return {"box": box, "score": self.score, "others": self.num_others}

    def in_words(self):
        """Return it as a line of text names it.

        Example:

        >>> Place(np.float32([1, 2, 3.5, 8]), 0.75, 2).in_words()
        'at 1 2 4 8 (found with 0.750; 2 others)'
        >>> Place(None, None, 0).in_words()
        'nothing found, so this is of the middle of the picture'
        """
        if self.box is None:
            return "nothing found, so this is of the middle of the picture"
        others = {0: "", 1: "; 1 other"}.get(
            self.num_others, f"; {self.num_others} others"
        )
        sides = " ".join(f"{side:.0f}" for side in self.box)
        return f"at {sides} (found with {self.score:.3f}{others})"


def name_found(classifier, finder, images):
    """Name the most confident object of each picture, whatever surrounds it.

    A classifier that was trained on pictures of one object, which fills them, names
    small objects and objects beside the middle badly. Here a detector finds the object
    and the classifier sees what `crop_around` returns. Where nothing is found it sees
    the picture cropped about its centre, as `predict_files` shows it.

    Args:
        classifier: `inference.Classifier`.
        finder: `Finder`; its classes may be others than the classifier's.
        images: list of uint8 (height, width, 3) of any sizes.

    Returns:
        The crops' `inference.Prediction`, and a list of `Place`. Boxes of two classes
        around one object count once.

    Raises:
        InputError: the classifier predicts NaN or infinity.

    Example:

    >>> from resnet_keras.detection import name_found, open_finder
    >>> from resnet_keras.inference import open_classifier
    >>> finder = open_finder("runs/scenes/model.h5")  # doctest: +SKIP
    >>> classifier = open_classifier("runs/hands/model.h5")  # doctest: +SKIP
    >>> prediction, [place] = name_found(
    ...     classifier, finder, [image])  # doctest: +SKIP
    """
    size = classifier.height, classifier.width
    found, crops = finder.find(images), []
    for image, one in zip(images, found, strict=True):
        if len(one.boxes):
            crops.append(crop_around(image, one.boxes[0], size))
        else:
            crops.append(fit(image, size))
    prediction = classifier.predict(np.stack(crops))
    check_numbers(prediction.probabilities, classifier.name)
    return prediction, list(map(_place, found))


def _place(found):
    if not len(found.boxes):
        return Place(None, None, 0)
    apart = suppress(found.boxes, np.zeros(len(found.boxes)), IOU)
    return Place(found.boxes[0], float(found.scores[0]), len(apart) - 1)


def name_in_files(classifier, finder, paths, report):
    """Yield a path, class probabilities and the `Place`, for each picture file.

    Args:
        classifier, finder: as in `name_found`.
        paths: list of picture files.
        report: as in `read_together`.

    Yields:
        The path; its `calibrated` and `is_answer` (`inference.Prediction`); and the
        `Place`, in pixels of the picture turned as the camera was held.
    """
    classifier.prepare(len(paths))
    for pairs in read_together(paths, read_whole, report, WHOLE_AT_ONCE):
        names, images = zip(*pairs, strict=True)
        prediction, places = name_found(classifier, finder, images)
        _, *rest = prediction
        yield from zip(names, *rest, places, strict=True)


def crop_around(image, box, size, margin=MARGIN):
    """Return a picture's surroundings of a box, scaled and not distorted.

    Beyond the picture its edge repeats, as in training.

    Args:
        image: uint8 (height, width, 3).
        box: x_min, y_min, x_max, y_max in pixels of the picture.
        size: side of the result in pixels, or (height, width).
        margin: space on each side of the box, as a fraction of its longer side.

    Returns:
        uint8 (size, size, 3), with the box's centre in the middle; of (height, width)
        the shorter side shows the box with its margins.

    Example:

    >>> image = np.zeros((40, 60, 3), np.uint8)
    >>> image[10:20, 30:40] = 255
    >>> crop = crop_around(image, [30, 10, 40, 20], 8, margin=0.5)
    >>> crop[:, 4, 0].tolist()  # 20 pixels of the picture, the white ones in the middle
    [0, 18, 236, 255, 255, 236, 18, 0]
    """
    height, width = height_and_width(size)
    left, top, right, bottom = map(float, box)
    longer = max(right - left, bottom - top, 1.0)
    # Pixels of the picture per pixel of the crop.
    scale = longer * (1 + 2 * margin) / min(height, width)
    half_width, half_height = scale * width / 2, scale * height / 2
    x, y = (left + right) / 2, (top + bottom) / 2
    columns = _covering(x - half_width, x + half_width)
    rows = _covering(y - half_height, y + half_height)
    seen = image[
        np.clip(rows, 0, image.shape[0] - 1)[:, None],
        np.clip(columns, 0, image.shape[1] - 1),
    ]
    x, y = x - columns[0], y - rows[0]
    window = (x - half_width, y - half_height, x + half_width, y + half_height)
    crop = Image.fromarray(seen).resize(
        (width, height), Image.Resampling.BICUBIC, window
    )
    return np.asarray(crop)


def _covering(low, high):
    """Return the positions of the pixels between two edges, those cut included."""
    return np.arange(math.floor(low), math.ceil(high))
