"""Operations on pixels that give the same bits on every machine.

Pixels are touched by + - * / sqrt and comparisons only, which IEEE 754 rounds the same
everywhere; whatever comes from sine or cosine is rounded to a coarse grid first
(`steady`).
"""

import numpy as np


def steady(values, steps=4096):
    """Round to multiples of 1/steps, to forget the last bits of sine and cosine."""
    return np.floor(np.asarray(values, np.float64) * steps + 0.5) / steps


def linear(rgb):
    """sRGB 0..255 to linear light 0..1, with the exact gamma 2."""
    return np.array([(c / 255) * (c / 255) for c in rgb], np.float32)


def shift(plane, dy, dx):
    """The plane moved by (dy, dx), edges repeated."""
    rows, columns = (
        np.arange(side) - by for side, by in zip(plane.shape, (dy, dx), strict=True)
    )
    return plane.take(rows, 0, mode="clip").take(columns, 1, mode="clip")


def halve(plane):
    """Mean of each 2 x 2 block of an (h, w, ...) array."""
    rows = plane[0::2] + plane[1::2]
    return (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)
