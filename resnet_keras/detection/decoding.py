"""Raw predictions made into boxes: the threshold, and non-maximum suppression."""

from typing import NamedTuple

import numpy as np

from resnet_keras.detection.boxes import overlaps
from resnet_keras.detection.network import NUM_BOX
from resnet_keras.detection.targets import locations

IOU = 0.6  # of two boxes of one class that overlap more, the better stays
MOST = 100  # objects of a picture


class Found(NamedTuple):
    """The objects found in one picture, best first."""

    boxes: np.ndarray  # float32 (n, 4): x_min, y_min, x_max, y_max in pixels
    labels: np.ndarray  # int64 (n,): positions among the class names
    scores: np.ndarray  # float32 (n,), from 0 to 1


def decode(raw, image_size, threshold=0.05, iou=IOU, most=MOST):
    """Turn a detector's raw predictions into the objects found.

    Args:
        raw: array (batch, rows, columns, 4 + classes), or a list of them, from fine to
            coarse, as the model gives them.
        image_size: side of the model's pictures in pixels, or (height, width).
        threshold: least score. For average precision a low one, for people the one in
            the model's metadata.
        iou: of two boxes of one class that overlap more, the better stays.
        most: objects of a picture, at most.

    Returns:
        List of `Found`, one for each picture.

    Example:

    >>> raw = np.full((1, 2, 2, 5), -10.0, np.float32)
    >>> raw[0, 0, 1] = 0, 0, 0, 0, 2
    >>> [found] = decode(raw, 16)
    >>> found.boxes.tolist(), found.labels.tolist()
    ([[4.0, 0.0, 16.0, 12.0]], [0])
    """
    raw = raw if isinstance(raw, (list, tuple)) else [raw]
    levels = [np.asarray(X, np.float32) for X in raw]
    height, width = (image_size,) * 2 if np.isscalar(image_size) else image_size
    places = locations((height, width), [X.shape[1:3] for X in levels])
    table = np.concatenate([X.reshape(len(X), -1, X.shape[-1]) for X in levels], 1)
    sides = np.exp(np.minimum(table[..., :NUM_BOX], 7.6)) * places.strides[:, None]
    boxes = np.concatenate(
        [places.centres - sides[..., :2], places.centres + sides[..., 2:]], -1
    )
    boxes = np.clip(boxes, 0, np.float32([width, height, width, height]))
    # Below -88 the exponential would overflow, and warn.
    scores = 1 / (1 + np.exp(-np.maximum(table[..., NUM_BOX:], -88)))
    return [
        _strongest(own, values, threshold, iou, most)
        for own, values in zip(boxes, scores, strict=True)
    ]


def localized(y, image_size, threshold=0.5):
    """Turn a localizer's predictions into the objects found, one or none in a picture.

    Args:
        y: float (batch, 5 + classes), as `network.localizer` predicts it.
        image_size: side of the pictures in pixels.
        threshold: least p_c of an object.

    Returns:
        List of `Found`, one for each picture; their score is p_c.

    Example:

    >>> [found] = localized([[0.9, 0.5, 0.5, 0.25, 0.5, 0, 1]], 100)
    >>> found.boxes.tolist(), found.labels.tolist()
    ([[25.0, 37.5, 75.0, 62.5]], [1])
    """
    y = np.asarray(y, np.float32)
    centre, half = y[:, 1:3], y[:, 4:2:-1] / 2  # height comes first
    boxes = np.concatenate([centre - half, centre + half], 1) * image_size
    boxes = np.clip(boxes, 0, image_size)
    labels = y[:, 1 + NUM_BOX :].argmax(1)
    return [
        Found(boxes[row], labels[row], y[row, 0])
        for row in ([i] if y[i, 0] >= threshold else [] for i in range(len(y)))
    ]


def _strongest(boxes, scores, threshold, iou, most):
    """Return the `Found` of one picture: boxes (n, 4), scores (n, classes)."""
    rows, labels = np.nonzero(scores >= threshold)
    values = scores[rows, labels]
    order = np.argsort(-values, kind="stable")
    rows, labels, values = rows[order], labels[order], values[order]
    boxes = boxes[rows]
    kept = suppress(boxes, labels, iou, most)
    return Found(boxes[kept], labels[kept].astype(np.int64), values[kept])


def suppress(boxes, labels, iou, most=np.inf):
    """Return the positions of the boxes that stay, in order (class-wise suppression).

    Args:
        boxes: (n, 4), best first.
        labels: int (n,); only boxes of one label suppress each other.
        iou: of two that overlap more, the first stays.
        most: how many stay, at most.

    Example:

    >>> boxes = np.float32([[0, 0, 4, 4], [0, 0, 4, 3], [0, 0, 4, 3]])
    >>> suppress(boxes, np.array([1, 1, 2]), 0.5).tolist()
    [0, 2]
    """
    left = np.arange(len(boxes))
    kept = []
    while len(left) and len(kept) < most:
        first, rest = left[0], left[1:]
        kept.append(first)
        [overlap] = overlaps(boxes[[first]], boxes[rest])
        left = rest[(overlap <= iou) | (labels[rest] != labels[first])]
    return np.array(kept, np.int64)
