"""The one error for what comes from outside and is not as it should be."""


class InputError(ValueError):
    """A file, an image or an option is not usable.

    The message is one line: what came, what was wanted, how to mend it, which file.
    Commands print it and exit with 2.
    """
