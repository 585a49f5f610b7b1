"""An articulated hand: lengths, joints, the ways people show 0 to 5, as bones in space.

Everything here is geometry. A hand becomes a list of tapered, round-ended bones in the
palm's own frame, measured in palm lengths (wrist to middle knuckle, about 9.5 cm):

- x points to the thumb's side, y to the fingers, z out of the palm;
- the origin is the middle of the wrist.

`drawing` turns the bones to the camera and draws them.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Bones(NamedTuple):
    """n tapered bones: what `pose` returns and `drawing` draws."""

    start: np.ndarray  # (n, 3) palm lengths
    end: np.ndarray  # (n, 3)
    radii: np.ndarray  # (n, 2) at start and end
    dorsal: np.ndarray  # (n, 3) unit vectors: the side of the back of the hand
    kind: np.ndarray  # (n,) index into KINDS


class _Chain(NamedTuple):
    """A finger: joints from knuckle to tip, and a dorsal side for each bone."""

    joints: list  # 4 points
    dorsals: list  # 3 unit vectors
    radii: list  # 4


KINDS = ("palm", "proximal", "middle", "distal", "thumb", "forearm", "sleeve")
PALM, PROXIMAL, MIDDLE, DISTAL, THUMB, FOREARM, SLEEVE = range(len(KINDS))

# Index, middle, ring, little: knuckle (x, y), three bone lengths, four joint radii.
# Proportions of an adult hand; each hand varies them by a few percent.
FINGERS = (
    ((0.365, 0.96), (0.43, 0.25, 0.18), (0.135, 0.119, 0.106, 0.086)),
    ((0.115, 1.00), (0.47, 0.29, 0.19), (0.138, 0.123, 0.108, 0.089)),
    ((-0.135, 0.95), (0.43, 0.27, 0.19), (0.132, 0.116, 0.103, 0.084)),
    ((-0.375, 0.85), (0.34, 0.20, 0.17), (0.121, 0.104, 0.092, 0.076)),
)
THUMB_BASE = (0.20, 0.16, 0.06)
THUMB_LENGTHS = (0.43, 0.34, 0.245)
THUMB_RADII = (0.189, 0.146, 0.130, 0.099)

# Flesh that is no finger: start, end, radii. Wrist to knuckles, then the outer pad.
FLESH = (
    ((0.15, 0.00, 0.0), (0.355, 0.98, 0.0), (0.166, 0.146)),
    ((0.06, 0.00, 0.0), (0.115, 1.02, 0.0), (0.166, 0.151)),
    ((-0.06, 0.00, 0.0), (-0.125, 0.97, 0.0), (0.166, 0.146)),
    ((-0.15, 0.00, 0.0), (-0.355, 0.87, 0.0), (0.166, 0.135)),
    ((-0.23, 0.14, 0.05), (-0.340, 0.66, 0.03), (0.177, 0.146)),
)

# Fully spread fingers lean this far to the thumb's side, in radians; a V opens wider.
FAN = (0.30, 0.05, -0.19, -0.46)
FAN_OF_TWO = (0.24, -0.20, -0.20, -0.30)

# Degrees at knuckle, middle and last joint (low, high). Negative bends backwards.
FLEXION = {
    "s": ((-10, 12), (0, 12), (0, 8)),  # straight
    "r": ((2, 28), (8, 34), (4, 22)),  # relaxed
    "f": ((72, 94), (94, 112), (45, 75)),  # folded
    "l": ((48, 76), (82, 106), (35, 60)),  # loosely folded
    "o": ((34, 62), (42, 66), (22, 40)),  # bent to a ring with the thumb
}

# sign: (weight, index to little, thumb, finger the thumb goes to or None, view)
WAYS = (
    (
        (6.0, "oooo", "pinch", (0, 1), "side"),
        (1.2, "oooo", "pinch", (0, 1), "any"),
        (1.2, "ffff", "over", (0, 1), "any"),
        (0.6, "ffff", "beside", None, "any"),
    ),
    (
        (3.0, "sfff", "over", (1, 2), "any"),
        (2.0, "slll", "over", (1, 1), "any"),
        (1.2, "sooo", "pinch", (1, 2), "any"),
        (1.0, "sooo", "pinch", (1, 2), "side"),
        (0.8, "sfff", "beside", None, "any"),
    ),
    (
        (4.0, "ssff", "over", (2, 3), "any"),
        (3.0, "ssll", "over", (2, 3), "any"),
        (1.0, "ssoo", "pinch", (2, 2), "any"),
        (0.5, "ssff", "beside", None, "any"),
    ),
    (
        (4.0, "ssff", "out", None, "any"),
        (3.0, "ssll", "out", None, "any"),
        (2.0, "sssf", "over", (3, 3), "any"),
        (0.5, "osss", "pinch", (0, 0), "any"),
    ),
    (
        (6.0, "ssss", "across", None, "any"),
        (2.0, "rrrr", "across", None, "any"),
    ),
    (
        (6.0, "ssss", "out", None, "any"),
        (1.0, "rrrr", "out", None, "any"),
        (1.0, "ssss", "beside", None, "any"),
    ),
)

# Directions of the thumb's three bones before it reaches, and where its nail looks.
THUMBS = {
    "out": (
        ((0.78, 0.58, 0.28), (0.74, 0.66, 0.12), (0.55, 0.83, 0.0)),
        (0.3, -0.4, -0.7),
    ),
    "beside": (
        ((0.50, 0.82, 0.26), (0.12, 0.98, 0.12), (0.0, 1.0, 0.0)),
        (0.8, 0.0, -0.5),
    ),
    "across": (
        ((0.30, 0.75, 0.60), (-0.50, 0.75, 0.40), (-0.9, 0.4, 0.0)),
        (0.3, 0.3, 0.9),
    ),
    "over": (
        ((0.40, 0.60, 0.70), (-0.20, 0.60, 0.77), (-0.8, 0.3, 0.5)),
        (0.3, 0.2, 0.9),
    ),
    "pinch": (
        ((0.40, 0.55, 0.74), (0.10, 0.65, 0.75), (-0.1, 0.8, 0.6)),
        (0.6, -0.5, 0.6),
    ),
}


def _unit(vector):
    x, y, z = vector
    length = math.sqrt(x * x + y * y + z * z) or 1.0
    return (x / length, y / length, z / length)


def _step(origin, direction, length):
    return tuple(o + length * d for o, d in zip(origin, direction, strict=True))


def _between(a, b):
    return _unit(tuple(q - p for p, q in zip(a, b, strict=True)))


def _finger(row, bend, lean, size, thick):
    """A `_Chain` of three bones.

    Args:
        row: one of FINGERS.
        bend: degrees at each joint.
        lean: radians to the thumb's side.
        size: factor on the lengths.
        thick: factor on the radii.
    """
    (x, y), lengths, radii = row
    side, ahead = math.sin(lean), math.cos(lean)
    joints, dorsals, angle = [(x, y, 0.0)], [], 0.0
    for length, degrees in zip(lengths, bend, strict=True):
        angle += math.radians(degrees)
        along, up = math.cos(angle), math.sin(angle)
        direction = (side * along, ahead * along, up)
        joints.append(_step(joints[-1], direction, size * length))
        dorsals.append((side * up, ahead * up, -along))
    return _Chain(joints, dorsals, [radius * thick for radius in radii])


def _fingers(rng, states, size, thick, wide):
    """Four `_Chain`s, index to little, each straight or bent as `states` says."""
    spread, tilt = rng.uniform(0.0, 1.3), rng.normal(0, 0.05)
    two = states[:2] == "ss" and states[2] not in "sr"
    # Fingers in the same state bend alike, each with a small difference.
    shared = {state: rng.random() for state in FLEXION}
    chains = []
    for row, state, fan in zip(
        FINGERS, states, FAN_OF_TWO if two else FAN, strict=True
    ):
        part = 0.7 * shared[state] + 0.3 * rng.random()
        bend = [
            low + (high - low) * part + rng.normal(0, 4) for low, high in FLEXION[state]
        ]
        lean = fan * (spread if state in "sr" else 0.25) + tilt + rng.normal(0, 0.03)
        (x, y), lengths, radii = row
        row = ((x * wide, y), lengths, radii)
        chains.append(_finger(row, bend, lean, size * rng.normal(1, 0.025), thick))
    return chains


def _target(rng, posture, toward, fingers):
    """Where the tip of the thumb goes, or None."""
    if posture == "across":
        return (rng.uniform(-0.2, 0.16), rng.uniform(0.5, 0.86), 0.24)
    if toward is None:
        return None
    first, last = toward
    finger = fingers[first + int(rng.random() * (last - first + 1))]
    joints, dorsals, radii = finger
    if posture == "over":  # it lies on the middle bone of a folded finger
        middle = [(p + q) / 2 for p, q in zip(joints[1], joints[2], strict=True)]
        return _step(middle, dorsals[1], radii[2] + 0.07)
    return _step(joints[3], dorsals[2], -radii[3] - 0.06)  # tip meets tip


def _reach(joints, lengths, target):
    """Bend a chain so that its end comes near `target`: FABRIK, three rounds."""
    for _ in range(3):
        back = [target]
        for joint, length in zip(joints[-2::-1], lengths[::-1], strict=True):
            back.append(_step(back[-1], _between(back[-1], joint), length))
        forth = [joints[0]]
        for joint, length in zip(back[-2::-1], lengths, strict=True):
            forth.append(_step(forth[-1], _between(forth[-1], joint), length))
        joints = forth
    return joints


def _thumb(rng, posture, target, size, thick):
    """A `_Chain` of the thumb's three bones, its tip near `target` if there is one."""
    directions, nail = THUMBS[posture]
    lengths = [size * length for length in THUMB_LENGTHS]
    joints = [THUMB_BASE]
    # Only the thumb, out or tucked in, distinguishes a three from a two.
    lift, swing = rng.normal(0, 0.09), rng.normal(0, 0.12 if posture == "out" else 0.06)
    for (x, y, z), length in zip(directions, lengths, strict=True):
        direction = _unit((x + swing, y - swing * 0.6, z + lift))
        joints.append(_step(joints[-1], direction, length))
    if target is not None:
        joints = _reach(joints, lengths, target)
    # The first bone lies in the palm, whose back is the back of the hand.
    dorsals = [_unit((0.3, -0.2, -0.9))]
    for a, b in pairwise(joints[1:]):
        along = _between(a, b)
        dot = sum(n * d for n, d in zip(nail, along, strict=True))
        dorsals.append(_unit(_step(nail, along, -dot)))
    return _Chain(joints, dorsals, [radius * thick for radius in THUMB_RADII])


