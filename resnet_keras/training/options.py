"""Options that commands which train share."""

from resnet_keras.commands.options import integer_from, number_from, something
from resnet_keras.training.config import LIMITS, PRECISIONS, RunConfig


def add_settings(parser, numbers, weights):
    """Give a command the options `--out`, numbers, `--precision` and `--weights`.

    Args:
        parser: of argparse.
        numbers: dictionary from keys of `LIMITS` to what they are.
        weights: what `--weights` takes.
    """
    parser.add_argument(
        "--out", type=something, metavar="DIR", help="default: runs/<data name>"
    )
    for name, text in numbers.items():
        add_number(parser, name, text)
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="what to multiply in while training (default: by the processor); "
        "weights and predictions are float32 either way",
    )
    text = f"begin from these: {weights}"
    parser.add_argument("--weights", type=something, metavar="FILE", help=text)


def add_number(parser, name, text, metavar="N"):
    """Give a command the option of a number that `LIMITS` knows."""
    kind, minimum, maximum = LIMITS[name]
    parse = (integer_from if kind is int else number_from)(minimum, maximum)
    option = f"--{name.replace('_', '-')}"
    parser.add_argument(option, type=parse, metavar=metavar, help=text)


def settings_given(arguments):
    """Return what was given of the settings that `RunConfig.of_options` takes."""
    given = {key: getattr(arguments, key, None) for key in RunConfig().options()}
    return {key: value for key, value in given.items() if value is not None}
