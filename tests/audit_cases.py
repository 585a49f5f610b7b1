"""Pictures altered as copies are, and what an audit of planted copies finds."""

import io

import numpy as np
from PIL import Image


def encoded(image, rng):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=int(rng.integers(50, 96)))
    return np.asarray(Image.open(file).convert("RGB"))


def resized(image, rng):
    """Resize by 0.7 to 1.3, and back, as a reader does."""
    height, width = image.shape[:2]
    factor = rng.uniform(0.7, 1.3)
    small = Image.fromarray(image).resize(
        (round(factor * width), round(factor * height))
    )
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def mirrored(image, rng):
    return image[:, ::-1]


def brightened(image, rng):
    """Brighten or darken by 5 to 20 %."""
    gain = 1 + rng.choice([-1, 1]) * rng.uniform(0.05, 0.2)
    return np.clip(gain * image, 0, 255).round().astype(np.uint8)


def cropped(image, rng):
    """Cut off 3 to 10 % of the sides."""
    size = len(image)
    side = round(size * rng.uniform(0.9, 0.97))
    top, left = rng.integers(0, size - side + 1, 2)
    part = Image.fromarray(image[top : top + side, left : left + side])
    return np.asarray(part.resize((size, size), Image.Resampling.BICUBIC))


ALTERED = {each.__name__: each for each in (encoded, resized, mirrored, brightened)}


def plant(images, rows, seed):
    """Return altered copies of some images, one of the four ways each, in turn."""
    rng = np.random.default_rng(seed)
    ways = list(ALTERED.values())
    return np.stack(
        [ways[place % len(ways)](images[row], rng) for place, row in enumerate(rows)]
    )


def flip(labels, fraction, seed):
    """Return labels with a fraction of them changed to another class, and which."""
    rng = np.random.default_rng(seed)
    num_classes = labels.max() + 1
    rows = rng.permutation(len(labels))[: round(fraction * len(labels))]
    changed = labels.copy()
    steps = rng.integers(1, num_classes, len(rows))
    changed[rows] = (changed[rows] + steps) % num_classes
    return changed, np.sort(rows)
