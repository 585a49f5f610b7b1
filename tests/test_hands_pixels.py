"""Operations on pixels, against small cases worked out by hand."""

import numpy as np
import pytest

from resnet_keras.hands.pixels import halve, linear, shift, steady


def test_steady_rounds_to_the_grid_and_forgets_last_bits():
    values = np.array([0.25, -0.5, 1 / 3])
    found = steady(values, steps=4)
    assert found.tolist() == [0.25, -0.5, 0.25]
    np.testing.assert_array_equal(steady(values + 1e-12), steady(values))


def test_linear_light_has_gamma_2():
    np.testing.assert_allclose(linear([0, 51, 255]), [0, 0.04, 1], rtol=1e-6)


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        ((0, 0), [[1, 2, 3], [4, 5, 6]]),
        ((1, 0), [[1, 2, 3], [1, 2, 3]]),
        ((-1, 0), [[4, 5, 6], [4, 5, 6]]),
        ((0, 1), [[1, 1, 2], [4, 4, 5]]),
        ((0, -2), [[3, 3, 3], [6, 6, 6]]),
        ((-1, 1), [[4, 4, 5], [4, 4, 5]]),
        ((9, -9), [[3, 3, 3], [3, 3, 3]]),  # no farther than the plane is large
    ],
)
def test_shift_repeats_the_edges(move, expected):
    plane = np.array([[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(shift(plane, *move), expected)


def test_halve_takes_the_mean_of_blocks():
    plane = np.arange(16, dtype=np.float32).reshape(4, 4)
    # 0, 1, 4, 5 and so on
    np.testing.assert_array_equal(halve(plane), [[2.5, 4.5], [10.5, 12.5]])
    assert halve(np.zeros((4, 6, 3), np.float32)).shape == (2, 3, 3)
