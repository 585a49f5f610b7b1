"""Lesions: what trained networks lose when blocks are deleted or exchanged.

A plain network is one path; each layer needs the one before. A residual network of n
blocks is a sum over 2^n paths, and without one block half of them are left.

Source: Veit et al. (2016), "Residual Networks Behave Like Ensembles of Relatively
Shallow Networks", arXiv 1605.06431.
"""

import contextlib
import itertools
import math

import keras
import numpy as np
from matplotlib.figure import Figure

from resnet_keras.experiments import small
from resnet_keras.experiments.report import (
    COLOURS,
    Report,
    column,
    interval,
    mean_and_margin,
)
from resnet_keras.explain.gradients import tensorflow
from resnet_keras.plots import tidy

_NUM_DRAWS = 3  # of random blocks, pairs or paths


def run(out, seeds=3, quick=False):
    """Train plain and residual networks, then delete and exchange their blocks.

    Args:
        out: directory for `lesions.csv`, `.png` and `.txt`.
        seeds: how often each network is trained, 1 to 10.
        quick: small networks and one epoch, to see that it works.

    Returns:
        `(rows, verdict)`: a row for each number measured (`measure`, `network`, `seed`,
        `position`, `value`), and words.
    """
    depth, epochs = (14, 1) if quick else (20, 4)
    data = small.load_usual("hands", quick)
    report = Report(
        "lesions",
        out,
        f"plain and residual networks of {depth} layers, {epochs} epochs, {seeds} "
        "seeds; then blocks are deleted or exchanged.",
        2 * seeds,
    )
    rows = []
    for kind, seed, model in small.trained(COLOURS, depth, data, epochs, seeds, report):
        measured = measure(model, kind, data, seed)
        rows += [{"network": kind, "seed": seed, **row} for row in measured]
        deleted = column(measured, "value", measure="deleted")
        report.end(
            f"error {measured[0]['value']:.1%}; without a block {min(deleted):.1%} to "
            f"{max(deleted):.1%}"
        )
    return report.finish(rows, figure(rows), verdict(findings(rows)))


def measure(model, kind, data, seed):
    """Return the errors of a trained network with lesions, as rows.

    `measure` is "whole" (the network as it is); "deleted", of one block, whose number
    is `position`; "number", of so many random blocks (mean of draws); "exchanged",
    of so many random pairs of like blocks; and, of a residual network, "gradient", the
    norm at the input of the gradient along paths through `position` blocks.
    """
    blocks = removable_blocks(model)
    rng = np.random.default_rng(seed)
    rows = delete_each(model, data)

    def draw(measure, number, lesion):
        errors = []
        for _ in range(_NUM_DRAWS):
            with lesion():
                errors.append(_error(model, data))
        rows.append(_row(measure, number, np.mean(errors)))

    for n in range(1, len(blocks)):
        draw("number", n, lambda n=n: without(model, rng.permutation(blocks)[:n]))
    for n in (1, 2, 3):
        draw("exchanged", n, lambda n=n: exchanged(model, n, rng))
    if kind == "residual":
        norms = path_gradients(model, data, rng)
        rows += [_row("gradient", length, norm) for length, norm in enumerate(norms)]
    return rows


def delete_each(model, data):
    """Return the rows "whole" and "deleted" of `measure`."""
    rows = [_row("whole", 0, _error(model, data))]
    for number, block in enumerate(removable_blocks(model), 1):
        with without(model, [block]):
            rows.append(_row("deleted", number, _error(model, data)))
    return rows


def _row(measure, position, value):
    return {"measure": measure, "position": position, "value": float(value)}


def _error(model, data):
    probabilities = model.predict_on_batch(data.test_images)
    return (np.argmax(probabilities, axis=1) != data.test_labels).mean()


def removable_blocks(model):
    """Return the blocks whose output has the shape of their input, such as "2b"."""
    shapes = {}
    for layer in model.layers:
        if layer.name.startswith("res") and layer.name.endswith("_branch2a"):
            block = layer.name.removeprefix("res").removesuffix("_branch2a")
            norm = model.get_layer(f"bn{block}_branch2b")
            shapes[block] = layer.input.shape[1:], norm.output.shape[1:]
    return [block for block, (before, after) in shapes.items() if before == after]


