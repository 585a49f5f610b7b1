"""A network drawn on one page: its stages, their sizes, and its kinds of blocks."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

_COLOURS = {
    "convolutional": "#dd8452",
    "padded": "#c9a227",
    "identity": "#4c72b0",
    "plain": "#6b6b6b",
}
_LIGHT_ON = ("identity", "plain")  # kinds whose boxes have white text
_CENTRED = {"ha": "center", "va": "center"}
_OTHER, _INK, _NOTE, _MAP = "#dfe3e8", "#222222", "#555555", "#9ec5a8"
_SHORTCUT = {  # what stands on the shortcut of each kind of block
    "convolutional": "CONV 1x1, F{last}, stride s  |  BN",
    "padded": "every s-th pixel, then channels of zeros up to F{last}",
    "identity": "",
}
_EQUATION = {
    "convolutional": "Y = relu(F(X) + W X)",
    "padded": "Y = relu(F(X) + padded X)",
    "identity": "Y = relu(F(X) + X)",
    "plain": "Y = relu(F(X))",
}


def architecture(model):
    """Draw the stages of a network and, below them, each kind of block it has.

    Args:
        model: a network of this package, or one with its layers' names.

    Returns:
        Matplotlib `Figure`, A4 or a little higher.
    """
    # Inside, as `summary` draws with this module: its tables move to a room of theirs.
    from resnet_keras.nets.stages import block_table, stage_table

    stages, blocks = stage_table(model), block_table(model)
    kinds = [kind for kind in _EQUATION if any(row["kind"] == kind for row in blocks)]
    top, each = 4.3, 2.0  # inches for the stages, and for each kind of block
    figure = Figure(figsize=(11.7, top + each * len(kinds) + 0.3))
    layers = sum(row["weight_layers"] for row in stages)
    parameters = sum(row["parameters"] for row in stages) / 1e6
    work = sum(row["multiply_adds"] for row in stages) / 1e6
    figure.suptitle(
        f"{model.name}: {layers} layers (shortcuts not counted), {parameters:.2f} "
        f"million parameters, {work:,.0f} million multiply-adds per image",
        fontsize=13,
        y=1 - 0.2 / figure.get_figheight(),
    )
    total = figure.get_figheight()
    axes = figure.add_axes((0.01, 1 - top / total, 0.98, (top - 0.5) / total))
    _draw_stages(axes, stages, blocks)
    for index, kind in enumerate(kinds):
        bottom = total - top - each * (index + 1)
        axes = figure.add_axes((0.01, bottom / total, 0.98, each / total))
        mine = [row for row in blocks if row["kind"] == kind]
        striding = [row["strides"] for row in mine if row["stride"] > 1] or [[1]]
        # Which convolution halves the feature map
        index = int(np.argmax(striding[0]))
        _draw_block(axes, kind, mine[0]["kernel_sizes"], index)
        if _SHORTCUT.get(kind):
            axes.text(11.5, 1.45, _strides(mine), ha="right", fontsize=9, color=_NOTE)
        axes.axhline(1.98, color="#cccccc", linewidth=0.8)
    return figure


def _strides(blocks):
    """Return which stages have which stride, as words."""
    stages = {}  # of each stride; dictionaries, as sets that keep their order
    for row in blocks:
        stages.setdefault(row["stride"], {})[str(row["stage"])] = None
    return "; ".join(
        f"s = {stride} in stage{'s' * (len(names) > 1)} {', '.join(names)}"
        for stride, names in stages.items()
    )


def _draw_stages(axes, stages, blocks):
    """One column per stage: its feature map on a log scale, and its boxes."""
    page = 11.46  # inches, so that squares are square
    axes.set(xlim=(0, page), ylim=(0, 3.8))
    axes.set_axis_off()
    step = page / len(stages)
    largest = math.log2(max(max(row["size"]) for row in stages) + 1)
    for column, row in enumerate(stages):
        centre = (column + 0.5) * step
        axes.text(centre, 3.6, row["stage"], ha="center", fontsize=11, weight="bold")
        height, width = (1.0 * math.log2(side + 1) / largest for side in row["size"])
        corner = (centre - width / 2, 2.92 - height / 2)
        axes.add_patch(Rectangle(corner, width, height, facecolor=_MAP, edgecolor=_INK))
        is_map = row["size"] != (1, 1)
        size = f"{row['size'][0]} x {row['size'][1]}\n" if is_map else "\n"
        kind = "channels" if is_map else "classes"
        text = f"{size}{row['channels']:,} {kind}"
        axes.text(centre, 2.32, text, ha="center", va="top", fontsize=9.5)
        mine = [block for block in blocks if f"stage {block['stage']}" == row["stage"]]
        for position, (text, colour) in enumerate(_boxes(row, mine)):
            _box(axes, centre, 1.62 - 0.47 * position, step - 0.14, 0.4, text, colour)
        filters = ", ".join(map(str, mine[0]["filters"])) if mine else ""
        parameters = f"{row['parameters']:,}" if row["parameters"] else ""
        for y, text in ((0.62, filters), (0.38, parameters)):
            axes.text(centre, y, text, ha="center", fontsize=9)
        if column:
            left, right = (column * step + side * 0.14 for side in (-1, 1))
            _arrow(axes, (left, 2.92), (right, 2.92))
    for y, text in ((0.62, "filters"), (0.38, "parameters")):
        axes.text(step / 2, y, text, ha="center", fontsize=9, color=_NOTE)
    axes.text(step / 2, 2.92, "sides on a\nlog scale", **_CENTRED, fontsize=8)


def _boxes(row, blocks):
    """Return (text, colour) of the boxes in a stage's column."""
    if not blocks:
        words = row["blocks"].replace("pooling, dense", "pooling; dense")
        return [(text, _OTHER) for text in words.split("; ") if text]
    numbers = {
        kind: sum(block["kind"] == kind for block in blocks) for kind in _EQUATION
    }
    return [
        (f"{number} x {kind}", _COLOURS[kind])
        for kind, number in numbers.items()
        if number
    ]


