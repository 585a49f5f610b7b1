"""Degradation: a deeper plain network trains worse, a deeper residual one does not.

Source: arXiv 1512.03385, figure 1, figure 6 and table 6.
"""

from dataclasses import dataclass
from itertools import cycle

import keras
import numpy as np
from matplotlib.figure import Figure

from resnet_keras.experiments import small
from resnet_keras.experiments.report import (
    Report,
    column,
    legend_below,
    mean_and_margin,
)
from resnet_keras.plots import tidy

_COLOURS = ("#4c72b0", "#dd8452", "#55a868", "#8172b3", "#c44e52")


def run(out, depths=(20, 56), seeds=3, source="hands", quick=False):
    """Train plain and residual networks of several depths, and compare their errors.

    Args:
        out: directory for `degradation.csv`, `.png` and `.txt`.
        depths: two or more of 8, 14, 20, ..., ascending.
        seeds: how often each is trained, 1 to 10.
        source: as `load_dataset` takes it.
        quick: whether to take seconds, to see that it works.

    Returns:
        `(rows, verdict)`: a row per network, seed and epoch, and words.
    """
    epochs = 2 if quick else 9
    data = small.load_usual(source, quick)
    nets = [(kind, depth) for kind in ("plain", "residual") for depth in depths]
    report = Report(
        "degradation",
        out,
        f"{len(nets)} networks, {seeds} seeds, {epochs} epochs each on {data.name} "
        "pixels. Does depth make training worse?",
        len(nets) * seeds,
    )
    rows = []
    for seed in range(seeds):
        # The deep ones first: so the time left is overestimated, not underestimated.
        for kind, depth in sorted(nets, key=lambda net: -net[1]):
            report.begin(f"{kind}-{depth}, seed {seed}")
            model = small.network(kind, depth, data, seed)
            history, seconds = small.train(model, data, epochs, seed, report.dot)
            rows += [
                {"network": kind, "depth": depth, "seed": seed, "epoch": epoch, **row}
                for epoch, row in enumerate(history, 1)
            ]
            last = history[-1]
            report.end(
                f"training error {last['train_error']:.1%}, test error "
                f"{last['test_error']:.1%}, {seconds:.0f} s"
            )
            keras.backend.clear_session(free_memory=False)
    majority_error = 1 - np.bincount(data.train_labels).max() / len(data.train_labels)
    words = verdict(findings(rows, majority_error))
    return report.finish(rows, figure(rows, majority_error), words)


def final_errors(rows, network, depth, key="train_error"):
    """Return the error after the last epoch, one number per seed in order."""
    last = max(row["epoch"] for row in rows)
    rows = sorted(rows, key=lambda row: row["seed"])
    return column(rows, key, network=network, depth=depth, epoch=last)


@dataclass(frozen=True)
class Effect:
    """What depth did to one kind of network; errors are fractions, means over seeds."""

    train_errors: tuple  # of the shallowest and of the deepest network
    test_errors: tuple
    differences: tuple  # of the training errors, deepest less shallowest, by seed

    @property
    def mean(self):
        """Mean difference."""
        return mean_and_margin(self.differences)[0]

    @property
    def margin(self):
        """Half the width of the 95 % interval of `mean`; infinite for one seed."""
        return mean_and_margin(self.differences)[1]

    @property
    def sign(self):
        """1 or -1 where the interval lies above or below zero, else 0."""
        return 0 if abs(self.mean) <= self.margin else 1 if self.mean > 0 else -1


def findings(rows, majority_error):
    """Return what the errors show.

    Args:
        rows: as `run` returns them.
        majority_error: the error of always predicting the most frequent class.

    Returns:
        Dictionary: `depths`, the shallowest and the deepest; `plain` and `residual`,
        an `Effect` each; `untrained`, networks whose training error stayed above nine
        tenths of `majority_error`, as ("plain", 56); `majority_error`; `conclusion`, a
        key of `CONCLUSIONS`.
    """
    depths = sorted({row["depth"] for row in rows})
    ends, effects = (depths[0], depths[-1]), {}
    for network in ("plain", "residual"):
        shallow, deep = (final_errors(rows, network, depth) for depth in ends)
        effects[network] = Effect(
            (_mean(shallow), _mean(deep)),
            tuple(
                _mean(final_errors(rows, network, depth, "test_error"))
                for depth in ends
            ),
            tuple(b - a for a, b in zip(shallow, deep, strict=True)),
        )
    untrained = [
        (network, depth)
        for network in effects
        for depth in depths
        if _mean(final_errors(rows, network, depth)) > 0.9 * majority_error
    ]
    return {
        "depths": ends,
        **effects,
        "untrained": untrained,
        "majority_error": majority_error,
        "conclusion": _conclusion(**effects),
    }