@contextlib.contextmanager
def without(model, blocks):
    """Let the named blocks of a trained network pass their input on, meanwhile.

    A residual block does with F(X) = 0; a plain one with kernels that copy each pixel.
    X comes from a ReLU, so further ReLUs leave it as it is.
    """
    is_residual = any(isinstance(layer, keras.layers.Add) for layer in model.layers)
    before = model.get_weights()
    for block in blocks:
        if is_residual:
            norm = model.get_layer(f"bn{block}_branch2b")
            norm.gamma.assign(np.zeros(norm.gamma.shape))
            norm.beta.assign(np.zeros(norm.beta.shape))
            continue
        for part in ("2a", "2b"):
            conv = model.get_layer(f"res{block}_branch{part}")
            norm = model.get_layer(f"bn{block}_branch{part}")
            kernel, bias = (np.zeros(weight.shape) for weight in conv.weights)
            kernel[kernel.shape[0] // 2, kernel.shape[1] // 2] = np.eye(len(bias))
            conv.set_weights([kernel, bias])
            ones, zeros = np.ones(len(bias)), np.zeros(len(bias))
            norm.set_weights([ones, zeros, zeros, ones - norm.epsilon])
    try:
        yield
    finally:
        model.set_weights(before)


@contextlib.contextmanager
def exchanged(model, number, rng):
    """Exchange so many random pairs of a trained network's like blocks, meanwhile."""
    before = model.get_weights()
    pairs = [
        pair
        for pair in itertools.combinations(removable_blocks(model), 2)
        if pair[0][0] == pair[1][0]  # of one stage
    ]
    for _ in range(number):
        first, second = rng.choice(pairs)
        for name, part in itertools.product(("res", "bn"), ("2a", "2b")):
            one, other = (
                model.get_layer(f"{name}{each}_branch{part}")
                for each in (first, second)
            )
            weights = one.get_weights()
            one.set_weights(other.get_weights())
            other.set_weights(weights)
    try:
        yield
    finally:
        model.set_weights(before)


def path_gradients(model, data, rng, num_draws=_NUM_DRAWS, num_images=30):
    """Return the gradient's norm at the input along paths of each length, a mean.

    For length k the gradient goes through F in k random blocks, and through the
    shortcut in all others; what the network computes stays the same.

    Returns:
        List of float, from no block to all.
    """
    num_blocks = sum(isinstance(x, keras.layers.Add) for x in model.layers)
    images = data.train_images[:num_images]
    labels = data.train_labels[:num_images]
    norms = []
    for length in range(num_blocks + 1):
        paths = np.arange(num_blocks) < np.full((num_draws, 1), length)
        paths = np.unique(rng.permuted(paths, axis=1), axis=0)
        gradients = gradients_along(model, paths, images, labels)
        gradients = gradients.reshape(len(paths) * len(images), -1)
        norms.append(float(np.linalg.norm(gradients, axis=1).mean()))
    return norms


def gradients_along(model, paths, images, labels):
    """Return the gradient of each image's loss by its pixels, along single paths.

    Args:
        model: trained residual network.
        paths: bool (paths, blocks): whether a path goes through F of a block, or along
            its shortcut.
        images: float32 (images, height, width, channels).
        labels: integers (images,).

    Returns:
        float32 (paths, images, height, width, channels). Over all 2^blocks paths they
        add up to the gradient.
    """
    tf = tensorflow("this experiment differentiates")
    through = iter(np.repeat(np.asarray(paths, np.float32), len(images), axis=0).T)
    inputs = tf.convert_to_tensor(np.tile(images, (len(paths), 1, 1, 1)))
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        values = {id(model.input): inputs}
        for layer in model.layers[1:]:
            if isinstance(layer, keras.layers.Add):
                main, shortcut = (values[id(tensor)] for tensor in layer.input)
                mask = next(through)[:, None, None, None]
                passed = mask * main + (1 - mask) * shortcut
                output = passed + tf.stop_gradient(main + shortcut - passed)
            else:
                output = layer(values[id(layer.input)])
            values[id(layer.output)] = output
        labels = np.tile(labels, len(paths))
        losses = keras.losses.sparse_categorical_crossentropy(labels, output)
    gradients = tape.gradient(losses, inputs).numpy()
    return gradients.reshape(len(paths), *images.shape)


def gradient_by_length(norms):
    """Return the fraction of the gradient, and of the paths, by path length.

    Args:
        norms: as `path_gradients` returns them.

    Returns:
        Two arrays (len(norms),), each with sum 1. The gradient's weighs the norm along
        one path by the number of paths, a binomial coefficient.
    """
    number = len(norms) - 1
    paths = np.array([math.comb(number, k) for k in range(number + 1)], float)
    weights = paths * np.asarray(norms)
    return weights / max(weights.sum(), 1e-300), paths / paths.sum()


def _positions(rows, measure, network):
    return sorted(set(column(rows, "position", measure=measure, network=network)))


def _values(rows, measure, network, position):
    where = {"measure": measure, "network": network, "position": position}
    return column(rows, "value", **where)


def findings(rows):
    """Return what the lesions cost.

    Args:
        rows: as `run` returns them.

    Returns:
        Dictionary: `increase`, from "plain" and "residual" to (mean, margin) over seeds
        of the error that deleting one block adds, a mean over blocks; `whole`, their
        mean errors; `half`, a number of blocks and the mean error without them;
        `exchanged`, with three pairs exchanged; `lengths`, the mean length of paths,
        and of the gradient; `num_blocks`, of the longest path.
    """
    found = {"increase": {}, "whole": {}, "half": {}, "exchanged": {}}
    for kind in COLOURS:
        whole = _values(rows, "whole", kind, 0)
        deleted = [
            _values(rows, "deleted", kind, position)
            for position in _positions(rows, "deleted", kind)
        ]
        increases = np.mean(deleted, axis=0) - whole
        numbers = _positions(rows, "number", kind)
        half = numbers[len(numbers) // 2]
        found["increase"][kind] = mean_and_margin(list(increases))
        found["whole"][kind] = np.mean(whole)
        found["half"][kind] = half, np.mean(_values(rows, "number", kind, half))
        found["exchanged"][kind] = np.mean(_values(rows, "exchanged", kind, 3))
    gradient, paths = gradient_by_length(_mean_norms(rows))
    lengths = np.arange(len(paths))
    found["lengths"] = (paths * lengths).sum(), (gradient * lengths).sum()
    found["num_blocks"] = len(paths) - 1
    return found


def _mean_norms(rows):
    return [
        np.mean(_values(rows, "gradient", "residual", length))
        for length in _positions(rows, "gradient", "residual")
    ]


def verdict(found):
    """Return in words what `findings` returned."""
    sentences = []
    for kind in COLOURS:
        increase = interval(found["increase"][kind], ".1f", 100)
        number, half = found["half"][kind]
        sentences.append(
            f"{kind.capitalize()}: the test error of {found['whole'][kind]:.1%} grows "
            f"by {increase} points without one block (95 % interval "
            f"over seeds), to {half:.1%} without {number} random blocks and to "
            f"{found['exchanged'][kind]:.1%} with three pairs exchanged."
        )
    paths, gradient = found["lengths"]
    sentences.append(
        f"Of the residual network's paths through {found['num_blocks']} blocks the "
        f"mean length is {paths:.1f}; weighted by the gradient, {gradient:.1f}."
    )
    plain, residual = (found["increase"][kind] for kind in COLOURS)
    margins = plain[1] + residual[1]
    sentences.append(
        "So a residual network bears the loss of a block and a plain one does not."
        if plain[0] - residual[0] > margins
        else "So the two do not differ clearly here."
    )
    sentences.append(
        "The paper: without any one of 54 blocks the error hardly changes, while "
        "without a layer a plain network (VGG) is at chance; gradients come from paths "
        "of 5 to 17 of 54 blocks, where most paths have 27."
    )
    return " ".join(sentences)


def figure(rows):
    """Draw the error by deleted block and number of blocks, and the path lengths."""
    result = Figure(figsize=(12, 3.8), layout="constrained")
    one, many, lengths = result.subplots(1, 3)
    for axes, measure in ((one, "deleted"), (many, "number")):
        for kind, colour in COLOURS.items():
            positions = _positions(rows, measure, kind)
            errors = np.array([_values(rows, measure, kind, p) for p in positions])
            low, mean, high = (
                100 * f(errors, axis=1) for f in (np.min, np.mean, np.max)
            )
            axes.plot(positions, mean, "o-", color=colour, label=kind)
            axes.fill_between(positions, low, high, color=colour, alpha=0.15)
            whole = 100 * np.mean(_values(rows, "whole", kind, 0))
            axes.axhline(whole, color=colour, linestyle=":", linewidth=1)
        axes.set_ylim(0, 100)
    one.set(xlabel="deleted block", ylabel="test error in %", title="one block deleted")
    many.set(xlabel="number of deleted blocks", title="several, at random")
    one.legend(frameon=False, loc="center right")
    gradient, paths = gradient_by_length(_mean_norms(rows))
    positions = np.arange(len(paths))
    lengths.bar(positions - 0.2, paths, 0.4, color="#bbbbbb", label="paths")
    lengths.bar(positions + 0.2, gradient, 0.4, color="#4c72b0", label="gradient")
    lengths.set(xlabel="blocks on the path", ylabel="fraction", title="path lengths")
    lengths.legend(frameon=False)
    for axes in (one, many, lengths):
        tidy(axes)
    result.suptitle("Deleting blocks from trained networks (dotted: nothing deleted)")
    return result
