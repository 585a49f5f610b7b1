"""Boxes go where their pixels go."""

from dataclasses import replace

import numpy as np
import pytest

from resnet_keras.detection import augment_boxes
from resnet_keras.training import RECIPES, Recipe, augment

STILL = Recipe(flip=0, shift=0, scale=0, rotation=0, brightness=0, colour=0)
BOX = np.array([20, 50, 60, 74])
FINE = 4  # the oracle paints at so many pixels per pixel


def painted(box, size=128):
    image = np.zeros((size, size, 3), np.uint8)
    left, top, right, bottom = box
    image[top:bottom, left:right] = 255
    return image


def extent(image):
    """Return the box around the pixels of which a quarter or more is painted."""
    inside = image[..., 0] > 0.25
    rows, columns = inside.any(1).nonzero()[0], inside.any(0).nonzero()[0]
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "change",
    [
        {"flip": 1},
        {"shift": 0.1},
        {"scale": 0.2},
        {"rotation": 15},
        {"flip": 0.5, "shift": 0.1, "scale": 0.2, "rotation": 10},
    ],
)
def test_a_painted_box_is_found_where_its_box_is(change, seed):
    recipe, rng = replace(STILL, **change), np.random.default_rng(seed)
    image = painted(FINE * BOX, FINE * 128)
    varied, [box], kept = augment_boxes(image, [FINE * BOX], recipe, rng)
    assert kept.tolist() == [True]
    np.testing.assert_allclose(box / FINE, extent(varied) / FINE, rtol=0, atol=0.5)


def test_the_picture_is_the_one_that_augment_gives():
    image = painted([5, 8, 30, 40], 64)
    for name, recipe in RECIPES.items():
        if recipe.crop:  # no recipe for detectors
            continue
        found = augment_boxes(image, [], recipe, np.random.default_rng(3))[0]
        expected = augment(image, recipe, np.random.default_rng(3))
        np.testing.assert_array_equal(found, expected, err_msg=name)


def test_boxes_are_clipped_and_dropped_where_little_remains():
    # Moved by up to a tenth: 12.8 pixels of 128.
    recipe = replace(STILL, shift=0.1)
    boxes = np.array([[0, 0, 128, 128], [0, 40, 12, 60], [60, 60, 70, 70]])
    numbers = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        _, found, kept = augment_boxes(painted(BOX), boxes, recipe, rng)
        assert found.min() >= 0
        assert found.max() <= 128
        assert kept.sum() == len(found)
        assert kept[[0, 2]].all()
        if kept[1]:
            assert found[1, 2] >= 12 / 3
        numbers.add(len(found))
    assert numbers == {2, 3}


def test_a_sliver_is_kept_where_that_is_asked_for():
    recipe, rng = replace(STILL, shift=0.1), np.random.default_rng(0)
    boxes = [[0, 40, 12, 60]] * 2
    slivers = 0
    for _ in range(40):
        _, found, kept = augment_boxes(
            painted(BOX), boxes, recipe, rng, always=np.array([True, False])
        )
        slivers += kept.tolist() == [True, False] and 0 < found[0, 2] < 12 / 3
    assert slivers > 3


def test_a_box_without_area_is_dropped():
    rng = np.random.default_rng(0)
    _, boxes, kept = augment_boxes(painted(BOX), [[5, 5, 5, 9]], STILL, rng)
    assert kept.tolist() == [False]
    assert boxes.shape == (0, 4)


def test_no_boxes_stay_none():
    _, boxes, kept = augment_boxes(painted(BOX), [], Recipe(), np.random.default_rng(0))
    assert boxes.shape == (0, 4)
    assert kept.shape == (0,)
