"""The benchmark's figures as tables of text and as a picture."""

import statistics

from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from resnet_keras.benchmark.common import MATRIX_SIDE, PRODUCT
from resnet_keras.tables import table

_OWN, _OTHER, _MORE = "#dd8452", "#4c72b0", ("#55a868", "#8172b3")
_LIMIT = "#b8bec6"  # of the processor


def as_rows(peers, found, batch_sizes, multiply_adds):
    """Return what was measured, a dictionary for each peer that did not fail.

    Args:
        peers: list of `Peer`.
        found: as `interleaved` returns it, by their keys.
        batch_sizes: of the steps, for the limit, which has none.
        multiply_adds: how many a step takes for one image.

    Returns:
        List of dictionaries: `name`, `precision` and `settings` of the peer, `seconds`
        (from batch sizes, as text, to the seconds of each round), `images_per_second`
        (from these to a number, by the medians) and `peak_memory_mb`.
    """
    rows = []
    for peer in peers:
        measured = found[peer.key]
        if "error" in measured:
            continue
        row = {"name": peer.name, "precision": peer.precision}
        row |= {"settings": peer.settings, **measured}
        medians = {x: statistics.median(y) for x, y in measured["seconds"].items()}
        if PRODUCT in medians:
            rate = MATRIX_SIDE**3 / medians[PRODUCT] / multiply_adds
            row["images_per_second"] = dict.fromkeys(map(str, batch_sizes), rate)
            del row["peak_memory_mb"]
        else:
            row["images_per_second"] = {x: int(x) / y for x, y in medians.items()}
        rows.append(row)
    return rows


def best_rate(row, batch_sizes):
    """Return the most images/s of a row, whatever the batch.

    Args:
        row: as of `as_rows`.
        batch_sizes: those to look at; others are passed over.

    Example:

    >>> best_rate({"images_per_second": {"1": 9.0, "32": 80.0, "64": 90.0}}, (32, 64))
    90.0
    """
    rates = row["images_per_second"]
    return max(rates[str(number)] for number in batch_sizes)


def speed_table(title, rows, batch_sizes):
    """Return a table of images/s, how many times as fast (a) is, memory and settings.

    Args:
        title: of the first column.
        rows: as of `as_rows`, of one precision; (a) is the first of them that is this
            package.
        batch_sizes: a column for each. The ratio is of the best of them.

    Example:

    >>> own = {"name": "(a) ours", "images_per_second": {"32": 80.0, "64": 90.0}}
    >>> peer = {"name": "(b) other", "images_per_second": {"32": 30.0, "64": 20.0}}
    >>> own |= {"peak_memory_mb": 900.4, "settings": ""}
    >>> peer |= {"settings": "its defaults"}
    >>> print(speed_table("training", [own, peer], (32, 64)))
    training   by 32  by 64  (a) speed-up  peak MiB  settings
    (a) ours    80.0   90.0          1.00       900
    (b) other   30.0   20.0          3.00         -  its defaults
    """
    own = next((row for row in rows if _is_own(row)), None)
    lines = []
    for row in rows:
        rates = [row["images_per_second"][str(number)] for number in batch_sizes]
        ratio = best_rate(own, batch_sizes) / max(rates) if own else None
        peak = row.get("peak_memory_mb")
        lines.append(
            (
                row["name"],
                *(f"{rate:.1f}" for rate in rates),
                f"{ratio:.2f}" if own else "-",
                f"{peak:.0f}" if peak else "-",
                row["settings"],
            )
        )
    columns = [f"by {number}" for number in batch_sizes]
    header = (title, *columns, "(a) speed-up", "peak MiB", "settings")
    return table(header, lines, "<" + ">" * (len(columns) + 2) + "<")


def best_baseline(rows, batch_sizes, precision=None):
    """Return the fastest row that is neither this package nor a limit, or None.

    Args:
        rows: as of `as_rows`.
        batch_sizes: those to look at.
        precision: the one to choose among; None for any.

    Example:

    >>> names = ["(a) ours", "(b) one", "(d) two", "(e) limit"]
    >>> rows = [
    ...     {"name": name, "precision": "float32", "images_per_second": {"1": rate}}
    ...     for name, rate in zip(names, (9, 2, 3, 20))
    ... ]
    >>> best_baseline(rows, (1,), "float32")["name"]
    '(d) two'
    """
    others = [
        row
        for row in rows
        if not (_is_own(row) or row["name"].startswith("(e)"))
        and precision in (None, row["precision"])
    ]
    return max(others, key=lambda row: best_rate(row, batch_sizes), default=None)


