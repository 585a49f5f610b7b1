"""The losses of localizer and detector, in operations that each backend has."""

import keras
from keras import ops

from resnet_keras.detection.network import NUM_BOX
from resnet_keras.detection.targets import assign, left_open, to_boxes

_BOX_WEIGHT = 2.0  # of GIoU beside the classes, as in Li et al. (2020)
_GAMMA = 2.0


def iou(boxes, others):
    """Return the intersection over union of boxes, pair by pair.

    Args:
        boxes: (..., 4): x_min, y_min, x_max, y_max.
        others: the same, or of a shape that goes with it.

    Returns:
        Tensor (...), from 0 to 1.

    Example:

    >>> float(iou([0.0, 0, 2, 2], [1.0, 0, 3, 2]))  # 2 of 6
    0.3333333432674408
    """
    return _overlap(boxes, others)[0]


def giou(boxes, others):
    """Return the generalized IoU, which falls below 0 with the space between boxes.

    IoU less the fraction of the smallest box around both that neither covers. Where
    boxes do not meet IoU is 0 and has no gradient; this has one.

    Args:
        boxes, others: as in `iou`.

    Returns:
        Tensor (...), from -1 to 1.

    Example:

    >>> float(giou([0.0, 0, 1, 1], [2.0, 0, 3, 1]))  # 0 less 1 of 3
    -0.3333333432674408

    Source: Rezatofighi et al. (2019), arXiv 1902.09630.
    """
    ratio, union, around = _overlap(boxes, others)
    return ratio - (around - union) / (around + _TINY)


_TINY = 1e-9


def _overlap(boxes, others):
    """Return IoU, area of the union, and area of the smallest box around both."""
    boxes, others = ops.convert_to_tensor(boxes), ops.convert_to_tensor(others)
    low, high = ops.maximum, ops.minimum
    shared = _area(
        low(boxes[..., :2], others[..., :2]), high(boxes[..., 2:], others[..., 2:])
    )
    around = _area(
        high(boxes[..., :2], others[..., :2]), low(boxes[..., 2:], others[..., 2:])
    )
    union = (
        _area(boxes[..., :2], boxes[..., 2:])
        + _area(others[..., :2], others[..., 2:])
        - shared
    )
    return shared / (union + _TINY), union, around


def _area(low, high):
    sides = ops.maximum(high - low, 0.0)
    return sides[..., 0] * sides[..., 1]


def focal_loss(logits, targets):
    """Return cross-entropy that counts little where the prediction is nearly right.

    That is |target - p|² times the cross-entropy of each class by itself: of hundreds
    of locations few see an object, and the others are soon known to see none.

    Args:
        logits: (...).
        targets: (...), from 0 to 1; here the IoU of the predicted box.

    Returns:
        Tensor (...).

    Example:

    >>> round(float(focal_loss([0.0], [1.0])[0]), 4)  # 0.25 ln 2
    0.1733

    Sources: Lin et al. (2017), arXiv 1708.02002, without its weight of positives; for
    targets between 0 and 1, Li et al. (2020), arXiv 2006.04388.
    """
    logits, targets = ops.convert_to_tensor(logits), ops.convert_to_tensor(targets)
    away = ops.abs(targets - ops.sigmoid(logits))
    return away**_GAMMA * _cross_entropy(logits, targets)


def _cross_entropy(logits, targets):
    """Return the binary cross-entropy of logits, without overflow."""
    return ops.softplus(logits) - targets * logits


def squared_error(y_true, y_pred):
    """Return the course's loss of a localizer.

    Where there is an object that is the squared difference of all numbers, added up;
    where there is none, of p_c alone. Compare `localization_loss`.

    Args:
        y_true: (batch, 5 + classes), as `network.localizer` returns them; without an
            object all but the first may be anything.
        y_pred: the same.

    Returns:
        Tensor (batch,).

    Example:

    >>> y = [[1, 0.5, 0.5, 0.2, 0.2, 1, 0], [0, 0.9, 0.9, 0.9, 0.9, 0, 1]]
    >>> losses = squared_error(y, [[0.9, 0.5, 0.4, 0.2, 0.2, 1, 0]] * 2)
    >>> [round(float(loss), 4) for loss in losses]
    [0.02, 0.81]

    Source: the course "Convolutional Neural Networks", week 3, object localization.
    """
    y_true, y_pred = _floats(y_true), _floats(y_pred)
    counts = ops.concatenate(
        [ops.ones_like(y_true[:, :1]), y_true[:, :1] * ops.ones_like(y_true[:, 1:])], 1
    )
    return ops.sum(counts * (y_true - y_pred) ** 2, 1)


