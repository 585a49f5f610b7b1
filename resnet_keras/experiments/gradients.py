"""Gradients: how much of the loss's gradient reaches the first layers.

Source: arXiv 1512.03385, section 4.1: with batch normalization plain networks have
healthy gradients, so vanishing is not what degrades them.
"""

import math

import keras
from matplotlib.figure import Figure

from resnet_keras.experiments import small
from resnet_keras.experiments.report import COLOURS, Report, column, legend_below
from resnet_keras.explain import gradients
from resnet_keras.plots import tidy

_DEPTHS = (20, 56, 110)


def run(out, seed=0, quick=False):
    """Measure gradient norms layer by layer while networks train.

    Args:
        out: directory for `gradients.csv`, `.png` and `.txt`.
        seed: of the weights and of the batches.
        quick: shallow networks and few steps, to see that it works.

    Returns:
        `(rows, verdict)`: a row per network, step and layer, and words.
    """
    depths = (8,) if quick else _DEPTHS
    steps = (0, 2) if quick else (0, 5, 20, 40)
    data = small.load_usual("hands", quick, num_train=600, num_test=6)
    nets = [
        (kind, depth, normalized)
        for depth in depths[::-1]  # so that the time left is overestimated
        for normalized in (False, True)
        for kind in COLOURS
    ]
    report = Report(
        "gradients",
        out,
        f"the norm of the loss gradient at each layer, before training and after up "
        f"to {steps[-1]} steps, with and without normalization.",
        len(nets),
    )
    rows = []
    for kind, depth, normalized in nets:
        with_or_not = "with" if normalized else "without"
        report.begin(f"{kind}-{depth} {with_or_not} normalization")
        measured = measure(kind, depth, normalized, data, steps, seed, report.dot)
        rows += measured
        mine = [row["by_output"] for row in measured if row["step"] == 0]
        report.end(f"before training: last {mine[-1]:.1e}, first {mine[0]:.1e}")
    return report.finish(rows, figure(rows), verdict(findings(rows)))


def measure(
    kind,
    depth,
    normalized,
    data,
    steps,
    seed,
    on_step=lambda: None,
    initialization=keras.initializers.GlorotUniform,
):
    """Return a row per step and layer for one network.

    Each has `network`, `depth`, `normalized`, `step`, `layer` (1 is the first) and the
    Euclidean norms `by_output` and `by_kernel`. SGD with momentum, the gradient of each
    kernel clipped to norm 1, without which networks without normalization diverge.
    """
    model = small.network(kind, depth, data, seed, initialization=initialization)
    if not normalized:
        model = without_normalization(model)
    names = [
        layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)
    ]
    norms = gradients.gradient_norms(model, names)
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9, clipnorm=1.0),
        "sparse_categorical_crossentropy",
        jit_compile=False,
    )
    rows, batch = [], 30
    fixed = data.train_images[:batch], data.train_labels[:batch]
    for step in range(steps[-1] + 1):
        if step in steps:
            on_step()
            for layer, (by_output, by_kernel) in enumerate(
                zip(*norms(*fixed), strict=True), 1
            ):
                rows.append(
                    {
                        "network": kind,
                        "depth": depth,
                        "normalized": normalized,
                        "step": step,
                        "layer": layer,
                        "by_output": float(by_output),
                        "by_kernel": float(by_kernel),
                    }
                )
        if step < steps[-1]:
            first = step * batch % (len(data.train_labels) - batch + 1)
            here = slice(first, first + batch)
            model.train_on_batch(data.train_images[here], data.train_labels[here])
    return rows


def without_normalization(model):
    """Return the same network with its batch normalizations left out."""

    def call(layer, *inputs, **settings):
        if isinstance(layer, keras.layers.BatchNormalization):
            return inputs[0]
        return layer(*inputs, **settings)

    return keras.models.clone_model(model, call_function=call)


def gradient_ratio(rows, network, depth, normalized, step):
    """Return the gradient's norm at the first layer over that at the last."""
    where = {"network": network, "depth": depth, "normalized": normalized, "step": step}
    chosen = column(rows, "by_output", **where)
    return chosen[0] / chosen[-1] if chosen[-1] else float("nan")