def in_words(rows, batch_sizes):
    """Return lines: this package beside the best of each precision, and the limit.

    Args:
        rows: as of `as_rows`, of all precisions.
        batch_sizes: those to look at.
    """
    own = [row for row in rows if _is_own(row)]
    precisions = list(dict.fromkeys(row["precision"] for row in own))
    lines = []
    for precision in precisions:
        rate = _best_of(own, precision, batch_sizes)
        line = f"{precision}: "
        if best := best_baseline(rows, batch_sizes, precision):
            ratio = rate / best_rate(best, batch_sizes)
            line += f"{ratio:.2f} x the best baseline, {best['name']}"
        for row in rows:
            if row["name"].startswith("(e)") and row["precision"] == precision:
                fraction = rate / best_rate(row, batch_sizes)
                line += f"; {fraction:.2f} of the limit of products"
        lines.append(line)
    return lines


def _best_of(rows, precision, batch_sizes):
    chosen = (row for row in rows if row["precision"] == precision)
    return max(best_rate(row, batch_sizes) for row in chosen)


def _is_own(row):
    return row["name"].startswith("(a)")


def growth_heading():
    """Return the line above those of `growth_line`."""
    return f"{'training, by':<24}  {'':8}  ms per image  MiB"


def growth_line(row):
    """Return a line of text: what an image costs in training at one point."""
    cost, memory = 1000 * row["seconds_per_image"], row["memory_mb"]
    return f"{row['axis']:<24}  {row['value']:8,d}  {cost:12.2f}  {memory:,.0f}"


def figure(bars, rows):
    """Draw what was compared as bars, and growth as lines.

    Args:
        bars: dictionary from titles to dictionaries from names to numbers.
        rows: as `growth.measure` returns them; may be empty.
    """
    axes_of_growth = list(dict.fromkeys(row["axis"] for row in rows))
    titled = list(bars.items())
    pairs = [titled[first : first + 2] for first in range(0, len(titled), 2)]
    # A bar takes a fifth of an inch.
    heights = [0.8 + 0.2 * max(len(values) for _, values in pair) for pair in pairs]
    heights += [3.3] if rows else []
    result = Figure(figsize=(15, sum(heights) or 1), layout="constrained")
    grid = result.add_gridspec(len(heights) or 1, 12, height_ratios=heights or None)
    for row, pair in enumerate(pairs):
        for column, (title, values) in enumerate(pair):
            axes = result.add_subplot(grid[row, 6 * column : 6 * column + 6])
            _draw_bars(axes, title, values)
    for index, axis in enumerate(axes_of_growth):
        width = 12 // len(axes_of_growth)
        axes = result.add_subplot(grid[-1, index * width : (index + 1) * width])
        points = [row for row in rows if row["axis"] == axis]
        values = [row["value"] for row in points]
        costs = [1000 * row["seconds_per_image"] for row in points]
        axes.loglog(values, costs, "o-", color=_OWN, label="ms per image")
        memory = [row["memory_mb"] for row in points]
        axes.loglog(values, memory, "s--", color=_OTHER, label="MiB")
        axes.set_xticks(values, [f"{value:,}" for value in values])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_title(f"cost of training, by {axis}", fontsize=10)
        axes.set_ylim(bottom=min(costs + memory) / 2, top=2 * max(costs + memory))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
    for axes in result.axes:
        axes.spines[["top", "right"]].set_visible(False)
    return result


def _draw_bars(axes, title, values):
    names = list(values)[::-1]
    colours = [_colour(name) for name in names]
    drawn = axes.barh(names, [values[name] for name in names], color=colours)
    labels = [
        f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
        for value in drawn.datavalues
    ]
    axes.bar_label(drawn, labels, padding=3, fontsize=8)
    axes.set_title(title, fontsize=10)
    axes.margins(x=0.2, y=0.01)
    axes.tick_params(labelsize=8)


def _colour(name):
    return {"(a)": _OWN, "(e)": _LIMIT}.get(name[:3], _OTHER)


def course_of_accuracy(results, target):
    """Draw how validation accuracy rose with the minutes of training.

    Args:
        results: dictionary from names to results as of
            `resnet_keras.benchmark.accuracy`.
        target: the accuracy that was to be reached.
    """
    result = Figure(figsize=(8, 4), layout="constrained")
    axes = result.add_subplot()
    axes.set_prop_cycle(color=[_OTHER, *_MORE])
    for name, values in results.items():
        minutes = [end / 60 for end in values["ends"]]
        colour = _OWN if name.startswith("(a)") else None
        line = {"markersize": 3, "label": name, "color": colour}
        axes.plot(minutes, values["accuracies"], "o-", **line)
    axes.axhline(target, color="grey", linestyle=":", label=f"{target}, to be reached")
    axes.set_xlabel("minutes of training")
    axes.set_ylabel("validation accuracy")
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.03)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return result
