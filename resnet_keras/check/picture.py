"""The documented graph and the learner's side by side, differences in red."""

from matplotlib.figure import Figure

_RIGHT, _WRONG, _LINE = "#dfeadf", "#f4b6ae", "#555555"
_COLUMNS = {"main": 0.0, "shortcut": 1.25}


def draw(result):
    """Return a figure of the documented and the learner's graph.

    Args:
        result: `result.Result` whose `drawing` has rows.

    Returns:
        `matplotlib.figure.Figure`.
    """
    paths = {path: [] for path in ("main", "shortcut", "join", "end")}
    for row in result.drawing:
        paths[row.path].append(row)
    length = max(len(paths["main"]), len(paths["shortcut"]))
    total = length + len(paths["join"]) + len(paths["end"]) + 1
    figure = Figure(figsize=(9, 0.45 * total + 0.8), layout="constrained")
    for index, title in enumerate(("documented", f"your {result.name}")):
        axes = figure.add_subplot(1, 2, index + 1)
        axes.set_title(title)
        _draw_graph(axes, paths, length, is_learners=index == 1)
        right = 2.05 if paths["join"] else 0.75
        axes.set(xlim=(-0.75, right), ylim=(total - 0.4, -0.6))
        axes.axis("off")
    return figure


def _draw_graph(axes, paths, length, is_learners):
    _box(axes, 0, 0, "X", _RIGHT)
    ends = {}
    for path, x in _COLUMNS.items():
        first = 1 if path == "main" else 1 + length - len(paths[path])
        ends[x] = _draw_path(axes, paths[path], is_learners, x, first, (0, 0))
    if not paths["join"]:
        return
    row, y = paths["join"][0], length + 1
    label = row.learners if is_learners else row.documented
    for x, before in ends.items():
        if not x or row.learners or not is_learners:
            _arrow(axes, before, (0, y), x)
    color = _RIGHT if row.same or not is_learners else _WRONG
    _box(axes, 0, y, label or "nothing is added", color)
    _draw_path(axes, paths["end"], is_learners, 0, y + 1, (0, y))


def _draw_path(axes, rows, is_learners, x, y, before):
    """Draw a column of boxes from y down; return where it ends."""
    for row in rows:
        label = row.learners if is_learners else row.documented
        if label:
            _box(axes, x, y, label, _RIGHT if row.same else _WRONG)
            _arrow(axes, before, (x, y), x)
            before = (x, y)
        elif is_learners:
            _box(axes, x, y, "missing", "white", _WRONG)
        y += 1
    return before


def _box(axes, x, y, label, color, edge=_LINE):
    box = {"boxstyle": "round", "facecolor": color, "edgecolor": edge}
    axes.text(x, y, label, ha="center", va="center", fontsize=8, bbox=box)


def _arrow(axes, start, end, x):
    """Draw from one box to another by way of the column x."""
    points = [start]
    for point in ((x, start[1]), (x, end[1]), end):
        if point != points[-1]:
            points.append(point)
    if len(points) < 2:
        return
    axes.plot(*zip(*points[:-1], strict=True), color=_LINE, linewidth=1, zorder=0)
    is_level = points[-1][1] == points[-2][1]
    style = {
        "arrowstyle": "->",
        "color": _LINE,
        "shrinkA": 0,
        "shrinkB": 22 if is_level else 10,  # boxes are wider than high
    }
    axes.annotate("", points[-1], points[-2], arrowprops=style, zorder=0)
