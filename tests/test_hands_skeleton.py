"""Bones of a hand: as many, as long and as straight as the sign needs."""

import numpy as np
import pytest

from resnet_keras.hands import skeleton
from resnet_keras.hands.randomness import RandomGenerator

MANY = range(40)


def poses(label):
    return [skeleton.pose(RandomGenerator(1, key), label)[0] for key in MANY]


def chains(bones):
    """Return the four fingers' bones, index to little: (4, 3 bones)."""
    kinds = (skeleton.PROXIMAL, skeleton.MIDDLE, skeleton.DISTAL)
    found = [np.flatnonzero(bones.kind == kind)[:4] for kind in kinds]
    return np.stack(found, 1)


def num_straight(bones):
    """Return how many of the four fingers reach nearly as far as they are long."""
    count = 0
    for finger in chains(bones):
        lengths = np.linalg.norm(bones.end[finger] - bones.start[finger], axis=1)
        reach = np.linalg.norm(bones.end[finger[-1]] - bones.start[finger[0]])
        count += reach > 0.93 * lengths.sum()  # bent less than about 40 degrees
    return count


@pytest.mark.parametrize("label", range(6))
def test_fingers_hang_together_and_every_direction_is_a_unit(label):
    for bones in poses(label):
        for finger in chains(bones):
            np.testing.assert_allclose(
                bones.end[finger[:-1]], bones.start[finger[1:]], atol=1e-9
            )
        np.testing.assert_allclose(np.linalg.norm(bones.dorsal, axis=1), 1, atol=1e-6)
        assert (bones.radii > 0).all()


@pytest.mark.parametrize(
    ("label", "expected"),
    # A three may be thumb and two fingers, or three fingers; an open hand may bend.
    [(0, {0}), (1, {1}), (2, {2}), (3, {2, 3}), (4, {4}), (5, {4})],
)
def test_as_many_fingers_are_straight_as_the_sign_shows(label, expected):
    counts = [num_straight(bones) for bones in poses(label)]
    usual = [count for count in counts if count in expected]
    assert len(usual) >= 0.75 * len(counts), counts


def test_lengths_are_those_of_the_table_within_a_few_percent():
    found = []
    for bones in poses(5):
        fingers = chains(bones)
        found.append(np.linalg.norm(bones.end[fingers] - bones.start[fingers], axis=2))
    expected = [lengths for _, lengths, _ in skeleton.FINGERS]
    np.testing.assert_allclose(np.mean(found, axis=0), expected, rtol=0.05)


def test_an_arm_points_down_and_has_a_sleeve_where_it_is_asked_for():
    bare = skeleton.arm(RandomGenerator(0), roll=0.0, sleeve=None, length=3.6)
    assert set(bare.kind) == {skeleton.FOREARM}
    assert (bare.end[:, 1] < bare.start[:, 1]).all()
    dressed = skeleton.arm(RandomGenerator(0), roll=0.0, sleeve=0.5, length=3.6)
    assert set(dressed.kind) == {skeleton.FOREARM, skeleton.SLEEVE}
