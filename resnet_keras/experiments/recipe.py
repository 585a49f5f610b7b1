"""The recipe: what each of its ingredients brings on a small set of photographs.

The network is trained with the recipe, and with the recipe but for one ingredient, and
asked about a fifth of the training images that was set aside: as they are, as they
might look elsewhere, and in a mirror, as the other hand. The test images are not looked
at.
"""

import time
from dataclasses import replace

import keras
import numpy as np
from matplotlib.figure import Figure

from resnet_keras import elsewhere, initialization
from resnet_keras.datasets import load_dataset, stratified_split
from resnet_keras.errors import InputError
from resnet_keras.files import PREPROCESSING
from resnet_keras.inference import Classifier, scores
from resnet_keras.recipe import Batches, Recipe, fit
from resnet_keras.report import Report

_WHOLE = "the recipe as it is"
_FLIPPED = "answers averaged over both mirror images"
_MOVES = ("shift", "scale", "rotation")
_LIGHT = ("brightness", "colour")
CHANGES = {
    _WHOLE: {},
    "statistics with Keras' momentum, 0.99": {"statistics_momentum": 0.99},
    "no augmentation": dict.fromkeys(("flip", *_MOVES, *_LIGHT), 0.0),
    "no flips": {"flip": 0.0},
    "no shift, scale or rotation": dict.fromkeys(_MOVES, 0.0),
    "no change of light or colour": dict.fromkeys(_LIGHT, 0.0),
    "a constant rate": {"anneals": False},
    "seed 0 in every layer": {"varies_start": False},
    "blocks that begin as the identity": {"branch_scale": 0.0},
    "blocks that begin unscaled": {"branch_scale": 1.0},
    "no label smoothing": {"label_smoothing": 0.0},
    "32 images a step": {"batch_size": 32},
    "Adam for all weights": {"optimizer": "adam"},
    "Adam for all weights, 32 images a step": {"optimizer": "adam", "batch_size": 32},
}

# effect: column, factor
_EFFECTS = {
    "accuracy": ("validation_accuracy", 100),
    "elsewhere": ("elsewhere_accuracy", 100),
    "mirrored": ("mirrored_accuracy", 100),
    "loss": ("validation_loss", 1),
}


def run(source, out, epochs=6, seeds=3, only=(), quick=False):
    """Train with and without each ingredient.

    Args:
        source: photographs, as `load_dataset` reads them.
        out: directory for `recipe.csv`, `.png` and `.txt`.
        epochs: of each training.
        seeds: how often, each time with another fifth set aside.
        only: names of changes, of which a part will do; others are left out.
        quick: a few seconds' worth, to see that it works.

    Returns:
        `(rows, verdict)`: a row per change and seed, and words.

    Raises:
        InputError: the source cannot be used, or `only` names no change.
    """
    name, size = ("resnet-cifar-20", 32) if quick else ("resnet50", 64)
    changes = _chosen(only) or dict(list(CHANGES.items())[: 3 if quick else None])
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
            begin = time.perf_counter()
            classifier, held_out = _train(name, dataset.train, recipe, epochs, seed)
            seconds = time.perf_counter() - begin
            images = dataset.train.images[held_out]
            labels = dataset.train.labels[held_out]
            usual = _answers(classifier, images)
            answers = {change: (usual, classifier.probabilities(images[:, :, ::-1]))}
            if change == _WHOLE:
                both = (usual + _answers(classifier, images, flip=True)) / 2
                answers[_FLIPPED] = (both, both[0])
            for what, (probabilities, mirrored) in answers.items():
                found = [scores(each, labels) for each in probabilities]
                rows.append(
                    {
                        "change": what,
                        "seed": seed,
                        "validation_accuracy": found[0]["accuracy"],
                        "validation_loss": found[0]["loss"],
                        "elsewhere_accuracy": np.mean([x["accuracy"] for x in found]),
                        "mirrored_accuracy": scores(mirrored, labels)["accuracy"],
                        "seconds": seconds,
                    }
                )
            found = rows[-len(answers)]  # of the change, before that of its mirror
            report.end(f"accuracy {found['validation_accuracy']:.1%}")
            keras.backend.clear_session()
    words = verdict(rows)
    report.finish(rows, figure(rows), words)
    return rows, words


def _chosen(only):
    chosen = {}
    for part in only:
        found = {part: CHANGES[part]} if part in CHANGES else {}
        found = found or {key: value for key, value in CHANGES.items() if part in key}
        if not found:
            raise InputError(
                f"--only {part}: no such change; there are: {', '.join(CHANGES)}."
            )
        chosen |= found
    return chosen and {_WHOLE: {}} | chosen


