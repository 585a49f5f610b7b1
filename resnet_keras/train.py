"""Train a network on labelled images: `python -m resnet_keras.train`."""

import argparse
import contextlib
import io
import json
import shlex
from pathlib import Path

from resnet_keras import family
from resnet_keras.commands import (
    integer_from,
    load_keras,
    number_from,
    run,
    something,
)
from resnet_keras.errors import InputError
from resnet_keras.writing import check_not_input, refuse_file

# What a run depends on; --resume takes it from the run itself.
_DEFAULTS = {
    "data": None,
    "model": "resnet50",
    "recipe": "default",
    "image_size": 64,
    "epochs": None,
    "batch_size": None,
    "learning_rate": None,
    "seed": 0,
    "precision": None,
    "weights": None,
    "freeze_until": None,
}
_OPTIONAL = ("weights", "freeze_until")
_NUM_IMAGES_SHOWN = 20_000  # by default: some four minutes on two cores
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
    parser.add_argument(
        "--skip-broken",
        action="store_true",
        help="leave out pictures that cannot be read (default: name them and stop)",
    )
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="resnet50 (the default), resnet18, plain34, resnet-cifar-20, ...; a wrong "
        "name lists them all",
    )
    parser.add_argument(
        "--recipe",
        choices=("default", "robust", "course"),
        help="how to train; robust, for pictures from elsewhere, changes "
        "walls, light and camera; course, for comparison, is Adam at 0.001 without "
        "augmentation, and with Keras' momentum of 0.99 for statistics, which lag: it "
        "answers at random for many epochs after it has learned (default: default)",
    )
    parser.add_argument(
        "--out", type=something, metavar="DIR", help="default: runs/<data name>"
    )
    parser.add_argument(
        "--epochs",
        type=integer_from(1, 1_000_000),
        metavar="N",
        help="passes over the training images (default: as many as show about "
        f"{_NUM_IMAGES_SHOWN:,} images, but no less than 3)",
    )
    parser.add_argument(
        "--batch-size",
        type=integer_from(2),
        metavar="N",
        help="images per step (default: 64; of the course's recipe 32)",
    )
    parser.add_argument(
        "--learning-rate",
        type=number_from(1e-8, 10),
        metavar="N",
        help="at the beginning (default: 0.0015; of the course's recipe 0.001)",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16"),
        help="what to multiply in while training (default: whichever is faster here); "
        "weights and answers are float32 either way",
    )
    for name, kind, text in (
        ("seed", integer_from(0, 2**31), "of weights, shuffling and augmentation"),
        ("image-size", integer_from(32, 1024), "side of the images in pixels"),
    ):
        default = _DEFAULTS[name.replace("-", "_")]
        parser.add_argument(
            f"--{name}", type=kind, metavar="N", help=f"{text} (default: {default})"
        )
    parser.add_argument(
        "--weights",
        type=something,
        metavar="FILE",
        help="begin from these: a model or weights of any dialect, or imagenet; a new "
        "head learns first, then the rest at a lower rate",
    )
    parser.add_argument(
        "--freeze-until",
        type=integer_from(1, 5),
        metavar="STAGE",
        help="with --weights, leave stages 1 (the stem) to STAGE as they are",
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


def main(argv=None):
    """Parse, train, and say how it went."""
    arguments = _parse(argv)
    given = {key: getattr(arguments, key) for key in _DEFAULTS}
    given = {key: value for key, value in given.items() if value is not None}
    directory = arguments.out and Path(arguments.out)
    if directory:
        refuse_file(directory)
    if arguments.resume and directory:
        given = _settings_of(directory, given)
    config = _DEFAULTS | given
    if config["freeze_until"] and not config["weights"]:
        raise InputError(
            "--freeze-until: given without --weights; untrained stages have nothing "
            "worth keeping."
        )
    family.check_name(config["model"])
    config["data"] = config["data"] or _default_source()

    dataset = _load(config, arguments.skip_broken)
    if not directory:
        directory = Path("runs") / dataset.name
        if arguments.resume:
            asked, config = config, config | _settings_of(directory, given)
            if any(config[key] != asked[key] for key in ("data", "image_size")):
                dataset = _load(config, arguments.skip_broken)
    outdated = _earlier_run(directory, arguments)

    # Another number would end in other weights.
    load_keras(_threads_of(directory) if arguments.resume else None)
    from resnet_keras import fused
    from resnet_keras.recipe import RECIPES
    from resnet_keras.training import train

    recipe = RECIPES[config["recipe"]]
    for key in ("batch_size", "learning_rate"):
        config[key] = config[key] or getattr(recipe, key)
    num_train = len(dataset.train) - dataset.num_validation
    config["epochs"] = config["epochs"] or _default_epochs(num_train)
    config["precision"] = config["precision"] or fused.best_precision()

    settings = directory / "config.json"
    before = _time_of(settings)
    try:
        metrics = train(dataset, directory, config, arguments.verbose, outdated)
    except (KeyboardInterrupt, BrokenPipeError) as stop:
        by = "by the user"
        if isinstance(stop, BrokenPipeError):
            by = "for nothing reads the output any more"
        going_on = "It had not begun; there is nothing to resume."
        # Until the new run begins the settings may be those of one to be replaced.
        now = _time_of(settings)
        if now and (arguments.resume or now != before):
            going_on = (
                "Finished epochs are kept; go on with python -m resnet_keras.train "
                f"--out {shlex.quote(str(directory))} --resume"
            )
        raise InputError(f"{directory}: stopped {by}. {going_on}") from None
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


def _time_of(path):
    """Return when a file was written, in nanoseconds, or None if there is none."""
    return path.stat().st_mtime_ns if path.exists() else None


def _load(config, skip_broken):
    from resnet_keras.datasets import HANDS, load_dataset

    if config["data"] == HANDS:
        print("Drawing hands, for some 15 to 30 seconds ...", flush=True)
    dataset = load_dataset(
        config["data"], config["image_size"], skip_broken=skip_broken
    )
    print(dataset, flush=True)
    return dataset


def _default_source():
    from resnet_keras.datasets import HANDS, has_course_pair

    if has_course_pair("data"):
        return "data"
    print(
        "No data given: training on drawn hands. For images of your own give --data "
        "FOLDER, with one folder of images per class."
    )
    return HANDS


def _default_epochs(num_train):
    """Return how many passes a training set of this size wants: more for a smaller."""
    return max(3, round(_NUM_IMAGES_SHOWN / num_train))


def _settings_of(directory, given):
    """Return the settings of the run in `directory`, which `given` may only repeat."""
    path = directory / "config.json"
    if not path.exists():
        print(f"{directory}: holds no run to resume; beginning one", flush=True)
        return given
    try:
        config = json.loads(path.read_text())
        settings = {key: config[key] for key in _DEFAULTS}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: not the settings of a run ({error!r}). Use --overwrite."
        ) from error
    _check_settings(path, settings)
    for key, value in given.items():
        if settings[key] != value:
            raise InputError(
                f"{path}: this run has {key} {settings[key]}, not {value}. Leave the "
                "option out to resume, or use --overwrite."
            )
    return settings


def _threads_of(directory):
    """Return how many threads shared an operation of the run there, None if unknown."""
    path = directory / "config.json"
    number = json.loads(path.read_text()).get("threads") if path.exists() else None
    return number if isinstance(number, int) and number > 0 else None


def _check_settings(path, settings):
    """Refuse settings, perhaps edited by hand, that the options would refuse."""
    line = [
        f"--{key.replace('_', '-')}={value}"
        for key, value in settings.items()
        if value is not None or key not in _OPTIONAL
    ]
    with contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            parsed = _parse(line)
            wrong = [key for key in settings if getattr(parsed, key) != settings[key]]
        except SystemExit:
            wrong = [said.getvalue().strip().split("error: ")[-1]]
    if wrong:
        raise InputError(
            f"{path}: not the settings of a run ({wrong[0]}). Use --overwrite."
        )


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
            "--overwrite to train anew."
        )
    return []


if __name__ == "__main__":
    run(main)
