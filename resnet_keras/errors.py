"""The one error for what comes from outside and is not as it should be."""

import os


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