def _answers(classifier, images, flip=False):
    """Return probabilities for the images as they are, and under each change."""
    step = -1 if flip else 1
    changed = (elsewhere.stress(name, images) for name in elsewhere.STRESS)
    return np.stack([classifier.probabilities(each[:, :, ::step]) for each in changed])


def _train(name, split, recipe, epochs, seed):
    """Return a trained classifier, and the rows that were set aside."""
    train_rows, held_out = stratified_split(split.labels, 0.2, seed)
    num_classes = int(split.labels.max()) + 1
    model = initialization.network(
        name,
        split.images.shape[1:],
        num_classes,
        recipe,
        seed,
    )
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
        Dictionary from the change to lists, one number per seed: `accuracy`,
        `elsewhere` and `mirrored` in points, `loss`, and `time`, as a share of the
        recipe's.
    """
    found = {(row["change"], row["seed"]): row for row in rows}
    result = {}
    for change, seed in found:
        if change == _WHOLE:
            continue
        row, whole = found[change, seed], found[_WHOLE, seed]
        lists = result.setdefault(change, {name: [] for name in (*_EFFECTS, "time")})
        for name, (key, factor) in _EFFECTS.items():
            lists[name].append(factor * (row[key] - whole[key]))
        lists["time"].append(row["seconds"] / whole["seconds"])
    return result


def verdict(rows):
    """Say what the recipe reaches, and what each change does to that."""
    whole = [row for row in rows if row["change"] == _WHOLE]
    accuracy = [100 * row["validation_accuracy"] for row in whole]
    other = [100 * row["elsewhere_accuracy"] for row in whole]
    mirrored = [100 * row["mirrored_accuracy"] for row in whole]
    loss = [row["validation_loss"] for row in whole]
    sentences = [
        f"The recipe reaches {_mean_and_deviation(accuracy, '.1f')} %, "
        f"{_mean_and_deviation(other, '.1f')} % elsewhere, "
        f"{_mean_and_deviation(mirrored, '.1f')} % in a mirror and a loss of "
        f"{_mean_and_deviation(loss, '.3f')}, over {len(whole)} "
        f"{'seeds' if len(whole) > 1 else 'seed'}."
    ]
    for change, lists in effects(rows).items():
        sentences.append(
            f"With {change}: {_mean_and_deviation(lists['accuracy'], '+.1f')} points, "
            f"{_mean_and_deviation(lists['elsewhere'], '+.1f')} elsewhere, "
            f"{_mean_and_deviation(lists['mirrored'], '+.1f')} in a mirror, loss "
            f"{_mean_and_deviation(lists['loss'], '+.3f')}, "
            f"{np.mean(lists['time']):.2f} of the time."
        )
    return " ".join(sentences)


def _mean_and_deviation(values, form):
    if len(values) == 1:
        return f"{values[0]:{form}}"
    return f"{np.mean(values):{form}} ± {np.std(values, ddof=1):{form.lstrip('+')}}"


def figure(rows):
    """Draw the effect of each change on accuracies and loss; a dot per seed."""
    found = effects(rows)
    order = sorted(found, key=lambda change: -np.mean(found[change]["loss"]))
    result = Figure(figsize=(13, 1.6 + 0.36 * len(order)), layout="constrained")
    panels = result.subplots(1, len(_EFFECTS), sharey=True)
    for axes, key, title, linear in zip(
        panels,
        _EFFECTS,
        ("accuracy, points", "elsewhere, points", "in a mirror, points", "loss"),
        (5, 5, 5, 0.1),
        strict=True,
    ):
        if np.abs([found[change][key] for change in order]).max() > 4 * linear:
            # Some effects are a hundred times others; linear up to `linear`.
            axes.set_xscale("symlog", linthresh=linear)
            axes.xaxis.set_major_formatter("{x:g}")
        else:
            axes.locator_params(axis="x", nbins=5)
        axes.margins(0.1, 0.5 / len(order))
        axes.axvline(0, color="#888888", linewidth=0.8)
        for place, change in enumerate(order):
            values = found[change][key]
            axes.plot(values, [place] * len(values), "o", color="#4c72b0", alpha=0.5)
            axes.plot(np.mean(values), place, "|", color="#222222", markersize=14)
        axes.set_yticks(range(len(order)), order)
        axes.set_xlabel(title)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()  # and the others with it
    result.suptitle("What each change adds to the recipe's scores in validation")
    return result
