"""One hand from bones to pixels: projection, depth map, shading, skin.

Each bone is a tapered capsule with a height field in closed form. The nearest surface
wins, flesh melts into flesh by a smooth maximum, and all shading comes from that one
depth map. Pixels are touched by + - * / sqrt and comparisons only, which IEEE 754
rounds the same everywhere; whatever comes from sine or cosine is rounded to a coarse
grid first (`steady`). So a picture is the same, to the bit, on every machine.
"""

import math
from typing import NamedTuple

import numpy as np

from resnet_keras.hand_model import (
    DISTAL,
    FOREARM,
    MIDDLE,
    PALM,
    SLEEVE,
    THUMB,
    Bones,
    arm,
    pose,
)

# Depth in subpixels where there is no hand: far behind any bone.
FAR = np.float32(-1e6)

# Subpixels per pixel and side.
FINE = 2

# Skin in sRGB from fair to deep, evenly spread over the human range.
TONES = (
    (247, 224, 208),
    (240, 207, 184),
    (230, 187, 158),
    (214, 164, 130),
    (193, 140, 104),
    (168, 115, 82),
    (140, 91, 64),
    (112, 72, 51),
    (87, 56, 42),
    (64, 43, 34),
)
PALM_TONE = (232, 178, 156)


class Light(NamedTuple):
    """Where light comes from and its colour; one for all hands of a picture."""

    direction: tuple  # unit (x, y, z), z towards the camera, y up
    key: float
    ambient: float
    tint: tuple  # red, green, blue factors
    shadow: float  # 0 none to 1 black
    reach: float  # shadow offset in palm lengths


class Layer(NamedTuple):
    """One painted hand, to be laid over a picture at (top, left)."""

    top: int
    left: int
    unit: float  # palm length in pixels
    colour: np.ndarray  # (h, w, 3) linear, times alpha
    alpha: np.ndarray  # (h, w) 0 to 1: hand, forearm and sleeve
    hand: np.ndarray  # (h, w) 0 to 1: the hand alone


def steady(values, steps=4096):
    """Round to multiples of 1/steps, to forget the last bits of sine and cosine."""
    return np.floor(np.asarray(values, np.float64) * steps + 0.5) / steps


def linear(rgb):
    """sRGB 0..255 to linear light 0..1, with the exact gamma 2."""
    return np.array([(c / 255) * (c / 255) for c in rgb], np.float32)


def draw_hand(dice, label, size, light, *, unit=None, centre=None, roll=None):
    """Paint one hand that shows `label`.

    Args:
        dice: a `hand_model.Dice`.
        label: the sign, 0 to 5.
        size: side of the square picture in pixels.
        light: a `Light`.
        unit: palm length in pixels; None draws it to suit the picture.
        centre: (x, y) of the hand's middle in pixels; None places it at random, at
            times cropped by the border.
        roll: lean of the hand in the picture in radians; None draws it.

    Returns:
        A `Layer`.
    """
    hand, view = pose(dice, label)
    yaw, pitch, lean = _view(dice, view)
    roll = lean if roll is None else roll
    if unit is None:
        unit = size * dice.uniform(0.35, 0.44)
    sleeve = dice.uniform(0.15, 2.0) if dice.chance(0.3) else None
    # Long enough to leave the picture wherever the hand is.
    limb = arm(dice, roll, sleeve, max(3.6, 1.5 * size / unit))
    bones = Bones(*(np.concatenate(pair) for pair in zip(limb, hand, strict=True)))
    starts, ends, radii, dorsal = _project(dice, bones, (yaw, pitch, roll), unit)
    mine = bones.kind < FOREARM
    low, high = _extent(starts[mine], ends[mine], radii[mine])
    shift_by = _place(dice, low, high, size, centre)
    starts[:, :2] += shift_by
    ends[:, :2] += shift_by
    starts, ends, radii = steady(starts), steady(ends), steady(radii)

    # The part of the picture that hand and arm can touch, in whole pixels.
    low, high = _extent(starts, ends, radii)
    left, top = (min(max(int(value) - 2, 0), size - 2) for value in low)
    right, bottom = (int(value) + 2 for value in high)
    right = max(min(right, size), left + 2)
    bottom = max(min(bottom, size), top + 2)
    starts[:, :2] -= (left, top)
    ends[:, :2] -= (left, top)
    shape = ((bottom - top) * FINE, (right - left) * FINE)
    # How far neighbouring bones melt into each other, in palm lengths.
    blend = np.where(bones.kind == PALM, 0.10, 0.03)
    blend = np.where(bones.kind >= FOREARM, 0.12, blend) * (unit * FINE)
    spans = np.concatenate([starts, ends], 1) * FINE
    surface = _raster(bones, spans, radii * FINE, blend, shape)
    colour, hand = _shade(dice, surface, bones.kind, dorsal, light, unit * FINE)
    alpha = (surface.owner >= 0).astype(np.float32)
    hand = hand.astype(np.float32)
    return Layer(top, left, unit, _halve(colour), _halve(alpha), _halve(hand))


