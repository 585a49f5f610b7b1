"""Arithmetic of boxes: x_min, y_min, x_max, y_max, in NumPy."""

import numpy as np


def areas(boxes):
    """Return the area of each of (num_boxes, 4).

    Example:

    >>> areas(np.array([[0, 0, 2, 3], [1, 1, 1, 5]])).tolist()
    [6, 0]
    """
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def overlaps(boxes, others):
    """Return the intersection over union of each box with each other.

    Args:
        boxes: (num_boxes, 4).
        others: (num_others, 4).

    Returns:
        (num_boxes, num_others), 0 to 1.

    Example:

    >>> overlaps(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 3, 2], [5, 5, 6, 6]]))
    array([[0.33333333, 0.        ]])
    """
    shared = _shared(boxes, others)
    union = areas(boxes)[:, None] + areas(others)[None] - shared
    return shared / np.maximum(union, 1e-12)


def covered(boxes, others):
    """Return the fraction of each box that lies in each other, as `overlaps` does.

    Example:

    >>> covered(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 9, 9], [5, 5, 6, 6]]))
    array([[0.5, 0. ]])
    """
    return _shared(boxes, others) / np.maximum(areas(boxes)[:, None], 1e-12)


def _shared(boxes, others):
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.maximum(high - low, 0).prod(axis=-1)
