"""Landscape: the loss around trained networks, along random directions.

Each direction is scaled filter by filter to the norm of the network's own filters, so
that surfaces of different networks can be compared.

Source: Li et al. (2018), "Visualizing the Loss Landscape of Neural Nets",
arXiv 1712.09913.
"""

import numpy as np
from matplotlib.figure import Figure

from resnet_keras.experiments import small
from resnet_keras.experiments.report import COLOURS, Report, interval, mean_and_margin
from resnet_keras.plots import tidy


def run(out, seeds=3, quick=False):
    """Train plain and residual networks, and measure the loss around them.

    Args:
        out: directory for `landscape.csv`, `.png` and `.txt`.
        seeds: how often each network is trained, 1 to 10.
        quick: small networks and few points, to see that it works.

    Returns:
        `(rows, verdict)`: a row per network, seed and point (`x` and `y` in units of
        the filters' norms, `loss`; the surface of seed 0, lines with `y` = 0 of the
        others), and words.
    """
    depth, epochs, points = (14, 1, 5) if quick else (32, 5, 21)
    data = small.load_usual("hands", quick)
    report = Report(
        "landscape",
        out,
        f"the loss around plain and residual networks of {depth} layers, {epochs} "
        f"epochs, {seeds} seeds.",
        2 * seeds,
    )
    rows = []
    xs = np.linspace(-1, 1, points)
    for kind, seed, model in small.trained(COLOURS, depth, data, epochs, seeds, report):
        ys = xs if seed == 0 else [0.0]
        losses = surface(model, data, seed, xs, ys, report.dot)
        rows += [
            {"network": kind, "seed": seed, "x": x, "y": y, "loss": losses[i, j]}
            for i, y in enumerate(ys)
            for j, x in enumerate(xs)
        ]
        report.end(f"loss {losses.min():.2f} to {losses.max():.2f}")
    return report.finish(rows, figure(rows), verdict(findings(rows)))


def surface(model, data, seed, xs, ys, on_row=lambda: None):
    """Return the loss of 300 training images around a network, (len(ys), len(xs)).

    Args:
        model: trained `keras.Model`; it is left as it was.
        data: `small.Data`.
        seed: of the two directions.
        xs: floats, along the first direction; 1 is as long as the filters.
        ys: floats, along the second.
        on_row: called after each row.
    """
    centre = model.get_weights()
    kernels = {id(layer.kernel) for layer in model.layers if hasattr(layer, "kernel")}
    is_kernel = [id(variable) in kernels for variable in model.weights]
    rng = np.random.default_rng(seed)
    first, second = (
        [
            filter_normalized(rng.normal(size=weight.shape), weight)
            if moves
            else np.zeros_like(weight)
            for weight, moves in zip(centre, is_kernel, strict=True)
        ]
        for _ in range(2)
    )
    images, labels = data.train_images[:300], data.train_labels[:300]
    losses = np.empty((len(ys), len(xs)))
    for i, y in enumerate(ys):
        for j, x in enumerate(xs):
            model.set_weights(
                [
                    w + x * a + y * b
                    for w, a, b in zip(centre, first, second, strict=True)
                ]
            )
            probabilities = model.predict_on_batch(images)
            of_truth = probabilities[np.arange(len(labels)), labels]
            losses[i, j] = -np.log(np.maximum(of_truth, 1e-7)).mean()
        on_row()
    model.set_weights(centre)
    return losses


def filter_normalized(direction, kernel):
    """Return a direction whose filters have the norms of the kernel's filters.

    Args:
        direction: array (..., filters).
        kernel: alike.

    >>> filter_normalized(np.array([[3.0], [4.0]]), np.array([[0.0], [1.0]])).ravel()
    array([0.6, 0.8])
    """
    axes = tuple(range(kernel.ndim - 1))
    norms = np.sqrt((kernel**2).sum(axes) / np.maximum((direction**2).sum(axes), 1e-30))
    return direction * norms


def roughness(losses):
    """Return how often a line of losses turns: 1 is a parabola, more is rougher.

    The sum of the absolute second differences, over what a parabola of the same range
    has.

    Args:
        losses: (number,), three or more, at equal distances from -1 to 1.

    >>> round(roughness(np.linspace(-1, 1, 21) ** 2), 6)
    1.0
    """
    losses = np.asarray(losses, float)
    number = len(losses)
    spread = losses.max() - losses.min()
    parabola = np.abs(np.diff(np.linspace(-1, 1, number) ** 2, 2)).sum()
    return float(np.abs(np.diff(losses, 2)).sum() / max(spread, 1e-12) / parabola)


