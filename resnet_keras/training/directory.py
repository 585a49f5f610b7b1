"""A run and its directory: begun, resumed, or replacing an earlier run."""

import contextlib
import importlib.util
import json
import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from resnet_keras.commands import load_keras, without_notes
from resnet_keras.data import HANDS, Dataset, Split, has_course_pair, load_dataset
from resnet_keras.errors import InputError
from resnet_keras.files.writing import check_not_input, refuse_file, write_json
from resnet_keras.inference import align_classes
from resnet_keras.training.config import RunConfig

# In the order in which they are removed: nobody resumes a run without its settings.
RUN_FILES = (
    "config.json",
    "checkpoint.h5",
    "history.csv",
    "model.h5",
    "metrics.json",
    "curves.png",
    "confusion.png",
    "mistakes.png",
    "model_card.md",
)


class Command(NamedTuple):
    """What a command trains: where its data come from, and what a run leaves.

    Args:
        name: what to type, as "resnet_keras.train".
        run_files: names of all files that a run leaves, in the order of their removal.
        complete: function from the options that are given to all that the command
            needs.
        load: function from a `RunConfig` and `skip_broken` to the data; prints them.
        train: function of the data, the directory, the `RunConfig`, `verbose`, the
            files to be replaced, and Keras callbacks; returns the metrics.
    """

    name: str
    run_files: tuple
    complete: Callable
    load: Callable
    train: Callable


class Finished(NamedTuple):
    """A finished run: its directory, its data, and what its `metrics.json` holds."""

    directory: Path
    dataset: Dataset
    metrics: dict


def train_in(
    directory,
    options,
    resume=False,
    overwrite=False,
    skip_broken=False,
    verbose=False,
    command=None,
    examine=None,
    tensorboard=False,
):
    """Train with options as a person gives them, and print how it goes.

    Use it for a command; `train` takes a data set and a configuration that are settled.

    Args:
        directory: path of the run's files; None for "runs/<data name>".
        options: dictionary, as `RunConfig.of_options` takes it, of what is given; with
            `resume` it may only repeat what the run has. Without "data" they are those
            of the folder data/, or the built-in hands.
        resume: whether to go on with the run in the directory.
        overwrite: whether to replace it; its files stay until the first checkpoint.
        skip_broken: as in `load_dataset`.
        verbose: as in `train`.
        command: `Command`; by default the one that trains a classifier.
        examine: function from a `Dataset` to sentences, which are printed as warnings
            before training, such as `audit.quick`; drawn hands are not examined.
        tensorboard: whether to write the history for TensorBoard, too.

    Returns:
        `Finished`.

    Raises:
        InputError: as `load_dataset` and `train`; or the directory holds a run without
            `resume` and `overwrite`, or none, or another, to resume; or Ctrl-C stopped
            the run, and the message says how to go on.
        OSError: the directory is a file, or cannot be written to.
    """
    command = command or CLASSIFICATION
    directory = directory and Path(directory)
    if directory:
        refuse_file(directory)
    if resume and directory:
        config = _config_of(directory, options)
    else:
        config = RunConfig.of_options(command.complete(options))
    dataset = _load(command, config, skip_broken, examine)
    if not directory:
        directory = Path("runs") / dataset.name
        if resume:
            asked, config = config, _config_of(directory, options)
            if (config.data, config.image_size) != (asked.data, asked.image_size):
                dataset = _load(command, config, skip_broken, examine)
    outdated = _earlier_run(directory, resume, overwrite, command.run_files)
    check_not_input(outdated, map(options.get, ("weights", "data", "extra")))
    # Another number of threads would end in other weights.
    load_keras(_num_threads(directory) if resume else None)
    callbacks = [_tensorboard(directory)] if tensorboard and _is_writer() else []
    going_on = command.name + " --skip-broken" * skip_broken
    with _saying_how_to_go_on(directory, resume, going_on):
        metrics = command.train(
            dataset, directory, config, verbose, outdated, callbacks
        )
    return Finished(directory, dataset, metrics)


def cross_validate_in(
    directory,
    options,
    num_folds,
    groups=None,
    group_images=None,
    resume=False,
    overwrite=False,
    skip_broken=False,
    verbose=False,
):
    """Cross-validate with options as a person gives them, and print how it goes.

    Args:
        directory: path for the results; None for "runs/<data name>-folds".
        options: as `train_in` takes them.
        num_folds: int, 2 or more.
        groups: str or None, as given; a run can be resumed with the same only.
        group_images: function from a `Dataset` and `groups` to an int64 array,
            (num_images,), equal for images that are to stay together, and a sentence,
            such as `audit.group_images`. None: each image by itself.
        resume, overwrite, skip_broken, verbose: as in `train_in`.

    Returns:
        The directory, and the dictionary that `folds.json` holds.

    Raises:
        InputError, OSError: as `train_in`.
    """
    with without_notes():  # it imports Keras
        from resnet_keras.training import folds

    directory = directory and Path(directory)
    if directory:
        refuse_file(directory)
    if resume and directory:
        config = _config_of(directory, options, folds.RESULT)
    else:
        config = RunConfig.of_options(_complete(options))
    outer_classes = bool(groups and groups.isdecimal())  # the inner ones are groups
    in_memory = replace(config, stream=False)
    dataset = _load_images(in_memory, skip_broken, outer_classes)
    if not directory:
        directory = Path("runs") / f"{dataset.name}-folds"
        config = _config_of(directory, options, folds.RESULT) if resume else config
    settings = {"num_folds": num_folds, "groups": groups, "digest": dataset.digest()}
    labels = np.concatenate([dataset.train.labels, dataset.test.labels])
    numbers, sentence = np.arange(len(labels)), ""
    if group_images:
        numbers, sentence = group_images(dataset, groups)
    divided = folds.divide(labels, numbers, num_folds, config.seed)
    settings["division"] = folds.digest(divided)
    print(sentence, flush=True)
    folds.begin(directory, config, settings, resume, overwrite, RUN_FILES)
    begun = directory / "fold1"  # another number of threads would train on otherwise
    is_begun = resume and (begun / "config.json").exists()
    load_keras(_num_threads(begun) if is_begun else None)
    command = f"{CLASSIFICATION.name} --folds {num_folds}"
    if groups:
        command += f" --groups {shlex.quote(groups)}"
    command += " --skip-broken" * skip_broken
    with _saying_how_to_go_on(directory, True, command, folds.RESULT):
        result = folds.cross_validate(dataset, directory, config, divided, verbose)
    write_json(directory / folds.RESULT, config.as_dict() | settings | result)
    print(folds.in_words(result))
    return directory, result


