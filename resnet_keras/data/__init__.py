"""Labelled images from wherever they lie, as one small object, a `Dataset`.

Nothing here knows a network: the room imports `hands`, `safety` and `errors` alone.
"""

from importlib import import_module

# Looked up on first use: a command's --help needs neither h5py nor Pillow.
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

__all__ = [  # noqa: RUF022 (in the order of use)
    "load_dataset",
    "Dataset",
    "Split",
    "HANDS",
    "has_course_pair",
    "stratified_split",
    "read_image",
    "IMAGE_SUFFIXES",
]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(set(globals()) | set(_HOMES))
