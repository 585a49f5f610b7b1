"""Drawn pictures of 20 classes: five shapes, each filled in four ways."""

import numpy as np
from PIL import Image, ImageDraw

from resnet_keras.data import Dataset, Split

_SHAPES = ("disc", "triangle", "square", "star", "ring")
_FILLINGS = ("plain", "striped", "checked", "dotted")
CLASSES = [f"{filling} {shape}" for shape in _SHAPES for filling in _FILLINGS]


def load(num_train, num_test, size=64):
    """Return a data set of drawn shapes; place, angle, size and colours are random.

    Args:
        num_train: int.
        num_test: int.
        size: side in pixels.

    Returns:
        `Dataset` of the 20 `CLASSES`, the same at each call.
    """
    parts = [
        _split(number, seed, size) for seed, number in enumerate((num_train, num_test))
    ]
    return Dataset("shapes", "drawn shapes", CLASSES, *parts)


def _split(number, seed, size):
    rng = np.random.default_rng(seed)
    labels = np.arange(number) % len(CLASSES)
    return Split(np.stack([_picture(label, size, rng) for label in labels]), labels)


def _picture(label, size, rng):
    shape, filling = divmod(label, len(_FILLINGS))
    side = 2 * size  # drawn at twice the size, for smooth edges
    first, second, ground = _colours(rng)
    inside = np.where(_pattern(filling, side, rng)[..., None], first, second)
    noisy = ground + rng.normal(0, 25, (side, side, 3))
    values = np.where(_mask(shape, side, rng)[..., None], inside, noisy)
    picture = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    return np.asarray(picture.resize((size, size), Image.Resampling.BOX))


def _colours(rng):
    """Return three colours, the first two unlike each other."""
    while True:
        colours = rng.integers(0, 256, (3, 3))
        if np.abs(colours[0] - colours[1]).sum() > 200:
            return colours


def _pattern(filling, side, rng):
    rows, columns = np.indices((side, side))
    angle, period = rng.uniform(0, np.pi), side * rng.uniform(0.08, 0.125)
    cos, sin = np.cos(angle), np.sin(angle)
    across = np.sin(2 * np.pi / period * (columns * cos + rows * sin))
    along = np.sin(2 * np.pi / period * (rows * cos - columns * sin))
    return (
        np.ones((side, side), bool),
        across > 0,
        across * along > 0,
        across * along > 0.5,
    )[filling]


def _mask(shape, side, rng):
    radius, angle = side * rng.uniform(0.28, 0.42), rng.uniform(0, 2 * np.pi)
    centre = side * rng.uniform(0.42, 0.58, 2)
    mask = Image.new("1", (side, side))
    draw = ImageDraw.Draw(mask)
    kind = _SHAPES[shape]
    if kind in ("disc", "ring"):
        draw.circle(centre.tolist(), radius, 1)
        if kind == "ring":
            draw.circle(centre.tolist(), radius / 2, 0)
        return np.asarray(mask)
    corners, inner = {"triangle": (3, 1), "square": (4, 1), "star": (10, 0.45)}[kind]
    angles = angle + 2 * np.pi * np.arange(corners) / corners
    radii = radius * np.where(np.arange(corners) % 2, inner, 1)
    points = centre + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], -1)
    draw.polygon(points.ravel().tolist(), 1)
    return np.asarray(mask)