def localization_loss(y_true, y_pred):
    """Return the better loss of a localizer: each part by what it is.

    Cross-entropy for p_c and, where there is an object, for its class, and 1 - GIoU
    for its box.

    Args:
        y_true: as in `squared_error`.
        y_pred: the same.

    Returns:
        Tensor (batch,).

    Example:

    >>> y = [[1, 0.5, 0.5, 0.2, 0.2, 1, 0], [0, 0.9, 0.9, 0.9, 0.9, 0, 1]]
    >>> losses = localization_loss(y, [[0.9, 0.5, 0.5, 0.2, 0.1, 0.9, 0.1]] * 2)
    >>> [round(float(loss), 4) for loss in losses]  # -2 ln 0.9 + 1 - 0.5, -ln 0.1
    [0.7107, 2.3026]
    """
    y_true, y_pred = _floats(y_true), _floats(y_pred)
    there, classes = y_true[:, 0], y_true[:, 1 + NUM_BOX :]
    probability = y_pred[:, 0]
    loss = -there * _log(probability) - (1 - there) * _log(1 - probability)
    named = -ops.sum(classes * _log(y_pred[:, 1 + NUM_BOX :]), 1)
    placed = 1 - giou(_corners(y_true), _corners(y_pred))
    return loss + there * (named + placed)


def _floats(values):
    return ops.convert_to_tensor(values, "float32")


def _log(probabilities):
    return ops.log(ops.maximum(probabilities, keras.config.epsilon()))


def _corners(y):
    """Return the box of the course's y by its corners, as fractions of the picture."""
    centre, half = y[:, 1:3], ops.flip(y[:, 3:5], 1) / 2  # height comes first
    return ops.concatenate([centre - half, centre + half], 1)


class DetectionLoss(keras.losses.Loss):
    """The detector's loss: focal for the classes, GIoU for the boxes.

    The target of an object's class is the IoU of the box that is predicted beside it,
    so that a score says how good a box is. Both are averaged over the locations that
    answer for an object, in the whole batch. Within an ignored box the score of its
    class costs nothing, unless the location answers for an object of that class.

    Args:
        places: `targets.Locations` of the detector.
        name: of the loss.

    In: objects (batch, most, 5), boxes in pixels and class, -1 for none, `IGNORED` less
    its class for an ignored box; and raw predictions (batch, locations, 4 + classes).
    """

    def __init__(self, places, name="detection_loss"):
        super().__init__(name=name)
        self._places = places

    def call(self, y_true, y_pred):
        """Return the loss of each picture; their mean is that of the batch."""
        parts = self.parts(y_true, y_pred)
        return parts["class"] + _BOX_WEIGHT * parts["box"]

    def parts(self, objects, raw):
        """Return the two parts by name, each (batch,); box is that of 1 - GIoU."""
        positions, answers = assign(objects, self._places)
        chosen = ops.take_along_axis(objects, positions[..., None], axis=1)
        boxes = to_boxes(raw, self._places)
        logits = raw[..., NUM_BOX:]
        quality = ops.stop_gradient(iou(boxes, chosen[..., :4])) * answers
        classes = ops.one_hot(
            ops.cast(ops.maximum(chosen[..., 4], 0), "int32"), logits.shape[-1]
        )
        focal = focal_loss(logits, classes * quality[..., None])
        is_open = left_open(objects, self._places, logits.shape[-1])
        focal *= 1 - is_open * (1 - classes * answers[..., None])
        focal = ops.sum(focal, (1, 2)) / _mean(answers)
        # A box that is far off counts little, as it will be outscored by others.
        off = (1 - giou(boxes, chosen[..., :4])) * quality
        return {"class": focal, "box": ops.sum(off, 1) / _mean(quality)}


def _mean(weights):
    """Return the sum of (batch, locations) over the batch, for each picture of it."""
    number = ops.cast(ops.shape(weights)[0], weights.dtype)
    return ops.maximum(ops.sum(weights), 1.0) / number
