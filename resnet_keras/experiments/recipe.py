"""The recipe: what each of its ingredients brings on a small set of photographs.

The network is trained with the recipe, and with the recipe but for one ingredient, and
asked about a fifth of the training images that was set aside. The test images are not
looked at.
"""

import time
from dataclasses import replace

import keras
import numpy as np
from matplotlib.figure import Figure

from resnet_keras.datasets import load_dataset, stratified_split
from resnet_keras.files import PREPROCESSING
from resnet_keras.inference import Classifier, scores
from resnet_keras.models import build
from resnet_keras.recipe import (
    Batches,
    Recipe,
    fit,
    scale_branches,
    varied_initializer,
)
from resnet_keras.report import Report

_WHOLE = "the recipe as it is"
_FLIPPED = "answers averaged over both mirror images"
_AUGMENTATION = ("flip", "shift", "scale", "rotation", "brightness", "colour")
CHANGES = {
    _WHOLE: {},
    "statistics with Keras' momentum, 0.99": {"statistics_momentum": 0.99},
    "no augmentation": dict.fromkeys(_AUGMENTATION, 0.0),
    "no flips": {"flip": 0.0},
    "a constant rate, without warm-up": {"anneals": False},
    "blocks that begin as the identity": {"branch_scale": 0.0},
    "blocks that begin unscaled": {"branch_scale": 1.0},
    "no label smoothing": {"label_smoothing": 0.0},
    "no weight decay": {"weight_decay": 0.0},
    "16 images a step, two thirds of the rate": {
        "batch_size": 16,
        "learning_rate": 1e-3,
    },
}


def run(source, out, epochs=6, seeds=3, quick=False):
    """Train with and without each ingredient.

    Args:
        source: photographs, as `load_dataset` reads them.
        out: directory for `recipe.csv`, `.png` and `.txt`.
        epochs: of each training.
        seeds: how often, each time with another fifth set aside.
        quick: a few seconds' worth, to see that it works.

    Returns:
        `(rows, verdict)`: a row per change and seed, and words.

    Raises:
        InputError: the source cannot be used.
    """
    name, size = ("resnet-cifar-20", 32) if quick else ("resnet50", 64)
    changes = dict(list(CHANGES.items())[: 3 if quick else None])
    dataset = load_dataset(source, size)
    report = Report(
        "recipe",
        out,
        f"{name} on four fifths of the {len(dataset.train)} training images of "
        f"{dataset.name}, {epochs} epochs, {seeds} seeds, asked about the other fifth.",
        len(changes) * seeds,
    )
    rows = []
    for seed in range(seeds):
        for change, settings in changes.items():
            report.begin(f"{change}, seed {seed}")
            recipe = replace(Recipe(), **settings)
            start = time.perf_counter()
            classifier, held_out = _train(name, dataset.train, recipe, epochs, seed)
            seconds = time.perf_counter() - start
            images = dataset.train.images[held_out]
            labels = dataset.train.labels[held_out]
            answers = {change: classifier.probabilities(images)}
            if change == _WHOLE:
                mirrored = classifier.probabilities(images[:, :, ::-1])
                answers[_FLIPPED] = (answers[change] + mirrored) / 2
            found = {what: scores(each, labels) for what, each in answers.items()}
            for what, of_these in found.items():
                rows.append(
                    {
                        "change": what,
                        "seed": seed,
                        "validation_accuracy": of_these["accuracy"],
                        "validation_loss": of_these["loss"],
                        "seconds": seconds,
                    }
                )
            report.end(f"accuracy {found[change]['accuracy']:.1%}")
            keras.backend.clear_session()
    words = verdict(rows)
    report.finish(rows, figure(rows), words)
    return rows, words


def _train(name, split, recipe, epochs, seed):
    """Return a trained classifier, and the rows that were set aside."""
    train_rows, held_out = stratified_split(split.labels, 0.2, seed)
    num_classes = int(split.labels.max()) + 1
    model = build(
        name,
        split.images.shape[1:],
        num_classes,
        initializer=varied_initializer(seed),
    )
    scale_branches(model, recipe.branch_scale)
    one_hot = np.eye(num_classes, dtype=np.float32)[split.labels]
    batches = Batches(
        split.images, one_hot, train_rows, recipe.batch_size, recipe, seed
    )
    fit(model, batches, recipe, range(epochs))
    return Classifier(model, {"preprocessing": PREPROCESSING}), held_out


def effects(rows):
    """Return, for each change, what it adds to the recipe's score, seed by seed.

    Args:
        rows: as `run` returns them.

    Returns:
        Dictionary from the change to lists, one number per seed: `accuracy` in
        points, `loss`, and `time`, as a share of the recipe's.
    """
    found = {(row["change"], row["seed"]): row for row in rows}
    result = {}
    for change, seed in found:
        if change == _WHOLE:
            continue
        row, whole = found[change, seed], found[_WHOLE, seed]
        lists = result.setdefault(change, {"accuracy": [], "loss": [], "time": []})
        gain = row["validation_accuracy"] - whole["validation_accuracy"]
        lists["accuracy"].append(100 * gain)
        lists["loss"].append(row["validation_loss"] - whole["validation_loss"])
        lists["time"].append(row["seconds"] / whole["seconds"])
    return result


def verdict(rows):
    """Say what the recipe reaches, and what each change does to that."""
    whole = [row for row in rows if row["change"] == _WHOLE]
    accuracy = [100 * row["validation_accuracy"] for row in whole]
    loss = [row["validation_loss"] for row in whole]
    sentences = [
        f"The recipe reaches {_mean_and_deviation(accuracy, '.1f')} % and a loss of "
        f"{_mean_and_deviation(loss, '.3f')}, over {len(whole)} seeds."
    ]
    for change, lists in effects(rows).items():
        sentences.append(
            f"With {change}: {_mean_and_deviation(lists['accuracy'], '+.1f')} points, "
            f"loss {_mean_and_deviation(lists['loss'], '+.3f')}, "
            f"{np.mean(lists['time']):.2f} of the time."
        )
    return " ".join(sentences)


def _mean_and_deviation(values, form):
    deviation = np.std(values, ddof=1) if len(values) > 1 else float("nan")
    return f"{np.mean(values):{form}} ± {deviation:{form.lstrip('+')}}"


def figure(rows):
    """Draw the effect of each change on accuracy and on loss; a dot per seed."""
    found = effects(rows)
    order = sorted(found, key=lambda change: -np.mean(found[change]["loss"]))
    result = Figure(figsize=(9.6, 1.6 + 0.36 * len(order)), layout="constrained")
    left, right = result.subplots(1, 2, sharey=True)
    for axes, key, title, linear in (
        (left, "accuracy", "change of validation accuracy, points", 5),
        (right, "loss", "change of validation loss", 0.1),
    ):
        # Some effects are a hundred times others; linear up to `linear`.
        axes.set_xscale("symlog", linthresh=linear)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.axvline(0, color="#888888", linewidth=0.8)
        for place, change in enumerate(order):
            values = found[change][key]
            axes.plot(values, [place] * len(values), "o", color="#4c72b0", alpha=0.5)
            axes.plot(np.mean(values), place, "|", color="#222222", markersize=14)
        axes.set_yticks(range(len(order)), order)
        axes.set_xlabel(title)
        axes.spines[["top", "right"]].set_visible(False)
    left.invert_yaxis()  # and the right with it
    return result
