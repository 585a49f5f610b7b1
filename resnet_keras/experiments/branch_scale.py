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
from resnet_keras.experiments.report import Report, mean_and_margin
from resnet_keras.nets.initialization import scale_branches

# What is trained: (normalized?, scale of F at the beginning)
_NETWORKS = {
    "normalized, F unscaled": (True, 1.0),
    "normalized, F at 0.2": (True, 0.2),
    "without normalization, F unscaled": (False, 1.0),
    "without normalization, F at 0 (SkipInit)": (False, 0.0),
}
_COLOURS = ("#4c72b0", "#55a868", "#c44e52", "#8172b3")


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
        """Return what makes another like this."""
        return {**super().get_config(), "initial": self.initial}


def run(out, seeds=3, quick=False):
    """Measure the variances of F and X, and train with and without normalization.

    Args:
        out: directory for `branch_scale.csv`, `.png` and `.txt`.
        seeds: how often each network is trained, 1 to 10.
        quick: a small network and one epoch, to see that it works.

    Returns:
        `(rows, verdict)`: a row per network, seed, moment ("before", "after") and block
        (`ratio`, the variance of F over that of X; `train_error` after training), and
        words.
    """
    depth, epochs = (14, 1) if quick else (20, 3)
    data = small.load_usual("hands", quick)
    report = Report(
        "branch_scale",
        out,
        f"the variance of F(X) over that of X, block by block, in networks of {depth} "
        f"layers before and after {epochs} epochs, {seeds} seeds.",
        len(_NETWORKS) * seeds,
    )
    rows = []
    for name in _NETWORKS:
        make = partial(network, name, depth, data)
        for seed, training in small.trainings(make, data, epochs, seeds):
            report.begin(f"{name}, seed {seed}")
            before = ratios(training.model, data)
            training.run(seed, report.dot)
            after = ratios(training.model, data)
            error = training.train_error()
            for moment, values in (("before", before), ("after", after)):
                rows += [
                    {
                        "network": name,
                        "seed": seed,
                        "moment": moment,
                        "block": block,
                        "ratio": value,
                        "train_error": error,
                    }
                    for block, value in enumerate(values, 1)
                ]
            report.end(f"training error {error:.1%}")
    words = verdict(findings(rows))
    report.finish(rows, figure(rows), words)
    return rows, words


def network(name, depth, data, seed):
    """Return one of the networks that are trained, not trained yet."""
    is_normalized, scale = _NETWORKS[name]
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


def ratios(model, data, num_images=120):
    """Return the variance of F(X) over that of the shortcut, for each block.

    With the statistics of the batch, as in training.
    """
    adds = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    tensors = [tensor for layer in adds for tensor in layer.input]
    inner = keras.Model(model.input, tensors)
    values = inner(data.train_images[:num_images], training=True)
    variances = [float(keras.ops.var(value)) for value in values]
    return [
        main / max(shortcut, 1e-30)
        for main, shortcut in zip(variances[::2], variances[1::2], strict=True)
    ]


def _of(rows, name, moment, block):
    return [
        row["ratio"]
        for row in rows
        if (row["network"], row["moment"], row["block"]) == (name, moment, block)
    ]


def findings(rows):
    """Return how the ratio falls with depth, and which networks train.

    Args:
        rows: as `run` returns them.

    Returns:
        Dictionary: `first_stage`, for "normalized, F unscaled" before training the mean
        ratios of the first stage's blocks; `last`, from network to the mean ratio of
        the last block, before and after; `errors`, from network to (mean, margin) of
        the training error.
    """
    blocks = sorted({row["block"] for row in rows})
    per_stage = len(blocks) // 3
    unscaled = next(iter(_NETWORKS))
    return {
        "first_stage": [
            float(np.mean(_of(rows, unscaled, "before", block)))
            for block in blocks[:per_stage]
        ],
        "last": {
            name: [
                float(np.mean(_of(rows, name, moment, blocks[-1])))
                for moment in ("before", "after")
            ]
            for name in _NETWORKS
        },
        "errors": {
            name: mean_and_margin(
                [
                    row["train_error"]
                    for row in rows
                    if (row["network"], row["moment"], row["block"])
                    == (name, "after", blocks[0])
                ]
            )
            for name in _NETWORKS
        },
    }


def verdict(found):
    """Return in words what `findings` returned."""
    ratios = ", ".join(f"{ratio:.2f}" for ratio in found["first_stage"])
    sentences = [
        f"With normalization and unscaled branches, before training, the variance of F "
        f"over that of X is {ratios} in the blocks of the first stage."
    ]
    for name, (before, after) in found["last"].items():
        mean, margin = found["errors"][name]
        interval = f" ± {100 * margin:.1f}" if np.isfinite(margin) else ""
        sentences.append(
            f"{name}: {before:.2g} in the last block before training, {after:.2g} "
            f"after; training error {100 * mean:.1f}{interval} % (95 % interval)."
        )
    plain, skip = list(found["errors"].values())[2:]
    helps = plain[0] - skip[0] > plain[1] + skip[1]
    sentences.append(
        "So without normalization a branch that begins at 0 trains clearly better."
        if helps
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
    blocks = sorted({row["block"] for row in rows})
    for axes, moment in ((before, "before"), (after, "after")):
        for name, colour in zip(_NETWORKS, _COLOURS, strict=True):
            means = [np.mean(_of(rows, name, moment, block)) for block in blocks]
            means = [mean if mean > 0 else np.nan for mean in means]
            axes.plot(blocks, means, "o-", color=colour, label=name)
        axes.set(
            yscale="log",
            xlabel="block",
            title=f"variance of F(X) over that of X, {moment} training",
        )
        axes.title.set_fontsize(10)
    before.plot(blocks, [1 / block for block in blocks], "k:", label="1 / block")
    found = findings(rows)["errors"]
    for place, (name, colour) in enumerate(zip(_NETWORKS, _COLOURS, strict=True)):
        mean, margin = found[name]
        margin = 100 * margin if np.isfinite(margin) else None
        errors.barh(place, 100 * mean, xerr=margin, color=colour)
    errors.set_yticks(range(len(_NETWORKS)), [""] * len(_NETWORKS))
    errors.invert_yaxis()
    errors.set(xlabel="training error in %", xlim=(0, 100))
    for axes in (before, after, errors):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    result.legend(
        *before.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=3,
        frameon=False,
    )
    return result
