"""The recipe: what each of its ingredients adds on a small set of photographs.

The network is trained with the recipe, and with the recipe but for one ingredient, and
evaluated on a held-out fifth of the training images: as they are, corrupted, and
mirrored, as the other hand. The test images are not used.
"""

import time
from dataclasses import replace

import keras
import numpy as np
from matplotlib.figure import Figure

from resnet_keras.accelerate.probe import default_precision
from resnet_keras.data import load_dataset, stratified_split
from resnet_keras.errors import InputError
from resnet_keras.experiments.report import Report
from resnet_keras.files import PREPROCESSING
from resnet_keras.inference import Classifier, scores
from resnet_keras.plots import tidy
from resnet_keras.training.augmentation import Batches
from resnet_keras.training.corruptions import CORRUPTIONS, corrupted
from resnet_keras.training.fitting import fit
from resnet_keras.training.recipe import Recipe
from resnet_keras.training.start import initial_network

_WHOLE = "the recipe as it is"
_FLIPPED = "predictions averaged over both mirror images"
_MOVES = ("shift", "scale", "rotation")
_LIGHT = ("brightness", "colour")
CHANGES = {
    _WHOLE: {},
    "Keras' momentum of statistics, 0.99": {"statistics_momentum": 0.99},
    "no augmentation": dict.fromkeys(("flip", *_MOVES, *_LIGHT), 0.0),
    "no flips": {"flip": 0.0},
    "no shift, scale or rotation": dict.fromkeys(_MOVES, 0.0),
    "no change of light or colour": dict.fromkeys(_LIGHT, 0.0),
    "constant learning rate": {"cosine_decay": False},
    "seed 0 in every layer": {"per_layer_seeds": False},
    "residual branch scale 0": {"residual_branch_scale": 0.0},
    "residual branch scale 1": {"residual_branch_scale": 1.0},
    "no label smoothing": {"label_smoothing": 0.0},
    "batch size 32": {"batch_size": 32},
    "Adam for all weights": {"optimizer": "adam"},
    "Adam for all weights, batch size 32": {"optimizer": "adam", "batch_size": 32},
}

# effect: column, factor
_EFFECTS = {
    "accuracy": ("validation_accuracy", 100),
    "corrupted": ("corrupted_accuracy", 100),
    "mirrored": ("mirrored_accuracy", 100),
    "loss": ("validation_loss", 1),
}


def run(source, out, epochs=6, seeds=3, only=(), quick=False):
    """Train with and without each ingredient.

    Args:
        source: photographs, as `load_dataset` reads them.
        out: directory for `recipe.csv`, `.png` and `.txt`.
        epochs: of each training.
        seeds: how often, each time with another fifth held out.
        only: names of changes, of which a part will do; others are left out.
        quick: whether to take seconds, to see that it works.

    Returns:
        `(rows, verdict)`: a row per change and seed, and words.

    Raises:
        InputError: the source cannot be used, or `only` names no change.
    """
    name, size = ("resnet-cifar-20", 32) if quick else ("resnet50", 64)
    changes = chosen(only) or dict(list(CHANGES.items())[: 3 if quick else None])
    dataset = load_dataset(source, size)
    precision = default_precision()
    report = Report(
        "recipe",
        out,
        f"{name} on four fifths of the {len(dataset.train)} training images of "
        f"{dataset.name}, {epochs} epochs, {seeds} seeds, in {precision}, evaluated on "
        "the other fifth.",
        len(changes) * seeds,
    )
    rows = []
    for seed in range(seeds):
        for change, settings in changes.items():
            report.begin(f"{change}, seed {seed}")
            recipe = replace(Recipe(), **settings)
            begin = time.perf_counter()
            classifier, held_out = _train(
                name, dataset.train, recipe, epochs, seed, precision
            )
            seconds = time.perf_counter() - begin
            images = dataset.train.images[held_out]
            labels = dataset.train.labels[held_out]
            usual = _predictions(classifier, images)
            predictions = {
                change: (usual, classifier.probabilities(images[:, :, ::-1]))
            }
            if change == _WHOLE:
                both = (usual + _predictions(classifier, images, flip=True)) / 2
                predictions[_FLIPPED] = (both, both[0])
            for what, (probabilities, mirrored) in predictions.items():
                results = [scores(each, labels) for each in probabilities]
                rows.append(
                    {
                        "change": what,
                        "seed": seed,
                        "validation_accuracy": results[0]["accuracy"],
                        "validation_loss": results[0]["loss"],
                        "corrupted_accuracy": np.mean([x["accuracy"] for x in results]),
                        "mirrored_accuracy": scores(mirrored, labels)["accuracy"],
                        "seconds": seconds,
                    }
                )
            row = rows[-len(predictions)]  # of the change, before that of its mirror
            report.end(f"accuracy {row['validation_accuracy']:.1%}")
            keras.backend.clear_session()
    return report.finish(rows, figure(rows), verdict(findings(rows)))


