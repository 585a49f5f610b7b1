"""Mixed images and targets are of the same two images, in the same proportion."""

import numpy as np
import pytest

from resnet_keras.training import RECIPES, Recipe
from resnet_keras.training.mixing import mixed


def pair_of_images(recipe, seed, shape=(20, 30)):
    """Return mixed images of only zeros and only ones, and their targets."""
    images = np.stack([np.zeros((*shape, 3)), np.ones((*shape, 3))]).astype("float32")
    one_hot = np.eye(2, dtype="float32")
    return mixed(images, one_hot, recipe, np.random.default_rng(seed))


@pytest.mark.parametrize("recipe", [Recipe(mixup=1.0), Recipe(cutmix=1.0)])
def test_targets_are_the_fractions_of_the_pixels(recipe):
    fractions = set()
    for seed in range(30):
        images, targets = pair_of_images(recipe, seed)
        assert (images.dtype, targets.dtype) == (np.float32, np.float32)
        for image, target in zip(images, targets, strict=True):
            assert target.sum() == pytest.approx(1)
            assert image.mean() == pytest.approx(target[1], abs=1e-5)
        fractions.add(targets[0, 0].round(3))
    assert len(fractions) > 20


def test_mixup_is_a_mean_and_cutmix_a_rectangle():
    for seed in range(20):
        images, _ = pair_of_images(Recipe(mixup=1.0), seed)
        assert np.ptp(images[0]) == 0
        images, _ = pair_of_images(Recipe(cutmix=1.0), seed)
        assert set(np.unique(images[0])) <= {0, 1}
        rows, columns = images[0, ..., 0].any(1), images[0, ..., 0].any(0)
        np.testing.assert_array_equal(
            images[0, ..., 0], np.outer(rows, columns).astype("float32")
        )
        assert np.abs(np.diff(rows.astype(int))).sum() <= 2  # one interval
        np.testing.assert_array_equal(images[1], 1 - images[0])


def test_with_both_each_batch_has_one_of_them():
    kinds = [
        0 < pair_of_images(Recipe(mixup=1.0, cutmix=1.0), seed)[0][0, 0, 0, 0] < 1
        for seed in range(200)
    ]
    assert 70 < sum(kinds) < 130


def test_for_the_binary_loss_a_class_is_there_or_not():
    recipe, seen = RECIPES["imagenet-a3"], set()
    for seed in range(60):
        _, targets = pair_of_images(recipe, seed)
        seen |= set(map(tuple, targets.tolist()))
    assert seen == {(1, 0), (0, 1), (1, 1)}


def test_the_images_given_stay_as_they_are():
    images, one_hot = np.zeros((2, 8, 8, 3), "float32"), np.eye(2)
    images[1] = 1
    before = images.copy()
    for seed in range(5):
        mixed(images, one_hot, Recipe(cutmix=1.0), np.random.default_rng(seed))
    np.testing.assert_array_equal(images, before)
