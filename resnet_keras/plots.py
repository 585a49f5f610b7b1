"""Figures. Each function returns a Matplotlib `Figure` and shows nothing."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from resnet_keras.writing import write_whole

_TRAIN, _VALIDATION = "#4c72b0", "#dd8452"


def verbatim(name):
    """Return a name as Matplotlib draws it sign by sign: "$" begins no formula."""
    return name.encode("utf-8", "replace").decode().replace("$", r"\$")


def save(figure, path):
    """Write a figure as PNG, whole or not at all."""
    with write_whole(path) as temporary:
        figure.savefig(temporary, dpi=120)


def curves(history):
    """Plot loss and accuracy of training and validation against the epoch.

    Args:
        history: list of one dictionary per epoch with `epoch`, `loss`, `accuracy`,
            and, where there is a validation part, `val_loss` and `val_accuracy`.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = [row["epoch"] for row in history]
    for axes, key, title in zip(
        figure.subplots(1, 2), ("loss", "accuracy"), ("Loss", "Accuracy"), strict=True
    ):
        for prefix, label, colour in (
            ("", "while training", _TRAIN),
            ("val_", "validation", _VALIDATION),
        ):
            if prefix + key in history[0]:
                values = [row[prefix + key] for row in history]
                axes.plot(epochs, values, "o-", markersize=3, color=colour, label=label)
        axes.set(xlabel="epoch", title=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    axes.set_ylim(0, 1.02)
    return figure


def confusion(matrix, class_names):
    """Draw a confusion matrix: counts, shaded by the share of the true class.

    Args:
        matrix: counts (num_classes, num_classes), true class by predicted class.
        class_names: list of str.
    """
    num_classes = len(class_names)
    side = min(max(4.2, 0.55 * num_classes + 1.5), 20)
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    drawn = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    ticks, names = range(num_classes), list(map(verbatim, class_names))
    turned = max(map(len, class_names)) > 3
    axes.set_xticks(ticks, names, rotation=90 if turned else 0)
    axes.set_yticks(ticks, names)
    accuracy = matrix.trace() / max(matrix.sum(), 1)
    axes.set(
        xlabel="predicted",
        ylabel="true",
        title=f"{matrix.trace()} of {matrix.sum()} right ({accuracy:.1%})",
    )
    if num_classes <= 30:
        for row, column in np.argwhere(matrix):
            axes.text(
                column,
                row,
                matrix[row, column],
                ha="center",
                va="center",
                color="white" if share[row, column] > 0.5 else "black",
            )
    figure.colorbar(drawn, ax=axes, label="share of the true class", shrink=0.85)
    return figure


def mistakes(images, labels, probabilities, class_names, most=24):
    """Show the wrong answers, the surest first, with what was said and what is true.

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
    names = list(map(verbatim, class_names))
    titles = [
        f"{names[predicted[i]]} ({probabilities[i, predicted[i]]:.2f})\n"
        f"is {names[labels[i]]} ({probabilities[i, labels[i]]:.2f})"
        for i in wrong[:most]
    ]
    if len(wrong) > most:
        title += f", the {most} surest of them"
    return _grid([images[i] for i in wrong[:most]], titles, title)


def prediction(image, answer):
    """Show a picture beside bars of the likeliest classes.

    Args:
        image: uint8 (height, width, 3).
        answer: list of (class name, probability), best first.
    """
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.imshow(image)
    left.set_axis_off()
    names, values = zip(*reversed(answer), strict=True)
    names = list(map(verbatim, names))
    # By position: ImageNet has two classes "crane", and a bar of each.
    colours = [_TRAIN] * (len(names) - 1) + [_VALIDATION]
    bars = right.barh(range(len(names)), values, color=colours)
    right.set_yticks(range(len(names)), names)
    right.bar_label(bars, [f"{value:.3f}" for value in values], padding=3)
    right.set(xlim=(0, 1.2), xticks=(0, 0.5, 1), xlabel="probability", title=names[-1])
    right.spines[["top", "right"]].set_visible(False)
    return figure


def _grid(images, titles, title=None, columns=6):
    columns = max(1, min(columns, len(images)))
    rows = max(1, -(-len(images) // columns))
    figure = Figure(
        figsize=(max(1.5 * columns, 3), 2.1 * rows + 0.4), layout="constrained"
    )
    if title:
        figure.suptitle(title)
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.set_axis_off()
    for axes, image, text in zip(figure.axes, images, titles, strict=False):
        axes.imshow(image)
        axes.set_title(text, fontsize=9)
    return figure
