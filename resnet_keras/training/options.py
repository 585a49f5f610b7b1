"""Options that commands which train share."""

from resnet_keras.commands.options import integer_from, number_from
from resnet_keras.training.config import LIMITS, PRECISIONS


def add_number(parser, name, text, metavar="N"):
    """Give a command the option of a number that `LIMITS` knows."""
    kind, minimum, maximum = LIMITS[name]
    parse = (integer_from if kind is int else number_from)(minimum, maximum)
    option = f"--{name.replace('_', '-')}"
    parser.add_argument(option, type=parse, metavar=metavar, help=text)


def add_precision(parser):
    """Give a command the option `--precision`."""
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="what to multiply in while training (default: by the processor); "
        "weights and predictions are float32 either way",
    )


def add_resume(parser):
    """Give a command the options `--resume` and `--overwrite`."""
    parser.add_argument(
        "--resume", action="store_true", help="go on with a run that was cut off"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the run that is there"
    )


def refuse_both(parser, arguments):
    """End, with the parser's error, where both options of `add_resume` are given."""
    if arguments.resume and arguments.overwrite:
        parser.error("--resume and --overwrite exclude each other")
