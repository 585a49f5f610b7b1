"""Small descriptions of pictures in which copies stay close and others lie apart."""

import numpy as np

SIDE = 12  # of the thumbnail whose gradients describe a picture
_COARSE_SIDE = 8  # of the thumbnail that finds candidates
# Sides of the cropped views, nine of each: of crops to 0.90 to 0.97 of the side, one is
# within 0.02 of the size and half a step of the place.
_CROPS = (0.95, 0.915)
_LUMA = np.float32([0.299, 0.587, 0.114])  # ITU-R 601
_FLAT = 1.0  # mean size of a gradient, in grey levels, below which nothing is seen


def grey(images):
    """Return the grey of uint8 images, float32 (num_images, height, width)."""
    return images.astype(np.float32) @ _LUMA


def coarse(pictures):
    """Return brightness at 8 x 8 without its mean, as unit vectors, and mirrored.

    Args:
        pictures: float32 (num_images, height, width), grey.

    Returns:
        float32 (2, num_images, 64): as they are, and mirrored.
    """
    small = _thumbnails(pictures, _COARSE_SIDE)
    small -= small.mean((1, 2), keepdims=True)
    both = np.stack([small, small[:, :, ::-1]])
    return _unit(both.reshape(2, len(pictures), _COARSE_SIDE**2))


def whole(pictures):
    """Return gradients at 12 x 12 as unit vectors, as they are, and mirrored.

    A gradient does not change with brightness, nor much with encoding and size, while
    two photographs of one scene differ in it more than in their large light areas.

    Args:
        pictures: float32 (num_images, height, width), grey.

    Returns:
        float32 (2, num_images, 242). Of a flat picture all are 0, so it is like none.
    """
    small = _thumbnails(pictures, SIDE)
    return np.stack([_gradients(small), _gradients(small[:, :, ::-1])])


def views(pictures):
    """Return the gradients of each whole picture and of 18 crops of it.

    Args:
        pictures: float32 (num_images, height, width), grey.

    Returns:
        float32 (num_images, 19, 242); the whole picture is the first.
    """
    crops = [(0, 0, 1)]
    for side in _CROPS:
        corners = np.linspace(0, 1 - side, 3)
        crops += [(top, left, side) for top in corners for left in corners]
    found = [_gradients(_thumbnails(pictures, SIDE, *crop)) for crop in crops]
    return np.stack(found, 1)


def _thumbnails(pictures, side, top=0.0, left=0.0, fraction=1.0):
    rows = _averages(pictures.shape[1], side, top, fraction)
    columns = _averages(pictures.shape[2], side, left, fraction)
    return rows @ pictures @ columns.T


def _averages(length, side, start, fraction):
    """Return the matrix (side, length) that averages a stretch into `side` cells."""
    edges = length * (start + fraction * np.arange(side + 1) / side)
    pixels = np.arange(length)
    # How much of each pixel lies in each cell.
    ends = np.minimum(edges[1:, None], pixels + 1)
    inside = np.clip(ends - np.maximum(edges[:-1, None], pixels), 0, None)
    return (inside / inside.sum(1, keepdims=True)).astype(np.float32)


def _gradients(small):
    down, right = np.diff(small, axis=1)[:, :, 1:], np.diff(small, axis=2)[:, 1:]
    return _unit(np.concatenate([down, right], 1).reshape(len(small), -1), _FLAT)


def _unit(vectors, smallest=1e-3):
    """Scale to length 1, or to 0 where the mean size is below `smallest`."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    is_seen = lengths > smallest * np.sqrt(vectors.shape[-1])
    return np.where(is_seen, vectors / np.maximum(lengths, 1e-6), 0).astype(np.float32)
