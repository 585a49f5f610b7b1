"""Light, backgrounds, shadows and the camera."""

import numpy as np
import pytest

from resnet_keras.hands import scene
from resnet_keras.hands.drawing import Layer
from resnet_keras.hands.randomness import RandomGenerator

DARK = scene.Light((0.0, 0.0, 1.0), 0.7, 0.4, (1, 1, 1), 0.0, 0.5)


def test_light_comes_from_the_front_by_a_unit_vector():
    for key in range(50):
        light = scene.draw_light(RandomGenerator(key))
        assert np.linalg.norm(light.direction) == pytest.approx(1)
        assert light.direction[2] > 0
        assert 0 <= light.shadow <= 0.6


def test_noise_is_smooth_and_within_its_range():
    noise = scene.value_noise(RandomGenerator(0), 64, cells=4, channels=3)
    assert noise.shape == (64, 64, 3)
    assert noise.min() >= 0
    assert noise.max() < 1
    # A cell has 16 pixels; 3 t^2 - 2 t^3 is nowhere steeper than 1.5.
    assert np.abs(np.diff(noise, axis=0)).max() <= 1.5 / 16


def test_backgrounds_are_of_many_kinds_and_no_light_is_negative():
    pictures = [scene.background(RandomGenerator(key), 32) for key in range(60)]
    for picture in pictures:
        assert picture.shape == (32, 32, 3)
        assert picture.min() >= 0
    is_flat = [float(np.ptp(picture, axis=(0, 1)).max()) < 0.02 for picture in pictures]
    assert 0 < sum(is_flat) < 60


def layer():
    """Return a grey square of 4 by 4 pixels at row 4, column 8; half is transparent."""
    alpha = np.ones((4, 4), np.float32)
    alpha[:, 2:] = 0
    colour = np.full((4, 4, 3), 0.25, np.float32) * alpha[..., None]
    return Layer(4, 8, 10.0, colour, alpha, alpha)


def test_a_layer_covers_what_is_behind_it_and_nothing_else():
    picture = np.ones((16, 16, 3), np.float32)
    scene.lay_over(picture, layer(), DARK)
    assert (picture[4:8, 8:10] == 0.25).all()
    picture[4:8, 8:10] = 1
    assert (picture == 1).all()


def test_a_shadow_falls_away_from_the_light():
    picture = np.ones((32, 32, 3), np.float32)
    # Light from the right casts 0.6 * 0.5 * 10 = 3 pixels to the left.
    light = DARK._replace(direction=(0.6, 0.0, 0.8), shadow=0.5)
    scene.lay_over(picture, layer(), light)
    assert picture[5, 6, 0] < 0.95
    assert picture[5, 6, 0] < picture[5, 13, 0]
    assert picture[28, 28, 0] == 1


def test_a_photograph_keeps_dark_and_light_apart():
    picture = np.zeros((32, 32, 3), np.float32)
    picture[:, 16:] = 0.5
    for key in range(20):
        found = scene.photograph(RandomGenerator(key), picture)
        assert (found.dtype, found.shape) == (np.uint8, (32, 32, 3))
        # sqrt(0.5 * 0.8) = 0.63 at least, contrast of 0.85 or more about a half
        assert found[:, :12].mean() < 60 < 140 < found[:, 20:].mean()
