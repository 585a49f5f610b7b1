"""What every command shares: how it starts, how it ends, what its options accept."""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import threading

from resnet_keras.errors import InputError


def run(main):
    """Run a command's `main()` and exit with its code, or with 2 and one line.

    Input that cannot be used (`InputError`), files that cannot be read or written
    (`OSError`), Ctrl-C and a request to end end in one line on stderr. Anything else is
    a fault of the program and keeps its traceback.
    """
    _mend_streams()
    # What Ctrl-C leaves in order, a request to end should not leave otherwise.
    signal.signal(signal.SIGTERM, _end)
    try:
        code = main()
    except BrokenPipeError:  # before the work was done
        code = complain("stopped, for nothing reads the output any more")
    except InputError as error:
        code = complain(error)
    except OSError as error:
        parts = [error.filename, error.strerror or error]
        code = complain(": ".join(str(part) for part in parts if part))
    except KeyboardInterrupt:
        code = complain("stopped by the user")
    try:
        sys.stdout.flush()
    except OSError as error:
        # The reader of our output may have had enough, as `head` has.
        if not isinstance(error, BrokenPipeError):
            code = complain(f"output: {error.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _end(number, frame):
    """Do as at Ctrl-C; not by that signal, which may be ignored, as behind `nohup`."""
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler):
        handler(number, frame)
    raise KeyboardInterrupt


def _mend_streams():
    """Let there be output, and let it take every name that a file may have."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:  # as with >&-; a file must not get its number
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
            setattr(sys, name, os.fdopen(number, "w", closefd=False))
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def complain(message):
    """Print a message as the one line of an error, and return the code for it, 2."""
    print("error: " + " ".join(str(message).split()), file=sys.stderr)
    return 2


def load_keras():
    """Import Keras and wake its backend, without their notes about the machine."""
    with _interrupted_afterwards(), without_notes():
        import keras

        keras.ops.zeros(1)


@contextlib.contextmanager
def _interrupted_afterwards():
    """Let Ctrl-C wait: some module's import drops it, and the command would go on."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield
        return
    presses = []
    before = signal.signal(signal.SIGINT, lambda *_: presses.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if presses:
        raise KeyboardInterrupt


@contextlib.contextmanager
def without_notes():
    """Keep from stderr what is written there meanwhile, unless it ends in an error.

    TensorFlow 2.21 prints half a dozen lines on processor and missing GPU before any of
    its settings for silence takes effect; they would bury what a command has to say.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with tempfile.TemporaryFile() as notes:
        stderr = os.dup(2)
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except BaseException:
            notes.seek(0)
            os.write(stderr, notes.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def add_trust(parser):
    """Give a command that opens a model the option `--trust`."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="open the model even if it could run code; only for files of yours",
    )


def add_preprocessing(parser):
    """Give a command that shows pictures to a model the option `--preprocessing`."""
    from resnet_keras.inference.modes import MODES, WORDS

    words = "; ".join(f"{name}: {WORDS[name]}" for name in MODES)
    parser.add_argument(
        "--preprocessing",
        choices=tuple(MODES),
        help=f"what the model expects, where its file does not say it, or says it "
        f"wrongly ({words})",
    )


def something(text):
    """An argparse type for what may be anything but nothing."""
    if not text:
        raise argparse.ArgumentTypeError("is empty, as a variable of a shell may be")
    return text


def integer_from(minimum, maximum=None):
    """Return an argparse type for whole numbers from `minimum` to `maximum`."""
    return _number(int, "a whole number", minimum, maximum)


def number_from(minimum, maximum=None):
    """Return an argparse type for numbers from `minimum` to `maximum`."""
    return _number(float, "a number", minimum, maximum)


def _number(convert, kind, minimum, maximum):
    wanted = f"{kind} from {minimum}" + ("" if maximum is None else f" to {maximum}")
    limit = float("inf") if maximum is None else maximum

    def parse(text):
        try:
            value = convert(text)
        except ValueError:
            value = None
        if value is None or not minimum <= value <= limit:
            raise argparse.ArgumentTypeError(f"is {text!r}; expected {wanted}")
        return value

    return parse
