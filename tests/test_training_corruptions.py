"""Corruptions do what their names say, and repeat."""

import numpy as np
import pytest

from resnet_keras.inference import Classifier
from resnet_keras.training import corruptions


@pytest.fixture
def picture():
    """Return a dark square in front of a pale wall, uint8 (64, 64, 3)."""
    picture = np.full((64, 64, 3), (220, 215, 205), np.uint8)
    picture[20:44, 20:36] = (120, 80, 60)
    return picture


@pytest.mark.parametrize("name", corruptions.CORRUPTIONS)
def test_each_change_repeats_and_depends_on_the_place_in_the_set(name, picture):
    images = np.stack([picture] * 3)
    images[0] = 0
    changed = corruptions.corrupted(name, images)
    assert changed.shape == images.shape
    assert changed.dtype == np.uint8
    np.testing.assert_array_equal(changed, corruptions.corrupted(name, images))
    # the third is what it is whatever the first is
    np.testing.assert_array_equal(
        changed[2], corruptions.corrupted(name, np.stack([picture] * 3))[2]
    )


@pytest.mark.parametrize("name", ["noise", "other background", "light from one side"])
def test_what_is_random_differs_from_picture_to_picture(name, picture):
    first, second = corruptions.corrupted(name, np.stack([picture] * 2))
    assert np.any(first != second)


@pytest.mark.parametrize("name", corruptions.CORRUPTIONS)
def test_pictures_need_not_be_square(name, picture):
    wide = picture[None, 8:56]
    assert corruptions.corrupted(name, wide).shape == wide.shape


def test_unchanged_is_no_change_and_all_others_are(picture):
    images = picture[None]
    for name in corruptions.CORRUPTIONS:
        is_same = np.array_equal(corruptions.corrupted(name, images), images)
        assert is_same == (name == "unchanged"), name


def test_other_background_leaves_the_object(picture):
    changed = corruptions.replace_background(picture, np.random.default_rng(0))
    np.testing.assert_array_equal(changed[20:44, 20:36], picture[20:44, 20:36])
    assert np.abs(changed[:16].astype(int) - picture[:16]).mean() > 20


def test_light_falls_from_the_side_named(picture):
    changed = corruptions.light_from_one_side(picture // 2, 0.8, 0.0)
    assert changed[32, 60].mean() > changed[32, 4].mean() * 1.5
    tall = corruptions.light_from_one_side(picture // 2, 0.8, np.pi / 2)
    assert tall[60, 32].mean() > tall[4, 32].mean() * 1.5


def test_tint_contrast_blur_and_noise(picture):
    half = corruptions.tint(picture, 0.5)
    np.testing.assert_allclose(half, picture / 2, atol=1)
    flat = corruptions.contrast(picture, 0.5)
    assert flat.std() == pytest.approx(picture.std() / 2, rel=0.02)
    blurred = corruptions.blur(picture, 1.0).astype(int)
    steps = np.abs(np.diff(picture.astype(int), axis=0)).max()
    assert np.abs(np.diff(blurred, axis=0)).max() < 0.6 * steps
    noisy = corruptions.noise(picture // 2, 0.05, np.random.default_rng(0))
    difference = noisy.astype(int) - picture // 2
    assert difference.std() == pytest.approx(0.05 * 255, rel=0.1)


def test_farther_away_is_smaller(picture):
    changed = corruptions.corrupted("farther away", picture[None])[0]
    dark = (changed.mean(-1) < 150).sum() / (picture.mean(-1) < 150).sum()
    assert dark == pytest.approx(0.75**2, rel=0.15)


def test_strength_0_changes_the_background_alone(picture):
    found = [
        corruptions.corrupt(picture, 0.0, np.random.default_rng(seed))
        for seed in range(20)
    ]
    for changed in found:
        np.testing.assert_allclose(changed[22:42, 22:34], picture[22:42, 22:34], atol=3)
    strong = [
        corruptions.corrupt(picture, 1.0, np.random.default_rng(seed))
        for seed in range(20)
    ]
    assert np.std([changed.mean() for changed in strong]) > 20


def test_images_corrupted_a_few_at_a_time_are_those_corrupted_at_once(picture):
    class Brightness:
        """A model whose probability of class 1 is the brightness of the picture."""

        def probabilities(self, images, batch_size=32):
            found = []
            for start in range(0, len(images), batch_size):
                batch = images[start : start + batch_size]
                found.append(batch.mean(axis=(1, 2, 3)) / 255)
            bright = np.concatenate(found)
            return np.stack([1 - bright, bright], axis=1)

    images = np.stack([picture // (1 + n % 4) for n in range(70)])
    labels = np.arange(70) % 2
    parts = [images[:40], images[40:]]
    accuracy = corruptions.accuracy_when_corrupted(Brightness(), parts, labels)
    for name, found in accuracy.items():
        whole = Brightness().probabilities(corruptions.corrupted(name, images), 70)
        assert found == (whole.argmax(axis=1) == labels).mean(), name
        changed = corruptions.Corrupted(name, parts)
        expected = corruptions.corrupted(name, images)[38:45]
        np.testing.assert_array_equal(changed[38:45], expected)
    assert len(accuracy) == len(corruptions.CORRUPTIONS)


def test_only_a_portion_of_the_corrupted_images_is_in_memory(monkeypatch, tiny_model):
    sizes = []
    get = corruptions.Corrupted.__getitem__

    def counted(images, rows):
        sizes.append(len(get(images, rows)))
        return get(images, rows)

    monkeypatch.setattr(corruptions.Corrupted, "__getitem__", counted)
    classifier = Classifier(tiny_model, {})
    side = tiny_model.input_shape[1]
    images = np.zeros((70, side, side, 3), np.uint8)
    corruptions.accuracy_when_corrupted(classifier, [images], np.zeros(70, int))
    assert max(sizes) <= 32
