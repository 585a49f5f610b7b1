"""Identity: how easily a block learns Y = X, and how little trained blocks change X.

Source: arXiv 1512.03385, section 3.1 and figure 7 (standard deviations of layer
responses).
"""

import keras
import numpy as np
from matplotlib.figure import Figure

from resnet_keras.blocks import identity_block
from resnet_keras.experiments import small
from resnet_keras.experiments.report import COLOURS, Report, column
from resnet_keras.nets.blocks import basic_block
from resnet_keras.nets.graph import plain_twin
from resnet_keras.plots import tidy

_CHANNELS = 16


def run(out, seed=0, quick=False):
    """Zero a block, let blocks learn the identity, and measure trained responses.

    Args:
        out: directory for `identity.csv`, `.png` and `.txt`.
        seed: of weights and data.
        quick: tiny networks and few steps, to see that it works.

    Returns:
        `(rows, verdict)`: a row for each number measured (`measure`, `network`,
        `depth`, `position`, `value`), and words.
    """
    depths, epochs, steps = ((8,), 1, 20) if quick else ((20, 56), 6, 200)
    nets = [(kind, depth) for depth in depths for kind in ("plain", "residual")]
    report = Report(
        "identity",
        out,
        f"blocks with F(X) = 0, blocks that learn Y = X, and the size of the layer "
        f"responses in {len(nets)} trained networks.",
        3 + len(nets),
    )
    rows = []
    report.begin("the last normalization's scale set to 0")
    differences = zeroed_blocks(seed)
    rows += [_row("difference", name, "", "", d) for name, d in differences.items()]
    report.end(f"largest |Y - X| = {max(differences.values()):g}")
    for kind in ("plain", "residual"):
        report.begin(f"a {kind} block learns Y = X in {steps} steps")
        errors = learn_identity(kind, steps, seed)
        rows += [
            _row("error", kind, "", step, error) for step, error in enumerate(errors)
        ]
        report.end(f"mean squared error {errors[0]:.2g} to {errors[-1]:.2g}")
    data = small.load_usual("hands", quick, num_test=30)
    for kind, depth in nets:
        report.begin(f"{kind}-{depth}, {epochs} epochs")
        model = small.network(kind, depth, data, seed)
        history, _ = small.train(model, data, epochs, seed, report.dot)
        deviations = responses(model, data.train_images[:120])
        rows += [
            _row("response", kind, depth, layer, deviation)
            for layer, deviation in enumerate(deviations, 1)
        ]
        error = history[-1]["train_error"]
        rows.append(_row("train_error", kind, depth, "", error))
        report.end(
            f"training error {error:.1%}, mean response {np.mean(deviations):.2f}"
        )
    return report.finish(rows, figure(rows), verdict(findings(rows)))


def _row(measure, network, depth, position, value):
    return {
        "measure": measure,
        "network": network,
        "depth": depth,
        "position": position,
        "value": float(value),
    }


def zeroed_blocks(seed):
    """Return the largest |Y - X| of each kind of block once its last scale is 0.

    All other weights are random; X is not negative, as a ReLU left it.
    """
    rng = np.random.default_rng(seed)
    X = rng.random((4, 8, 8, _CHANNELS), np.float32)
    inputs = keras.Input(X.shape[1:])
    found = {}
    bottleneck = identity_block(inputs, 3, [4, 4, _CHANNELS], 2, "b")
    basic = basic_block(inputs, 3, [8, _CHANNELS], 3, "b")
    for name, last, outputs in (
        ("bottleneck", "2b_branch2c", bottleneck),
        ("basic block", "3b_branch2b", basic),
    ):
        model = keras.Model(inputs, outputs)
        model.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in model.get_weights()])
        norm = model.get_layer(f"bn{last}")
        norm.gamma.assign(np.zeros(_CHANNELS))
        norm.beta.assign(np.zeros(_CHANNELS))
        found[name] = float(np.abs(np.asarray(model(X)) - X).max())
    return found