def _line(rows, kind, seed):
    """Return the losses on the line through a network."""
    mine = [r for r in rows if (r["network"], r["seed"]) == (kind, seed)]
    nearest = min(abs(row["y"]) for row in mine)
    line = [(row["x"], row["loss"]) for row in mine if abs(row["y"]) == nearest]
    return [loss for _, loss in sorted(line)]


def findings(rows):
    """Return the roughness of the lines, and how wide the valley is.

    Args:
        rows: as `run` returns them.

    Returns:
        Dictionary from "plain" and "residual" to `roughness` and `rise` (of the loss
        from the network to the ends of the line), (mean, margin) over seeds, and
        `loss`, the mean at the network; and `difference`, (mean, margin) of the plain
        network's roughness less the residual one's, seed by seed.
    """
    seeds = sorted({row["seed"] for row in rows})
    found, rough = {}, {}
    for kind in COLOURS:
        lines = [_line(rows, kind, seed) for seed in seeds]
        middles = [line[len(line) // 2] for line in lines]
        rises = [
            (line[0] + line[-1]) / 2 - middle
            for line, middle in zip(lines, middles, strict=True)
        ]
        rough[kind] = [roughness(line) for line in lines]
        found[kind] = {
            "roughness": mean_and_margin(rough[kind]),
            "rise": mean_and_margin(rises),
            "loss": float(np.mean(middles)),
        }
    pairs = zip(*rough.values(), strict=True)
    found["difference"] = mean_and_margin([plain - other for plain, other in pairs])
    return found


def verdict(found):
    """Return in words what `findings` returned."""
    sentences = []
    for kind in COLOURS:
        mine = found[kind]
        sentences.append(
            f"{kind.capitalize()}: loss {mine['loss']:.2f}, roughness "
            f"{interval(mine['roughness'], '.2f')} (1 is a parabola), and the loss "
            f"rises by {interval(mine['rise'], '.2f')} as far away as the filters are "
            "long."
        )
    mean, margin = found["difference"]
    rougher = "plain" if mean > 0 else "residual"
    sentences.append(
        f"Seed by seed the plain network's is rougher by "
        f"{interval((mean, margin), '.2f')}: "
        + (
            f"the surface around the {rougher} network is clearly rougher."
            if abs(mean) > margin
            else "neither is clearly the rougher here."
        )
    )
    sentences.append(
        "The paper shows surfaces that are nearly convex for 20 plain layers and for "
        "56 residual ones, and chaotic for 56 plain ones; it gives pictures and the "
        "ratio of the extreme eigenvalues of the Hessian, not this number."
    )
    return " ".join(sentences)


def figure(rows):
    """Draw both surfaces as contours, and the lines of all seeds."""
    result = Figure(figsize=(12.5, 4), layout="constrained")
    panels = result.subplots(1, 3)
    first = min(row["seed"] for row in rows)
    surfaces = {}
    for kind in COLOURS:
        mine = [r for r in rows if (r["network"], r["seed"]) == (kind, first)]
        xs, ys = (sorted({row[key] for row in mine}) for key in ("x", "y"))
        grid = {(row["x"], row["y"]): row["loss"] for row in mine}
        surfaces[kind] = xs, ys, np.array([[grid[x, y] for x in xs] for y in ys])
    largest = max(losses.max() for _, _, losses in surfaces.values())
    levels = np.geomspace(0.05, max(largest, 0.1), 22)
    for axes, (kind, (xs, ys, losses)) in zip(panels, surfaces.items(), strict=False):
        drawn = xs, ys, np.log10(np.maximum(losses, 0.05)), np.log10(levels)
        filled = axes.contourf(*drawn, cmap="viridis")
        axes.contour(*drawn, colors="white", linewidths=0.4)
        axes.set(title=f"{kind}: log10 of the loss", aspect="equal")
        axes.plot(0, 0, "+", color="white", markersize=10)
    result.colorbar(filled, ax=panels[1], shrink=0.8)
    for kind, colour in COLOURS.items():
        seeds = sorted({row["seed"] for row in rows})
        for seed in seeds:
            line = _line(rows, kind, seed)
            xs = np.linspace(-1, 1, len(line))
            label = kind if seed == first else None
            panels[2].plot(xs, line, color=colour, alpha=0.7, label=label)
    panels[2].set(title="lines through each network", ylabel="loss")
    panels[2].legend(frameon=False)
    tidy(panels[2])
    for axes in panels:
        axes.set_xlabel("in units of the filters' norms")
    return result
