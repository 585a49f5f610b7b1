"""Boxes over pictures, precision and recall, misses and false alarms, as figures."""

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from resnet_keras.plots.boxes import draw_box
from resnet_keras.plots.names import fonts_for, verbatim
from resnet_keras.plots.results import confusion, loss_and, tidy

_DPI = 120  # as `save` writes figures
_LEAST_SIDE = 480  # pixels of the longer side of an annotated picture, about
_DASHED, _DOTTED = (0, (3, 3)), (0, (1, 2))
_LEGEND = "dashed white: true; coloured: found, with its score"


def detections(images, true, found, class_names, most=12, ignored=None):
    """Show pictures with their true boxes and those found.

    Args:
        images: uint8 (num_pictures, size, size, 3).
        true: for each picture (boxes, labels): (num_objects, 4) in pixels, x_min,
            y_min, x_max, y_max, and (num_objects,).
        found: for each picture (boxes, labels, scores).
        class_names: list of str.
        most: how many to show at the most, the first.
        ignored: for each picture the boxes that do not count, (num_ignored, 4 or more).
    """
    number = min(len(images), most)
    columns = min(4, max(1, number))
    figure, places = _grid(number, columns, side=3.0)
    for index, axes in enumerate(places):
        axes.imshow(images[index])
        _draw_true(axes, true[index][0])
        if ignored is not None:
            _draw_true(axes, [row[:4] for row in ignored[index]], _DOTTED)
        _draw_found(axes, *found[index], class_names)
    has_ignored = ignored is not None and any(map(len, ignored[:number]))
    legend = f"{_LEGEND}; dotted: ignored" if has_ignored else _LEGEND
    figure.suptitle(f"{number} of {len(images)} pictures ({legend})", fontsize=10)
    return figure


