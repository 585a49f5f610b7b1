"""Train a network on labelled images: `python -m resnet_keras.train`."""

import argparse
import json
import shlex
from pathlib import Path

from resnet_keras.commands import (
    add_skip_broken,
    integer_from,
    load_keras,
    number_from,
    run,
    something,
)
from resnet_keras.errors import InputError
from resnet_keras.files.writing import check_not_input, refuse_file
from resnet_keras.training.config import (
    LIMITS,
    NUM_IMAGES_SHOWN,
    PRECISIONS,
    RunConfig,
)
from resnet_keras.training.recipe import RECIPES

_RUN_FILES = (
    "config.json",
    "checkpoint.h5",
    "history.csv",
    "model.h5",
    "metrics.json",
    "curves.png",
    "confusion.png",
    "mistakes.png",
)


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.train",
        description="Train the course's ResNet-50 and keep the model, its curves, its "
        "confusion matrix, its mistakes and its scores in one directory.",
    )
    parser.add_argument(
        "--data",
        type=something,
        metavar="SOURCE",
        help="folder with train_*.h5 and test_*.h5, or with train/ and test/, perhaps "
        "val/, holding a folder of images per class, or with a folder per class; or an "
        ".npz or HDF5 file; or a .csv file of paths and classes; or "
        '"hands", drawn on the spot (default: data/ if it holds train_*.h5, or hands)',
    )
    add_skip_broken(parser)
    parser.add_argument(
        "--model",
        metavar="NAME",
        help=f"{RunConfig.model} (the default), resnet18, plain34, resnet-cifar-20, "
        "...; a wrong name lists them all",
    )
    parser.add_argument(
        "--recipe",
        choices=tuple(RECIPES),
        help="how to train; robust, for pictures of other cameras and places, changes "
        "background, light and camera; course, for comparison, is Adam at 0.001 "
        "without augmentation, and with Keras' momentum of 0.99 for statistics, which "
        "lag: it predicts at random for many epochs after it has learned "
        f"(default: {RunConfig.recipe.name})",
    )
    parser.add_argument(
        "--out", type=something, metavar="DIR", help="default: runs/<data name>"
    )
    usual, course = RECIPES["default"], RECIPES["course"]
    for name, text in (
        (
            "epochs",
            "passes over the training images (default: as many as show about "
            f"{NUM_IMAGES_SHOWN:,} images, but no less than 3)",
        ),
        (
            "batch_size",
            f"images per step (default: {usual.batch_size}; of the course's recipe "
            f"{course.batch_size})",
        ),
        (
            "learning_rate",
            f"at the beginning (default: {usual.learning_rate}; of the course's recipe "
            f"{course.learning_rate})",
        ),
        (
            "seed",
            f"of weights, shuffling and augmentation (default: {RunConfig.seed})",
        ),
        (
            "image_size",
            f"side of the images in pixels (default: {RunConfig.image_size})",
        ),
    ):
        _add_number(parser, name, text)
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="what to multiply in while training (default: by the processor); "
        "weights and predictions are float32 either way",
    )
    parser.add_argument(
        "--weights",
        type=something,
        metavar="FILE",
        help="begin from these: a model or weights of any naming scheme, or imagenet; "
        "a new head learns first, then the rest at a lower rate",
    )
    _add_number(
        parser,
        "freeze_until",
        "with --weights, leave stages 1 (the stem) to STAGE as they are",
        metavar="STAGE",
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="with --weights, print which of them went where, and what was left",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with a run that was cut off"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the run that is there"
    )
    arguments = parser.parse_args(argv)
    if arguments.resume and arguments.overwrite:
        parser.error("--resume and --overwrite exclude each other")
    return arguments


def _add_number(parser, name, text, metavar="N"):
    kind, minimum, maximum = LIMITS[name]
    parse = (integer_from if kind is int else number_from)(minimum, maximum)
    option = f"--{name.replace('_', '-')}"
    parser.add_argument(option, type=parse, metavar=metavar, help=text)


def main(argv=None):
    """Parse, train, and say how it went."""
    arguments = _parse(argv)
    given = {key: getattr(arguments, key) for key in RunConfig().options()}
    given = {key: value for key, value in given.items() if value is not None}
    directory = arguments.out and Path(arguments.out)
    if directory:
        refuse_file(directory)
    if arguments.resume and directory:
        config = _config_of(directory, given)
    else:
        config = RunConfig.of_options({"data": _default_source(given)} | given)
    dataset = _load(config, arguments.skip_broken)
    if not directory:
        directory = Path("runs") / dataset.name
        if arguments.resume:
            asked, config = config, _config_of(directory, given)
            if (config.data, config.image_size) != (asked.data, asked.image_size):
                dataset = _load(config, arguments.skip_broken)
    outdated = _earlier_run(directory, arguments)
    metrics = _train(dataset, directory, config, arguments, outdated)
    for warning in metrics["warnings"]:
        print(f"Warning: {warning}")
    model = directory / "model.h5"
    score = "No test accuracy, without test images"
    if len(dataset.test):
        accuracy, number = metrics["test_accuracy"], len(dataset.test)
        score = f"Test accuracy {accuracy:.4f} on {number} images"
    print(
        f"{score}, after {metrics['train_seconds'] / 60:.1f} minutes of training\n"
        f"The model is {model}; curves, confusion matrix and mistakes are beside it\n"
        f"Try it: python -m resnet_keras.predict {shlex.quote(str(model))} IMAGE"
    )
    return 0


