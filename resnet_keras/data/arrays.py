"""Arrays of images, converted to uint8 RGB, and kept on disk where they are large.

Errors name the file and the array's key.
"""

import math
import os
import tempfile
from dataclasses import dataclass

import numpy as np

from resnet_keras.data.images import fit
from resnet_keras.errors import InputError

# Above this many bytes decoded images go to a temporary file mapped into memory.
_IN_MEMORY_BYTES = 512 * 2**20
_CHUNK_BYTES = 32 * 2**20  # of a source in memory at a time
# A compressed HDF5 chunk is unpacked whole, so whole chunks of rows are read, up to:
_LARGEST_CHUNK_BYTES = 8 * _CHUNK_BYTES


def allocate(num_images, image_size):
    """Return an uninitialized array for images, uint8 (num_images, height, width, 3).

    Above 512 MiB it is a temporary file that is mapped into memory.

    Args:
        num_images: int.
        image_size: (height, width).

    Raises:
        InputError: the disk has no room for it.
    """
    shape = (num_images, *image_size, 3)
    num_bytes = math.prod(shape)
    if num_bytes <= _IN_MEMORY_BYTES:
        return np.empty(shape, np.uint8)
    # The file has no name; it is deleted with the last reference to the map.
    with tempfile.TemporaryFile(prefix="resnet_keras-") as file:
        try:
            if hasattr(os, "posix_fallocate"):
                # Reserve the bytes: on a full disk, writing to the map would kill us.
                os.posix_fallocate(file.fileno(), 0, num_bytes)
            return np.memmap(file, np.uint8, "w+", shape=shape)
        except OSError as error:
            raise InputError(
                f"{tempfile.gettempdir()}: has no room for {num_bytes / 1e9:.1f} GB of "
                f"decoded images ({error.strerror}). Set TMPDIR to a folder that has."
            ) from error


class Joined:
    """Arrays of images one after the other, by row, rows or slice, without a copy."""

    def __init__(self, first, second):
        self._parts = first, second
        self.shape = (len(first) + len(second), *second.shape[1:])

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, index):
        first, second = self._parts
        if isinstance(index, int | np.integer):
            index = range(len(self))[index]
            return first[index] if index < len(first) else second[index - len(first)]
        rows = np.arange(len(self))[index]
        images = np.empty((len(rows), *self.shape[1:]), np.uint8)
        is_first = rows < len(first)
        images[is_first] = first[rows[is_first]]
        images[~is_first] = second[rows[~is_first] - len(first)]
        return images


class Chosen:
    """Some images of an array, which are read when this is sliced.

    Args:
        images: array, or what else takes an array of rows.
        rows: slice, or int array.
    """

    def __init__(self, images, rows):
        self._images, self._rows = images, np.arange(len(images))[rows]

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, part):
        return self._images[self._rows[part]]


