"""One hand from bones to pixels: pose, camera, position, surface, shading."""

import math
from typing import NamedTuple

import numpy as np

from resnet_keras.hands.pixels import halve, steady
from resnet_keras.hands.shading import shade
from resnet_keras.hands.skeleton import FOREARM, PALM, Bones, arm, pose
from resnet_keras.hands.surface import raster

# Subpixels per pixel and side.
FINE = 2


class Layer(NamedTuple):
    """One drawn hand, to be laid over a picture at (top, left)."""

    top: int
    left: int
    unit: float  # palm length in pixels
    colour: np.ndarray  # (h, w, 3) linear, times alpha
    alpha: np.ndarray  # (h, w) 0 to 1: hand, forearm and sleeve
    hand: np.ndarray  # (h, w) 0 to 1: the hand alone

    @property
    def area(self):
        """Slices of rows and columns that the layer takes in a picture."""
        height, width = self.alpha.shape
        return (
            slice(self.top, self.top + height),
            slice(self.left, self.left + width),
        )


def draw_hand(rng, label, size, light, *, unit=None, centre=None, roll=None):
    """Draw one hand that shows `label`.

    Args:
        rng: a `RandomGenerator`.
        label: the sign, 0 to 5.
        size: side of the square picture in pixels.
        light: a `Light`.
        unit: palm length in pixels; None draws it to suit the picture.
        centre: (x, y) of the hand's middle in pixels; None draws it, at
            times cropped by the border.
        roll: lean of the hand in the picture in radians; None draws it.

    Returns:
        A `Layer`.
    """
    hand, view = pose(rng, label)
    yaw, pitch, lean = _view(rng, view)
    roll = lean if roll is None else roll
    if unit is None:
        unit = size * rng.uniform(0.35, 0.44)
    sleeve = rng.uniform(0.15, 2.0) if rng.bernoulli(0.3) else None
    # Long enough to leave the picture wherever the hand is.
    limb = arm(rng, roll, sleeve, max(3.6, 1.5 * size / unit))
    bones = Bones(*(np.concatenate(pair) for pair in zip(limb, hand, strict=True)))
    starts, ends, radii, dorsal = _project(rng, bones, (yaw, pitch, roll), unit)
    mine = bones.kind < FOREARM
    low, high = _extent(starts[mine], ends[mine], radii[mine])
    moved_by = _displacement(rng, low, high, size, centre)
    starts[:, :2] += moved_by
    ends[:, :2] += moved_by
    starts, ends, radii = steady(starts), steady(ends), steady(radii)

    # The part of the picture that hand and arm can touch, in whole pixels.
    low, high = _extent(starts, ends, radii)
    left, top = (min(max(int(value) - 2, 0), size - 2) for value in low)
    right, bottom = (int(value) + 2 for value in high)
    right = max(min(right, size), left + 2)
    bottom = max(min(bottom, size), top + 2)
    starts[:, :2] -= (left, top)
    ends[:, :2] -= (left, top)
    shape = ((bottom - top) * FINE, (right - left) * FINE)
    # How far neighbouring bones melt into each other, in palm lengths.
    blend = np.where(bones.kind == PALM, 0.10, 0.03)
    blend = np.where(bones.kind >= FOREARM, 0.12, blend) * (unit * FINE)
    spans = np.concatenate([starts, ends], 1) * FINE
    surface = raster(bones, spans, radii * FINE, blend, shape)
    colour, hand = shade(rng, surface, bones.kind, dorsal, light, unit * FINE)
    alpha = (surface.owner >= 0).astype(np.float32)
    hand = hand.astype(np.float32)
    return Layer(top, left, unit, halve(colour), halve(alpha), halve(hand))


def _turn(points, yaw, pitch, roll):
    """Rotate (n, 3) points about y, then x, then z; angles in radians."""
    x, y, z = points[:, 0], points[:, 1], points[:, 2]
    c, s = math.cos(yaw), math.sin(yaw)
    x, z = c * x + s * z, c * z - s * x
    c, s = math.cos(pitch), math.sin(pitch)
    y, z = c * y - s * z, c * z + s * y
    c, s = math.cos(roll), math.sin(roll)
    x, y = c * x - s * y, c * y + s * x
    return np.stack([x, y, z], 1)


def _view(rng, view):
    """Yaw, pitch and roll (radians) of a hand held up to a camera."""
    pitch = rng.normal(0, 0.13)
    roll = rng.normal(0, 0.3)
    if rng.bernoulli(0.01):
        roll = rng.uniform(-math.pi, math.pi)
    if view == "side":
        yaw = -rng.uniform(0.35, 1.75)
    else:
        yaw = rng.normal(0, 0.2) + (math.pi if rng.bernoulli(0.12) else 0)
    return yaw, pitch, roll


def _project(rng, bones, angles, unit):
    """Starts and ends (n, 3), radii (n, 2) in pixels, dorsal directions (n, 3).

    A right or a left hand, at random. The camera stands near: what is closer is larger.
    """
    mirror = -1 if rng.bernoulli(0.5) else 1
    near = rng.uniform(0.0, 0.14)
    points, zooms = [], []
    for joints in (bones.start, bones.end):
        x, y, z = _turn(joints, *angles).T
        zoom = unit / (1 - near * np.maximum(np.minimum(z, 1.5), -1.5))
        points.append(np.stack([x * zoom * mirror, -y * zoom, z * unit], 1))
        zooms.append(zoom)
    dorsal = _turn(bones.dorsal, *angles) * (mirror, 1, 1)
    radii = bones.radii * np.stack(zooms, 1)
    return *points, radii, steady(dorsal).astype(np.float32)


def _extent(starts, ends, radii):
    """Lowest and highest (x, y) that the bones reach, in pixels."""
    low = np.minimum(starts[:, :2] - radii[:, :1], ends[:, :2] - radii[:, 1:])
    high = np.maximum(starts[:, :2] + radii[:, :1], ends[:, :2] + radii[:, 1:])
    return low.min(0), high.max(0)


def _displacement(rng, low, high, size, centre):
    """Return how far to move a hand from `low` to `high`, (x, y) in pixels.

    Without a `centre` the hand stays in the picture, but for an edge of at most an
    eighth of it; a hand larger than the picture stays near the middle.
    """
    crop = 0.12 if rng.bernoulli(0.2) else 0.02
    moves = []
    for axis in (0, 1):
        margin = (high[axis] - low[axis]) * (0.5 - crop)
        relative = 0.5 + 0.3 * (rng.random() + rng.random() - 1)
        if centre is not None:
            middle = centre[axis]
        elif margin < size - margin:
            middle = margin + (size - 2 * margin) * relative
        else:
            middle = size / 2 + (relative - 0.5) * 0.1 * size
        moves.append(middle - (low[axis] + high[axis]) / 2)
    return moves
