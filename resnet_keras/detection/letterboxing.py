"""A picture of any shape on a square; its boxes there and back."""

from dataclasses import dataclass

import numpy as np

from resnet_keras.data.images import fit, read_image

GREY = 114  # of the padding, as in YOLOv5: close to the mean of photographs


@dataclass(frozen=True)
class Placement:
    """Where a picture lies on a square: scaled to fit, in the middle.

    Args:
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        size: side of the square, in pixels.

    Example:

    >>> placement = Placement(200, 100, 64)
    >>> placement.window
    (0, 16, 64, 48)
    >>> placement.to_square([[0, 0, 100, 100]]).tolist()
    [[0.0, 16.0, 32.0, 48.0]]
    """

    width: int
    height: int
    size: int

    @property
    def shape(self):
        """(width, height) of the scaled picture: whole pixels, one or more."""
        longer = max(self.width, self.height)
        return tuple(
            max(1, round(side * self.size / longer))
            for side in (self.width, self.height)
        )

    @property
    def window(self):
        """The scaled picture's (left, top, right, bottom) on the square."""
        width, height = self.shape
        left, top = (self.size - width) // 2, (self.size - height) // 2
        return left, top, left + width, top + height

    @property
    def scale(self):
        """Pixels of the square per pixel of the picture.

        A window of whole pixels rarely has the picture's shape: the scaled picture is
        larger by up to half a pixel of the square, and cropped about its centre.
        """
        width, height = self.shape
        return max(width / self.width, height / self.height)

    def to_square(self, boxes):
        """Return boxes (num_objects, 4) of the picture in pixels of the square."""
        return (_boxes(boxes) - self._centre) * self.scale + self._middle

    def to_picture(self, boxes):
        """Return boxes (num_objects, 4) of the square in pixels of the picture.

        They are clipped to the picture.
        """
        moved = (_boxes(boxes) - self._middle) / self.scale + self._centre
        return np.clip(moved, 0, [self.width, self.height] * 2).astype(np.float32)

    @property
    def _centre(self):
        return np.array([self.width, self.height] * 2, np.float32) / 2

    @property
    def _middle(self):
        left, top, right, bottom = self.window
        return np.array([left + right, top + bottom] * 2, np.float32) / 2


def letterbox(image, size):
    """Place a picture on a grey square, scaled to fit and not distorted.

    All of it is there, but for half a pixel of the square (`Placement.scale`).

    Args:
        image: uint8 (height, width, 3).
        size: side of the square in pixels.

    Returns:
        uint8 (size, size, 3), and the `Placement`.

    Example:

    >>> square, placement = letterbox(np.zeros((50, 100, 3), np.uint8), 64)
    >>> square[:, 0, 0].tolist() == [114] * 16 + [0] * 32 + [114] * 16
    True
    """
    height, width = image.shape[:2]
    placement = Placement(width, height, size)
    if placement.window == (0, 0, width, height):
        return image, placement
    fitted_width, fitted_height = placement.shape
    return _padded(fit(image, (fitted_height, fitted_width)), placement), placement


def read_letterboxed(path, shown, size):
    """Read a picture as `letterbox` places it; a large JPEG in less time and memory.

    Args:
        path: as in `data.images.read_image`.
        shown: (width, height) of the picture as the camera was held.
        size: side of the square in pixels.

    Returns:
        uint8 (size, size, 3), and the `Placement`.

    Raises:
        InputError: as `read_image` does.
    """
    placement = Placement(*shown, size)
    return _padded(read_image(path, placement.shape[::-1]), placement), placement


def _padded(fitted, placement):
    square = np.full((placement.size, placement.size, 3), GREY, np.uint8)
    left, top, right, bottom = placement.window
    square[top:bottom, left:right] = fitted
    return square


def _boxes(boxes):
    return np.asarray(boxes, np.float32).reshape(-1, 4)
