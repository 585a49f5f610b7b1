"""Options that several commands have, and argparse types that check numbers."""

import argparse
import math


def add_data(parser, text="", default=None):
    """Give a command that reads a data set the option `--data`.

    Args:
        parser: of argparse.
        text: what the data are for; follows "as for resnet_keras.train".
        default: source where none is given; without it the option is required.
    """
    parser.add_argument(
        "--data",
        required=default is None,
        default=default,
        metavar="SOURCE",
        help=f"as for resnet_keras.train{text}",
    )


def add_skip_broken(parser):
    """Give a command that reads a data set the option `--skip-broken`."""
    parser.add_argument(
        "--skip-broken",
        action="store_true",
        help="leave out pictures that cannot be read (default: name them and stop)",
    )


def add_out(parser, default, text):
    """Give a command that writes into a folder by default the option `--out`."""
    parser.add_argument(
        "--out",
        default=default,
        metavar="DIR",
        help=f"where to write {text} (default: {default})",
    )


def add_resume(
    parser, cut_off="a run that was cut off", present="the run that is there"
):
    """Give a command the options `--resume` and `--overwrite`.

    Args:
        parser: of argparse.
        cut_off: what is resumed, in words.
        present: what is replaced, in words.
    """
    parser.add_argument("--resume", action="store_true", help=f"go on with {cut_off}")
    parser.add_argument("--overwrite", action="store_true", help=f"replace {present}")


def refuse_both(parser, arguments):
    """End, with the parser's error, where both options of `add_resume` are given."""
    if arguments.resume and arguments.overwrite:
        parser.error("--resume and --overwrite exclude each other")


def add_processes(parser):
    """Give a command the options of a run in several processes."""
    parser.add_argument(
        "--coordinator",
        type=something,
        metavar="HOST:PORT",
        help="train in several processes, on one machine or many, that meet where "
        "process 0 runs, at a free port; needs KERAS_BACKEND=jax (auto: as JAX finds "
        "out under SLURM, Open MPI, Kubernetes or on TPUs)",
    )
    parser.add_argument(
        "--num-processes",
        type=integer_from(1),
        metavar="N",
        help="with --coordinator, of how many processes this is one",
    )
    parser.add_argument(
        "--process-index",
        type=integer_from(0),
        metavar="I",
        help="with --coordinator, which of them this is, from 0 to N - 1; 0 writes the "
        "files",
    )


def check_processes(parser, arguments):
    """End, with the parser's error, where options of `add_processes` do not fit."""
    number, index = arguments.num_processes, arguments.process_index
    if not arguments.coordinator:
        if number is not None or index is not None:
            parser.error("--num-processes and --process-index are for --coordinator")
    elif arguments.coordinator == "auto":
        if number is not None or index is not None:
            parser.error("--coordinator auto finds number and index by itself")
    elif number is None or index is None:
        parser.error("--coordinator needs --num-processes and --process-index")
    elif index >= number:
        parser.error(
            f"--process-index is {index}; expected 0 to {number - 1}, one less than "
            "--num-processes"
        )


def without_processes(argv):
    """Return arguments without the options of `add_processes`.

    Example:

    >>> without_processes(["--epochs", "2", "--coordinator=a:1", "--num-p", "2"])
    ['--epochs', '2']
    """
    parser = argparse.ArgumentParser(add_help=False)
    add_processes(parser)
    return parser.parse_known_args(argv)[1]


def add_trust(parser):
    """Give a command that opens a model the option `--trust`."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="open the model even if it could run code; only for files of yours",
    )


def add_preprocessing(parser):
    """Give a command that shows pictures to a model the option `--preprocessing`."""
    from resnet_keras.files.preprocessing import MODES, WORDS

    words = "; ".join(f"{name}: {WORDS[name]}" for name in MODES)
    parser.add_argument(
        "--preprocessing",
        choices=tuple(MODES),
        help=f"what the model expects, where its file does not say it, or says it "
        f"wrongly ({words})",
    )


def add_precision(parser):
    """Give a command that predicts the option `--precision`."""
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "int8"),
        default="float32",
        help="of the network's products; bfloat16 is for processors that multiply it "
        "natively, int8 takes the quantized export beside the model (default: float32)",
    )


def something(text):
    """Check, as an argparse type, that a text is not empty."""
    if not text:
        raise argparse.ArgumentTypeError("is empty, as a variable of a shell may be")
    return text


def integer_from(minimum, maximum=None):
    """Return an argparse type for whole numbers from `minimum` to `maximum`."""
    return _number(int, minimum, maximum)


def number_from(minimum, maximum=None):
    """Return an argparse type for numbers from `minimum` to `maximum`."""
    return _number(float, minimum, maximum)


def wanted(kind, minimum, maximum=None):
    """Return the words for a range of numbers.

    Example:

    >>> wanted(int, 1, 1_000_000)
    'a whole number from 1 to 1,000,000'
    """
    words = f"{'a whole number' if kind is int else 'a number'} from {minimum:,}"
    return words if maximum is None else f"{words} to {maximum:,}"


def _number(convert, minimum, maximum):
    limit = math.inf if maximum is None else maximum

    def parse(text):
        try:
            value = convert(text)
        except ValueError:
            value = None
        if value is None or not minimum <= value <= limit:
            expected = wanted(convert, minimum, maximum)
            raise argparse.ArgumentTypeError(f"is {text!r}; expected {expected}")
        return value

    return parse
