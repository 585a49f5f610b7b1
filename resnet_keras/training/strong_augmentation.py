"""What recipes for millions of pictures do to each: random crops and RandAugment."""

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

_ASPECTS = (3 / 4, 4 / 3)  # least and largest width of a crop by its height
_NUM_TRIES = 10
_NUM_OPERATIONS, _PROBABILITY = 2, 0.5  # of each operation
_DEVIATION = 0.5  # of the magnitude
_GREY = (128, 128, 128)


def cropped(picture, least, side, rng):
    """Return a random part of a picture, resized to a square.

    Args:
        picture: PIL image of any size.
        least: fraction of its area that the part has at least.
        side: of the result, in pixels.
        rng: `numpy.random.Generator`.

    Returns:
        PIL image of `side` by `side`. Where ten parts drawn do not fit, it is the
        central one.

    Example:

    >>> rng = np.random.default_rng(0)
    >>> cropped(Image.new("RGB", (50, 30)), 0.08, 16, rng).size
    (16, 16)

    Source: Szegedy et al. (2014), arXiv 1409.4842; aspects as torchvision's
    `RandomResizedCrop`.
    """
    width, height = picture.size
    for _ in range(_NUM_TRIES):
        area = width * height * rng.uniform(least, 1)
        aspect = np.exp(rng.uniform(*np.log(_ASPECTS)))
        across, down = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
        if 0 < across <= width and 0 < down <= height:
            left = int(rng.integers(width - across + 1))
            top = int(rng.integers(height - down + 1))
            box = (left, top, left + across, top + down)
            return picture.resize((side, side), Image.Resampling.BICUBIC, box)
    return ImageOps.fit(picture, (side, side), Image.Resampling.BICUBIC)


def rand_augmented(picture, magnitude, rng):
    """Return a picture after two random operations, each done with probability 0.5.

    Args:
        picture: PIL image, RGB.
        magnitude: mean of a normal distribution of standard deviation 0.5; 0 changes
            little, 10 much.
        rng: `numpy.random.Generator`.

    Returns:
        PIL image of the same size.

    Source: Cubuk et al. (2019), arXiv 1909.13719, with the operations and the ranges of
    timm's `rand-m6-mstd0.5-inc1`.
    """
    for name in rng.choice(list(_OPERATIONS), _NUM_OPERATIONS):
        if rng.random() < _PROBABILITY:
            level = np.clip(rng.normal(magnitude, _DEVIATION), 0, 10) / 10
            sign = rng.choice([-1, 1])
            picture = _OPERATIONS[name](picture, level, sign)
    return picture


def _affine(picture, *coefficients):
    return picture.transform(
        picture.size,
        Image.Transform.AFFINE,
        coefficients,
        Image.Resampling.BICUBIC,
        fillcolor=_GREY,
    )


def _brighten_dark(picture, level, sign):
    values = np.arange(256)
    values += np.where(values < 128, int(110 * level), 0)
    return picture.point(values.tolist() * 3)


def _enhance(kind):
    return lambda picture, level, sign: kind(picture).enhance(
        max(0.1, 1 + 0.9 * level * sign)
    )


# Name: function of a picture, a level from 0 to 1, and a sign.
_OPERATIONS = {
    "autocontrast": lambda picture, level, sign: ImageOps.autocontrast(picture),
    "equalize": lambda picture, level, sign: ImageOps.equalize(picture),
    "invert": lambda picture, level, sign: ImageOps.invert(picture),
    "rotate": lambda picture, level, sign: picture.rotate(
        30 * level * sign, Image.Resampling.BICUBIC, fillcolor=_GREY
    ),
    "posterize": lambda picture, level, sign: ImageOps.posterize(
        picture, max(1, 4 - int(4 * level))
    ),
    "solarize": lambda picture, level, sign: ImageOps.solarize(
        picture, 256 - int(256 * level)
    ),
    "brighten dark": _brighten_dark,
    "colour": _enhance(ImageEnhance.Color),
    "contrast": _enhance(ImageEnhance.Contrast),
    "brightness": _enhance(ImageEnhance.Brightness),
    "sharpness": _enhance(ImageEnhance.Sharpness),
    "shear x": lambda picture, level, sign: _affine(
        picture, 1, 0.3 * level * sign, 0, 0, 1, 0
    ),
    "shear y": lambda picture, level, sign: _affine(
        picture, 1, 0, 0, 0.3 * level * sign, 1, 0
    ),
    "shift x": lambda picture, level, sign: _affine(
        picture, 1, 0, 0.45 * level * sign * picture.width, 0, 1, 0
    ),
    "shift y": lambda picture, level, sign: _affine(
        picture, 1, 0, 0, 0, 1, 0.45 * level * sign * picture.height
    ),
}