def chunks(array):
    """Yield (start, rows) of whatever can be sliced, about 32 MiB at a time."""
    row_bytes = max(1, math.prod(array.shape[1:]) * array.dtype.itemsize)
    num_rows = max(1, _CHUNK_BYTES // row_bytes)
    stored = (getattr(array, "chunks", None) or (1,))[0]
    if stored * row_bytes <= _LARGEST_CHUNK_BYTES:
        num_rows = math.ceil(num_rows / stored) * stored
    for start in range(0, len(array), num_rows):
        yield start, array[start : start + num_rows]


def fit_all(array, image_size, convert=None, out=None):
    """Copy an array, or whatever can be sliced, fitted to `image_size`.

    Args:
        array: images (num_images, height, width, 3), in memory or not.
        image_size: (height, width).
        convert: function from rows of `array` to uint8 RGB, where they are not.
        out: the array to write to; allocated by default.
    """
    images = allocate(len(array), image_size) if out is None else out
    for start, chunk in chunks(array):
        if convert:
            chunk = convert(chunk)
        if chunk.shape[1:3] == tuple(image_size):
            images[start : start + len(chunk)] = chunk
        else:
            for offset, image in enumerate(chunk):
                images[start + offset] = fit(image, image_size)
    return images


@dataclass(frozen=True)
class Pixels:
    """How an array encodes pictures; calling it decodes rows to uint8 RGB.

    `layout` is "rgb" (m, height, width, 3), "rgb first" (m, 3, height, width), "grey"
    (m, height, width), "grey last" (m, height, width, 1) or "grey first"; `scale` is
    "0 to 255", "0 to 1" or "-1 to 1".
    """

    layout: str
    scale: str

    def size(self, array):
        """Return (height, width) of the pictures of such an array."""
        return array.shape[2:4] if self.layout.endswith("first") else array.shape[1:3]

    def __call__(self, rows):
        """Return some rows as uint8 (num_rows, height, width, 3)."""
        if self.layout.endswith("first"):
            rows = np.moveaxis(rows, 1, -1)
        elif self.layout == "grey":
            rows = rows[..., None]
        if rows.dtype != np.uint8:
            rows = rows.astype(np.float32)
            if self.scale == "0 to 1":
                rows = 255 * rows
            elif self.scale == "-1 to 1":
                rows = 127.5 * (rows + 1)
            rows = rows.round().astype(np.uint8)
        return np.broadcast_to(rows, (*rows.shape[:3], 3))

    def describe(self, dtype):
        """Say in a few words what is done; "" for uint8 RGB."""
        done = []
        if self.layout.startswith("grey"):
            done.append("grey, repeated into three channels")
        if self.layout.endswith("first"):
            done.append("channels first, moved last")
        if self.scale == "0 to 1":
            done.append(f"{dtype} from 0 to 1, multiplied by 255")
        elif self.scale == "-1 to 1":
            done.append(f"{dtype} from -1 to 1, taken for (x / 127.5) - 1")
        elif dtype != np.uint8:
            done.append(f"{dtype} from 0 to 255, taken as it is")
        return "; ".join(done)


def pixels_of(path, key, array, num_labels):
    """Return how an array encodes pictures, or refuse it.

    Args:
        path, key: where it is from, for messages.
        array: whatever has a shape and a dtype and can be sliced.
        num_labels: the number of images that is expected.

    Returns:
        `Pixels`.

    Raises:
        InputError: the array does not hold images, or has more than one reading.
    """
    layout = _layout(path, key, array.shape)
    if 0 in array.shape[1:]:
        raise InputError(
            f'{path}: "{key}" has shape {array.shape}, pictures without a pixel.'
        )
    if len(array) != num_labels:
        raise InputError(
            f'{path}: "{key}" has {len(array)} images but there are {num_labels} '
            "labels; expected one label per image."
        )
    return Pixels(layout, _scale(path, key, array))


def _layout(path, key, shape):
    if len(shape) == 4:
        if shape[1] in (1, 3) and shape[-1] in (1, 3):
            raise InputError(
                f'{path}: "{key}" has shape {shape}, which may be channels first, of '
                f"{shape[2]} x {shape[3]} pixels, or channels last, of {shape[1]} x "
                f"{shape[2]}; expected a height and a width of more than 3."
            )
        for axis, position in ((-1, "last"), (1, "first")):
            if shape[axis] == 3:
                return "rgb" if position == "last" else "rgb first"
            if shape[axis] == 1:
                return f"grey {position}"
    if len(shape) == 3 and shape[-1] > 4:
        return "grey"
    hint = ""
    if len(shape) == 4 and shape[-1] == 4:
        hint = " Of red, green, blue and transparency take x[..., :3]."
    elif len(shape) == 4 and shape[2] == 3:
        hint = " Of (height, width, 3, m) take numpy.moveaxis(x, -1, 0)."
    elif len(shape) == 2 and shape[1] > 1:
        hint = _flat_hint(shape[1])
    raise InputError(
        f'{path}: "{key}" has shape {shape}; expected (m, height, width, 3), or '
        f"(m, height, width) of grey.{hint}"
    )


def _flat_hint(number):
    for channels, kind in ((3, "colour"), (1, "grey")):
        side = math.isqrt(number // channels)
        if side * side * channels == number and side > 1:
            ways = f"x.reshape(-1, {side}, {side})"
            if channels == 3:
                ways = (
                    f"x.reshape(-1, {side}, {side}, 3), or where the colours come one "
                    f"after another x.reshape(-1, 3, {side}, {side})"
                )
            return f" If these are {kind} pictures of {side} x {side}, save {ways}."
    return ""


def _scale(path, key, array):
    kind = array.dtype.kind
    if array.dtype == np.uint8:
        highest = 0  # the first rows of most arrays hold more than 1, and suffice
        for _, rows in chunks(array):
            highest = max(highest, rows.max(initial=0))
            if highest > 1:
                break
        if highest == 1:
            raise InputError(
                f'{path}: "{key}" is uint8 and holds only 0 and 1: black pictures, or '
                "white where it is 1? Save them multiplied by 255, or as bool."
            )
        return "0 to 255"
    if kind == "b":
        return "0 to 1"
    if kind not in "iuf":
        raise InputError(f'{path}: "{key}" is {array.dtype}; expected uint8, 0 to 255.')
    low, high, is_whole = np.inf, -np.inf, True
    for _, rows in chunks(array):
        low, high = np.minimum(low, rows.min()), np.maximum(high, rows.max())
        if np.isnan(low) or np.isnan(high):
            raise InputError(
                f'{path}: "{key}" is {array.dtype} and contains NaN; expected uint8, '
                "0 to 255."
            )
        is_whole = is_whole and (kind != "f" or bool((rows == np.floor(rows)).all()))
    if kind == "f" and low >= 0 and high <= 1:
        return "0 to 1"
    if kind == "f" and -1 <= low < 0 and high <= 1 and not is_whole:
        return "-1 to 1"
    # A maximum a little above 1 is of standardized numbers; in real pictures the
    # lightest pixel is far above.
    if low >= 0 and 1 < high <= 255 and (is_whole or high > 64):
        return "0 to 255"
    raise InputError(
        f'{path}: "{key}" is {array.dtype} from {low:g} to {high:g}; expected uint8, '
        "0 to 255, or floats from 0 to 1, 0 to 255 or -1 to 1."
    )
