"""Cross-validation: each image is tested once, by a network that did not see it."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from resnet_keras import plots
from resnet_keras.data import Split
from resnet_keras.errors import InputError
from resnet_keras.files.writing import check_folder, write_json
from resnet_keras.inference.metrics import scores_of_confusion, with_interval
from resnet_keras.tables import table
from resnet_keras.training.classification import train

RESULT = "folds.json"
_OF_IMAGES = ("digest", "division")  # of what defines a cross-validation


def divide(labels, groups, num_folds, seed=0):
    """Divide images into folds, stratified by class, groups kept together.

    Args:
        labels: int64 (num_images,).
        groups: int64 (num_images,), equal for images that are to stay together.
        num_folds: int, 2 or more.
        seed: of the division.

    Returns:
        List of (other rows, rows) for each fold.

    Raises:
        InputError: a class has fewer groups than there are folds, or scikit-learn is
            not installed.

    Example:

    >>> folds = divide(np.array([0, 0, 1, 1]), np.arange(4), num_folds=2)
    >>> [len(rows) for _, rows in folds]
    [2, 2]
    """
    try:
        from sklearn.model_selection import StratifiedGroupKFold
    except ImportError as error:
        raise InputError(
            "Folds need scikit-learn; install it: pip install 'resnet_keras[audit]'."
        ) from error
    if (fewest := fewest_groups(labels, groups)) < num_folds:
        raise InputError(
            f"a class has {fewest} pictures or groups of pictures; expected "
            f"{num_folds}, one for each fold."
        )
    split = StratifiedGroupKFold(num_folds, shuffle=True, random_state=seed)
    return list(split.split(labels, labels, groups))


def fewest_groups(labels, groups):
    """Return how many groups the class with the fewest has; as `divide` takes them."""
    return min(len(np.unique(groups[labels == label])) for label in np.unique(labels))


def all_images(dataset):
    """Return the images of all parts of a `Dataset` as one `Split`."""
    train, test = dataset.train, dataset.test
    origins = None
    if train.origins or test.origins:
        origins = [*(train.origins or ()), *(test.origins or ())]
    return Split(
        np.concatenate([train.images, test.images]),
        np.concatenate([train.labels, test.labels]),
        origins,
    )


def cross_validate(dataset, directory, config, folds, verbose=False):
    """Train a network for each fold without it, and score all of them together.

    The parts of the data set are put together first, so each image is tested once.
    Finished folds of an interrupted run are kept, and a fold that was cut off goes on.

    Args:
        dataset: `Dataset`.
        directory: where the results go, and the folder of each fold.
        config: `RunConfig`.
        folds: list of (other rows, rows) of `all_images`, as `divide` returns it.
        verbose: as in `train`.

    Returns:
        The dictionary that `folds.json` holds: `accuracy`, `balanced_accuracy` and
        `macro_f1` of all images, `interval`, `folds`, a dictionary for each, and `mean`
        and `standard_deviation` of their accuracies.

    Raises:
        InputError, OSError: as `train`.
    """
    directory, images = Path(directory), all_images(dataset)
    results = []
    for number, rows in enumerate(folds, 1):
        place = directory / f"fold{number}"
        metrics = _finished(place)
        if metrics is None:
            print(f"Fold {number} of {len(folds)}", flush=True)
            rest, held_out = map(images.take, rows)
            fold = replace(dataset, train=rest, test=held_out, num_validation=0)
            metrics = train(fold, place, config, verbose)
        results.append(metrics)
    confusion = np.sum([each["test_confusion"] for each in results], axis=0)
    scores = scores_of_confusion(confusion)
    accuracies = [each["test_accuracy"] for each in results]
    figure = plots.confusion(confusion, dataset.class_names)
    plots.save(figure, directory / "confusion.png")
    return {
        "mean": float(np.mean(accuracies)),
        "standard_deviation": float(np.std(accuracies, ddof=1)),
        **{name: scores[name] for name in ("accuracy", "interval")},
        **{name: scores[name] for name in ("balanced_accuracy", "macro_f1")},
        "confusion": confusion.tolist(),
        "class_names": list(dataset.class_names),
        "folds": [
            {key: each[key] for key in each if key != "test_confusion"}
            for each in results
        ],
    }


def in_words(result):
    """Return the result of `cross_validate` as a table and two sentences."""
    rows = [
        (
            number,
            each["num_test_images"],
            f"{each['test_accuracy']:.4f}",
            f"{each['test_balanced_accuracy']:.4f}",
            f"{each['train_seconds'] / 60:.1f}",
        )
        for number, each in enumerate(result["folds"], 1)
    ]
    number = int(np.sum(result["confusion"]))
    accuracy = with_interval(result["accuracy"], result["interval"])
    return "\n".join(
        [
            table(("fold", "images", "accuracy", "balanced", "minutes"), rows),
            f"Mean accuracy of the folds {result['mean']:.4f}, standard deviation "
            f"{result['standard_deviation']:.4f}",
            f"All {number} images, each tested once: accuracy {accuracy}, balanced "
            f"{result['balanced_accuracy']:.4f}, macro F1 {result['macro_f1']:.4f}",
        ]
    )


def digest(divided):
    """Return a hash of which images each fold has; the argument is what `divide` gave.

    Example:

    >>> rows = np.arange(4)
    >>> digest([(rows[:2], rows[2:])]) == digest([(rows[2:], rows[:2])])
    False
    """
    found = hashlib.blake2b(digest_size=16)
    for _, held_out in divided:
        found.update(np.int64(held_out).tobytes() + b";")
    return found.hexdigest()


def begin(directory, config, settings, resume, overwrite, run_files):
    """Write what defines a cross-validation, or check it against what is there.

    Args:
        directory: `Path`.
        config: `RunConfig`.
        settings: dictionary of what defines it besides.
        resume: whether to go on with the one in the directory.
        overwrite: whether to replace it; the runs of its folds are removed.
        run_files: names of the files of a run, in the order of their removal.

    Raises:
        InputError: there is one already, or another to resume.
    """
    path = directory / RESULT
    if resume:
        before = settings | json.loads(path.read_text())  # earlier versions have less
        for name, value in settings.items():
            if before[name] != value:
                found = f"has {name} {before[name]}, not {value}"
                if name in _OF_IMAGES:
                    found = "began with other images"
                raise InputError(
                    f"{path}: this run {found}. Give the same to resume, or use "
                    "--overwrite."
                )
        return
    if path.exists() and not overwrite:
        raise InputError(
            f"{directory}: holds a cross-validation already. Choose another place with "
            "--out, or use --resume or --overwrite."
        )
    if overwrite:
        for place in directory.glob("fold*/"):
            for name in run_files:  # a later --resume must not take them for its own
                (place / name).unlink(missing_ok=True)
    check_folder(directory)
    write_json(path, config.as_dict() | settings)


def _finished(place):
    """Return the metrics of a finished fold, or None."""
    path = place / "metrics.json"
    return json.loads(path.read_text()) if path.exists() else None