def findings(rows):
    """Return how much of the gradient reaches the first layer of the deepest networks.

    Args:
        rows: as `run` returns them.

    Returns:
        Dictionary: `depth`; `step`, the last; `ratios`, from (network, normalized) to
        the `gradient_ratio` before training and after that step.
    """
    depth, last = (max(row[key] for row in rows) for key in ("depth", "step"))
    ratios = {
        (network, normalized): [
            gradient_ratio(rows, network, depth, normalized, step) for step in (0, last)
        ]
        for normalized in (False, True)
        for network in COLOURS
    }
    return {"depth": depth, "step": last, "ratios": ratios}


def verdict(found):
    """Return in words what `findings` returned."""
    ratios, after = found["ratios"], f"after {found['step']} steps"
    sentences = []
    for normalized in (False, True):
        parts = [
            f"{network} {ratios[network, normalized][0]:.1e} before training and "
            f"{ratios[network, normalized][1]:.1e} {after}"
            for network in COLOURS
        ]
        sentences.append(
            f"{'With' if normalized else 'Without'} normalization, {found['depth']} "
            "layers, norm of the gradient at the first layer over that at the last: "
            f"{'; '.join(parts)}."
        )
    plain, residual = (behaviour(ratios[kind, False][0]) for kind in COLOURS)
    before, later = map(behaviour, ratios["plain", True])
    hinders = (
        "vanishing gradients hinder it here, unlike in the paper."
        if "vanishes" in (before, later)
        else "vanishing gradients are not what hinders it, as the paper notes."
        if "is not finite" not in (before, later)
        else "whether vanishing gradients hinder it is not known."
    )
    return (
        " ".join(sentences) + " So before training, without normalization, the plain "
        f"network's gradient {plain} and the residual network's {residual}. With "
        f"normalization the plain network's {before} before training and {later} "
        f"{after}: {hinders} All of one seed."
    )


def behaviour(ratio):
    """Return in words what becomes of a gradient with such a `gradient_ratio`.

    >>> behaviour(1e-9), behaviour(0.5)
    ('vanishes', 'stays within a factor of 1,000')
    """
    if not math.isfinite(ratio):
        return "is not finite"
    if ratio < 1e-3:
        return "vanishes"
    return "explodes" if ratio > 1e3 else "stays within a factor of 1,000"


def figure(rows):
    """Draw the norms from the last layer to the first, before and after training."""
    depths = sorted({row["depth"] for row in rows})
    steps = sorted({row["step"] for row in rows})
    result = Figure(figsize=(3.4 * len(depths) + 1, 6.8), layout="constrained")
    result.suptitle("How much of the loss's gradient reaches the first layers")
    panels = result.subplots(2, len(depths), sharey="row", squeeze=False)
    for line, normalized in zip(panels, (False, True), strict=True):
        with_or_not = "with" if normalized else "without"
        for axes, depth in zip(line, depths, strict=True):
            for index, step in enumerate(steps):
                for network in COLOURS:
                    mine = [
                        (row["layer"], row["by_output"])
                        for row in rows
                        if (row["network"], row["depth"]) == (network, depth)
                        and (row["normalized"], row["step"]) == (normalized, step)
                        and row["by_output"] > 0
                    ]
                    if not mine:
                        continue
                    layers, norms = zip(*mine, strict=True)
                    axes.plot(
                        layers,
                        norms,
                        color=COLOURS[network],
                        alpha=1 - 0.75 * index / max(1, len(steps) - 1),
                        linewidth=2 if index == 0 else 1.2,
                        label=f"{network}, step {step}",
                    )
            axes.set_yscale("log")
            axes.set_xlim(depth - 1, 1)
            tidy(axes, counts=True)
            axes.set_title(f"{depth} layers, {with_or_not} normalization", fontsize=10)
        line[0].set_ylabel("norm of the loss gradient\nby the layer's output")
    for axes in panels[-1]:
        axes.set_xlabel("layer, from the last to the first")
    legend_below(result, panels[-1][-1], len(steps))
    return result