def pose(rng, label):
    """Bones of one hand that shows `label`, in a way drawn at random.

    Args:
        rng: a `RandomGenerator`.
        label: the sign, 0 to 5.

    Returns:
        (bones, view): `Bones` of a hand whose thumb is at +x, and the name of the
        view in which people show this way: "any", or "side" for the ring of a zero.

    >>> from resnet_keras.hands.randomness import RandomGenerator
    >>> bones, view = pose(RandomGenerator(0), 5)
    >>> sum(int(kind == DISTAL) for kind in bones.kind)
    4
    """
    _, states, posture, toward, view = rng.choice(WAYS[label])
    thick, size, wide = rng.normal(1, 0.08), rng.normal(1, 0.05), rng.normal(1, 0.06)
    fingers = _fingers(rng, states, size, thick, wide)
    target = _target(rng, posture, toward, fingers)
    thumb = _thumb(rng, posture, target, size * rng.normal(1, 0.04), thick)

    rows = []
    for (x0, y0, z0), (x1, y1, z1), (r0, r1) in FLESH:
        radii = (r0 * (1 + thick) / 2, r1 * (1 + thick) / 2)
        rows.append((x0 * wide, y0, z0, x1 * wide, y1, z1, *radii, 0, 0, -1, PALM))
    # The pad of the thumb and the skin between thumb and index finger.
    root, along = thumb.joints[0], _between(*thumb.joints[:2])
    pad, web = _step(root, along, 0.30), _step(root, along, 0.38)
    for start, end, radii in (
        ((0.13, 0.12, 0.05), pad, (0.17, 0.15)),
        ((0.24, 0.70, 0.00), web, (0.11, 0.09)),
        ((0.20, 0.45, 0.02), web, (0.13, 0.10)),
    ):
        rows.append((*start, *end, *radii, *thumb.dorsals[0], PALM))
    chains = [(finger, (PROXIMAL, MIDDLE, DISTAL)) for finger in fingers]
    for chain, kinds in [*chains, (thumb, (PALM, PROXIMAL, THUMB))]:
        bones = zip(
            pairwise(chain.joints),
            pairwise(chain.radii),
            chain.dorsals,
            kinds,
            strict=True,
        )
        for (start, end), radii, dorsal, kind in bones:
            rows.append((*start, *end, *radii, *dorsal, kind))
    return _bones(rows), view


