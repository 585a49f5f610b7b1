"""The one error for what comes from outside and is not as it should be."""

import os
import re

# The errors of TensorFlow, PyTorch and JAX, in this order
_NO_MEMORY = re.compile("ResourceExhaustedError|OutOfMemoryError|RESOURCE_EXHAUSTED")


class InputError(ValueError):
    """A file, an image or an option is not usable.

    The message is one line: what came, what was wanted, how to mend it, which file.
    Commands print it and exit with 2.
    """


def check_is_file(path, wanted):
    """Refuse what is not there, and what is no file: reading a pipe would never end."""
    if not os.path.isfile(path):
        found = "is no file" if os.path.exists(path) else "no such file"
        raise InputError(f"{path}: {found}; expected {wanted}.")


def is_of_memory(error):
    """Return whether an error says that there is not enough memory.

    Example:

    >>> is_of_memory(MemoryError()), is_of_memory(ValueError())
    (True, False)
    """
    words = f"{type(error).__name__}: {error}"
    return isinstance(error, MemoryError) or bool(_NO_MEMORY.search(words))
