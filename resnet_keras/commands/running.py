"""How a command starts and ends: streams, signals, exit codes, the one line."""

import os
import signal
import sys
import textwrap
import traceback

from resnet_keras.commands.interrupts import REQUESTS_TO_END
from resnet_keras.errors import InputError, is_of_memory

TRACEBACK = "RESNET_KERAS_TRACEBACK"  # environment variable


def run(main):
    """Run a command's `main()` and exit with its code, or with 2 and one line.

    Input that cannot be used (`InputError`), files that cannot be read or written
    (`OSError`), Ctrl-C and a request to end end in one line on stderr, and so does any
    other exception. With the environment variable RESNET_KERAS_TRACEBACK=1 the
    traceback comes before that line.
    """
    _mend_streams()
    for number in REQUESTS_TO_END:
        # What the caller lets us ignore, as nohup does, stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        code = main()
    except KeyboardInterrupt:
        code = complain("stopped by the user")
    except Exception as error:
        if os.environ.get(TRACEBACK) == "1":
            traceback.print_exc()
        code = complain(_explanation(error))
    try:
        sys.stdout.flush()
    except OSError as error:
        # The reader of our output may have had enough, as `head` has.
        if not isinstance(error, BrokenPipeError):
            code = complain(f"output: {error.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _explanation(error):
    """Return the line for any exception."""
    if isinstance(error, InputError):
        return error
    if isinstance(error, BrokenPipeError):  # before the work was done
        return "stopped: the program that read the output has ended"
    found = f"{type(error).__name__}: {error}".strip().removesuffix(":")
    if isinstance(error, OSError):
        parts = [error.filename, error.strerror or str(error) or found]
        return ": ".join(str(part) for part in parts if part)
    if is_of_memory(error):
        return (
            f"not enough memory ({textwrap.shorten(found, 150)}). Use smaller images "
            "or batches, close other programs, or take a machine with more."
        )
    return (
        f"unexpected {textwrap.shorten(found, 300)} This may be a fault of this "
        f"program; set {TRACEBACK}=1 and repeat the command to see where."
    )


def complain(message):
    """Print a message as the one line of an error, and return the code for it, 2."""
    print("error: " + " ".join(str(message).split()), file=sys.stderr)
    return 2


class Complaints:
    """Complains of errors as they come; `code` is what the command returns, then."""

    code = 0

    def __call__(self, error):
        """Complain."""
        self.code = complain(error)


def _end(number, frame):
    """Do as at Ctrl-C."""
    raise KeyboardInterrupt


def _mend_streams():
    """Let there be output, and let streams take every name that a file may have."""
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="surrogateescape")
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:  # as with >&-; a file must not get its number
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
            setattr(sys, name, os.fdopen(number, "w", closefd=False))
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
