"""Corruptions of pictures: background, light, colour, contrast, blur, noise, position.

`corrupt` applies some at random, to train a robust model. `CORRUPTIONS` has them one by
one, at fixed strength, to evaluate a model's robustness.
"""

import numpy as np
from PIL import Image, ImageFilter

from resnet_keras.inference import scores


def corrupt(image, strength, rng):
    """Return the picture with random corruptions.

    Each of six has a probability of one half: another background, light from one side,
    its level and colour, contrast, blur, noise.

    Args:
        image: uint8 (size, size, 3).
        strength: how far the changes go, 0 to 1.
        rng: `numpy.random.Generator`.

    Returns:
        uint8 (size, size, 3).
    """
    changes = (
        lambda: replace_background(image, rng),
        lambda: light_from_one_side(image, 0.8 * strength, rng.uniform(0, 2 * np.pi)),
        lambda: tint(
            image,
            np.exp(rng.uniform(-0.6, 0.6) * strength)
            * (1 + 0.25 * strength * rng.uniform(-1, 1, 3)),
        ),
        lambda: contrast(image, np.exp(rng.uniform(-0.5, 0.5) * strength)),
        lambda: blur(image, rng.uniform(0, 1.2) * strength),
        lambda: noise(image, rng.uniform(0, 0.08) * strength, rng),
    )
    for change, is_due in zip(changes, rng.random(len(changes)) < 0.5, strict=True):
        if is_due:
            image = change()
    return image


def replace_background(image, rng):
    """Replace the background: all pixels with about the median colour of the border."""
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    tone = np.median(border, axis=0)
    distance = np.abs(image - tone).max(axis=-1, keepdims=True)
    stays = np.clip((distance - 20) / 20, 0, 1)
    cells = rng.integers(2, 9)
    texture = rng.uniform(0, 255, 3) + rng.uniform(-60, 60, (cells, cells, 3))
    texture = Image.fromarray(np.clip(texture, 0, 255).astype(np.uint8))
    texture = np.asarray(texture.resize(image.shape[1::-1], Image.Resampling.BICUBIC))
    return (image * stays + texture * (1 - stays)).astype(np.uint8)


def light_from_one_side(image, strength, angle):
    """Brighten one side by up to `strength` (a fraction), and darken the other."""
    y, x = np.mgrid[-1 : 1 : image.shape[0] * 1j, -1 : 1 : image.shape[1] * 1j]
    slope = (x * np.cos(angle) + y * np.sin(angle)) / np.sqrt(2)
    return _as_bytes(image * (1 + strength * slope)[..., None])


def tint(image, gains):
    """Multiply the channels by `gains`, one number or three."""
    return _as_bytes(image * np.asarray(gains))


def contrast(image, factor):
    """Scale the distance of brightness from its mean."""
    mean = image.mean()
    return _as_bytes((image - mean) * factor + mean)


def blur(image, radius):
    """Blur as a lens out of focus does; the radius is in pixels of 64."""
    radius *= image.shape[0] / 64
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def noise(image, deviation, rng):
    """Add normal noise, the same for all channels; its deviation is given over 255."""
    grain = rng.normal(0, 255 * deviation, (*image.shape[:2], 1))
    return _as_bytes(image + grain)


def _as_bytes(values):
    return np.clip(values, 0, 255).astype(np.uint8)


def _rotated(image, degrees, zoom=1.0):
    """Rotate and enlarge about the centre; edges repeat."""
    height, width = image.shape[:2]
    margin = max(height, width)
    padded = np.pad(image, [(margin, margin), (margin, margin), (0, 0)], "edge")
    rotated = Image.fromarray(padded).rotate(degrees, Image.Resampling.BICUBIC)
    middle = np.array([width, height]) / 2 + margin
    half = np.array([width, height]) / zoom / 2
    box = (*(middle - half), *(middle + half))
    return np.asarray(rotated.resize((width, height), Image.Resampling.BICUBIC, box))


# name: corruption of one picture, given a `numpy.random.Generator`
CORRUPTIONS = {
    "unchanged": lambda image, rng: image,
    "half the light": lambda image, rng: tint(image, 0.5),
    "1.5 times the light": lambda image, rng: tint(image, 1.5),
    "light from one side": lambda image, rng: light_from_one_side(
        image, 0.8, rng.uniform(0, 2 * np.pi)
    ),
    "warm light": lambda image, rng: tint(image, (1.15, 1.0, 0.7)),
    "cold light": lambda image, rng: tint(image, (0.75, 0.95, 1.2)),
    "half the contrast": lambda image, rng: contrast(image, 0.5),
    "out of focus": lambda image, rng: blur(image, 1.2),
    "noise": lambda image, rng: noise(image, 0.08, rng),
    "other background": replace_background,
    "rotated by 15 degrees": lambda image, rng: _rotated(image, rng.choice((-15, 15))),
    "farther away": lambda image, rng: _rotated(image, 0, 0.75),
    "mirrored": lambda image, rng: image[:, ::-1],
}


def corrupted(name, images, seed=0):
    """Return images under the corruption of `CORRUPTIONS` that is named.

    Args:
        name: a key of `CORRUPTIONS`.
        images: uint8 (num_images, height, width, 3).
        seed: of what is random; the corruption of image k depends on no other image.

    Returns:
        uint8, of the shape of `images`.
    """
    return Corrupted(name, [images], seed)[:]


class Corrupted:
    """Images under a corruption, computed when they are sliced, to save memory.

    Use it in the place of `corrupted` where there may be many.

    Args:
        name: a key of `CORRUPTIONS`.
        parts: list of uint8 (num_images, height, width, 3), taken one after another.
        seed: as in `corrupted`.

    Example:

    >>> images = np.zeros((3, 32, 32, 3), np.uint8)
    >>> len(Corrupted("noise", [images])), Corrupted("noise", [images])[1:].shape
    (3, (2, 32, 32, 3))
    """

    def __init__(self, name, parts, seed=0):
        self._change, self._parts, self._seed = CORRUPTIONS[name], parts, seed

    def __len__(self):
        return sum(map(len, self._parts))

    def __getitem__(self, rows):
        changed = []
        for index in range(*rows.indices(len(self))):
            generator = np.random.default_rng([self._seed, index])
            for part in self._parts:
                if index < len(part):
                    break
                index -= len(part)
            changed.append(self._change(part[index], generator))
        return np.stack(changed)


def accuracy_when_corrupted(classifier, parts, labels):
    """Return a model's accuracy under each of `CORRUPTIONS`, by name.

    Args:
        classifier: `Classifier`.
        parts: list of uint8 (num_images, height, width, 3), at the classifier's size.
        labels: integers, one for each image of all parts.
    """
    return {
        name: scores(classifier.probabilities(Corrupted(name, parts)), labels)[
            "accuracy"
        ]
        for name in CORRUPTIONS
    }
