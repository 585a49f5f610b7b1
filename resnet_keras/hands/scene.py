"""Around the hand: light, background, cast shadow, camera.

Pixels are touched by exact operations only, for the reason given in `pixels`.
"""

import math

import numpy as np

from resnet_keras.hands.pixels import linear, shift, steady
from resnet_keras.hands.shading import TONES, Light, any_tone


def draw_light(rng):
    """Draw a `Light`."""
    side, up = rng.normal(0, 0.5), rng.normal(0.45, 0.4)
    z = rng.uniform(0.5, 1.0)
    length = math.sqrt(side * side + up * up + z * z)
    warm, green = rng.normal(0, 0.07), rng.normal(0, 0.025)
    return Light(
        direction=(side / length, up / length, z / length),
        key=rng.uniform(0.45, 0.95),
        ambient=rng.uniform(0.22, 0.6),
        tint=(1 + warm, 1 + green, 1 - warm),
        shadow=rng.uniform(0.1, 0.6) if rng.bernoulli(0.8) else 0.0,
        reach=rng.uniform(0.1, 0.6),
    )


def value_noise(rng, size, cells, channels=1):
    """Smooth noise in [0, 1), (size, size, channels): random values, interpolated."""
    grid = rng.generator.random((cells + 1, cells + 1, channels), np.float32)
    at = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(
        cells / size
    )
    low = at.astype(np.int64)
    part = (at - low.astype(np.float32)).astype(np.float32)
    part = part * part * (np.float32(3) - np.float32(2) * part)
    rows = grid[low] + (grid[low + 1] - grid[low]) * part[:, None, None]
    return rows[:, low] + (rows[:, low + 1] - rows[:, low]) * part[None, :, None]


def background(rng, size):
    """A wall, a texture, stripes or clutter: (size, size, 3) in linear light."""
    style = rng.choice(
        ((8.5, "wall"), (0.5, "texture"), (0.4, "stripes"), (0.6, "clutter"))
    )[1]
    if style == "wall" and rng.bernoulli(0.75):  # pale walls are what most rooms have
        level, hue = rng.uniform(165, 250), rng.normal(0, 7)
        tone = [level + hue, level, level - hue]
    else:
        tone = any_tone(rng)
    picture = np.empty((size, size, 3), np.float32)
    picture[:] = linear([min(c, 254) for c in tone])

    if style == "texture":
        for cells in (3, 8, 24):
            amount = np.float32(rng.uniform(0.1, 0.8))
            noise = value_noise(rng, size, cells, 3 if rng.bernoulli(0.3) else 1)
            picture *= np.float32(1) + amount * (noise - np.float32(0.5))
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / np.float32(size)
    if style == "stripes":
        picture = _stripes(rng, picture, x, y, tone)
    if style == "clutter":
        for _ in range(int(rng.uniform(3, 14))):
            _put_thing(rng, picture, x, y)
    # Uneven light: a slope across the picture and soft blotches.
    slope_x, slope_y = rng.normal(0, 0.22), rng.normal(0, 0.22)
    shade = np.float32(1) + np.float32(slope_x) * (x - np.float32(0.5))
    shade += np.float32(slope_y) * (y - np.float32(0.5))
    shade *= np.float32(0.9) + np.float32(0.2) * value_noise(rng, size, 2)[..., 0]
    picture *= shade[..., None]
    if style != "wall" and rng.bernoulli(0.6):
        for _ in range(int(rng.uniform(1, 4))):
            picture = _soften(picture, max(1, size // 64))
    return picture


def _stripes(rng, picture, x, y, tone):
    """Return the picture with straight bars, or bent ones as in wood."""
    angle = rng.uniform(0, math.pi)
    count = rng.uniform(2, 12)
    c, s = (
        np.float32(v)
        for v in steady([math.cos(angle) * count, math.sin(angle) * count])
    )
    phase = x * c + y * s + np.float32(rng.random())
    if rng.bernoulli(0.5):
        phase = phase + value_noise(rng, len(picture), 4)[..., 0] * np.float32(1.2)
    wave = phase - np.floor(phase)
    other = linear([min(max(t + rng.normal(0, 35), 5), 250) for t in tone])
    bars = (wave < np.float32(rng.uniform(0.1, 0.6)))[..., None]
    return np.where(bars, other, picture)


def _put_thing(rng, picture, x, y):
    """Put an ellipse or a rectangle into the picture, at times of skin colour."""
    tone = any_tone(rng)
    if rng.bernoulli(0.25):
        tone = TONES[int(rng.uniform(0, len(TONES)))]
    angle = rng.uniform(0, math.pi)
    c, s = (np.float32(v) for v in steady([math.cos(angle), math.sin(angle)]))
    u, v = x - np.float32(rng.random()), y - np.float32(rng.random())
    u, v = c * u + s * v, c * v - s * u
    u = u / np.float32(rng.uniform(0.03, 0.4))
    v = v / np.float32(rng.uniform(0.03, 0.4))
    if rng.bernoulli(0.5):
        inside = u * u + v * v < 1
    else:
        inside = np.maximum(np.abs(u), np.abs(v)) < 1
    picture[inside] = linear(tone)


def _soften(plane, reach=1):
    """Blur by (1 2 1) / 4 along both axes, with the outer taps `reach` pixels away."""
    for axis in (0, 1):
        index = np.arange(plane.shape[axis])
        before = plane.take(index - reach, axis, mode="clip")
        after = plane.take(index + reach, axis, mode="clip")
        plane = plane * np.float32(0.5) + (before + after) * np.float32(0.25)
    return plane


def lay_over(picture, layer, light):
    """Cast the layer's shadow on the picture, then lay the layer over it, in place."""
    size = picture.shape[0]
    here = layer.area
    if light.shadow > 0:
        shadow = np.zeros((size, size), np.float32)
        shadow[here] = layer.alpha
        dx = math.floor(-light.direction[0] * light.reach * layer.unit + 0.5)
        dy = math.floor(light.direction[1] * light.reach * layer.unit + 0.5)
        shadow = shift(shadow, dy, dx)
        reach = max(1, int(light.reach * layer.unit * 0.12))
        for spread in (reach, 2 * reach):
            shadow = _soften(shadow, spread)
        picture *= (np.float32(1) - np.float32(light.shadow) * shadow)[..., None]
    picture[here] *= (np.float32(1) - layer.alpha)[..., None]
    picture[here] += layer.colour


def photograph(rng, picture):
    """Exposure, blur, gamma, contrast, noise: from linear light to uint8."""
    size = picture.shape[0]
    picture = picture * np.float32(rng.uniform(0.8, 1.25))
    for _ in range(rng.choice(((6, 0), (4, 1), (0.3, 2)))[1]):
        picture = _soften(picture, max(1, size // 128))
    picture = np.sqrt(np.maximum(picture, 0))
    contrast, pivot = np.float32(rng.uniform(0.85, 1.2)), np.float32(0.5)
    picture = (picture - pivot) * contrast + pivot
    mean = (picture[..., 0] + picture[..., 1] + picture[..., 2]) * np.float32(1 / 3)
    vivid = np.float32(rng.uniform(0.85, 1.4))
    picture = mean[..., None] + (picture - mean[..., None]) * vivid
    grain = np.float32(rng.uniform(0.0, 0.03) * rng.random())
    noise = rng.generator.random((size, size, 4), np.float32) - np.float32(0.5)
    picture = picture + (noise[..., :3] + noise[..., 3:]) * (grain * np.float32(2))
    picture = picture * np.float32(255) + np.float32(0.5)
    return np.clip(picture, 0, 255).astype(np.uint8)
