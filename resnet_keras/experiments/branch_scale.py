"""Branch scale: how large F(X) is beside X, and what that has to do with training.

Normalization keeps the variance of every F near one, while that of X grows with every
addition: so the deeper the block, the smaller its part. Networks without normalization
lack this, but train where each F begins at zero.

Source: De and Smith (2020), "Batch Normalization Biases Residual Blocks Towards the
Identity Function in Deep Networks", arXiv 2002.10444.
"""

from functools import partial

import keras
import numpy as np
from matplotlib.figure import Figure

from resnet_keras.experiments import small
from resnet_keras.experiments.gradients import without_normalization
from resnet_keras.experiments.report import (
    Report,
    column,
    interval,
    legend_below,
    mean_and_margin,
)
from resnet_keras.nets.initialization import scale_branches
from resnet_keras.plots import tidy

# What is trained: (normalized?, scale of F at the beginning)
NETWORKS = {
    "normalized, F unscaled": (True, 1.0),
    "normalized, F at 0.2": (True, 0.2),
    "without normalization, F unscaled": (False, 1.0),
    "without normalization, F at 0 (SkipInit)": (False, 0.0),
}
_COLOURS = ("#4c72b0", "#55a868", "#c44e52", "#8172b3")
# Normalized or not: (layers, epochs, highest learning rate). Without normalization X
# grows with each block: of 20 layers at a rate of 0.03 some networks train.
_PLANS = {True: (20, 3, 0.03), False: (38, 4, 0.1)}


class BranchScale(keras.layers.Layer):
    """Multiplies by one number that is trained: SkipInit's."""

    def __init__(self, initial, **options):
        super().__init__(**options)
        self.initial = initial

    def build(self, shape):
        """Make the number."""
        constant = keras.initializers.Constant(self.initial)
        self.scale = self.add_weight(shape=(), initializer=constant, name="scale")

    def call(self, inputs):
        """Multiply by it."""
        return inputs * self.scale

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "initial": self.initial}


def run(out, seeds=3, quick=False):
    """Measure the variances of F and X, and train with and without normalization.

    Args:
        out: directory for `branch-scale.csv`, `.png` and `.txt`.
        seeds: how often each network is trained, 1 to 10.
        quick: a small network and one epoch, to see that it works.

    Returns:
        `(rows, verdict)`: a row per network, seed, moment ("before", "after") and block
        (`ratio`, the variance of F over that of X; after training `train_error`, and
        `diverged`, whether the loss ended as no number), and words.
    """
    data = small.load_usual("hands", quick)
    report = Report(
        "branch-scale",
        out,
        "the variance of F(X) over that of X, block by block, before and after "
        f"training, {seeds} seeds.",
        len(NETWORKS) * seeds,
    )
    rows = []
    for name, (is_normalized, _) in NETWORKS.items():
        depth, epochs, rate = _PLANS[is_normalized]
        depth, epochs = (14, 1) if quick else (depth, epochs)
        make = partial(network, name, depth, data)
        for seed, training in small.trainings(make, data, epochs, seeds, rate):
            report.begin(f"{name}, {depth} layers, seed {seed}")
            before = ratios(training.model, data)
            history, _ = training.run(seed, report.dot)
            after = ratios(training.model, data)
            error = training.train_error()
            for moment, values in (("before", before), ("after", after)):
                rows += [
                    {
                        "network": name,
                        "depth": depth,
                        "seed": seed,
                        "moment": moment,
                        "block": block,
                        "ratio": value,
                        "train_error": error,
                        "diverged": not np.isfinite(history[-1]["loss"]),
                    }
                    for block, value in enumerate(values, 1)
                ]
            report.end(f"training error {error:.1%}")
    return report.finish(rows, figure(rows), verdict(findings(rows)))


def network(name, depth, data, seed):
    """Return one of the networks that are trained, not trained yet."""
    is_normalized, scale = NETWORKS[name]
    he = keras.initializers.HeNormal
    model = small.network("residual", depth, data, seed, initialization=he)
    if is_normalized:
        scale_branches(model, scale)
        return model
    model = without_normalization(model)
    if scale == 1:
        return model

    def call(layer, *inputs, **settings):
        if isinstance(layer, keras.layers.Add):
            main, shortcut = inputs[0]
            main = BranchScale(scale, name=layer.name + "_scale")(main)
            inputs = ([main, shortcut],)
        return layer(*inputs, **settings)

    return keras.models.clone_model(model, call_function=call)


