"""Pictures that are read when they are used, for data sets larger than memory."""

import copy
import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

from resnet_keras.data.arrays import allocate
from resnet_keras.data.images import decode_image, height_and_width, read_image
from resnet_keras.errors import InputError, check_is_file

# From this many bytes of decoded pictures on, a source is streamed: 350,000 pictures of
# 64 x 64 pixels, or 28,500 of 224 x 224. The same on each machine, for the bits depend
# on it.
LARGE_BYTES = 4 * 2**30


class Pictures:
    """Images, uint8 (num_images, height, width, 3), that are decoded when indexed.

    Where an array of images is expected this may stand in its place; what is asked for
    by a number, a slice or an array of rows is read at that moment, and not kept.

    Args:
        num_images: int.
        image_size: side in pixels, or (height, width), to which pictures are fitted.
            None: they stay as they are, and have no common shape.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, num_images, image_size):
        self._rows = np.arange(num_images)
        self._image_size = image_size and height_and_width(image_size)

    @property
    def shape(self):
        """That of an array of all images."""
        return (len(self), *self._image_size, 3)

    @property
    def nbytes(self):
        """The bytes that an array of all images would take."""
        return math.prod(self.shape)

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, index):
        if isinstance(index, int | np.integer):
            place = self._rows[index]
            return self._decode(self._read(place), place, self._image_size)
        chosen = self.take(index)
        images = np.empty(chosen.shape, np.uint8)
        list(_pool().map(chosen.copy_to, [images] * len(images), range(len(images))))
        return images

    def copy_to(self, images, row):
        """Write the image of a row into that row of an array."""
        images[row] = self[row]

    def take(self, rows):
        """Return some of the pictures, by a slice or an array of rows, unread."""
        chosen = copy.copy(self)
        chosen._rows = self._rows[rows]
        return chosen

    def whole(self, row):
        """Return a picture as it is, uint8 (its height, its width, 3)."""
        place = self._rows[row]
        return self._decode(self._read(place), place, None)

    def encoded(self, row):
        """Return a picture as the bytes of its file.

        Raises:
            InputError: it cannot be read.
        """
        return self._read(self._rows[row])

    def check(self, row, data):
        """Decode the bytes of a picture, small, and refuse it if that fails."""
        self._decode(data, self._rows[row], (32, 32))

    def sizes(self):
        """Return how many bytes each encoded picture has, int64 (num_images,)."""
        raise NotImplementedError

    def path(self, row):
        """Return the path of a picture that is a file of its own, else None."""

    def name(self, row):
        """Return what to call a picture in messages."""
        return self._name(self._rows[row])

    def _decode(self, data, place, image_size):
        return decode_image(data, image_size, self._name(place))

    def _read(self, place):
        raise NotImplementedError

    def _name(self, place):
        raise NotImplementedError


class PictureFiles(Pictures):
    """Picture files; of each, a number and its name stay in memory.

    Args:
        files: list of `LabelledFile`.
        image_size: as in `Pictures`.
    """

    def __init__(self, files, image_size):
        super().__init__(len(files), image_size)
        numbers = {}
        self._folder_of = np.fromiter(
            (numbers.setdefault(file.folder, len(numbers)) for file in files), np.int32
        )
        self._folders = list(numbers)
        self._names = np.array([os.fsencode(file.name) for file in files], np.bytes_)

    def path(self, row):
        """Return where the picture of a row is."""
        return Path(self.name(row))

    def sizes(self):
        """Return how many bytes each file has; 0 where there is none."""
        names = map(self.name, range(len(self)))
        sizes = (os.path.getsize(x) if os.path.isfile(x) else 0 for x in names)
        return np.fromiter(sizes, np.int64, len(self))

    def _name(self, place):
        folder = self._folders[self._folder_of[place]]
        return os.path.join(folder, os.fsdecode(self._names[place]))

    def _read(self, place):
        path = self._name(place)
        check_is_file(path, "a picture")
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read ({error.strerror}); expected a picture."
            ) from error

    def _decode(self, data, place, image_size):
        try:
            return super()._decode(data, place, image_size)
        except InputError:
            return read_image(self._name(place), image_size)  # which says more of why


def settle(pictures, is_streamed, skip_broken):
    """Return pictures as a part of a data set has them, and what is wrong with some.

    Args:
        pictures: `Pictures`.
        is_streamed: whether to leave them unread; otherwise they are decoded, into
            memory or a temporary file, as `allocate` says.
        skip_broken: whether to look for broken ones even so.

    Returns:
        (images, is_read, errors): images or `Pictures` of those that can be read;
        which can, bool (num_images,); and the `InputError` of the others, by row.
    """
    number, is_read = len(pictures), np.ones(len(pictures), bool)
    if is_streamed:
        errors = _errors(pictures.__getitem__, number) if skip_broken else {}
        is_read[list(errors)] = False
        return pictures.take(is_read), is_read, errors
    return decoded(number, pictures.shape[1:3], pictures.copy_to)


def decoded(number, image_size, write):
    """Return images read by several threads, and what is wrong with some.

    Args:
        number: of images.
        image_size: (height, width).
        write: function that writes an image into a row of an array, given both.

    Returns:
        As `settle`: images in memory or in a temporary file, as `allocate` says.
    """
    images, is_read = allocate(number, image_size), np.ones(number, bool)
    errors = _errors(lambda row: write(images, row), number)
    is_read[list(errors)] = False
    if errors:  # without a copy: the images may be larger than memory
        for to, row in enumerate(np.flatnonzero(is_read)):
            images[to] = images[row]
        images = images[: is_read.sum()]
    return images, is_read, errors


def _errors(function, number):
    def error_of(row):
        try:
            function(row)
        except InputError as error:
            return error
        return None

    errors = _pool().map(error_of, range(number))
    return {row: error for row, error in enumerate(errors) if error}


@cache
def _pool():
    return ThreadPoolExecutor(os.cpu_count())
