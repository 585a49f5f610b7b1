"""Hand signs 0 to 5, rendered on demand: labels, boxes and masks, nothing to download.

Picture k of seed s is the same on every machine, however many are rendered. NumPy,
Pillow and h5py may be imported here, and how files are written; no Keras.
"""

from resnet_keras.lazy import lazy

_NAMES = {
    "files": "contact_sheet write_pair",
    "rendering": "SIZES TEST_START Hands Scene iter_batches iter_scenes render "
    "render_scenes",
}
__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
