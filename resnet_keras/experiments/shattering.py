"""Shattering: how alike the gradients of neighbouring inputs are, by depth.

Vanishing is not why deep plain networks with normalization train badly (`gradients`).
Their gradients are there, but those of nearly equal inputs have little in common.

Source: Balduzzi et al. (2017), "The Shattered Gradients Problem", arXiv 1702.08591.
"""

import keras
import numpy as np
from matplotlib.figure import Figure

from resnet_keras.experiments import small
from resnet_keras.experiments.derivatives import cosines, input_gradients
from resnet_keras.experiments.report import (
    COLOURS,
    Report,
    column,
    interval,
    mean_and_margin,
)
from resnet_keras.plots import tidy

_DEPTHS = (8, 14, 20, 26, 32, 56, 110)
_DISTANCE = 0.01  # between neighbours, as a fraction of an image's norm


def run(out, seeds=3, quick=False):
    """Measure the correlation of neighbouring inputs' gradients before training.

    Args:
        out: directory for `shattering.csv`, `.png` and `.txt`.
        seeds: how often each network is initialized, 1 to 10.
        quick: shallow networks, to see that it works.

    Returns:
        `(rows, verdict)`: a row per network, depth and seed, and words.
    """
    depths = _DEPTHS[:3] if quick else _DEPTHS
    data = small.load_usual("hands", quick, num_train=60, num_test=6)
    nets = [(kind, depth) for depth in depths[::-1] for kind in COLOURS]
    report = Report(
        "shattering",
        out,
        f"the correlation of the gradients of inputs {_DISTANCE:.0%} apart, with "
        f"normalization, before training, over {seeds} seeds.",
        len(nets),
    )
    rows = []
    for kind, depth in nets:
        report.begin(f"{kind}-{depth}")
        model = small.network(kind, depth, data, 0)
        for seed in range(seeds):
            small.redraw(model, seed, keras.initializers.HeNormal)
            value = correlation(model, data, seed)
            row = {"network": kind, "depth": depth, "seed": seed, "correlation": value}
            rows.append(row)
            report.dot()
        keras.backend.clear_session(free_memory=False)
        measured = column(rows, "correlation", network=kind, depth=depth)
        report.end(f"correlation {np.mean(measured):.3f}")
    return report.finish(rows, figure(rows), verdict(findings(rows)))


def correlation(model, data, seed):
    """Return the mean cosine of the gradients at images and at their neighbours.

    The gradient is that of a logit by the pixels. Images and neighbours are one batch,
    whose statistics all are normalized by: so both gradients are of one function.
    """
    images = data.train_images[:30]
    rng = np.random.default_rng(seed)
    step = rng.normal(size=images.shape)
    norm = np.linalg.norm(images.reshape(len(images), -1), axis=1)
    length = np.linalg.norm(step.reshape(len(images), -1), axis=1)
    step *= (_DISTANCE * norm / length)[:, None, None, None]
    both = np.concatenate([images, images + step]).astype(np.float32)
    here, there = np.split(input_gradients(model, both, training=True), 2)
    return float(cosines(here, there).mean())


def findings(rows):
    """Return, for each kind, the correlations and the decay that fits them better.

    Args:
        rows: as `run` returns them.

    Returns:
        Dictionary: `depths`; for "plain" and "residual" a dictionary with `first` and
        `last`, (mean, margin) of the shallowest and the deepest networks; `fitted`, the
        depths whose correlation exceeds its margin, on which the rest is based;
        `halving`, the layers in which an exponential decay halves; `power`, the
        exponent of a power law; `r2`, (exponential, power law), of the logarithms.
    """
    depths = sorted({row["depth"] for row in rows})
    found = {"depths": depths}
    for kind in COLOURS:
        intervals = [
            mean_and_margin(column(rows, "correlation", network=kind, depth=depth))
            for depth in depths
        ]
        fitted = {
            depth: np.log(mean)
            for depth, (mean, margin) in zip(depths, intervals, strict=True)
            if mean > (margin if np.isfinite(margin) else 0)
        }
        logs = np.array(list(fitted.values()))
        exponential, power = (
            _line(x, logs) for x in (list(fitted), np.log(list(fitted)))
        )
        found[kind] = {
            "first": intervals[0],
            "last": intervals[-1],
            "fitted": list(fitted),
            "halving": np.log(0.5) / exponential[0] if exponential[0] < 0 else np.inf,
            "power": power[0],
            "r2": (exponential[1], power[1]),
        }
    return found


def _line(x, y):
    """Return slope and R² of the straight line through points; NaN through one."""
    if len(y) < 2:
        return np.nan, np.nan
    slope, offset = np.polyfit(x, y, 1)
    rest = y - slope * np.asarray(x) - offset
    spread = ((y - y.mean()) ** 2).sum()
    return float(slope), float(1 - (rest**2).sum() / spread) if spread else 1.0


def verdict(found):
    """Return in words what `findings` returned."""
    sentences = []
    depths = found["depths"]
    for kind in COLOURS:
        mine = found[kind]
        exponential, power = mine["r2"]
        fitted = f"{mine['fitted'][0]} to {mine['fitted'][-1]} layers"
        law = (
            f"exponential, halving every {mine['halving']:.0f} layers"
            if exponential > power
            else f"a power law, depth to the {mine['power']:.2f}"
        )
        sentences.append(
            f"{kind.capitalize()}: from {depths[0]} to {depths[-1]} layers the "
            f"correlation goes from {interval(mine['first'], '.3f')} to "
            f"{interval(mine['last'], '.3f')}; the decay is closer to {law} (R² "
            f"{exponential:.2f} exponential, {power:.2f} power law, {fitted})."
        )
    plain, residual = (found[kind]["last"] for kind in COLOURS)
    is_clear = residual[0] - plain[0] > residual[1] + plain[1]
    sentences.append(
        "So the deep plain network's gradients are shattered and the residual "
        "network's are not."
        if is_clear and plain[0] < 0.5 * residual[0]
        else "So the two do not differ clearly here."
    )
    sentences.append(
        "The paper derives a correlation of 2^-L for L plain layers, exponential, and "
        "a sublinear decay, 1/sqrt(L), for residual networks with normalization."
    )
    return " ".join(sentences)


def figure(rows):
    """Draw the correlation against the depth; a dot per seed."""
    result = Figure(figsize=(8.6, 4), layout="constrained")
    linear, logarithmic = result.subplots(1, 2)
    depths = sorted({row["depth"] for row in rows})
    for axes in (linear, logarithmic):
        for kind, colour in COLOURS.items():
            by_depth = [
                column(rows, "correlation", network=kind, depth=depth)
                for depth in depths
            ]
            means = np.mean(by_depth, axis=1)
            axes.plot(depths, means, color=colour, linewidth=2, label=kind)
            axes.plot(depths, by_depth, "o", color=colour, alpha=0.4)
        axes.set_xlabel("layers")
        tidy(axes)
    linear.set(ylabel="correlation of the gradients", ylim=(0, 1))
    logarithmic.set(yscale="log", ylim=(0.01, 1.3))
    logarithmic.set_title("the same, logarithmic: exponential is straight", fontsize=10)
    linear.legend(frameon=False)
    result.suptitle(
        f"Gradients of inputs {_DISTANCE:.0%} of their norm apart, before training"
    )
    return result
