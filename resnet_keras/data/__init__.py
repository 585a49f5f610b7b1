"""Labelled images from files and folders, read as one object, a `Dataset`.

It may import `hands`, `files` and `errors`; nothing here knows a network.
"""

from resnet_keras.lazy import lazy

_NAMES = {
    "dataset": "Dataset Split",
    "drawn": "HANDS",
    "readers": "load_dataset has_course_pair",
    "streaming": "Pictures",
    "splitting": "stratified_split",
    "images": "read_image IMAGE_SUFFIXES",
}
__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
