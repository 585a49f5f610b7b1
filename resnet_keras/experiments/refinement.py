"""Refinement: whether blocks move their input down the loss, a little each.

With residual connections the blocks of a stage work on one representation. If F(X)
points along the negative gradient of the loss by X, a block is a step of descent, and
the classifier can be read out after every block of the last stage.

Sources: Greff et al. (2017), arXiv 1612.07771; Jastrzebski et al. (2018), "Residual
Connections Encourage Iterative Inference", arXiv 1710.04773.
"""

import keras
import numpy as np
from matplotlib.figure import Figure

from resnet_keras.experiments import small
from resnet_keras.experiments.derivatives import block_gradients, cosines
from resnet_keras.experiments.report import Report, column, interval, mean_and_margin
from resnet_keras.plots import tidy


def run(out, seeds=3, quick=False):
    """Train residual networks and compare each block's F(X) with the loss gradient.

    Args:
        out: directory for `refinement.csv`, `.png` and `.txt`.
        seeds: how often the network is trained, 1 to 10.
        quick: a small network and one epoch, to see that it works.

    Returns:
        `(rows, verdict)`: a row per seed and block (`seed`, `block`, `cosine`,
        `at_random`, `size`, `error`, the last NaN before the last stage), and words.
    """
    depth, epochs = (14, 1) if quick else (26, 5)
    data = small.load_usual("hands", quick)
    report = Report(
        "refinement",
        out,
        f"residual networks of {depth} layers, {epochs} epochs, {seeds} seeds: does "
        "F(X) follow the negative gradient of the loss?",
        seeds,
    )
    rows = []
    for _, seed, model in small.trained(
        ["residual"], depth, data, epochs, seeds, report
    ):
        measured = measure(model, data, seed)
        rows += [{"seed": seed, **row} for row in measured]
        report.end(
            f"mean cosine {np.mean([row['cosine'] for row in measured]):+.3f}, test "
            f"error {measured[-1]['error']:.1%}"
        )
    return report.finish(rows, figure(rows), verdict(findings(rows)))


def measure(model, data, seed, num_images=120):
    """Return a row for each block of a trained residual network.

    `cosine` is that of F(X) with the negative gradient of an image's loss by X, a mean
    over test images; `at_random` the same for F(X) of other images; `size` the norm of
    F(X) over that of X; `error` the test error of the head after the block, in the last
    stage, whose channels it takes.
    """
    adds = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    mains, shortcuts = zip(*(layer.input for layer in adds), strict=True)
    images = data.test_images[:num_images]
    labels = data.test_labels[:num_images]
    values, gradients = block_gradients(model, [*mains, *shortcuts], images, labels)
    order = np.random.default_rng(seed).permutation(len(images))
    errors = _errors_after(model, [layer.output for layer in adds], data)
    number, rows = len(adds), []
    for block, error in zip(range(number), errors, strict=True):
        main, shortcut = values[block], values[number + block]
        # Along the shortcut and through F: what X as a whole does to the loss
        downhill = -gradients[number + block]
        f_size, x_size = (
            np.linalg.norm(array.reshape(len(array), -1), axis=1)
            for array in (main, shortcut)
        )
        rows.append(
            {
                "block": block + 1,
                "cosine": float(cosines(main, downhill).mean()),
                "at_random": float(cosines(main[order], downhill).mean()),
                "size": float((f_size / np.maximum(x_size, 1e-12)).mean()),
                "error": error,
            }
        )
    return rows


def _errors_after(model, outputs, data):
    """Return the test error of the head on each block's output; NaN where none fits."""
    last = outputs[-1].shape[1:]
    fitting = [output for output in outputs if output.shape[1:] == last]
    maps = keras.Model(model.input, fitting)(data.test_images, training=False)
    kernel, bias = model.layers[-1].get_weights()
    errors = []
    for array in maps if isinstance(maps, list) else [maps]:
        logits = np.maximum(array, 0).mean((1, 2)) @ kernel + bias
        errors.append(float((logits.argmax(axis=1) != data.test_labels).mean()))
    return [float("nan")] * (len(outputs) - len(fitting)) + errors


def findings(rows):
    """Return how far blocks follow the gradient, and what each of the last stage adds.

    Args:
        rows: as `run` returns them.

    Returns:
        Dictionary: `cosine` and `at_random`, (mean, margin) over seeds of the mean over
        blocks; `num_down` of `num_blocks` blocks whose mean cosine is above zero;
        `sizes`, of the first and the last block; `errors`, after each block of the last
        stage.
    """
    seeds = sorted({row["seed"] for row in rows})
    blocks = sorted({row["block"] for row in rows})

    def over_seeds(key):
        return mean_and_margin([np.mean(column(rows, key, seed=s)) for s in seeds])

    def of_block(block, key):
        return float(np.mean(column(rows, key, block=block)))

    errors = [of_block(block, "error") for block in blocks]
    return {
        "cosine": over_seeds("cosine"),
        "at_random": over_seeds("at_random"),
        "num_down": sum(of_block(block, "cosine") > 0 for block in blocks),
        "num_blocks": len(blocks),
        "sizes": (of_block(blocks[0], "size"), of_block(blocks[-1], "size")),
        "errors": [error for error in errors if np.isfinite(error)],
    }


def verdict(found):
    """Return in words what `findings` returned."""
    mean, margin = found["cosine"]
    other, _ = found["at_random"]
    errors = ", ".join(f"{error:.1%}" for error in found["errors"])
    follows = mean > margin and mean > other
    return (
        "F(X) and the negative gradient of the loss by X have a mean cosine of "
        f"{interval(found['cosine'], '+.3f')} (95 % interval over the seeds; with the "
        f"F of other images {other:+.3f}); it is above zero in {found['num_down']} of "
        f"{found['num_blocks']} blocks. Relative to X, F is {found['sizes'][0]:.2f} in "
        f"the first block and {found['sizes'][1]:.2f} in the last. Read out after each "
        f"block of the last stage, the head's test error is {errors}. "
        + (
            "So blocks move their input down the loss: iterative refinement. "
            if follows
            else "So no descent is to be seen here. "
        )
        + "The paper shows cosines above zero for most blocks, largest in the last "
        "stage, and an accuracy that rises block by block there; it gives curves, not "
        "one number."
    )


def figure(rows):
    """Draw cosine, size and read-out error block by block; a dot per seed."""
    result = Figure(figsize=(12, 3.6), layout="constrained")
    blocks = sorted({row["block"] for row in rows})
    for axes, key, title in zip(
        result.subplots(1, 3),
        ("cosine", "size", "error"),
        (
            "cosine of F(X) and the negative gradient",
            "norm of F(X) over that of X",
            "test error in %, head after the block",
        ),
        strict=True,
    ):
        factor = 100 if key == "error" else 1
        points = [(r["block"], factor * r[key]) for r in rows if np.isfinite(r[key])]
        axes.plot(*zip(*points, strict=True), "o", color="#4c72b0", alpha=0.4)
        known = [block for block in blocks if block in {place for place, _ in points}]
        means = [np.mean([y for x, y in points if x == block]) for block in known]
        axes.plot(known, means, color="#4c72b0", linewidth=2)
        if key == "cosine":
            means = [np.mean(column(rows, "at_random", block=b)) for b in blocks]
            axes.plot(blocks, means, ":", color="#888888", label="F of other images")
            axes.axhline(0, color="#888888", linewidth=0.8)
            axes.legend(frameon=False)
        else:
            axes.set_ylim(bottom=0)
        axes.set(title=title, xlabel="block")
        axes.title.set_fontsize(10)
        tidy(axes, counts=True)
    return result
