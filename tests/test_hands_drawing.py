"""One hand: where it lies, how large it is, and how it is lit."""

import numpy as np
import pytest

from resnet_keras.hands.drawing import draw_hand
from resnet_keras.hands.randomness import RandomGenerator
from resnet_keras.hands.scene import Light

LIGHT = Light((0.0, 0.0, 1.0), 0.7, 0.4, (1, 1, 1), 0.0, 0.5)


def draw(key, label=5, size=64, light=LIGHT, **settings):
    return draw_hand(RandomGenerator(2, key), label, size, light, **settings)


def box(layer):
    """Return left, top, right and bottom of the hand in the picture, in pixels."""
    rows, columns = np.nonzero(layer.hand > 0.5)
    return (
        layer.left + columns.min(),
        layer.top + rows.min(),
        layer.left + columns.max() + 1,
        layer.top + rows.max() + 1,
    )


@pytest.mark.parametrize("label", range(6))
def test_a_hand_lies_in_the_picture_and_its_arm_leaves_it(label):
    for key in range(8):
        layer = draw(key, label)
        rows, columns = layer.area
        assert 0 <= rows.start < rows.stop <= 64
        assert 0 <= columns.start < columns.stop <= 64
        assert layer.colour.shape == (*layer.alpha.shape, 3)
        assert ((layer.hand >= 0) & (layer.hand <= layer.alpha)).all()
        assert layer.alpha.max() == 1
        # The arm is as long as one and a half pictures.
        assert layer.alpha.sum() > layer.hand.sum()


def test_nothing_shines_where_nothing_is():
    layer = draw(0)
    assert (layer.colour[layer.alpha == 0] == 0).all()
    assert (layer.colour >= 0).all()


def test_middle_and_size_are_what_was_asked_for():
    for key in range(4):
        small = box(draw(key, size=128, unit=20, centre=(40, 80), roll=0.0))
        large = box(draw(key, size=128, unit=30, centre=(40, 80), roll=0.0))
        left, top, right, bottom = small
        assert (left + right) / 2 == pytest.approx(40, abs=2)
        assert (top + bottom) / 2 == pytest.approx(80, abs=2)
        ratio = (large[3] - large[1]) / (bottom - top)
        assert ratio == pytest.approx(1.5, rel=0.1)


def test_light_from_the_left_lights_the_left():
    for key in range(4):
        left, right = (
            draw(key, light=LIGHT._replace(direction=(side, 0.0, 0.6), ambient=0.0))
            for side in (-0.8, 0.8)
        )
        # What differs between the two, from the left half to the right half
        difference = (left.colour - right.colour).sum(2)
        assert difference.max() > 0 > difference.min()
        mask = left.hand > 0.5
        columns = np.broadcast_to(np.arange(mask.shape[1]), mask.shape)[mask]
        assert np.corrcoef(columns, difference[mask])[0, 1] < -0.1


def test_twice_the_light_is_twice_as_bright():
    dim, bright = (
        draw(1, light=LIGHT._replace(key=key, ambient=key / 2)) for key in (0.3, 0.6)
    )
    np.testing.assert_allclose(bright.colour, 2 * dim.colour, rtol=1e-4, atol=1e-6)


def test_tint_colours_the_hand():
    plain, warm = (
        draw(1, light=LIGHT._replace(tint=tint)) for tint in ((1, 1, 1), (1, 1, 0.5))
    )
    np.testing.assert_allclose(warm.colour[..., :2], plain.colour[..., :2])
    np.testing.assert_allclose(warm.colour[..., 2], plain.colour[..., 2] / 2, rtol=1e-5)
