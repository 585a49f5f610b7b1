"""Run an experiment: `python -m resnet_keras.experiments NAME`."""

import argparse
import importlib
import logging
from pathlib import Path

from resnet_keras.commands import (
    add_data,
    add_out,
    add_preprocessing,
    add_trust,
    integer_from,
    load_keras,
    run,
)
from resnet_keras.errors import InputError
from resnet_keras.files.writing import check_not_input

# name: (what it shows, about how many minutes on two cores)
_EXPERIMENTS = {
    "gradients": ("how much gradient reaches the first layers", 8),
    "degradation": ("deeper plain networks train worse, residual ones do not", 11),
    "identity": ("how easily a block learns the identity", 4),
    "shortcuts": ("options A, B and C: parameters, time, accuracy", 6),
    "depth-cost": ("what 18 to 152 layers cost", 1),
    "shattering": ("how alike the gradients of neighbouring inputs are", 2),
    "lesions": ("what trained networks lose without a block", 2),
    "branch-scale": ("how large F(X) is beside X, and training without norm", 2),
    "refinement": ("whether blocks move their input down the loss", 1),
    "landscape": ("the loss around trained networks", 4),
    "large-recipes": ("whether the recipes for a million pictures behave", 25),
    "localization": ("the course's squared error beside a better loss", 12),
}
_OF_ONE_SEED = ("gradients", "identity", "depth-cost")
_OUT = "runs/experiments"
_QUICK = {"action": "store_true", "help": "seconds instead of minutes"}


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.experiments",
        description="See on this machine why residual networks work.",
    )
    commands = parser.add_subparsers(dest="name", metavar="NAME", required=True)
    for name, (text, minutes) in _EXPERIMENTS.items():
        command = commands.add_parser(name, help=f"{text} (about {minutes} min)")
        command.add_argument("--quick", **_QUICK)
        if name == "degradation":
            command.add_argument(
                "--depths",
                type=_depths,
                default=(20, 56),
                metavar="N,N",
                help="two or more of 8, 14, 20, ..., 56, ... (default: 20,56)",
            )
            add_data(command, " (default: hands, rendered on the spot)", "hands")
        if name not in _OF_ONE_SEED:
            _add_seeds(command)
    _add_fine_tune(commands)
    _add_recipe(commands)
    _add_finding(commands)
    _add_answering(commands)
    _add_explain(commands)
    add_out(parser, _OUT, "the results")
    for command in commands.choices.values():  # before the name, and after it
        command.add_argument(
            "--out",
            default=argparse.SUPPRESS,  # or it would undo the one before
            metavar="DIR",
            help=f"where to write the results (default: {_OUT})",
        )
    return parser.parse_args(argv)


def _add_seeds(command):
    command.add_argument(
        "--seeds",
        type=integer_from(1, 10),
        default=3,
        metavar="N",
        help="how often each network is trained (default: 3)",
    )


def _add_fine_tune(commands):
    command = commands.add_parser(
        "fine-tune",
        help="how many photographs pretrained weights save (about 15 min)",
    )
    command.add_argument("weights", metavar="MODEL", help="a model, or weights")
    add_data(command, "; photographs, over 60 of each class")


def _add_recipe(commands):
    command = commands.add_parser(
        "recipe", help="what each ingredient of the recipe adds (about 40 min)"
    )
    add_data(command, "; photographs, of which only the training part is used")
    _add_seeds(command)
    command.add_argument(
        "--epochs",
        type=integer_from(1),
        default=6,
        metavar="N",
        help="of each training (default: 6)",
    )
    command.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="CHANGE",
        help="leave out all changes but this; a part of its name is enough; may be "
        "given several times",
    )


def _add_finding(commands):
    command = commands.add_parser(
        "finding", help="what a detector finds in photographs, and names (about 1 min)"
    )
    add_data(command, "; photographs of one object each, whose test part is used")
    command.add_argument(
        "--detector", required=True, metavar="FILE", help="a detector trained here"
    )
    command.add_argument(
        "--classifier",
        metavar="FILE",
        help="name larger pictures with this one, without and with the detector",
    )
    command.add_argument("--quick", **_QUICK)


def _add_answering(commands):
    command = commands.add_parser(
        "answering", help="what tells pictures of no class (about 1 min a model)"
    )
    command.add_argument(
        "models", metavar="MODEL", nargs="+", help="models trained here on the data"
    )
    add_data(command, "; what they were trained on (default: hands)", "hands")
    command.add_argument("--quick", **_QUICK)


def _add_explain(commands):
    command = commands.add_parser(
        "explain", help="what in an image a model's prediction depends on (seconds)"
    )
    command.add_argument(
        "model_name", metavar="MODEL", help="a .h5 or .keras file, or a network's name"
    )
    command.add_argument("image_path", metavar="IMAGE", help="a picture")
    add_preprocessing(command)
    add_trust(command)


def _depths(text):
    try:
        depths = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        depths = ()
    if len(depths) < 2 or any(depth < 8 or depth % 6 != 2 for depth in depths):
        raise argparse.ArgumentTypeError(
            f"is {text!r}; expected two or more of 6n + 2, for example 20,56"
        )
    return depths


def main(argv=None):
    """Parse, and run the experiment named."""
    arguments = _parse(argv)
    if Path(arguments.out).is_file():
        raise InputError(f"{arguments.out}: is a file; expected a folder for --out.")
    suffixes = (".csv", ".png", ".txt")
    outputs = [Path(arguments.out) / f"{arguments.name}{each}" for each in suffixes]
    read = ("data", "weights", "model_name", "image_path", "detector", "classifier")
    inputs = [getattr(arguments, key, None) for key in read]
    check_not_input(outputs, [*inputs, *getattr(arguments, "models", ())])
    load_keras()
    # TensorFlow warns of repeated tracing, as if the many networks were one.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    settings = vars(arguments)  # named as the experiment's `run` names them
    if "data" in settings:
        settings["source"] = settings.pop("data")
    name = settings.pop("name").replace("-", "_")
    importlib.import_module(f"resnet_keras.experiments.{name}").run(**settings)
    return 0


if __name__ == "__main__":
    run(main)
