"""Degradation: a deeper plain network trains worse, a deeper residual one does not.

Source: arXiv 1512.03385, figure 1, figure 6 and table 6.
"""

from itertools import cycle

import keras
import numpy as np
from matplotlib.figure import Figure

from resnet_keras.experiments import small
from resnet_keras.report import Report, mean_and_margin

_COLOURS = ("#4c72b0", "#dd8452", "#55a868", "#8172b3", "#c44e52")


def run(out, depths=(20, 56), seeds=3, source="hands", quick=False):
    """Train plain and residual networks of several depths, and compare their errors.

    Args:
        out: directory for `degradation.csv`, `.png` and `.txt`.
        depths: two or more of 8, 14, 20, ..., ascending.
        seeds: how often each is trained, 1 to 10.
        source: as `load_dataset` takes it.
        quick: a few seconds' worth, to see that it works.

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
        # The short ones last, so that the time left is rather over- than underrated.
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
    chance = 1 - np.bincount(data.train_labels).max() / len(data.train_labels)
    words = verdict(rows, chance)
    report.finish(rows, figure(rows, chance), words)
    return rows, words


def final_errors(rows, network, depth, key="train_error"):
    """Return the error after the last epoch, one number per seed in order."""
    last = max(row["epoch"] for row in rows)
    chosen = [
        (row["seed"], row[key])
        for row in rows
        if (row["network"], row["depth"], row["epoch"]) == (network, depth, last)
    ]
    return [error for _, error in sorted(chosen)]


def verdict(rows, chance):
    """Say what depth did to the training error, and how sure that is.

    Args:
        rows: as `run` returns them.
        chance: the error of one who always names the commonest class.
    """
    depths = sorted({row["depth"] for row in rows})
    shallow, deep = depths[0], depths[-1]
    sentences, effects, changes = [], {}, {}
    for network in ("plain", "residual"):
        before = final_errors(rows, network, shallow)
        after = final_errors(rows, network, deep)
        differences = [b - a for a, b in zip(before, after, strict=True)]
        changes[network] = differences
        mean, margin = mean_and_margin(differences)
        effects[network] = mean if margin < abs(mean) else 0.0
        worse = sum(difference > 0 for difference in differences)
        on_test = [
            _mean(final_errors(rows, network, depth, "test_error"))
            for depth in (shallow, deep)
        ]
        sentences.append(
            f"{network.capitalize()}: from {shallow} to {deep} layers the training "
            f"error goes from {_mean(before):.1%} to {_mean(after):.1%} and the test "
            f"error from {on_test[0]:.1%} to {on_test[1]:.1%}; the "
            f"deeper one trains worse in {worse} of {len(differences)} seeds, by "
            f"{100 * mean:+.1f} points on average, {_interval(margin)}."
        )
    lost = [
        f"{network}-{depth}"
        for network in effects
        for depth in depths
        if _mean(final_errors(rows, network, depth)) > 0.9 * chance
    ]
    if lost:
        sentences.append(
            f"An answer that is always the same errs in {chance:.1%}: beyond "
            f"that {', '.join(lost)} hardly learnt."
        )
    apart = [p - r for p, r in zip(*changes.values(), strict=True)]
    mean, margin = mean_and_margin(apart)
    return " ".join([*sentences, _conclusion(effects, mean > margin)])


def _mean(values):
    return sum(values) / len(values)


def _interval(margin):
    if margin == float("inf"):
        return "which one seed cannot make sure of"
    return f"give or take {100 * margin:.1f} (95 % interval over the seeds)"


def _conclusion(effects, is_plain_worse):
    """Judge by the mean differences; 0 is one that chance explains.

    `is_plain_worse` says whether the plain network surely lost more than the residual.
    """
    plain, residual = effects["plain"], effects["residual"]
    if plain < 0:
        return "So depth made the plain network better in training: no degradation."
    if plain > 0 and residual > 0:
        return (
            f"So depth made both worse in training, the residual network by "
            f"{residual / plain:.0%} of what the plain one lost."
        )
    if plain > 0 and not is_plain_worse:
        return (
            "So depth made the plain network worse in training, but not more than the "
            "residual one by more than chance explains."
        )
    if plain > 0:
        than_chance = "" if residual else " by more than chance explains"
        return (
            "So depth made the plain network worse in training, which is not "
            "overfitting, but not the residual one"
            f"{than_chance}: degradation, as in the paper."
        )
    return (
        "So no degradation of the plain network can be told from chance here; more "
        "seeds, epochs or depth are needed to see it."
    )


def figure(rows, chance):
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
                mine = [
                    r for r in rows if (r["network"], r["depth"]) == (network, depth)
                ]
                epochs = sorted({row["epoch"] for row in mine})
                by_epoch = [
                    [100 * row[key] for row in mine if row["epoch"] == epoch]
                    for epoch in epochs
                ]
                middle = [_mean(values) for values in by_epoch]
                axes.plot(epochs, middle, style, color=colour, label=label, linewidth=2)
                if key == "train_error":
                    low, high = map(min, by_epoch), map(max, by_epoch)
                    axes.fill_between(
                        epochs, list(low), list(high), color=colour, alpha=0.15
                    )
        axes.axhline(100 * chance, color="#888888", linestyle="--", linewidth=1)
        axes.annotate(
            "always the same answer",
            (1, 100 * chance),
            xycoords=("axes fraction", "data"),
            xytext=(0, 6),
            textcoords="offset points",
            ha="right",
            color="#666666",
        )
        axes.set(title=f"{network} networks", xlabel="epoch", ylim=(0, 100))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("error in %")
    result.legend(
        *panels[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=2 * min(len(depths), 3),
        frameon=False,
        title="training error: while the network trains, its last point afterwards",
    )
    number = len({row["seed"] for row in rows})
    result.suptitle(
        "Does depth make training worse? "
        + (
            f"Mean of {number} seeds; shaded from lowest to highest"
            if number > 1
            else "One seed"
        )
    )
    return result
