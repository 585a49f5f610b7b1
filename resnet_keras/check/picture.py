"""The documented graph of a block and the learner's side by side, differences in red."""

from matplotlib.figure import Figure

_RIGHT, _WRONG, _NONE = "#dfeadf", "#f4b6ae", "none"
_COLUMNS = {"main": 0.0, "shortcut": 1.25}
_SHORT = {"bn": "BatchNorm", "relu": "ReLU", "add": "Add", "concat": "Concatenate"}


def draw(result):
    """Return a figure of the documented and the learner's graph.

    Args:
        result: `Result` of a block that could be built.

    Returns:
        `matplotlib.figure.Figure`.
    """
    rows = result.drawing
    paths = {
        path: [pair for each, pair in rows if each == path]
        for path in ("main", "shortcut", "join", "end")
    }
    length = max(len(paths["main"]), len(paths["shortcut"]))
    total = length + 1 + len(paths["end"]) + 1
    figure = Figure(figsize=(9, 0.5 * total + 0.8), layout="constrained")
    for index, (title, is_learners) in enumerate(
        (("documented", False), (f"your {result.name}", True))
    ):
        axes = figure.add_subplot(1, 2, index + 1)
        axes.set_title(title)
        _draw_graph(axes, paths, length, is_learners)
        axes.set(xlim=(-0.75, 2.05), ylim=(total - 0.4, -0.6))
        axes.axis("off")
    return figure


def _draw_graph(axes, paths, length, is_learners):
    _box(axes, 0, 0, "X", _RIGHT)
    ends = []
    for path, x in _COLUMNS.items():
        before = (0, 0)
        pairs = paths[path]
        for offset, pair in enumerate(pairs):
            y = 1 + offset + (length - len(pairs) if path == "shortcut" else 0)
            before = _draw_pair(axes, pair, is_learners, x, y, before)
        ends.append((x, before))
    join = paths["join"][0].step
    y = length + 1
    label = "Add"
    if is_learners:
        label = _SHORT.get(join.kind, _name(join)) if join else "(nothing is joined)"
    right = not is_learners or (join is not None and join.kind == "add")
    _box(axes, 0, y, label, _RIGHT if right else _WRONG)
    for x, before in ends:
        if not x or join is not None or not is_learners:
            _arrow(axes, before, (0, y), x)
    before = (0, y)
    for offset, pair in enumerate(paths["end"], 1):
        before = _draw_pair(axes, pair, is_learners, 0, y + offset, before)


def _draw_pair(axes, pair, is_learners, x, y, before):
    shown = pair.step if is_learners else pair.documented
    same = pair.documented is not None and pair.step is not None
    same = same and pair.documented.kind == pair.step.kind and not pair.differences
    if shown is None:
        if is_learners:
            _box(axes, x, y, "missing", _NONE, _WRONG)
        return before
    label = _learners(pair) if is_learners else _documented(shown)
    _box(axes, x, y, label, _RIGHT if same else _WRONG)
    _arrow(axes, before, (x, y), x)
    return x, y


def _documented(step):
    if step.kind == "conv":
        return step.words.replace("stride ", "s ").replace("CONV2D", "Conv")
    return _SHORT[step.kind]


def _learners(pair):
    step = pair.step
    if step.kind != "conv":
        return _SHORT.get(step.kind, _name(step))
    if pair.documented is not None and not pair.differences:
        return _documented(pair.documented)
    settings = step.settings
    size = "x".join(map(str, settings["kernel_size"]))
    stride = settings["strides"][0]
    return f"Conv({settings['filters']}, {size}, s {stride}, {settings['padding']})"


def _name(step):
    return step.settings.get("name", step.kind)


def _box(axes, x, y, label, color, edge="#555555"):
    axes.text(
        x,
        y,
        label,
        ha="center",
        va="center",
        fontsize=8,
        bbox={"boxstyle": "round", "facecolor": color, "edgecolor": edge},
    )


def _arrow(axes, start, end, x):
    """Draw from one box to another by way of the column x."""
    points = [start, (x, start[1]), (x, end[1]), end]
    points = [p for p, before in zip(points, [None, *points], strict=False) if p != before]
    if len(points) < 2:
        return
    line = {"color": "#555555", "linewidth": 1, "zorder": 0}
    axes.plot(*zip(*points[:-1], strict=True), **line)
    style = {"arrowstyle": "->", "color": "#555555", "shrinkA": 0, "shrinkB": 10}
    if abs(points[-1][0] - points[-2][0]) > 0:
        style["shrinkB"] = 22  # boxes are wider than high
    axes.annotate("", points[-1], points[-2], arrowprops=style, zorder=0)
