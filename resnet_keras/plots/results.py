"""What a run leaves as figures: functions that return a `Figure` and show nothing."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from resnet_keras.files.writing import write_whole
from resnet_keras.plots.boxes import draw_box
from resnet_keras.plots.names import fonts_for, verbatim

_TRAIN, _VALIDATION = "#4c72b0", "#dd8452"


def save(figure, path):
    """Write a figure as PNG, whole or not at all."""
    with write_whole(path) as temporary:
        figure.savefig(temporary, dpi=120)


def tidy(axes, grid=True, counts=False):
    """Leave out the upper and the right edge of a panel, and draw a light grid.

    Where the horizontal axis `counts`, it is marked at whole numbers only.
    """
    axes.spines[["top", "right"]].set_visible(False)
    if grid:
        axes.grid(alpha=0.3)
    if counts:
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))


def curves(history):
    """Plot loss and accuracy of training and validation against the epoch.

    Args:
        history: list of one dictionary per epoch with `epoch`, `loss`, `accuracy`,
            and, where there is a validation part, `val_loss` and `val_accuracy`.
    """
    lines = {"accuracy": "training", "val_accuracy": "validation"}
    return loss_and(lines, "Accuracy", history, (_TRAIN, _VALIDATION))


def loss_and(lines, title, history, colours):
    """Plot the loss and, beside it, further lines against the epoch.

    Args:
        lines: dictionary from keys of the history to their names.
        title: of these lines.
        history: as in `curves`; where a key is missing, or None, there is no point.
        colours: of the lines, of Matplotlib's.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    panels = {left: {"loss": "training", "val_loss": "validation"}, right: lines}
    for axes, names in panels.items():
        for (key, label), colour in zip(names.items(), colours, strict=False):
            rows = [row for row in history if row.get(key) is not None]
            if rows:
                epochs, values = [row["epoch"] for row in rows], [x[key] for x in rows]
                axes.plot(epochs, values, "o-", markersize=3, color=colour, label=label)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        tidy(axes)
        if axes.lines:
            axes.legend(frameon=False)
    left.set_title("Loss")
    right.set(title=title, ylim=(0, 1.02))
    return figure


def confusion(matrix, class_names):
    """Draw a confusion matrix: counts, shaded by the fraction of the true class.

    Args:
        matrix: counts (num_classes, num_classes), true class by predicted class.
        class_names: list of str.
    """
    num_classes = len(class_names)
    side = min(max(4.2, 0.55 * num_classes + 1.5), 20)
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    fraction = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    drawn = axes.imshow(fraction, cmap="Blues", vmin=0, vmax=1)
    ticks, names = range(num_classes), list(map(verbatim, class_names))
    turned = max(map(len, names)) > 3
    style = {"fontfamily": fonts_for(names)}
    axes.set_xticks(ticks, names, rotation=90 if turned else 0, **style)
    axes.set_yticks(ticks, names, **style)
    accuracy = matrix.trace() / max(matrix.sum(), 1)
    axes.set(
        xlabel="predicted",
        ylabel="true",
        title=f"{matrix.trace()} of {matrix.sum()} correct ({accuracy:.1%})",
    )
    if num_classes <= 30:
        for row, column in np.argwhere(matrix):
            colour = "white" if fraction[row, column] > 0.5 else "black"
            style = {"ha": "center", "va": "center", "color": colour}
            axes.text(column, row, matrix[row, column], **style)
    figure.colorbar(drawn, ax=axes, label="fraction of the true class", shrink=0.85)
    return figure


def reliability(mean, accuracy, counts):
    """Plot accuracy against probability, and how many predictions have each.

    Args:
        mean, accuracy, counts: (num_bins,), of predictions by their probability, as
            `inference.answering.reliability` returns them.
    """
    figure = Figure(figsize=(4.6, 5.2), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    has_images = counts > 0
    upper.plot((0, 1), (0, 1), "--", color="grey", linewidth=1, label="calibrated")
    points = mean[has_images], accuracy[has_images]
    upper.plot(*points, "o-", color=_TRAIN, label="this model")
    upper.set(
        ylabel="accuracy", title="How often predictions are right", ylim=(0, 1.02)
    )
    upper.legend(frameon=False, loc="upper left")
    edges = np.linspace(0, 1, len(counts) + 1)
    lower.bar(
        edges[:-1], counts, 1 / len(counts), align="edge", color=_TRAIN, alpha=0.6
    )
    lower.set(xlabel="probability of the predicted class", ylabel="images", xlim=(0, 1))
    lower.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    for axes in (upper, lower):
        tidy(axes)
    return figure


def mistakes(images, labels, probabilities, class_names, most=24):
    """Show the wrong predictions, the most confident first, each with the true class.

    Args:
        images: uint8 (num_images, size, size, 3).
        labels: integers (num_images,).
        probabilities: (num_images, num_classes).
        class_names: list of str.
        most: how many to show at the most.
    """
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    wrong = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")]
    title = f"{len(wrong)} of {len(labels)} wrong"
    if len(wrong) > most:
        title += f", the {most} most confident shown"
    names = list(map(verbatim, class_names))
    titles = [
        f"{names[predicted[i]]} ({probabilities[i, predicted[i]]:.2f})\n"
        f"true: {names[labels[i]]} ({probabilities[i, labels[i]]:.2f})"
        for i in wrong[:most]
    ]
    shown = [images[i] for i in wrong[:most]]
    return _grid(shown, titles, title, fonts_for(names))


def prediction(image, ranking, box=None, is_answer=True):
    """Show a picture beside bars of the most probable classes.

    Args:
        image: uint8 (height, width, 3).
        ranking: list of (class name, probability), best first. Two classes may have
            one name, as "maillot" and "crane" are in ImageNet.
        box: (4,), x_min, y_min, x_max, y_max in pixels, of what is named; or None.
        is_answer: whether the best is an answer, or the picture none of the classes.
    """
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.imshow(image)
    left.set_axis_off()
    if box is not None:
        draw_box(left, box, "#ff5a36")
    names = [verbatim(name) for name, _ in ranking]
    values = [value for _, value in ranking]
    ranks = range(len(ranking))
    colours = [_VALIDATION if is_answer else _TRAIN] + [_TRAIN] * (len(ranking) - 1)
    bars = right.barh(ranks, values, color=colours)
    right.bar_label(bars, [f"{value:.3f}" for value in values], padding=3)
    right.set(xlim=(0, 1.2), xticks=(0, 0.5, 1), xlabel="probability")
    style = {"fontfamily": fonts_for(names)}
    right.set_yticks(ranks, names, **style)
    right.set_title(names[0] if is_answer else "none of these", **style)
    right.invert_yaxis()  # the best on top
    tidy(right, grid=False)
    return figure


def _grid(images, titles, title, fontfamily):
    # Inches; a character of a title takes 0.075 of them on average.
    longest = max(
        (len(line) for text in titles for line in text.split("\n")), default=0
    )
    side = max(1.5, 0.075 * longest)
    columns = max(1, min(int(9.5 / side), len(images)))
    rows = max(1, -(-len(images) // columns))
    figure = Figure(
        figsize=(max(side * columns, 3), (side + 0.55) * rows + 0.4),
        layout="constrained",
    )
    figure.suptitle(title)
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.set_axis_off()
    for axes, image, text in zip(figure.axes, images, titles, strict=False):
        axes.imshow(image)
        axes.set_title(text, fontsize=9, fontfamily=fontfamily)
    return figure