def _draw_block(axes, kind, kernel_sizes, striding):
    """The main path from X to Y, and above it the shortcut.

    `striding` is the index of the convolution that takes the stride.
    """
    axes.set(xlim=(0, 11.7), ylim=(0, 2))
    axes.set_axis_off()
    colour, last, main = _COLOURS[kind], len(kernel_sizes), 0.62
    title = "plain block" if kind == "plain" else f"{kind} block"
    axes.text(0.15, 1.7, title, fontsize=12, weight="bold", color=colour)
    axes.text(11.5, 1.7, _EQUATION[kind], fontsize=11, ha="right")
    axes.text(0.45, main, "X", **_CENTRED, fontsize=13, weight="bold")
    width = 7.2 / last - 0.3
    start, centres = 1.2, []
    for index, size in enumerate(kernel_sizes):
        stride = ", stride s" if index == striding and kind != "identity" else ""
        relu = "  |  ReLU" if index < last - 1 else ""
        text = f"CONV {size}x{size}, F{index + 1}{stride}\nBN{relu}"
        centres.append(start + width / 2)
        _box(axes, centres[-1], main, width, 0.62, text, colour)
        _arrow(axes, (start - 0.28 if index else 0.6, main), (start - 0.02, main))
        start += width + 0.3
    end = start - 0.3
    has_addition = kind != "plain"
    junction = 8.95
    if has_addition:
        _arrow(axes, (end + 0.02, main), (junction - 0.16, main))
        axes.text(junction, main, "+", **_CENTRED, fontsize=15)
        style = {"boxstyle": "round,pad=0.13,rounding_size=0.15", "facecolor": "none"}
        corner = (junction - 0.02, main - 0.02)
        axes.add_patch(FancyBboxPatch(corner, 0.04, 0.04, edgecolor=_INK, **style))
        high = 1.3
        style = {"color": _INK, "linewidth": 1.6, "solid_capstyle": "round"}
        # From X up, along and down into the addition
        axes.plot([0.85, 0.85], [main, high], **style)
        axes.plot([0.85, junction], [high, high], **style)
        _arrow(axes, (junction, high), (junction, main + 0.17))
        text = _SHORTCUT[kind].format(last=last)
        if text:
            _box(axes, 5.0, high, 4.4, 0.36, text, colour)
        else:
            axes.text(5.0, high + 0.09, "identity", ha="center", fontsize=10)
    _arrow(axes, (junction + 0.16 if has_addition else end + 0.02, main), (9.58, main))
    _box(axes, 10.0, main, 0.8, 0.44, "ReLU", _OTHER)
    _arrow(axes, (10.42, main), (10.88, main))
    axes.text(11.1, main, "Y", **_CENTRED, fontsize=13, weight="bold")


def _box(axes, x, y, width, height, text, colour):
    pad = 0.03
    corner = (x - width / 2 + pad, y - height / 2 + pad)
    style = {"boxstyle": f"round,pad={pad},rounding_size=0.06", "zorder": 2}
    style |= {"facecolor": colour, "edgecolor": _INK, "linewidth": 0.8}
    box = FancyBboxPatch(corner, width - 2 * pad, height - 2 * pad, **style)
    axes.add_patch(box)
    text = text.replace(", stride", "\nstride") if width < 2 else text
    is_light = colour in [_COLOURS[kind] for kind in _LIGHT_ON]
    axes.text(
        x,
        y,
        text,
        **_CENTRED,
        fontsize=9 if width > 1 else 8,
        color="white" if is_light else _INK,
        zorder=3,
    )


def _arrow(axes, start, end):
    style = {"arrowstyle": "-|>", "mutation_scale": 12, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(FancyArrowPatch(start, end, color=_INK, zorder=3, **style))
