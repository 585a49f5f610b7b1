"""Checks of the arguments that all networks take."""


def check_network(input_shape, classes, min_size, shortcut):
    """Raise a ValueError in words for what no network can be built with."""
    wanted = (
        "expected (height, width, channels), three whole numbers, with height and "
        f"width from {min_size} and channels from 1, for example (64, 64, 3)."
    )
    if not isinstance(input_shape, (tuple, list)) or len(input_shape) != 3:
        raise ValueError(f"input_shape is {input_shape!r}; {wanted}")
    if not all(is_integer(number) for number in input_shape):
        raise ValueError(f"input_shape is {input_shape!r}; {wanted}")
    height, width, channels = input_shape
    if height < min_size or width < min_size or channels < 1:
        raise ValueError(f"input_shape is {tuple(input_shape)}: too small; {wanted}")
    if not is_integer(classes) or classes < 1:
        raise ValueError(f"classes is {classes!r}; expected a whole number from 1 up.")
    if shortcut not in ("A", "B", "C"):
        raise ValueError(f'shortcut is {shortcut!r}; expected "A", "B" or "C".')


def is_integer(value):
    """Say whether a value is a whole number, which a bool is not."""
    return isinstance(value, int) and not isinstance(value, bool)
