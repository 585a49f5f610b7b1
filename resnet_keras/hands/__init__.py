"""Hand signs 0 to 5, rendered on demand: labels, boxes and masks, nothing to download.

Picture k of seed s is the same on every machine, however many are rendered. NumPy,
Pillow and h5py may be imported here, and how files are written; no Keras.
"""

from resnet_keras.hands.files import contact_sheet, write_pair
from resnet_keras.hands.rendering import (
    SIZES,
    TEST_START,
    Hands,
    Scene,
    iter_batches,
    iter_scenes,
    render,
    render_scenes,
)

__all__ = [
    "SIZES",
    "TEST_START",
    "Hands",
    "Scene",
    "contact_sheet",
    "iter_batches",
    "iter_scenes",
    "render",
    "render_scenes",
    "write_pair",
]