def chosen(only):
    """Return the changes whose names have a part in `only`, the recipe itself first."""
    changes = {}
    for part in only:
        found = {part: CHANGES[part]} if part in CHANGES else {}
        found = found or {key: value for key, value in CHANGES.items() if part in key}
        if not found:
            raise InputError(
                f"--only {part}: no such change; there are: {', '.join(CHANGES)}."
            )
        changes |= found
    return changes and {_WHOLE: {}} | changes


def _predictions(classifier, images, flip=False):
    """Return probabilities for the images as they are, and under each change."""
    step = -1 if flip else 1
    changed = (corrupted(name, images) for name in CORRUPTIONS)
    return np.stack([classifier.probabilities(each[:, :, ::step]) for each in changed])


def _train(name, split, recipe, epochs, seed, precision):
    """Return a trained classifier, and the rows that were held out."""
    train_rows, held_out = stratified_split(split.labels, 0.2, seed)
    num_classes = int(split.labels.max()) + 1
    shape = split.images.shape[1:]
    model = initial_network(name, shape, num_classes, recipe, seed)
    one_hot = np.eye(num_classes, dtype=np.float32)[split.labels]
    batches = Batches(
        split.images, one_hot, train_rows, recipe.batch_size, recipe, seed
    )
    fit(model, batches, recipe, range(epochs), precision)
    return Classifier(model, {"preprocessing": PREPROCESSING}), held_out


def findings(rows):
    """Return the recipe's scores, and what each change adds to them, seed by seed.

    Args:
        rows: as `run` returns them.

    Returns:
        Dictionary from the change, the recipe itself first, to lists of one number per
        seed: `accuracy`, `corrupted` and `mirrored` in percent or points, `loss`, and
        `time` as a fraction of the recipe's.
    """
    by_run = {(row["change"], row["seed"]): row for row in rows}
    result = {_WHOLE: {name: [] for name in (*_EFFECTS, "time")}}
    for (change, seed), row in by_run.items():
        whole = by_run[_WHOLE, seed]
        lists = result.setdefault(change, {name: [] for name in (*_EFFECTS, "time")})
        for name, (key, factor) in _EFFECTS.items():
            start = 0 if change == _WHOLE else whole[key]
            lists[name].append(factor * (row[key] - start))
        lists["time"].append(row["seconds"] / whole["seconds"])
    return result


def verdict(found):
    """Return in words what `findings` returned."""
    sentences = []
    for change, lists in found.items():
        sign = "" if change == _WHOLE else "+"
        accuracy, corrupted, mirrored, loss = (
            _mean_and_deviation(lists[name], f"{sign}.{3 if name == 'loss' else 1}f")
            for name in _EFFECTS
        )
        num_seeds = len(lists["loss"])
        sentences.append(
            f"The recipe reaches {accuracy} %, {corrupted} % on corrupted and "
            f"{mirrored} % on mirrored images, and a loss of {loss} (seeds: "
            f"{num_seeds})."
            if change == _WHOLE
            else f"With {change}: {accuracy} points, {corrupted} corrupted, {mirrored} "
            f"mirrored, loss {loss}, {np.mean(lists['time']):.2f} of the time."
        )
    return " ".join(sentences)


def _mean_and_deviation(values, form):
    if len(values) == 1:
        return f"{values[0]:{form}}"
    return f"{np.mean(values):{form}} ± {np.std(values, ddof=1):{form.lstrip('+')}}"


def figure(rows):
    """Draw the effect of each change on accuracies and loss; a dot per seed."""
    found = findings(rows)
    del found[_WHOLE]
    order = sorted(found, key=lambda change: -np.mean(found[change]["loss"]))
    result = Figure(figsize=(13, 2 + 0.36 * len(order)), layout="constrained")
    panels = result.subplots(1, len(_EFFECTS), sharey=True)
    for axes, key, title, linear in zip(
        panels,
        _EFFECTS,
        ("accuracy, points", "corrupted, points", "mirrored, points", "loss"),
        (5, 5, 5, 0.1),
        strict=True,
    ):
        if np.abs([found[change][key] for change in order]).max() > 4 * linear:
            # Some effects are a hundred times others; linear up to `linear`.
            axes.set_xscale("symlog", linthresh=linear)
            axes.set_xticks([linear * tick for tick in (-20, -6, -1, 0, 1, 6, 20)])
            axes.xaxis.set_major_formatter("{x:g}")
            axes.minorticks_off()
            values = [linear, -linear, *np.ravel([found[c][key] for c in order])]
            axes.set_xlim(1.6 * min(values), 1.6 * max(values))
        else:
            axes.locator_params(axis="x", nbins=5)
        axes.margins(0.1, 0.5 / len(order))
        axes.grid(axis="y", alpha=0.3)
        axes.axvline(0, color="#888888", linewidth=0.8)
        for position, change in enumerate(order):
            values = found[change][key]
            axes.plot(values, [position] * len(values), "o", color="#4c72b0", alpha=0.5)
            axes.plot(np.mean(values), position, "|", color="#222222", markersize=14)
        axes.set_yticks(range(len(order)), order)
        axes.set_xlabel(title)
        tidy(axes, grid=False)
    panels[0].invert_yaxis()  # and the others with it
    result.suptitle(
        "What each change adds to the recipe's validation scores: seeds, and their mean"
    )
    return result
