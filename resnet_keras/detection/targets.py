"""Which location of the feature maps answers for which object."""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from resnet_keras.detection.network import NUM_BOX, stride_of

RADIUS = 1.5  # of the centre that answers for an object, in strides: 3x3 locations
# Longest side of an object in strides of the level that it belongs to, but for the
# finest and the coarsest, which take all that is smaller and larger.
LONGEST = 8
IGNORED = -2  # less its class: what an ignored box has instead of a class


class Locations(NamedTuple):
    """The n places that predictions are made for, from fine to coarse, row by row."""

    centres: np.ndarray  # float32 (n, 2): x, y in pixels
    strides: np.ndarray  # float32 (n,), in pixels
    shortest: np.ndarray  # float32 (n,): longest side of the objects, at least
    longest: np.ndarray  # and at most


def locations(image_size, map_sizes):
    """Return the locations of a detector's predictions.

    Args:
        image_size: (height, width) of its pictures in pixels.
        map_sizes: list of (rows, columns), one for each output, from fine to coarse.

    Example:

    >>> found = locations((128, 128), [(16, 16)])
    >>> found.centres[:2].tolist(), found.strides[0].item()
    ([[4.0, 4.0], [12.0, 4.0]], 8.0)
    """
    parts = []
    for number, size in enumerate(map_sizes):
        stride = stride_of(image_size[0], size[0])
        rows, columns = np.indices(size).reshape(2, -1)
        centres = (np.stack([columns, rows], 1) + 0.5) * stride
        least = LONGEST / 2 * stride if number else 0
        most = LONGEST * stride if number < len(map_sizes) - 1 else np.inf
        numbers = np.tile([stride, least, most], (len(centres), 1))
        parts.append(np.concatenate([centres, numbers], 1))
    table = np.concatenate(parts).astype(np.float32)
    return Locations(table[:, :2], *table[:, 2:].T)


def of_model(model):
    """Return the `Locations` of a detector.

    Args:
        model: `keras.Model`, as `network.detector` makes it.
    """
    return locations(
        model.input_shape[1:3], [tuple(X.shape[1:3]) for X in model.outputs]
    )


def flat(model):
    """Return a detector with one output, (batch, locations, 4 + classes), to train.

    Args:
        model: `keras.Model`, as `network.detector` makes it; it shares its layers.
    """
    outputs = [
        keras.layers.Reshape((-1, X.shape[-1]), name=f"flat{number}")(X)
        for number, X in enumerate(model.outputs)
    ]
    if len(outputs) > 1:
        outputs = [keras.layers.Concatenate(axis=1, name="locations")(outputs)]
    return keras.Model(model.input, outputs[0], name=model.name)


def to_boxes(raw, places):
    """Turn raw predictions into boxes.

    Args:
        raw: tensor (..., locations, 4 or more), logarithms of distances to the left,
            upper, right and lower side, in strides.
        places: `Locations`.

    Returns:
        Tensor (..., locations, 4): x_min, y_min, x_max, y_max in pixels.
    """
    # 2000 strides are more than any picture; beyond, the exponential would overflow.
    centres, strides = map(ops.convert_to_tensor, places[:2])
    sides = ops.exp(ops.minimum(raw[..., :NUM_BOX], 7.6)) * strides[:, None]
    return ops.concatenate([centres - sides[..., :2], centres + sides[..., 2:]], -1)


def assign(objects, places):
    """Say which object each location answers for.

    These are the locations around an object's centre, up to 3x3 of them, that lie
    within its box, and the nearest one always. Of several objects the smallest counts.

    Args:
        objects: tensor (batch, most, 5): boxes in pixels and class, -1 for no object,
            `IGNORED` less its class for an ignored box.
        places: `Locations`.

    Returns:
        Two tensors (batch, locations): position of the object among `most`, 0 if there
        is none, and whether there is one, float32.

    Source: Tian et al. (2019), arXiv 1904.01355, with the centre sampling of its
    second version.
    """
    within, away = _lie(objects, places)
    shortest, most = (ops.convert_to_tensor(each)[:, None] for each in places[2:])
    sides = (objects[..., 2:4] - objects[..., :2])[:, None]
    longest = ops.max(sides, -1)
    fits = (longest >= shortest) & (longest < most)
    near = (within & (away < RADIUS)) | (away <= 0.5)
    answers = near & fits & (objects[:, None, :, 4] >= 0)
    areas = ops.prod(sides, -1) * ops.ones_like(away)
    areas = ops.where(answers, areas, np.inf)
    return ops.argmin(areas, -1), ops.cast(ops.any(answers, -1), "float32")


def left_open(objects, places, num_classes):
    """Say of which classes each location learns nothing: those of ignored boxes there.

    Args:
        objects, places: as `assign` takes them.
        num_classes: of the detector.

    Returns:
        Tensor (batch, locations, num_classes), 1 within an ignored box of the class, or
        at the location that is nearest to its centre; 0 elsewhere; float32.
    """
    within, away = _lie(objects, places)
    there = ops.cast(within | (away <= 0.5), "float32")
    classes = IGNORED - ops.arange(num_classes, dtype="float32")
    ignored = ops.cast(objects[..., 4:] == classes, "float32")
    return ops.minimum(ops.matmul(there, ignored), 1.0)


def _lie(objects, places):
    """Return whether locations lie within boxes, and how far from their centres.

    Both are (batch, locations, most); the distance is the longer of those along x and
    y, in strides.
    """
    low, high = objects[:, None, :, :2], objects[:, None, :, 2:4]
    centres, strides = (ops.convert_to_tensor(each)[:, None] for each in places[:2])
    away = ops.max(ops.abs(centres - (low + high) / 2), -1) / strides
    return ops.min(ops.minimum(centres - low, high - centres), -1) > 0, away
