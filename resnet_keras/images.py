"""One picture from a file: any common format, any size, to a square uint8 array."""

import threading
import warnings

import numpy as np
from PIL import Image, ImageOps

from resnet_keras.errors import InputError, check_is_file

_OPENING = threading.Lock()
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp"}
# Of Pillow's, which has dozens, and hands some of them to other programs.
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP")


def read_image(path, image_size):
    """Read a picture as RGB, turned as the camera was held, fitted to `image_size`.

    Args:
        path: JPEG, PNG, BMP, GIF (its first frame) or WebP file. Grey becomes RGB;
            transparent parts become white.
        image_size: side in pixels, or (height, width).

    Returns:
        uint8 array of shape (height, width, 3).

    Raises:
        InputError: the file is missing, is no picture, is damaged, or claims to be so
            large that opening it could exhaust the memory.
    """
    check_is_file(path, "a picture")
    try:
        with _open(path) as image:
            if image.mode in ("RGB", "L"):
                # JPEG can be decoded at a fraction of its size at a fraction of
                # the cost; twice the wanted size leaves the resizing its quality.
                height, width = height_and_width(image_size)
                image.draft(None, (2 * max(height, width),) * 2)
            rgb = _to_rgb(ImageOps.exif_transpose(image))
    except Exception as error:  # Pillow reports damage in many kinds of exception
        raise InputError(
            f"{path}: not a readable picture ({type(error).__name__}: {error}); "
            "expected JPEG, PNG, BMP, GIF or WebP. Replace or remove it."
        ) from error
    return _fit(rgb, image_size)


def _open(path):
    """Open a picture, which reads its size only; refuse one of huge size."""
    # Filters of warnings are common to all threads, and several read pictures.
    with _OPENING, warnings.catch_warnings():
        # Pillow warns of a picture of over 89 million pixels; to us it is an error.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return Image.open(path, formats=_FORMATS)


def fit(array, image_size):
    """Crop a uint8 (height, width, 3) array about its centre and resize it."""
    return _fit(Image.fromarray(array), image_size)


def _fit(image, image_size):
    height, width = height_and_width(image_size)
    if image.size != (width, height):
        # Pillow's bicubic filter widens as it shrinks, so that nothing aliases.
        image = ImageOps.fit(image, (width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def height_and_width(image_size):
    """Return (height, width) of an image size given as such or as one side."""
    if isinstance(image_size, int):
        return image_size, image_size
    return tuple(image_size)


def _to_rgb(image):
    if image.mode.startswith("I"):  # 16 bits of grey, which convert() would clip
        array = np.asarray(image, np.float64)
        image = Image.fromarray((array / 257).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