def _turn(points, yaw, pitch, roll):
    """Rotate (n, 3) points about y, then x, then z; angles in radians."""
    x, y, z = points[:, 0], points[:, 1], points[:, 2]
    c, s = math.cos(yaw), math.sin(yaw)
    x, z = c * x + s * z, c * z - s * x
    c, s = math.cos(pitch), math.sin(pitch)
    y, z = c * y - s * z, c * z + s * y
    c, s = math.cos(roll), math.sin(roll)
    x, y = c * x - s * y, c * y + s * x
    return np.stack([x, y, z], 1)


def _view(dice, view):
    """Yaw, pitch and roll (radians) of a hand held up to a camera."""
    pitch = dice.bell(0, 0.13)
    roll = dice.bell(0, 0.3)
    if dice.chance(0.01):
        roll = dice.uniform(-math.pi, math.pi)
    if view == "side":
        yaw = -dice.uniform(0.35, 1.75)
    else:
        yaw = dice.bell(0, 0.2) + (math.pi if dice.chance(0.12) else 0)
    return yaw, pitch, roll


def _project(dice, bones, angles, unit):
    """Starts and ends (n, 3), radii (n, 2) in pixels, dorsal directions (n, 3).

    Right or left hand by chance. The camera stands near: what is closer is larger.
    """
    mirror = -1 if dice.chance(0.5) else 1
    near = dice.uniform(0.0, 0.14)
    points, zooms = [], []
    for joints in (bones.start, bones.end):
        x, y, z = _turn(joints, *angles).T
        zoom = unit / (1 - near * np.maximum(np.minimum(z, 1.5), -1.5))
        points.append(np.stack([x * zoom * mirror, -y * zoom, z * unit], 1))
        zooms.append(zoom)
    dorsal = _turn(bones.dorsal, *angles) * (mirror, 1, 1)
    radii = bones.radii * np.stack(zooms, 1)
    return *points, radii, steady(dorsal).astype(np.float32)


def _extent(starts, ends, radii):
    """Lowest and highest (x, y) that the bones reach, in pixels."""
    low = np.minimum(starts[:, :2] - radii[:, :1], ends[:, :2] - radii[:, 1:])
    high = np.maximum(starts[:, :2] + radii[:, :1], ends[:, :2] + radii[:, 1:])
    return low.min(0), high.max(0)


def _place(dice, low, high, size, centre):
    """How far to move a hand that extends from `low` to `high`, (x, y) in pixels.

    Without a `centre` the hand stays in the picture, but for an edge of at most an
    eighth of it; a hand larger than the picture stays near the middle.
    """
    crop = 0.12 if dice.chance(0.2) else 0.02
    moves = []
    for axis in (0, 1):
        margin = (high[axis] - low[axis]) * (0.5 - crop)
        chance = 0.5 + 0.3 * (dice.random() + dice.random() - 1)
        if centre is not None:
            middle = centre[axis]
        elif margin < size - margin:
            middle = margin + (size - 2 * margin) * chance
        else:
            middle = size / 2 + (chance - 0.5) * 0.1 * size
        moves.append(middle - (low[axis] + high[axis]) / 2)
    return moves


class _Surface(NamedTuple):
    """What the camera sees at each subpixel, (h, w) each."""

    depth: np.ndarray  # subpixels towards the camera
    owner: np.ndarray  # number of the bone, -1 for none
    place: np.ndarray  # 0 to 1 from the start of the bone to its end


