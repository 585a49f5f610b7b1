"""The surface of a hand: which bone the camera sees at each subpixel, and how near.

Each bone is a tapered capsule with a height field in closed form. The nearest surface
wins, and flesh melts into flesh by a smooth maximum.
"""

import math
from typing import NamedTuple

import numpy as np

from resnet_keras.hands.skeleton import SLEEVE

# Depth in subpixels where there is no hand: far behind any bone.
FAR = np.float32(-1e6)


class Surface(NamedTuple):
    """What the camera sees at each subpixel, (h, w) each."""

    depth: np.ndarray  # subpixels towards the camera
    owner: np.ndarray  # number of the bone, -1 for none
    position: np.ndarray  # 0 to 1 from the start of the bone to its end


def raster(bones, ends, radii, blend, shape):
    """The `Surface` of tapered bones, with coordinates and radii in subpixels."""
    depth = np.full(shape, FAR, np.float32)
    owner = np.full(shape, -1, np.int8)
    position = np.zeros(shape, np.float32)
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
        np.clip(t, 0, 1, out=t)
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
        np.copyto(position[box], t, where=nearer)
    return Surface(depth, owner, position)
