"""What all of a comparison have in common: classes, precisions, and the input."""

import numpy as np

PARTS = ("training", "prediction", "growth")
CLASSES = 6
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}  # of Keras

MATRIX_SIDE = 3072  # a product takes 0.25 s on two cores, 120 MB in float32
PRODUCT = "product"  # the step that multiplies such matrices


def random_images(number, size):
    """Return float32 (number, size, size, 3) in [0, 1] and one-hot labels."""
    rng = np.random.default_rng(0)
    images = rng.random((number, size, size, 3), np.float32)
    return images, np.eye(CLASSES, dtype=np.float32)[np.arange(number) % CLASSES]
