"""The small dictionary that rides along in a model file, where Keras does not look."""

import json

from resnet_keras.errors import InputError

ATTRIBUTE = "resnet_keras_card"  # of an .h5 file
MEMBER = "resnet_keras_card.json"  # of a .keras archive
_MAX_SIDE = 4096  # pixels


def parse_card(path, text):
    """Return the dictionary that a file's text holds, if its entries are usable.

    Raises:
        InputError: they are not. The message names the entry.
    """
    try:
        card = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: its card is not valid JSON ({error}).") from error
    if not isinstance(card, dict):
        raise InputError(
            f"{path}: its card is a {type(card).__name__}; expected a dict."
        )
    for key, (is_right, expected) in _CARD_ENTRIES.items():
        if card.get(key) is not None and not is_right(card[key]):
            raise InputError(
                f"{path}: {key} in its card is {str(card[key])[:100]}; expected "
                f"{expected}."
            )
    return card


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


_CARD_ENTRIES = {
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