def ratios(model, data):
    """Return the variance of F(X) over that of the shortcut, for each block.

    With the statistics of the batch, as in training.
    """
    adds = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    tensors = [tensor for layer in adds for tensor in layer.input]
    inner = keras.Model(model.input, tensors)
    values = inner(data.train_images[:120], training=True)
    variances = [float(keras.ops.var(value)) for value in values]
    return [
        main / max(shortcut, 1e-30)
        for main, shortcut in zip(variances[::2], variances[1::2], strict=True)
    ]


def _of(rows, name, moment="after", block=1, key="ratio"):
    return column(rows, key, network=name, moment=moment, block=block)


def _depth_and_blocks(rows, name):
    depths, blocks = (column(rows, key, network=name) for key in ("depth", "block"))
    return depths[0], sorted(set(blocks))


def findings(rows):
    """Return how the ratio falls with depth, and which networks train.

    Args:
        rows: as `run` returns them.

    Returns:
        Dictionary from each network to `depth`; `first_stage`, before training the mean
        ratios of the first stage's blocks; `last`, the mean ratio of the last block,
        before and after; `error`, (mean, margin) over seeds of the training error;
        `num_diverged` of `num_seeds` trainings.
    """
    found = {}
    for name in NETWORKS:
        depth, blocks = _depth_and_blocks(rows, name)
        diverged = _of(rows, name, key="diverged")
        found[name] = {
            "depth": depth,
            "first_stage": [
                float(np.mean(_of(rows, name, "before", block)))
                for block in blocks[: len(blocks) // 3]
            ],
            "last": [
                float(np.mean(_of(rows, name, moment, blocks[-1])))
                for moment in ("before", "after")
            ],
            "error": mean_and_margin(_of(rows, name, key="train_error")),
            "num_diverged": sum(diverged),
            "num_seeds": len(diverged),
        }
    return found


def verdict(found):
    """Return in words what `findings` returned."""
    ratios = ", ".join(f"{r:.2f}" for r in next(iter(found.values()))["first_stage"])
    sentences = [
        f"With normalization and unscaled branches, before training, the variance of F "
        f"over that of X is {ratios} in the blocks of the first stage."
    ]
    for name, mine in found.items():
        before, after = mine["last"]
        later = f", {after:.2g} after" if np.isfinite(after) else ""
        sentences.append(
            f"{name}, {mine['depth']} layers: {before:.2g} in the last block before "
            f"training{later}; training error {interval(mine['error'], '.1f', 100)} % "
            f"(95 % interval); {mine['num_diverged']} of {mine['num_seeds']} trainings "
            "diverge."
        )
    plain, skip = list(found.values())[2:]
    margins = plain["error"][1] + skip["error"][1]
    is_lower = plain["error"][0] - skip["error"][0] > margins
    sentences.append(
        "So without normalization a branch that begins at 0 trains clearly better."
        if is_lower and not skip["num_diverged"]
        else "So a branch that begins at 0 makes no clear difference here."
    )
    sentences.append(
        "The paper: with normalization the ratio in block l is about 1/l, so that "
        "depth by itself scales branches down; SkipInit trains networks without "
        "normalization of up to 1,000 layers that otherwise diverge."
    )
    return " ".join(sentences)


def figure(rows):
    """Draw the ratio block by block, before and after, and the training errors."""
    result = Figure(figsize=(13, 4), layout="constrained")
    before, after, errors = result.subplots(1, 3)
    found = findings(rows)
    for place, (name, colour) in enumerate(zip(NETWORKS, _COLOURS, strict=True)):
        depth, blocks = _depth_and_blocks(rows, name)
        label = f"{name}, {depth} layers"
        for axes, moment in ((before, "before"), (after, "after")):
            means = [np.mean(_of(rows, name, moment, block)) for block in blocks]
            means = [mean if mean > 0 else np.nan for mean in means]
            axes.plot(blocks, means, "o-", color=colour, label=label)
        mean, margin = found[name]["error"]
        margin = 100 * margin if np.isfinite(margin) else None
        errors.barh(place, 100 * mean, xerr=margin, color=colour)
        if found[name]["num_diverged"]:
            errors.text(2, place, "diverges", va="center", color="white")
    before.plot(blocks, [1 / block for block in blocks], "k:", label="1 / block")
    for axes, moment in ((before, "before"), (after, "after")):
        axes.set(yscale="log", xlabel="block")
        tidy(axes, counts=True)
        title = f"variance of F(X) over that of X, {moment} training"
        axes.set_title(title, fontsize=10)
    errors.set_yticks(range(len(NETWORKS)), [""] * len(NETWORKS))
    errors.invert_yaxis()
    errors.set(xlabel="training error in %", xlim=(0, 100))
    tidy(errors)
    legend_below(result, before, ncols=3)
    return result