def _conclusion(plain, residual):
    if plain.sign < 0:
        return "improvement"
    if plain.sign == 0:
        return "unclear"
    if residual.sign > 0:
        return "both"
    pairs = zip(plain.differences, residual.differences, strict=True)
    mean, margin = mean_and_margin([p - r for p, r in pairs])
    if mean <= margin:
        return "alike"
    return "degradation"


CONCLUSIONS = {
    "improvement": "So depth made the plain network better in training: no "
    "degradation.",
    "unclear": "So no degradation of the plain network is significant here; it takes "
    "more seeds, epochs or depth to show it.",
    "both": "So depth made both networks worse in training, the residual one by "
    "{ratio:.0%} of the plain one's increase.",
    "alike": "So depth made the plain network worse in training, but not significantly "
    "more so than the residual one.",
    "degradation": "So depth made the plain network worse in training, which is not "
    "overfitting, {but_not} the residual one: degradation, as in the paper.",
}


def verdict(found):
    """Return in words what `findings` returned."""
    shallow, deep = found["depths"]
    sentences = []
    for network in ("plain", "residual"):
        effect = found[network]
        train, test = effect.train_errors, effect.test_errors
        num_worse = sum(difference > 0 for difference in effect.differences)
        sentences.append(
            f"{network.capitalize()}: from {shallow} to {deep} layers the training "
            f"error goes from {train[0]:.1%} to {train[1]:.1%} and the test error from "
            f"{test[0]:.1%} to {test[1]:.1%}; the deeper network trains worse in "
            f"{num_worse} of {len(effect.differences)} seeds, by "
            f"{100 * effect.mean:+.1f} points on average, {_interval(effect.margin)}."
        )
    if found["untrained"]:
        names = ", ".join(f"{kind}-{depth}" for kind, depth in found["untrained"])
        sentences.append(
            f"Always predicting the most frequent class has an error of "
            f"{found['majority_error']:.1%}: {names} hardly learned more."
        )
    but_not = "but not" if found["residual"].sign < 0 else "but not significantly"
    ratio = found["residual"].mean / (found["plain"].mean or 1)
    conclusion = CONCLUSIONS[found["conclusion"]]
    sentences.append(conclusion.format(ratio=ratio, but_not=but_not))
    return " ".join(sentences)


def _mean(values):
    return sum(values) / len(values)


def _interval(margin):
    if margin == float("inf"):
        return "without an interval, as there is one seed"
    return f"± {100 * margin:.1f} (95 % interval over the seeds)"


def figure(rows, majority_error):
    """Draw training and test error against the epoch, plain beside residual."""
    depths = sorted({row["depth"] for row in rows})
    result = Figure(figsize=(9.6, 4.6), layout="constrained")
    panels = result.subplots(1, 2, sharey=True)
    for axes, network in zip(panels, ("plain", "residual"), strict=True):
        for depth, colour in zip(depths, cycle(_COLOURS), strict=False):
            for key, style, label in (
                ("train_error", "-", f"{depth} layers, training"),
                ("test_error", ":", f"{depth} layers, test"),
            ):
                epochs = sorted({row["epoch"] for row in rows})
                where = {"network": network, "depth": depth}
                errors = 100 * np.array(
                    [column(rows, key, epoch=epoch, **where) for epoch in epochs]
                )
                mean = errors.mean(axis=1)
                axes.plot(epochs, mean, style, color=colour, label=label, linewidth=2)
                if key == "train_error":
                    low, high = errors.min(axis=1), errors.max(axis=1)
                    axes.fill_between(epochs, low, high, color=colour, alpha=0.15)
        axes.axhline(100 * majority_error, color="#888888", linestyle="--", linewidth=1)
        axes.annotate(
            "always the most frequent class",
            (1, 100 * majority_error),
            xycoords=("axes fraction", "data"),
            xytext=(0, 6),
            textcoords="offset points",
            ha="right",
            color="#666666",
        )
        axes.set(title=f"{network} networks", xlabel="epoch", ylim=(0, 100))
        tidy(axes)
    panels[0].set_ylabel("error in %")
    title = "training error: during each epoch; the last point, after training"
    legend_below(result, panels[0], 2 * min(len(depths), 3), title)
    number = len({row["seed"] for row in rows})
    result.suptitle(
        "Does depth make training worse? "
        + (
            f"Mean of {number} seeds; shaded from the lowest to the highest"
            if number > 1
            else "One seed"
        )
    )
    return result
