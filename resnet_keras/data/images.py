"""One picture from a file: any common format, any size, to a uint8 array."""

import io
import re
import threading
import warnings
from numbers import Integral
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from resnet_keras.errors import InputError, check_is_file
from resnet_keras.files.content import kind_of

try:
    from pillow_heif import register_heif_opener
except ImportError:
    register_heif_opener = None

_OPENING = threading.Lock()
# Those of Pillow's dozens of formats that hold photographs. Left out are formats that
# Pillow opens with other programs (EPS), that cannot be known by their content (TGA),
# and that nobody keeps pictures in.
_SUFFIXES = {
    "JPEG": ".jpg .jpeg .jpe .jfif .mpo",
    "PNG": ".png .apng",
    "BMP": ".bmp",
    "DIB": ".dib",
    "GIF": ".gif",
    "WEBP": ".webp",
    "TIFF": ".tif .tiff",
    "PPM": ".ppm .pgm .pbm .pnm",
    "AVIF": ".avif",
    "JPEG2000": ".jp2 .j2k .jpx",
}
_NO_PICTURES = {  # by `kind_of`
    "empty": "an empty file",
    "lfs": "a Git LFS pointer; git lfs pull fetches the picture",
    "annex": "a git-annex pointer; git annex get fetches the picture",
    "html": "a web page, saved in the place of a picture",
}
HEIF_SUFFIXES = {".heic", ".heif", ".hif"}
if register_heif_opener:
    register_heif_opener()
    _SUFFIXES["HEIF"] = " ".join(HEIF_SUFFIXES)
IMAGE_SUFFIXES = set(" ".join(_SUFFIXES.values()).split())
Image.init()  # an older Pillow does not know all of them
_FORMATS = [each for each in _SUFFIXES if each in Image.OPEN]


def read_image(path, image_size):
    """Read a picture as RGB, turned as the camera was held, fitted to `image_size`.

    Args:
        path: JPEG, PNG, BMP, GIF, WebP, TIFF (of several pictures the first), PPM,
            PGM, AVIF or JPEG 2000 file, and HEIC where pillow-heif is installed; known
            by its content. Grey becomes RGB; transparent parts become white.
        image_size: side in pixels, or (height, width).

    Returns:
        uint8 array of shape (height, width, 3).

    Raises:
        InputError: the file is missing, is not a picture, is damaged, or claims a size
            that could exhaust the memory.
    """
    check_is_file(path, "a picture")
    try:
        return _read(path, image_size)
    except Exception as error:  # Pillow reports damage in many kinds of exception
        raise _unreadable(path, _reason(path, error)) from error


def decode_image(data, image_size, name):
    """Decode a picture from the bytes of its file, as `read_image` does.

    Args:
        data: bytes.
        image_size: side in pixels, or (height, width). None: the picture's own.
        name: what to call it in messages.

    Returns:
        uint8 array of shape (height, width, 3).

    Raises:
        InputError: as `read_image`.
    """
    try:
        return _read(io.BytesIO(data), image_size)
    except Exception as error:  # as above
        raise _unreadable(name, _says(error)) from error


def _read(file, image_size):
    with _open(file) as image:
        if image_size and image.mode in ("RGB", "L"):
            # JPEG can be decoded at a fraction of its size, at a fraction of
            # the cost; from twice the wanted size, resizing keeps its quality.
            height, width = height_and_width(image_size)
            image.draft(None, (2 * max(height, width),) * 2)
        rgb = _to_rgb(ImageOps.exif_transpose(image))
        return _fit(rgb, image_size) if image_size else np.asarray(rgb)


def _unreadable(name, reason):
    return InputError(
        f"{name}: not a readable picture ({reason}); expected JPEG, PNG, BMP, GIF, "
        "WebP, TIFF, PPM or AVIF. Replace or remove it."
    )


def is_picture(path):
    """Say whether a file is a picture: by its suffix, or without one by its content.

    Digits ("face.012") do not count as a suffix.
    """
    path = Path(path)
    if re.fullmatch(r"\.[A-Za-z]\w*", path.suffix):
        return path.suffix.lower() in IMAGE_SUFFIXES
    try:
        with _open(path):
            return path.is_file()
    except Exception:  # as above
        return False


def picture_facts(path):
    """Return what a picture file says of itself, without decoding it.

    Args:
        path: as in `read_image`.

    Returns:
        (width, height, mode): pixels as stored, and Pillow's name of the colour mode.

    Raises:
        OSError, ValueError: the file is no picture.
    """
    with _open(path) as image:
        return *image.size, image.mode


def _reason(path, error):
    """Return what a file is that is not a picture, as far as its content shows."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    kind = kind_of(path)
    if kind in _NO_PICTURES:
        return _NO_PICTURES[kind]
    with open(path, "rb") as file:
        brand = file.read(12)[4:]
    is_heif = brand in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc")
    if is_heif and not register_heif_opener:
        return "HEIC, which pip install pillow-heif reads"
    return _says(error)


def _says(error):
    if isinstance(error, UnidentifiedImageError):
        return "of no known format"
    reason = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {reason}"


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
    """Return (height, width) of an image size given as such or as one side.

    Raises:
        InputError: it is something else.
    """
    is_side = isinstance(image_size, Integral)
    sides = (image_size, image_size) if is_side else image_size
    is_right = isinstance(sides, tuple | list) and len(sides) == 2
    if not is_right or not all(isinstance(x, Integral) and x > 0 for x in sides):
        raise InputError(
            f"image_size is {image_size!r}; expected a side in pixels, or (height, "
            "width)."
        )
    return tuple(map(int, sides))


def _to_rgb(image):
    if image.mode.startswith("I"):  # 16 bits of grey, which convert() would clip
        array = np.asarray(image, np.float64)
        low, high = array.min(), array.max()
        if not 0 <= low <= high <= 65535:  # of 32 bits
            raise ValueError(f"grey from {low:g} to {high:g}, not 0 to 65535")
        image = Image.fromarray((array / 257).clip(0, 255).astype(np.uint8))
    if image.mode == "F":
        array = np.asarray(image)
        low, high = array.min(), array.max()
        if not 0 <= low <= high <= 255:
            raise ValueError(f"grey from {low:g} to {high:g}, not 0 to 1 or 0 to 255")
        scale = 255 if high <= 1 else 1
        image = Image.fromarray((scale * array).round().astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
