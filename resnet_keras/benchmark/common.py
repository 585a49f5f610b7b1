"""The input that all networks of a comparison take."""

import numpy as np

CLASSES = 6


def random_images(number, size):
    """Return float32 (number, size, size, 3) in [0, 1] and one-hot labels."""
    rng = np.random.default_rng(0)
    images = rng.random((number, size, size, 3), np.float32)
    return images, np.eye(CLASSES, dtype=np.float32)[np.arange(number) % CLASSES]