def _is_writer():
    from resnet_keras.distributed import devices

    return devices.process_index() == 0


def _tensorboard(directory):
    import keras

    if importlib.util.find_spec("tensorboard") is None:
        raise InputError(
            "--tensorboard: TensorBoard is not installed; pip install tensorboard."
        )
    # A folder for each start, or the curves of two runs would be drawn as one.
    start = time.strftime("%Y%m%d-%H%M%S")
    return keras.callbacks.TensorBoard(
        directory / "tensorboard" / start, write_graph=False
    )


def _complete(options):
    if "data" in options:
        return options
    if has_course_pair("data"):
        return {"data": "data"} | options
    print(
        "No data given: training on drawn hands. For images of your own give --data "
        "FOLDER, with one folder of images per class."
    )
    return {"data": HANDS} | options


def _load(command, config, skip_broken, examine):
    dataset = command.load(config, skip_broken)
    if examine and config.data != HANDS and not dataset.is_streamed:
        found = tuple(examine(dataset))
        for sentence in found:
            print(f"Warning: {sentence}", flush=True)
        dataset = replace(dataset, notes=(*dataset.notes, *found))
    return dataset


def _load_images(config, skip_broken, outer_classes=False):
    if config.data == HANDS:
        print("Drawing hands, for some 15 to 30 seconds ...", flush=True)
    dataset = load_dataset(
        config.data,
        config.image_size,
        skip_broken=skip_broken,
        outer_classes=outer_classes,
        stream=config.stream,
    )
    print(dataset, flush=True)
    if config.extra:
        dataset = _with_extra(dataset, config, skip_broken)
        print(dataset.notes[-1], flush=True)
    return dataset


def _with_extra(dataset, config, skip_broken):
    """Return a data set with the training images of another one, by class names."""
    size, names = config.image_size, dataset.class_names
    other = load_dataset(config.extra, size, skip_broken=skip_broken)
    positions = align_classes(
        names, False, other.class_names, config.data, config.extra
    ).positions
    extra = Split(other.train.images, positions[other.train.labels])
    dataset = replace(dataset, extra=extra)
    times = config.repeats(dataset)
    note = (
        f"Further training images: {len(extra)} of {other.source}, each shown once in "
        f"an epoch, and each of {dataset.name} {times} times; none of them validates "
        "or tests."
    ).replace(" 1 times", " once")
    return replace(dataset, notes=(*dataset.notes, note))


def _config_of(directory, options, name="config.json"):
    """Return the configuration of the run there, which `options` may only repeat."""
    path = directory / name
    if not path.exists():
        raise InputError(
            f"{directory}: {_what_is_there(directory)}; expected the {name} of a run "
            "to resume. Correct --out, or leave --resume out to begin a run."
        )
    config = RunConfig.read(path)
    of_run = config.options()
    for key, value in options.items():
        if of_run[key] != value:
            raise InputError(
                f"{path}: this run has {key} {of_run[key]}, not {value}. Leave the "
                "option out to resume, or use --overwrite."
            )
    return config


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


def _train(*arguments):
    from resnet_keras import training

    return training.train(*arguments)


CLASSIFICATION = Command(
    "resnet_keras.train", RUN_FILES, _complete, _load_images, _train
)


def _earlier_run(directory, resume, overwrite, run_files=RUN_FILES):
    """Return the files of an earlier run that the new one is to replace."""
    found = [name for name in run_files if (directory / name).exists()]
    if overwrite:
        return [directory / name for name in found]
    if found and not resume:
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


def _num_threads(directory):
    """Return how many threads shared an operation of the run there, None if unknown."""
    number = json.loads((directory / "config.json").read_text()).get("threads")
    return number if isinstance(number, int) and number > 0 else None


@contextlib.contextmanager
def _saying_how_to_go_on(directory, resume, command, settings="config.json"):
    """Turn Ctrl-C, or the end of the program that reads the output, into one line."""
    settings = directory / settings
    before = _time_of(settings)
    try:
        yield
    except (KeyboardInterrupt, BrokenPipeError) as stop:
        reason = "stopped by the user"
        if isinstance(stop, BrokenPipeError):
            reason = "stopped: the program that read the output has ended"
        now = _time_of(settings)
        if now and (resume or now != before):
            going_on = (
                f"Finished epochs are kept; go on with python -m {command} "
                f"--out {shlex.quote(str(directory))} --resume"
            )
        else:
            going_on = "No epoch was finished; there is nothing to resume."
            if now:
                going_on += " The run that was to be replaced is still there."
        raise InputError(f"{directory}: {reason}. {going_on}") from None


def _time_of(path):
    """Return when a file was written, in nanoseconds, or None if there is none."""
    return path.stat().st_mtime_ns if path.exists() else None