def annotated(image, found, class_names, scale=1.0):
    """Return a picture with the boxes found in it, pixel for pixel.

    A small one is enlarged by a whole number, so that names can be read.

    Args:
        image: uint8 (height, width, 3).
        found: (boxes, labels, scores) in pixels of the picture.
        class_names: list of str.
        scale: of lines and letters, which grow with the picture.
    """
    height, width = (
        side * max(1, _LEAST_SIDE // max(image.shape[:2])) for side in image.shape[:2]
    )
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.imshow(image, aspect="auto")
    _draw_found(axes, *found, class_names, scale * max(height, width) / 640)
    return figure


def precision_recall(recall, precision, class_names, ap50):
    """Draw precision against recall, a line for each class, at an overlap of 0.5.

    Args:
        recall: (num_points,).
        precision: (num_classes, num_points); NaN for a class without an object.
        class_names: list of str.
        ap50: dictionary from class names to the area under the line, or None.
    """
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.subplots()
    names = list(map(verbatim, class_names))
    for label, line in enumerate(precision):
        area = ap50[class_names[label]]
        if area is not None:
            colour, name = _colour(label), f"{names[label]} ({area:.2f})"
            axes.plot(recall, line, color=colour, label=name, linewidth=1.6)
    known = [value for value in ap50.values() if value is not None]
    mean = f", mean {np.mean(known):.3f}" if known else ""
    axes.set(
        xlabel="recall",
        ylabel="precision",
        xlim=(0, 1.01),
        ylim=(0, 1.03),
        title=f"Boxes that overlap by half (AP50{mean})",
    )
    tidy(axes)
    if known and len(known) <= 20:
        axes.legend(
            frameon=False,
            prop={"family": fonts_for(names), "size": 9},
            loc="lower left",
        )
    return figure


def ap_curves(history):
    """Plot the loss and the average precision against the epoch.

    Args:
        history: list of one dictionary per epoch with `epoch`, `loss` and, where there
            is a validation part, `val_loss`, `val_AP` and `val_AP50`, or some of them.
    """
    lines = {"val_AP": "AP", "val_AP50": "AP50", "val_AP75": "AP75"}
    title = "Average precision on validation pictures"
    return loss_and(lines, title, history, list(map(_colour, range(3))))


def found_confusion(matrix, class_names, threshold):
    """Draw which classes found objects were taken for; the rest is background.

    Args:
        matrix: int (num_classes + 1, num_classes + 1), true by found; the last row
            counts false alarms, the last column misses.
        class_names: list of str.
        threshold: the score from which boxes were counted.
    """
    figure = confusion(np.asarray(matrix), [*class_names, "background"])
    axes = figure.axes[0]
    total, right = matrix[:-1].sum(), matrix.trace()
    axes.set(
        xlabel="found",
        title=f"{right} of {total} objects found and named right,\n"
        f"{matrix[-1].sum()} false alarms (score {threshold:.2f} or more)",
    )
    return figure


def misses(images, true, cases, class_names, most=24):
    """Show objects that were not found, with their surroundings.

    Args:
        images, true, class_names, most: as in `detections`.
        cases: list of (picture, object), the worst first.
    """
    shown = []
    for picture, row in cases[:most]:
        boxes, labels = true[picture]
        name = verbatim(class_names[labels[row]])
        shown.append((images[picture], boxes[row], name, ()))
    return _crops(shown, _title(len(cases), "object", "not found", "largest", most))


def false_alarms(images, true, found, cases, class_names, most=24):
    """Show boxes where there is no such object, with their surroundings.

    Args:
        images, true, found, class_names, most: as in `detections`.
        cases: list of (picture, found), the worst first.
    """
    shown = []
    for picture, row in cases[:most]:
        boxes, labels, scores = found[picture]
        name = f"{verbatim(class_names[labels[row]])} ({scores[row]:.2f})"
        shown.append((images[picture], boxes[row], name, true[picture][0]))
    title = _title(len(cases), "box", "without such an object", "best scored", most)
    return _crops(shown, title)


def _title(number, noun, what, order, most):
    plural = {"box": "boxes"}.get(noun, f"{noun}s")
    title = f"{number} {noun if number == 1 else plural} {what}"
    return f"{title}, the {most} {order} shown" if number > most else title


def _crops(cases, title):
    """Show (image, box, text, other boxes), each about its box."""
    figure, places = _grid(len(cases), min(8, max(len(cases), 1)), side=1.5)
    for axes, (image, box, text, others) in zip(places, cases, strict=True):
        left, top, right, bottom = box
        size = image.shape[0]
        reach = min(max(right - left, bottom - top, size / 8), size / 2)
        axes.imshow(image)
        _draw_true(axes, others)
        draw_box(axes, box, "#ff5a36")
        # Within the picture; half a pixel is where imshow begins.
        middle = np.array([left + right, top + bottom]) / 2
        x, y = np.clip(middle, reach, size - reach) - 0.5
        axes.set(xlim=(x - reach, x + reach), ylim=(y + reach, y - reach))
        axes.set_title(text, fontsize=9, fontfamily=fonts_for([text]))
    figure.suptitle(title, fontsize=10)
    return figure


def _grid(number, columns, side):
    """Return a figure, and its places for so many pictures."""
    rows = -(-number // columns)
    figure = Figure(
        figsize=(max(side * columns, 4.5), (side + 0.25) * rows + 0.4),
        layout="constrained",
    )
    places = [*figure.subplots(max(rows, 1), columns, squeeze=False).flat]
    for axes in places:
        axes.set_axis_off()
    return figure, places[:number]


def _draw_found(axes, boxes, labels, scores, class_names, scale=1.0):
    # The best last, so that its name is on top.
    for box, label, score in reversed([*zip(boxes, labels, scores, strict=True)]):
        colour, name = _colour(label), verbatim(class_names[label])
        draw_box(axes, box, colour, linewidth=1.6 * scale)
        axes.text(
            box[0],
            max(box[1], 0),
            f"{name} {score:.2f}",
            fontsize=7 * scale,
            fontfamily=fonts_for([name]),
            color="white",
            va="bottom" if box[1] > 0.05 * (axes.get_ylim()[0] + 0.5) else "top",
            bbox={"facecolor": colour, "edgecolor": "none", "pad": 1 * scale},
            clip_on=True,
        )


def _draw_true(axes, boxes, linestyle=_DASHED):
    for box in boxes:  # seen on light and on dark
        draw_box(axes, box, "black", linewidth=1.8)
        draw_box(axes, box, "white", linewidth=1.2, linestyle=linestyle)


def _colour(label):
    return colormaps["tab10"](int(label) % 10)
