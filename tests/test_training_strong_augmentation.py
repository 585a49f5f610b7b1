"""Random crops show a part of the picture; each operation of RandAugment works."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from resnet_keras.training import RECIPES, augment
from resnet_keras.training.strong_augmentation import (
    _OPERATIONS,
    cropped,
    rand_augmented,
)


def places(height, width):
    """Return a picture whose red is the row and whose green is the column."""
    rows, columns = np.indices((height, width))
    return np.stack([rows, columns, 0 * rows], -1).astype(np.uint8)


def test_a_crop_has_at_least_its_area_and_an_aspect_near_one():
    picture, areas = Image.fromarray(places(200, 120)), []
    for seed in range(200):
        part = cropped(picture, 0.08, 50, np.random.default_rng(seed))
        assert part.size == (50, 50)
        red, green, _ = np.moveaxis(np.asarray(part, float), -1, 0)
        # From the first pixel to the last it is 49 of 50 of the side.
        down, across = (np.ptp(channel) * 50 / 49 for channel in (red, green))
        assert 0.7 < across / down < 1.4
        areas.append(across * down / (200 * 120))
    assert 0.07 < min(areas) < 0.12
    # Of 120 x 200 no more than 120 x 160 fits at 3:4; resizing makes it look larger.
    assert 0.5 < max(areas) < 0.8 * 1.05


def test_where_nothing_fits_the_centre_is_taken():
    part = cropped(Image.fromarray(places(100, 4)), 0.9, 4, np.random.default_rng(0))
    assert np.asarray(part)[..., 0].mean() == pytest.approx(49.5, abs=1)


@pytest.mark.parametrize("name", _OPERATIONS)
def test_an_operation_changes_the_picture_and_more_so_at_a_higher_level(name):
    rng = np.random.default_rng(0)
    values = 40 + 120 * rng.random((8, 8, 3))  # not of full contrast
    picture = Image.fromarray(values.astype(np.uint8)).resize((32, 32))
    by_level = []
    for level in (0.1, 0.9):
        found = _OPERATIONS[name](picture, level, 1)
        assert (found.size, found.mode) == (picture.size, "RGB")
        by_level.append(np.abs(np.asarray(found, float) - picture).mean())
    assert by_level[1] > 0
    if name not in ("autocontrast", "equalize", "invert"):
        assert by_level[1] > by_level[0]
    else:
        assert by_level[1] == by_level[0]


def test_operations_of_the_highest_and_lowest_level_do_not_fail():
    picture = Image.fromarray(places(32, 32))
    for operation in _OPERATIONS.values():
        for level in (0.0, 1.0):
            for sign in (-1, 1):
                assert operation(picture, level, sign).size == (32, 32)


def test_two_operations_at_most_and_a_quarter_of_the_pictures_as_they_were():
    picture = Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    )
    same = [
        np.array_equal(rand_augmented(picture, 6, np.random.default_rng(seed)), picture)
        for seed in range(300)
    ]
    assert 0.2 < np.mean(same) < 0.4  # and some that changed nothing


@pytest.mark.parametrize(("name", "side"), [("imagenet-90", 64), ("imagenet-a3", 46)])
def test_a_seed_decides_the_picture_and_the_recipe_its_side(name, side):
    image = places(64, 64)
    first, again, other = (
        augment(image, RECIPES[name], np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert (first.shape, first.dtype) == ((side, side, 3), np.float32)
    assert first.min() >= 0
    assert first.max() <= 1
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_picture_of_any_shape_has_the_side_asked_for():
    recipe = replace(RECIPES["imagenet-90"], flip=1.0)
    found = augment(places(90, 150), recipe, np.random.default_rng(0), side=32)
    assert found.shape == (32, 32, 3)
    assert found[0, 0, 1] > found[0, -1, 1]  # flipped
