"""Random variants of pictures with boxes: the boxes go where their pixels go."""

import numpy as np

from resnet_keras.detection.boxes import areas
from resnet_keras.training.augmentation import augment_and_map

_LEAST_VISIBLE = 1 / 3  # of a box's area; of less nobody could say what it is


def augment_boxes(image, boxes, recipe, rng, always=False):
    """Return a random variant of a picture, as `augment` does, with its boxes.

    Args:
        image: uint8 (size, size, 3).
        boxes: (num_objects, 4), x_min, y_min, x_max, y_max in pixels.
        recipe: `Recipe`.
        rng: `numpy.random.Generator`.
        always: bool, or bool (num_objects,): boxes that are kept however little of
            them lies in the picture.

    Returns:
        The picture, float32 (size, size, 3) in [0, 1]; the boxes that are kept, float32
        (num_kept, 4), clipped to the picture; and bool (num_objects,), which those are.
        A box becomes the smallest around its four moved corners; it is dropped where
        less than a third of that lies in the picture.

    Example:

    >>> from resnet_keras.training import Recipe
    >>> still = dict.fromkeys(("shift", "scale", "rotation", "brightness", "colour"), 0)
    >>> mirrored, boxes, kept = augment_boxes(
    ...     np.zeros((32, 32, 3), np.uint8), [[2, 4, 8, 20]],
    ...     Recipe(flip=1, **still), np.random.default_rng(0))
    >>> boxes.tolist(), kept.tolist()
    ([[24.0, 4.0, 30.0, 20.0]], [True])
    """
    varied, (linear, offset) = augment_and_map(image, recipe, rng)
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    corners = boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
    # The map leads from the result to the source, and boxes go the other way.
    moved = (corners - offset) @ np.linalg.inv(linear).T
    boxes = np.concatenate([moved.min(1), moved.max(1)], axis=1)
    clipped = np.clip(boxes, 0, image.shape[0])
    seen = areas(clipped)
    kept = (seen > 0) & (always | (seen >= _LEAST_VISIBLE * areas(boxes)))
    return varied, clipped[kept].astype(np.float32), kept