def _raster(bones, ends, radii, blend, shape):
    """The `_Surface` of tapered bones, with coordinates and radii in subpixels."""
    depth = np.full(shape, FAR, np.float32)
    owner = np.full(shape, -1, np.int8)
    place = np.zeros(shape, np.float32)
    rows = np.arange(shape[0], dtype=np.float32)[:, None] + 0.5
    columns = np.arange(shape[1], dtype=np.float32)[None] + 0.5
    ends, radii, blend = ends.tolist(), radii.tolist(), blend.tolist()
    for i in range(len(radii)):
        x0, y0, z0, x1, y1, z1 = ends[i]
        r0, r1 = radii[i]
        left = max(int(min(x0 - r0, x1 - r1)) - 1, 0)
        right = min(int(max(x0 + r0, x1 + r1)) + 2, shape[1])
        top = max(int(min(y0 - r0, y1 - r1)) - 1, 0)
        bottom = min(int(max(y0 + r0, y1 + r1)) + 2, shape[0])
        if left >= right or top >= bottom:
            continue
        dx, dy, dz = x1 - x0, y1 - y0, z1 - z0
        span = math.sqrt(dx * dx + dy * dy)
        if span < 1e-3:
            dx, dy, span = 1e-3, 0.0, 1e-3
        slope = dz / math.sqrt(span * span + dz * dz)
        dx, dy = dx / span, dy / span
        box = (slice(top, bottom), slice(left, right))
        x, y = columns[:, left:right] - x0, rows[top:bottom] - y0
        along = x * dx + y * dy
        across = x * (-dy) + y * dx
        across *= across
        # The foremost point of a cylinder lies where its normal is square to its axis.
        middle = (r0 + r1) / 2
        if r1 > 1.3 * r0:  # the mean would tear a hole into the narrow end of an arm
            middle = np.minimum(np.maximum(along / span, 0), 1) * (r1 - r0) + r0
        t = np.sqrt(np.maximum(middle * middle - across, 0))
        t *= slope
        t += along
        t *= 1 / span
        flat = t < 0 if bones.kind[i] == SLEEVE else None
        np.maximum(t, 0, out=t)
        np.minimum(t, 1, out=t)
        along -= t * span
        along *= along
        along += across
        radius = t * (r1 - r0)
        radius += r0
        radius *= radius
        radius -= along
        inside = radius > 0
        if flat is not None:
            inside &= ~flat
        z = np.sqrt(np.maximum(radius, 0))
        z += t * dz
        z += z0
        np.copyto(z, 2 * FAR, where=~inside)
        old = depth[box]
        nearer = z > old
        soft = blend[i]
        melt = np.abs(old - z)
        np.subtract(soft, melt, out=melt)
        np.maximum(melt, 0, out=melt)
        melt *= melt
        melt *= 0.25 / soft
        np.maximum(old, z, out=old)
        old += melt
        np.copyto(owner[box], np.int8(i), where=nearer)
        np.copyto(place[box], t, where=nearer)
    return _Surface(depth, owner, place)


def shift(plane, dy, dx):
    """The plane moved by (dy, dx), edges repeated."""
    height, width = plane.shape
    dy, dx = max(-height + 1, min(dy, height - 1)), max(-width + 1, min(dx, width - 1))
    out = np.empty_like(plane)
    ys, yd = (
        slice(max(-dy, 0), height - max(dy, 0)),
        slice(max(dy, 0), height + min(dy, 0)),
    )
    xs, xd = (
        slice(max(-dx, 0), width - max(dx, 0)),
        slice(max(dx, 0), width + min(dx, 0)),
    )
    out[yd, xd] = plane[ys, xs]
    if dy > 0:
        out[:dy, xd] = out[dy : dy + 1, xd]
    elif dy < 0:
        out[dy:, xd] = out[dy - 1 : dy, xd]
    if dx > 0:
        out[:, :dx] = out[:, dx : dx + 1]
    elif dx < 0:
        out[:, dx:] = out[:, dx - 1 : dx]
    return out


def _halve(plane):
    """Mean of each 2 x 2 block of an (h, w, ...) array."""
    rows = plane[0::2] + plane[1::2]
    return (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)


def _shade(dice, surface, kinds, dorsal, light, unit):
    """Linear colours (h, w, 3), black off the hand, and the mask of the hand alone."""
    covered = surface.owner >= 0
    bone = np.maximum(surface.owner, 0).astype(np.intp)
    kind = kinds.astype(np.int8).take(bone)
    depth = surface.depth
    # A step down to the background, but no cliff, lets outlines round off.
    floor = depth.min(where=covered, initial=-FAR) - np.float32(0.3 * unit)
    np.maximum(depth, floor, out=depth)
    normals = _normals(depth)
    direction = [np.float32(value) for value in steady(light.direction)]
    lit = _dot(normals, direction)
    sky = _open_sky(depth, direction, unit, np.float32(dice.uniform(0.6, 1.7)))
    backness = _dot(normals, [dorsal[:, axis].take(bone) for axis in range(3)])
    albedo = _albedo(dice, kind, surface.place, backness)
    shine = lit * lit
    shine *= shine
    shine *= shine
    shine *= np.float32(dice.uniform(0.0, 0.12))

    colour = np.empty((*depth.shape, 3), np.float32)
    ambient = normals[1] * np.float32(0.25 * light.ambient)
    ambient += np.float32(0.75 * light.ambient)
    # Light wanders under the skin, red the farthest: it wraps around edges.
    for channel, wrap in enumerate((0.35, 0.15, 0.10)):
        here = (lit + np.float32(wrap)) * np.float32(light.key / (1 + wrap))
        np.maximum(here, 0, out=here)
        here += ambient
        here *= sky
        here *= np.float32(light.tint[channel])
        here *= albedo[channel] + shine
        here *= covered
        colour[..., channel] = here
    return colour, covered & (kind < FOREARM)


