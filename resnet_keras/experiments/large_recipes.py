"""The recipes for a million pictures, on drawn shapes: whether they behave.

Each is trained with and without the average of its weights. The weights in training are
the same, for nothing else depends on their average.
"""

import contextlib
import io
import sys
import tempfile
from dataclasses import replace

import keras
import numpy as np
from matplotlib.figure import Figure

from resnet_keras.accelerate.probe import default_precision
from resnet_keras.experiments import shapes
from resnet_keras.experiments.report import Report, column, legend_below
from resnet_keras.plots import tidy
from resnet_keras.training import RECIPES, RunConfig, train

_NAMES = ("imagenet-90", "imagenet-a3")
_COLOURS = {"averaged": "#4c72b0", "as trained": "#c44e52"}


def run(out, seeds=3, quick=False):
    """Train both recipes on 20 classes of drawn shapes, with and without averages.

    Args:
        out: directory for `large-recipes.csv`, `.png` and `.txt`.
        seeds: how often each is trained, 1 to 10.
        quick: whether to take seconds, to see that it works.

    Returns:
        `(rows, verdict)`: a row per recipe, seed, kind of weights and epoch, and words.
    """
    number, epochs, size = (100, 2, 32) if quick else (1000, 20, 64)
    model = "resnet-cifar-20" if quick else "resnet18"
    data = shapes.load(number, max(40, number // 2), size)
    report = Report(
        "large-recipes",
        out,
        f"{model}, {epochs} epochs on {number} drawn shapes of {size} pixels, batches "
        "of 32. Do the recipes for a million pictures learn, and does the average of "
        "the weights predict better than the last?",
        len(_NAMES) * len(_COLOURS) * seeds,
    )
    rows = []
    for seed in range(seeds):
        for name in _NAMES:
            for weights in _COLOURS:
                report.begin(f"{name}, {weights}, seed {seed}")
                config = RunConfig(
                    model=model,
                    recipe=_shortened(RECIPES[name], epochs, weights),
                    epochs=epochs,
                    seed=seed,
                    precision=default_precision(),
                )
                history, metrics = _trained(data, config, report)
                of_run = {"recipe": name, "weights": weights, "seed": seed}
                rows += [
                    of_run
                    | {"epoch": epoch, "loss": loss, "val_accuracy": accuracy}
                    | {"test_accuracy": metrics["test_accuracy"]}
                    for epoch, (loss, accuracy) in enumerate(history, 1)
                ]
                report.end(
                    f"loss {history[0][0]:.3f} to {history[-1][0]:.3f}, test accuracy "
                    f"{metrics['test_accuracy']:.3f}, {metrics['train_seconds']:.0f} s"
                )
                keras.backend.clear_session(free_memory=False)
    return report.finish(rows, figure(rows), verdict(rows))


def _shortened(recipe, epochs, weights):
    """Return a recipe for steps of 32 images, at its rates and with less to warm up."""
    return replace(
        recipe,
        batch_size=32,
        rate_batch=32,
        warmup=epochs * recipe.warmup / recipe.epochs,
        averaging=recipe.averaging if weights == "averaged" else 0.0,
    )


def _trained(data, config, report):
    """Return (training loss, validation accuracy) of each epoch, and the metrics."""
    history = []

    def note(epoch, logs):
        history.append((logs["loss"], logs["val_accuracy"]))
        with contextlib.redirect_stdout(stdout):
            report.dot()

    stdout = sys.stdout
    callback = keras.callbacks.LambdaCallback(on_epoch_end=note)
    silence = contextlib.redirect_stdout(io.StringIO())
    with tempfile.TemporaryDirectory() as directory, silence:
        metrics = train(data, directory, config, callbacks=[callback])
    return history, metrics


def verdict(rows):
    """Return in words how loss and accuracy went."""
    epochs, words = sorted({row["epoch"] for row in rows}), []
    first, last, late = epochs[0], epochs[-1], epochs[len(epochs) // 2 :]

    def mean(key, epochs, **where):
        return np.mean([column(rows, key, epoch=each, **where) for each in epochs])

    for name in dict.fromkeys(row["recipe"] for row in rows):
        falls = [mean("loss", [epoch], recipe=name) for epoch in (first, last)]
        test, validation = (
            [
                100 * mean(key, epochs, recipe=name, weights=weights)
                for weights in _COLOURS
            ]
            for key, epochs in (("test_accuracy", [last]), ("val_accuracy", late))
        )
        words.append(
            f"{name}: the training loss went from {falls[0]:.3f} to {falls[1]:.3f}; "
            f"test accuracy {test[0]:.1f} % with averaged weights, {test[1]:.1f} % "
            f"without; on the validation images, over the second half, "
            f"{validation[0]:.1f} % and {validation[1]:.1f} %."
        )
    return " ".join(words)


def figure(rows):
    """Draw the training loss and the validation accuracies of both recipes."""
    result = Figure(figsize=(9.6, 6.4), layout="constrained")
    panels = result.subplots(2, 2, sharex=True)
    epochs = sorted({row["epoch"] for row in rows})
    for (above, below), name in zip(panels.T, _NAMES, strict=True):
        for weights, colour in _COLOURS.items():
            kind = {"recipe": name, "weights": weights}
            style = {"color": colour, "linewidth": 2, "label": weights}
            by_epoch = np.array(
                [column(rows, "val_accuracy", epoch=epoch, **kind) for epoch in epochs]
            )
            below.plot(epochs, 100 * by_epoch.mean(1), **style)
            low, high = 100 * by_epoch.min(1), 100 * by_epoch.max(1)
            below.fill_between(epochs, low, high, color=colour, alpha=0.15)
        losses = [np.mean(column(rows, "loss", epoch=e, **kind)) for e in epochs]
        above.plot(epochs, losses, color="#555555", linewidth=2)
        above.set(title=name, ylim=(0, None))
        below.set(xlabel="epoch", ylim=(0, 100))
        tidy(above)
        tidy(below, counts=True)
    panels[0, 0].set_ylabel("training loss")
    panels[1, 0].set_ylabel("validation accuracy in %")
    legend_below(result, panels[1, 0], 2, "weights that predict")
    number = len({row["seed"] for row in rows})
    result.suptitle(
        "The recipes for a million pictures on drawn shapes: "
        + (f"mean, lowest and highest of {number} seeds" if number > 1 else "one seed")
    )
    return result
