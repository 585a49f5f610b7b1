"""The small dictionary that rides along in a model file, where Keras does not look."""

import json

from resnet_keras.errors import InputError

# An attribute of an .h5 file, or with .json behind it a member of a .keras archive: the
# name that is written, and the older one that is read as well.
NAME, OLD_NAME = "resnet_keras_metadata", "resnet_keras_card"
MAX_TEXT_BYTES = 64 * 2**20  # of the configuration or the metadata
_MAX_SIDE = 4096  # pixels


def parse(path, text):
    """Return the dictionary that a file's text holds, if its entries are usable.

    Raises:
        InputError: they are not. The message names the entry.
    """
    try:
        if len(text) > MAX_TEXT_BYTES:
            raise ValueError(f"more than {MAX_TEXT_BYTES // 2**20} MiB")
        metadata = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: its metadata are no JSON ({error}).") from error
    if not isinstance(metadata, dict):
        raise InputError(
            f"{path}: its metadata are a {type(metadata).__name__}; expected a dict."
        )
    for key, (is_right, expected) in _ENTRIES.items():
        if metadata.get(key) is not None and not is_right(metadata[key]):
            raise InputError(
                f"{path}: {key} in its metadata is {str(metadata[key])[:100]}; "
                f"expected {expected}."
            )
    return metadata


def is_size(value):
    """Return whether a value is [height, width, channels]; a None is left open."""
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(x is None or (type(x) is int and 0 < x <= _MAX_SIDE) for x in value)
    )


def _is_preprocessing(value):
    def is_number(x):
        return type(x) in (int, float) and abs(x) < 1e30  # no NaN is

    def are_numbers(x):
        return isinstance(x, list) and len(x) in (1, 3) and all(map(is_number, x))

    return (
        isinstance(value, dict)
        and is_number(value.get("scale", 1))
        and value.get("channel_order", "rgb") in ("rgb", "bgr")
        and all(are_numbers(value[key]) for key in ("mean", "std") if key in value)
        and 0 not in value.get("std", ())
    )


_ENTRIES = {
    "class_names": (lambda value: isinstance(value, list), "a list of names"),
    "input_size": (
        is_size,
        f"[height, width, channels] of 1 to {_MAX_SIDE} pixels",
    ),
    "preprocessing": (
        _is_preprocessing,
        'numbers for "scale", "mean" and "std", the last not 0, and "rgb" or "bgr" for '
        '"channel_order"',
    ),
    "notes": (lambda value: isinstance(value, list), "a list of sentences"),
}
