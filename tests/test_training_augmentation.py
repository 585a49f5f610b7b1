"""Batches are decided by seed, epoch and position; augmentation keeps the picture."""

from dataclasses import replace

import numpy as np

from resnet_keras.training import RECIPES, Batches, Recipe, augment
from tests.conftest import coloured_images

STILL = Recipe(flip=0, shift=0, scale=0, rotation=0, brightness=0, colour=0)


def batches(epoch=0, num_images=10, batch_size=4, recipe=None, seed=0):
    labels = np.arange(num_images) % 3
    result = Batches(
        coloured_images(labels),
        np.eye(3, dtype=np.float32)[labels],
        np.arange(num_images),
        batch_size,
        recipe or Recipe(),
        seed,
    )
    result.begin_epoch(epoch)
    return result


def gradient_image(size=32):
    ramp = np.linspace(0, 255, size).astype(np.uint8)
    return np.stack([np.tile(ramp, (size, 1)), np.tile(ramp[:, None], (1, size))] * 2)[
        :3
    ].transpose(1, 2, 0)


def test_without_augmentation_the_image_stays():
    image = gradient_image()
    result = augment(image, STILL, np.random.default_rng(0))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, image / 255, atol=1e-6)


def test_flip_alone_mirrors():
    image = gradient_image()
    result = augment(image, replace(STILL, flip=1), np.random.default_rng(0))
    np.testing.assert_allclose(result, image[:, ::-1] / 255, atol=1 / 254)


def test_shift_moves_by_up_to_the_given_share():
    image = np.zeros((32, 32, 3), np.uint8)
    image[16, 16] = 255
    seen = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        moved = augment(image, replace(STILL, shift=0.25), rng)[..., 0]
        rows, columns = np.nonzero(moved > 0.2)
        assert np.abs(rows - 16).max() <= 9
        assert np.abs(columns - 16).max() <= 9
        seen.add((rows[0], columns[0]))
    assert len(seen) > 30


def place_of_a_bright_spot(recipe, seed):
    """Return where a spot ten pixels right of the centre comes to lie, from there."""
    image = np.zeros((65, 65, 3), np.uint8)
    image[31:34, 41:44] = 255
    moved = augment(image, recipe, np.random.default_rng(seed))[..., 0]
    rows, columns = np.indices(moved.shape)
    weights = moved / moved.sum()
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) - 32


def test_rotation_turns_about_the_centre_by_up_to_so_many_degrees():
    recipe = replace(STILL, rotation=30)
    places = np.array([place_of_a_bright_spot(recipe, seed) for seed in range(40)])
    np.testing.assert_allclose(np.hypot(*places.T), 10, atol=0.3)
    angles = np.degrees(np.arctan2(places[:, 1], places[:, 0]))
    assert -31 < angles.min() < -15
    assert 15 < angles.max() < 31


def test_scale_moves_away_from_the_centre_or_towards_it():
    recipe = replace(STILL, scale=0.2)
    places = np.array([place_of_a_bright_spot(recipe, seed) for seed in range(40)])
    np.testing.assert_allclose(places[:, 1], 0, atol=0.1)
    assert 10 / 1.2 - 0.1 < places[:, 0].min() < 9.2
    assert 10.8 < places[:, 0].max() < 12.1


def test_brightness_and_colour_scale_the_channels():
    image = np.full((32, 32, 3), 100, np.uint8)
    recipe = replace(STILL, brightness=0.2, colour=0.1)
    means = [
        augment(image, recipe, np.random.default_rng(seed)).mean((0, 1)) * 255
        for seed in range(50)
    ]
    assert np.min(means) >= 100 * 0.8 * 0.9 - 0.5
    assert np.max(means) <= 100 * 1.2 * 1.1 + 0.5
    assert np.ptp(means) > 30


def test_the_robust_recipe_corrupts():
    image = coloured_images([0], size=32)[0]
    means = {}
    for name in ("default", "robust"):
        recipe = RECIPES[name]
        found = [
            augment(image, recipe, np.random.default_rng(seed)) for seed in range(30)
        ]
        assert all(batch.min() >= 0 and batch.max() <= 1 for batch in found)
        means[name] = np.std([variant.mean((0, 1)) for variant in found], axis=0)
    assert (means["robust"] > 2 * means["default"]).all()


def test_values_stay_in_range():
    image = np.full((32, 32, 3), 255, np.uint8)
    for seed in range(10):
        result = augment(image, Recipe(), np.random.default_rng(seed))
        assert result.min() >= 0
        assert result.max() <= 1


def test_an_epoch_visits_each_image_at_most_once():
    images, labels = zip(*(batches(recipe=STILL)[i] for i in range(2)), strict=True)
    assert images[0].shape == (4, 32, 32, 3)
    assert labels[0].shape == (4, 3)
    assert len(np.unique(np.concatenate(images), axis=0)) == 8
    assert len(batches()) == 2


def test_batches_depend_on_seed_epoch_and_position_alone():
    first = batches(epoch=3)
    later = batches(epoch=0)
    later.begin_epoch(3)
    np.testing.assert_array_equal(first[1][0], later[1][0])
    assert not np.array_equal(first[1][0], first[0][0])
    assert not np.array_equal(first[1][0], batches(epoch=4)[1][0])
    assert not np.array_equal(first[1][0], batches(epoch=3, seed=1)[1][0])


def test_fewer_images_than_a_batch():
    small = batches(num_images=3, batch_size=32)
    assert len(small) == 1
    assert small[0][0].shape == (3, 32, 32, 3)