def learn_identity(kind, steps, seed):
    """Return the mean squared error of Y = X while a single block learns it."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    inputs = keras.Input((8, 8, _CHANNELS))
    model = keras.Model(inputs, basic_block(inputs, 3, [_CHANNELS] * 2, 2, "b"))
    if kind == "plain":
        model = plain_twin(model)
    model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=False)
    errors = []
    for _ in range(steps):
        X = np.maximum(rng.normal(size=(30, 8, 8, _CHANNELS)), 0).astype(np.float32)
        errors.append(float(model.train_on_batch(X, X)))
    return errors


def responses(model, images):
    """Return the standard deviation of each 3x3 layer's response, from the first on.

    The response is the output of the normalization after it, before the ReLU or the
    addition.
    """
    outputs = [
        layer.output
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
        and not layer.name.endswith("_branch1")
    ]
    found = keras.Model(model.input, outputs).predict_on_batch(images)
    return [float(np.std(array)) for array in found]


def _values(rows, measure, network, depth=""):
    where = {"measure": measure, "network": network, "depth": depth}
    return column(rows, "value", **where)


def findings(rows):
    """Return what was measured, in a few numbers.

    Args:
        rows: as `run` returns them.

    Returns:
        Dictionary: `differences`, the largest |Y - X| of each zeroed block; `errors`,
        the last mean squared error of each kind's block that learned Y = X;
        `responses` and `train_errors`, of the trained networks, from (kind, depth) to
        the mean response of their layers and to the error.
    """
    nets = {
        (row["network"], row["depth"]) for row in rows if row["measure"] == "response"
    }
    return {
        "differences": [r["value"] for r in rows if r["measure"] == "difference"],
        "errors": {kind: _values(rows, "error", kind)[-1] for kind in COLOURS},
        "responses": {net: np.mean(_values(rows, "response", *net)) for net in nets},
        "train_errors": {net: _values(rows, "train_error", *net)[0] for net in nets},
    }


def verdict(found):
    """Return in words what `findings` returned."""
    differences, errors = found["differences"], found["errors"]
    better = min(errors, key=errors.get)
    ratio = max(errors.values()) / max(min(errors.values()), 1e-12)
    sentences = [
        f"With the last normalization's scale at 0, {differences.count(0)} of "
        f"{len(differences)} kinds of block return X to the last bit.",
        f"Learning Y = X, the residual block ends at a mean squared error of "
        f"{errors['residual']:.2g} and the plain one at {errors['plain']:.2g}: the "
        f"{better} one comes closer, by a factor of {ratio:.3g}.",
    ]
    responses, wrong = found["responses"], found["train_errors"]
    depths = sorted({depth for _, depth in responses})
    for depth in depths:
        residual, plain = responses["residual", depth], responses["plain", depth]
        sentences.append(
            f"In trained networks of {depth} layers the mean response is "
            f"{residual:.2f} (residual, training error "
            f"{wrong['residual', depth]:.1%}) and {plain:.2f} (plain, "
            f"{wrong['plain', depth]:.1%}): "
            + {
                -1: "smaller in the residual network, as in the paper.",
                0: "about the same (smaller in the paper's residual networks, after "
                "64,000 steps).",
                1: "larger in the residual network, unlike in the paper.",
            }[compare(residual, plain)]
        )
    if len(depths) > 1:
        first, last = (responses["residual", depths[i]] for i in (0, -1))
        words = {-1: "less than", 0: "as much as", 1: "more than"}[compare(last, first)]
        sentences.append(
            f"Each layer of the residual network of {depths[-1]} layers changes its "
            f"input {words} one of {depths[0]} ({last:.2f} and {first:.2f})."
        )
    return " ".join([*sentences, "All of one seed."])


def compare(value, other):
    """Return -1, 0 or 1; less than a twentieth apart is no difference.

    >>> compare(0.9, 1), compare(0.97, 1), compare(1.1, 1)
    (-1, 0, 1)
    """
    return int(value > 1.05 * other) - int(value < 0.95 * other)


def figure(rows):
    """Draw how the two blocks learn the identity, and the responses layer by layer."""
    depths = sorted({row["depth"] for row in rows if row["depth"]})
    result = Figure(figsize=(4 + 3.6 * len(depths), 3.8), layout="constrained")
    left, *others = result.subplots(1, 1 + len(depths))
    largest = max(row["value"] for row in rows if row["measure"] == "response")
    for kind, colour in COLOURS.items():
        errors = _values(rows, "error", kind)
        left.plot(
            range(1, len(errors) + 1), errors, color=colour, label=f"{kind} block"
        )
    left.set(
        yscale="log",
        xlabel="step",
        ylabel="mean squared error",
        title="One block learns Y = X",
    )
    for axes, depth in zip(others, depths, strict=True):
        for kind, colour in COLOURS.items():
            values = _values(rows, "response", kind, depth)
            axes.plot(range(1, len(values) + 1), values, color=colour, label=kind)
        axes.set(
            xlabel="layer, from the first to the last",
            title=f"Responses in {depth} trained layers",
            ylim=(0, 1.1 * largest),
        )
    others[0].set_ylabel("standard deviation")
    for axes in (left, *others):
        tidy(axes)
        axes.legend(frameon=False, loc="upper right" if axes is left else "lower left")
    return result