def _train(dataset, directory, config, arguments, outdated):
    """Train; where the user or the reader of the output stops it, say how to go on."""
    # Another number of threads would end in other weights.
    load_keras(_threads_of(directory) if arguments.resume else None)
    from resnet_keras import training

    settings = directory / "config.json"
    before = _time_of(settings)
    try:
        return training.train(dataset, directory, config, arguments.verbose, outdated)
    except (KeyboardInterrupt, BrokenPipeError) as stop:
        reason = "stopped by the user"
        if isinstance(stop, BrokenPipeError):
            reason = "stopped: the program that read the output has ended"
        going_on = "It had not begun; there is nothing to resume."
        # Until the new run begins the settings may be those of one to be replaced.
        now = _time_of(settings)
        if now and (arguments.resume or now != before):
            going_on = (
                "Finished epochs are kept; go on with python -m resnet_keras.train "
                f"--out {shlex.quote(str(directory))} --resume"
            )
        raise InputError(f"{directory}: {reason}. {going_on}") from None


def _time_of(path):
    """Return when a file was written, in nanoseconds, or None if there is none."""
    return path.stat().st_mtime_ns if path.exists() else None


def _load(config, skip_broken):
    from resnet_keras.audit import quick
    from resnet_keras.data import HANDS, load_dataset

    if config.data == HANDS:
        print("Drawing hands, for some 15 to 30 seconds ...", flush=True)
    dataset = load_dataset(config.data, config.image_size, skip_broken=skip_broken)
    print(dataset, flush=True)
    if config.data != HANDS:  # of which no two are alike
        for sentence in quick(dataset):
            print(f"Warning: {sentence}", flush=True)
    return dataset


def _default_source(given):
    from resnet_keras.data import HANDS, has_course_pair

    if "data" in given:
        return given["data"]
    if has_course_pair("data"):
        return "data"
    print(
        "No data given: training on drawn hands. For images of your own give --data "
        "FOLDER, with one folder of images per class."
    )
    return HANDS


def _config_of(directory, given):
    """Return the configuration of the run in `directory`; `given` may only repeat it.

    Args:
        directory: where the run to be resumed is.
        given: dictionary of options, as `RunConfig.of_options` takes it.

    Raises:
        InputError: no run is there, or it is another.
    """
    path = directory / "config.json"
    if not path.exists():
        raise InputError(
            f"{directory}: {_what_is_there(directory)}; expected the config.json of a "
            "run to resume. Correct --out, or leave --resume out to begin a run."
        )
    config = RunConfig.read(path)
    of_run = config.options()
    for key, value in given.items():
        if of_run[key] != value:
            raise InputError(
                f"{path}: this run has {key} {of_run[key]}, not {value}. Leave the "
                "option out to resume, or use --overwrite."
            )
    return config


def _threads_of(directory):
    """Return how many threads shared an operation of the run there, None if unknown."""
    number = json.loads((directory / "config.json").read_text()).get("threads")
    return number if isinstance(number, int) and number > 0 else None


def _what_is_there(directory):
    if not directory.is_dir():
        runs = sorted(
            path.parent.name for path in directory.parent.glob("*/config.json")
        )
        beside = f" (beside it are the runs {', '.join(runs[:5])})" if runs else ""
        return f"no such folder{beside}"
    names = sorted(path.name for path in directory.iterdir())
    more = ", ..." if len(names) > 5 else ""
    return f"holds {', '.join(names[:5])}{more}" if names else "is empty"


def _earlier_run(directory, arguments):
    """Return the files of an earlier run that are to go once the new one can begin."""
    found = [name for name in _RUN_FILES if (directory / name).exists()]
    if not found:
        return []
    if arguments.overwrite:
        paths = [directory / name for name in found]
        check_not_input(paths, [arguments.weights, arguments.data])
        return paths
    if not arguments.resume:
        raise InputError(
            f"{directory}: holds a run already ({', '.join(found)}). Choose another "
            "place with --out, or use --resume or --overwrite."
        )
    if "metrics.json" in found:
        raise InputError(
            f"{directory}: this run is finished; there is nothing to resume. Use "
            "--overwrite to train again."
        )
    return []


if __name__ == "__main__":
    run(main)
