"""What the camera sees of single bones, against the geometry of capsules."""

import numpy as np
import pytest

from resnet_keras.hands.skeleton import FOREARM, SLEEVE, Bones
from resnet_keras.hands.surface import FAR, raster

SHAPE = (40, 60)


def seen(*rows, kind=FOREARM):
    """Return the `Surface` of bones given as (start, end, radii), in subpixels."""
    ends = np.array([(*start, *end) for start, end, _ in rows], float)
    radii = np.array([radii for *_, radii in rows], float)
    kinds = np.full(len(rows), kind)
    bones = Bones(ends[:, :3], ends[:, 3:], radii, np.zeros_like(ends[:, :3]), kinds)
    # Blending is left out but for a last bit: a smooth maximum divides by it.
    return raster(bones, ends, radii, np.full(len(rows), 1e-6), SHAPE)


def test_a_bone_is_a_capsule():
    surface = seen(((20, 20, 0), (40, 20, 0), (6, 6)))
    # Rectangle of 20 by 12 and two half circles of radius 6.
    assert (surface.owner == 0).sum() == pytest.approx(20 * 12 + np.pi * 36, rel=0.02)
    assert (surface.depth[surface.owner < 0] == FAR).all()
    # Pixel centres half a subpixel off the axis: the height of a cylinder of radius 6.
    assert surface.depth[19, 30] == pytest.approx(np.sqrt(36 - 0.25), abs=1e-3)
    assert surface.depth[15, 30] == pytest.approx(np.sqrt(36 - 4.5**2), abs=1e-3)


def test_position_runs_from_start_to_end():
    surface = seen(((20, 20, 0), (40, 20, 0), (6, 6)))
    # Columns have their centres at 24.5, 30.5 and 44.5, which is beyond the end.
    found = surface.position[20, [24, 30, 44]]
    np.testing.assert_allclose(found, [4.5 / 20, 10.5 / 20, 1], atol=1e-3)


def test_a_tapered_bone_is_wider_at_its_wider_end():
    owner = seen(((15, 20, 0), (45, 20, 0), (4, 8))).owner
    assert (owner[:, 17] == 0).sum() < (owner[:, 42] == 0).sum()


def test_the_nearer_bone_hides_the_other():
    crossing = (
        ((10, 20, 0), (50, 20, 0), (5, 5)),
        ((30, 5, 20), (30, 35, 20), (5, 5)),
    )
    for rows, front in ((crossing, 1), (crossing[::-1], 0)):
        surface = seen(*rows)
        assert surface.owner[20, 30] == front
        assert surface.depth[20, 30] == pytest.approx(25, abs=0.1)


def test_a_sleeve_begins_flat():
    rows = ((20, 20, 0), (40, 20, 0), (6, 6))
    round_end, flat_end = seen(rows), seen(rows, kind=SLEEVE)
    assert (round_end.owner[:, :20] == 0).any()
    assert not (flat_end.owner[:, :20] == 0).any()


def test_what_lies_outside_the_picture_is_not_seen():
    assert (seen(((-50, 20, 0), (-30, 20, 0), (6, 6))).owner == -1).all()
