"""Localization: one hand or none, the course's squared error beside a better loss.

Source: the course "Convolutional Neural Networks", week 3, object localization.
"""

import time

import keras
import numpy as np

from resnet_keras import hands, plots
from resnet_keras.accelerate.probe import default_precision
from resnet_keras.detection import (
    LocatedBatches,
    localization_loss,
    localized,
    localizer,
    squared_error,
)
from resnet_keras.detection.boxes import overlaps
from resnet_keras.detection.drawn import draw_pictures
from resnet_keras.experiments.report import Report, column, interval, mean_and_margin
from resnet_keras.nets.initialization import varied_initializer
from resnet_keras.training.fitting import fit
from resnet_keras.training.recipe import RECIPES
from resnet_keras.training.start import initial_network

_CLASS_NAMES = [str(sign) for sign in range(6)]
_RECIPE = RECIPES["detection"]
_LOSSES = {"squared error": squared_error, "better loss": localization_loss}
_SCORES = {"mean_iou": "mean IoU", "auc": "AUC of p_c", "accuracy": "class accuracy"}
_SHOWN = 4  # pictures of each loss


def run(out, seeds=3, quick=False):
    """Train a localizer with each of the two losses, on the same drawn pictures.

    Args:
        out: directory for `localization.csv`, `.png` and `.txt`.
        seeds: how often each is trained, 1 to 10.
        quick: whether to take seconds, to see that it works.

    Returns:
        `(rows, verdict)`: a row per loss and seed, and words.
    """
    size, num_train, num_test, epochs = (
        (64, 32, 24, 1) if quick else (64, 3000, 1000, 6)
    )
    train = draw_pictures(size, num_train, 0, "picture", most_hands=1)
    test = draw_pictures(size, num_test, hands.TEST_START, "picture", most_hands=1)
    precision = default_precision()  # by the processor, for all trainings
    report = Report(
        "localization",
        out,
        f"ResNet-18 on {num_train} drawn pictures of one hand or none, {size} pixels, "
        f"{epochs} epochs, {seeds} seeds, in {precision}, evaluated on {num_test} "
        f"others, {test.num_empty} of them without a hand.",
        len(_LOSSES) * seeds,
    )
    rows, shown = [], {}
    for seed in range(seeds):
        for name, loss in _LOSSES.items():
            report.begin(f"{name}, seed {seed}")
            start = time.process_time()
            model = _trained(train, loss, epochs, seed, precision)
            seconds = time.process_time() - start
            y = model.predict(test.images / np.float32(255), verbose=0)
            rows.append({"loss": name, "seed": seed, **scores(y, test)})
            rows[-1]["processor_seconds"] = round(seconds)
            shown.setdefault(name, y)
            words = [f"{label} {rows[-1][key]:.3f}" for key, label in _SCORES.items()]
            report.end(", ".join(words))
            keras.backend.clear_session(free_memory=False)
    return report.finish(rows, figure(test, shown), verdict(findings(rows)))


def _trained(pictures, loss, epochs, seed, precision):
    """Return a localizer trained with a loss."""
    shape, num_classes = pictures.images.shape[1:], len(_CLASS_NAMES)
    backbone = initial_network("resnet18", shape, num_classes, _RECIPE, seed)
    initializer = varied_initializer([seed, 1])
    model = localizer(backbone, num_classes, initializer=initializer)
    rows = np.arange(len(pictures))
    batches = LocatedBatches(pictures, rows, num_classes, _RECIPE, seed)
    fit(model, batches, _RECIPE, range(epochs), precision, loss)
    return model


def scores(y, pictures):
    """Return how good predictions are of pictures of one object or none.

    Args:
        y: (num_pictures, 5 + classes), as a localizer predicts it.
        pictures: `Pictures`.

    Returns:
        Dictionary: `mean_iou` of the boxes, and `accuracy` of the classes, where there
        is an object; `auc`, the probability that p_c is higher in a picture with an
        object than in one without.
    """
    has_object = np.array([len(labels) > 0 for labels in pictures.labels])
    found = localized(y[has_object], pictures.images.shape[1], threshold=0)
    boxes, labels = np.concatenate(pictures.boxes), np.concatenate(pictures.labels)
    ious = [
        overlaps(one.boxes, box[None])[0, 0]
        for one, box in zip(found, boxes, strict=True)
    ]
    there, empty = y[has_object, 0], y[~has_object, 0]
    higher = np.sign(there[:, None] - empty)  # 0 where they are equal
    named = y[has_object, 5:].argmax(axis=1) == labels
    return {
        "mean_iou": float(np.mean(ious)),
        "auc": float((higher.mean() + 1) / 2),
        "accuracy": float(named.mean()),
    }


def findings(rows):
    """Return mean and margin of each loss's scores, and of their differences.

    Args:
        rows: as `run` returns them.

    Returns:
        Dictionary: `num_seeds`; `scores`, from each loss to mean and margin of each
        score; `gains`, mean and margin of what the better loss adds to each.
    """
    return {
        "num_seeds": len({row["seed"] for row in rows}),
        "scores": {
            name: {
                key: mean_and_margin(column(rows, key, loss=name)) for key in _SCORES
            }
            for name in _LOSSES
        },
        "gains": {
            key: mean_and_margin(
                np.subtract(
                    column(rows, key, loss="better loss"),
                    column(rows, key, loss="squared error"),
                ).tolist()
            )
            for key in _SCORES
        },
    }


def verdict(found):
    """Return in words what `findings` returned."""
    sentences = []
    for name, values in found["scores"].items():
        words = [
            f"{label} {interval(values[key], '.3f')}" for key, label in _SCORES.items()
        ]
        sentences.append(f"{name.capitalize()}: {', '.join(words)}.")
    clear = [
        f"{interval(gain, '+.3f')} in {_SCORES[key]}"
        for key, gain in found["gains"].items()
        if abs(gain[0]) > gain[1]
    ]
    if found["num_seeds"] == 1:
        sentences.append("From one seed no difference is significant.")
    elif clear:
        sentences.append(
            f"Over {found['num_seeds']} seeds the better loss gives "
            f"{' and '.join(clear)} (95 % intervals)."
        )
    else:
        sentences.append(
            f"Over {found['num_seeds']} seeds the two do not differ significantly "
            "(95 % intervals)."
        )
    return " ".join(sentences)


def figure(pictures, predictions):
    """Draw the same pictures with the boxes of each loss, a row for each.

    Args:
        pictures: `Pictures`.
        predictions: dictionary from a loss's name to y, (num_pictures, 5 + classes).
    """
    rows = [i for i, labels in enumerate(pictures.labels) if len(labels)][:_SHOWN]
    images, boxes = pictures.images[rows], [pictures.boxes[row] for row in rows]
    labels = [pictures.labels[row] for row in rows]
    found = [
        one
        for y in predictions.values()
        for one in localized(y[rows], images.shape[1], threshold=0)
    ]
    true = [*zip(boxes, labels, strict=True)] * len(predictions)
    result = plots.detections(
        np.concatenate([images] * len(predictions)), true, found, _CLASS_NAMES
    )
    names = [name for name in predictions for _ in rows]
    for axes, name, one, (box, _) in zip(result.axes, names, found, true, strict=False):
        axes.set_title(f"{name}, IoU {overlaps(one.boxes, box)[0, 0]:.2f}", fontsize=9)
    result.suptitle(
        "Dashed: the true box; coloured: the predicted one, with p_c", fontsize=10
    )
    return result
