"""Light and skin: a hand's colours, all from the one depth map of its surface."""

import math
from typing import NamedTuple

import numpy as np

from resnet_keras.hands.pixels import linear, shift, steady
from resnet_keras.hands.skeleton import DISTAL, FOREARM, MIDDLE, SLEEVE, THUMB
from resnet_keras.hands.surface import FAR

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


def shade(rng, surface, kinds, dorsal, light, unit):
    """Linear colours (h, w, 3), black off the hand, and the mask of the hand alone."""
    covered = surface.owner >= 0
    bone = np.maximum(surface.owner, 0).astype(np.intp)
    kind = kinds.astype(np.int8).take(bone)
    depth = surface.depth
    # A small step down to the background rounds outlines off; a deep one would not.
    floor = depth.min(where=covered, initial=-FAR) - np.float32(0.3 * unit)
    np.maximum(depth, floor, out=depth)
    normals = _normals(depth)
    direction = [np.float32(value) for value in steady(light.direction)]
    lit = _dot(normals, direction)
    visible = _unoccluded(depth, direction, unit, np.float32(rng.uniform(0.6, 1.7)))
    backness = _dot(normals, [dorsal[:, axis].take(bone) for axis in range(3)])
    albedo = _albedo(rng, kind, surface.position, backness)
    shine = lit * lit
    shine *= shine
    shine *= shine
    shine *= np.float32(rng.uniform(0.0, 0.12))

    colour = np.empty((*depth.shape, 3), np.float32)
    ambient = normals[1] * np.float32(0.25 * light.ambient)
    ambient += np.float32(0.75 * light.ambient)
    # Light scatters under the skin, red the farthest, and so reaches around edges.
    for channel, wrap in enumerate((0.35, 0.15, 0.10)):
        here = (lit + np.float32(wrap)) * np.float32(light.key / (1 + wrap))
        np.maximum(here, 0, out=here)
        here += ambient
        here *= visible
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
        np.clip(slope, -3, 3, out=slope)
    z = np.float32(1) / np.sqrt(x * x + y * y + np.float32(1))
    x *= z
    y *= z
    return x, y, z


def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _unoccluded(depth, direction, unit, strength):
    """Return the fraction of ambient light that nearby higher parts leave.

    A little from all sides, more from the side of the light. This sets folded
    fingers off from the palm behind them.
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
        np.clip(higher, 0, np.float32(weight * 0.28), out=higher)
        hidden += higher
    hidden *= strength
    hidden += np.float32(1)
    return np.float32(1) / hidden


def _albedo(rng, kind, position, backness):
    """Three planes of linear colour: skin, paler in the palm, nails, sleeve."""
    back, palm = _skin(rng)
    mix = backness * np.float32(1.4) + np.float32(0.5)
    np.clip(mix, 0, 1, out=mix)
    last = (kind == DISTAL) | (kind == THUMB)
    nail = last & (position > 0.45) & (backness > 0.72)
    polish = [rng.uniform(40, 240), rng.uniform(20, 140), rng.uniform(20, 160)]
    nail_tone = back * np.float32(0.6) + linear((240, 190, 180)) * np.float32(0.4)
    if rng.bernoulli(0.04):
        nail_tone = linear(polish)
    cloth, cloth_tone = kind == SLEEVE, linear(any_tone(rng))
    # Redder towards the tips, darker in the creases of the joints.
    tips = last * position
    tips *= np.float32(rng.uniform(0.05, 0.35))
    crease = (last | (kind == MIDDLE)) & (position < 0.13)
    dark = np.float32(1) - crease * np.float32(rng.uniform(0.08, 0.32))
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


def _skin(rng):
    """Two linear colours: back of the hand and palm."""
    tone = rng.uniform(0, len(TONES) - 1.001)
    low = int(tone)
    mix = tone - low
    back = [a + mix * (b - a) for a, b in zip(TONES[low], TONES[low + 1], strict=True)]
    red, yellow = rng.normal(0, 7), rng.normal(0, 6)
    back = [back[0] + red, back[1] - 0.3 * red, back[2] - yellow]
    paler = 0.10 + 0.38 * (tone / len(TONES)) * rng.uniform(0.7, 1.3)
    palm = [b + paler * (p - b) for b, p in zip(back, PALM_TONE, strict=True)]
    shade = 1 - 0.28 * (tone / len(TONES))
    palm = [min(c * shade if tone > 4 else c, 250) for c in palm]
    return linear([min(c, 252) for c in back]), linear(palm)


def any_tone(rng):
    """A colour (red, green, blue) in sRGB 0..255, more often greyish than vivid."""
    tone = [rng.uniform(10, 245) for _ in range(3)]
    grey, mean = 1 - rng.random() * rng.random(), sum(tone) / 3
    return [c + grey * (mean - c) for c in tone]