def arm(rng, roll, sleeve, length):
    """Bones of the forearm, and of its sleeve if there is one.

    Args:
        rng: a `RandomGenerator`.
        roll: how far the hand leans in the picture, in radians; the arm leans less.
        sleeve: where the sleeve begins, in palm lengths below the wrist, or None.
        length: of the forearm in palm lengths; grows wider as far as the elbow.

    Returns:
        `Bones` of kinds FOREARM and SLEEVE.
    """
    lean = rng.normal(0, 0.22) + 0.35 * max(-1.2, min(1.2, roll))
    lift = rng.normal(0, 0.2)
    down = _unit((math.sin(lean), -math.cos(lean), math.sin(lift)))
    side = (math.cos(lean), math.sin(lean), 0.0)
    wide = min(length, 3.0)
    rows = []
    # Three strands side by side make it wider than deep.
    parts = [(FOREARM, 0.04, 0.09, 0.15)]
    if sleeve is not None:
        parts.append((SLEEVE, sleeve, 0.10, 0.25))
    for kind, below, apart, radius in parts:
        for offset in (-1, 0, 1):
            start = _step(_step((0, 0.04, 0), side, apart * offset), down, below)
            end = _step(_step(start, side, 0.035 * wide * offset), down, length)
            radii = (radius, radius + 0.05 * wide)
            rows.append((*start, *end, *radii, 0, 0, -1, kind))
    return _bones(rows)


def _bones(rows):
    """`Bones` from rows of start, end, radii, dorsal direction and kind."""
    table = np.array(rows)
    start, end, radii, dorsal = np.split(table[:, :11], (3, 6, 8), axis=1)
    return Bones(start, end, radii, dorsal, table[:, 11].astype(int))
