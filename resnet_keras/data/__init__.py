"""Labelled images from files and folders, read as one object, a `Dataset`.

It may import `hands`, `files` and `errors`; nothing here knows a network.
"""

from resnet_keras.lazy import lazy

_HOMES = {
    "Dataset": "dataset",
    "Split": "dataset",
    "HANDS": "drawn",
    "load_dataset": "readers",
    "has_course_pair": "readers",
    "stratified_split": "splitting",
    "read_image": "images",
    "IMAGE_SUFFIXES": "images",
}
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