def _normals(depth):
    """Unit normals (x, y up, z to the camera) by central differences."""
    x, y = np.zeros_like(depth), np.zeros_like(depth)
    np.subtract(depth[:, :-2], depth[:, 2:], out=x[:, 1:-1])
    np.subtract(depth[2:], depth[:-2], out=y[1:-1])
    for slope in (x, y):
        slope *= np.float32(0.5)
        np.maximum(slope, -3, out=slope)
        np.minimum(slope, 3, out=slope)
    z = np.float32(1) / np.sqrt(x * x + y * y + np.float32(1))
    x *= z
    y *= z
    return x, y, z


def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _open_sky(depth, direction, unit, strength):
    """Share of light that gets in, 0 to 1, past what stands higher nearby.

    A little from all sides, more from the side of the light. This is what parts folded
    fingers from the palm behind them.
    """
    step = 0.07 * unit
    x, y, z = (2.2 * step * float(value) for value in direction)
    looks = [(dx, dy, 0.3 * step, 0.75) for dx in (-step, step) for dy in (-step, step)]
    looks += [(n * x, -n * y, n * z, 1.3) for n in (1, 2, 3)]
    hidden = np.zeros_like(depth)
    for dx, dy, rise, weight in looks:
        higher = shift(depth, -math.floor(dy + 0.5), -math.floor(dx + 0.5))
        higher -= depth
        higher -= np.float32(rise)
        higher *= np.float32(weight / (0.3 * unit))
        np.maximum(higher, 0, out=higher)
        np.minimum(higher, np.float32(weight * 0.28), out=higher)
        hidden += higher
    hidden *= strength
    hidden += np.float32(1)
    return np.float32(1) / hidden


def _albedo(dice, kind, place, backness):
    """Three planes of linear colour: skin, paler in the palm, nails, sleeve."""
    back, palm = _skin(dice)
    mix = backness * np.float32(1.4) + np.float32(0.5)
    np.maximum(mix, 0, out=mix)
    np.minimum(mix, 1, out=mix)
    last = (kind == DISTAL) | (kind == THUMB)
    nail = last & (place > 0.45) & (backness > 0.72)
    polish = [dice.uniform(40, 240), dice.uniform(20, 140), dice.uniform(20, 160)]
    nail_tone = back * np.float32(0.6) + linear((240, 190, 180)) * np.float32(0.4)
    if dice.chance(0.04):
        nail_tone = linear(polish)
    cloth, cloth_tone = kind == SLEEVE, linear(any_tone(dice))
    # Redder towards the tips, darker in the creases of the joints.
    tips = last * place
    tips *= np.float32(dice.uniform(0.05, 0.35))
    crease = (last | (kind == MIDDLE)) & (place < 0.13)
    dark = np.float32(1) - crease * np.float32(dice.uniform(0.08, 0.32))
    planes = []
    for channel, redden in enumerate((0.25, -0.5, -0.45)):
        plane = mix * (back[channel] - palm[channel])
        plane += palm[channel]
        plane *= np.float32(1) + tips * np.float32(redden)
        plane *= dark
        np.copyto(plane, nail_tone[channel], where=nail)
        np.copyto(plane, cloth_tone[channel], where=cloth)
        planes.append(plane)
    return planes


def _skin(dice):
    """Two linear colours: back of the hand and palm."""
    place = dice.uniform(0, len(TONES) - 1.001)
    low = int(place)
    mix = place - low
    back = [a + mix * (b - a) for a, b in zip(TONES[low], TONES[low + 1], strict=True)]
    red, yellow = dice.bell(0, 7), dice.bell(0, 6)
    back = [back[0] + red, back[1] - 0.3 * red, back[2] - yellow]
    paler = 0.10 + 0.38 * (place / len(TONES)) * dice.uniform(0.7, 1.3)
    palm = [b + paler * (p - b) for b, p in zip(back, PALM_TONE, strict=True)]
    shade = 1 - 0.28 * (place / len(TONES))
    palm = [min(c * shade if place > 4 else c, 250) for c in palm]
    return linear([min(c, 252) for c in back]), linear(palm)


def any_tone(dice):
    """A colour (red, green, blue) in sRGB 0..255, oftener greyish than vivid."""
    tone = [dice.uniform(10, 245) for _ in range(3)]
    grey, mean = 1 - dice.random() * dice.random(), sum(tone) / 3
    return [c + grey * (mean - c) for c in tone]
