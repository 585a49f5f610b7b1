"""The benchmark's figures as tables of text and as a picture."""

import statistics
import textwrap

from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from resnet_keras.tables import table

_OWN, _OTHER, _MORE = "#dd8452", "#4c72b0", ("#55a868", "#8172b3")
_LIMIT = "#b8bec6"  # of the processor


def speeds(results, num_images):
    """Return images/s, from the median of the seconds of each step.

    Args:
        results: as `interleaved` returns it.
        num_images: dictionary from names of steps to how many images each takes.

    Returns:
        Dictionary from names to dictionaries from steps to images/s.
    """
    return {
        name: {
            step: number / statistics.median(result["seconds"][step])
            for step, number in num_images.items()
        }
        for name, result in results.items()
        if "error" not in result
    }


def speed_table(title, rates, memory, this):
    """Return a table of images/s, the ratio of `this` to each, and memory.

    Args:
        title: of the first column.
        rates: dictionary from names to images/s.
        memory: dictionary from names to peak MiB; some may be missing.
        this: the name whose ratio to each other is given.

    Example:

    >>> rates, memory = {"ours": 90.0, "other": 30.0}, {"ours": 900}
    >>> print(speed_table("training", rates, memory, "ours"))
    training  images/s  (a) speed-up  peak MiB
    ours          90.0          1.00       900
    other         30.0          3.00         -
    """
    rows = []
    for name, rate in rates.items():
        peak = f"{memory[name]:.0f}" if name in memory else "-"
        rows.append((name, f"{rate:.1f}", f"{rates[this] / rate:.2f}", peak))
    return table((title, "images/s", "(a) speed-up", "peak MiB"), rows)


def best_baseline(rates):
    """Return the fastest of the names that are neither this package nor a limit.

    Args:
        rates: dictionary from names to images/s.

    Example:

    >>> best_baseline({"(a) ours": 9, "(b) one": 2, "(d) two": 3, "(e) limit": 20})
    '(d) two'
    """
    others = [name for name in rates if not name.startswith(("(a)", "(e)"))]
    return max(others, key=rates.get, default=None)


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
    num_rows = 2 if rows else 1
    result = Figure(figsize=(15, 3.3 * num_rows), layout="constrained")
    grid = result.add_gridspec(num_rows, 12)
    for index, (title, values) in enumerate(bars.items()):
        width = 12 // len(bars)
        axes = result.add_subplot(grid[0, index * width : (index + 1) * width])
        names = list(values)[::-1]
        colours = [_colour(name) for name in names]
        drawn = axes.barh(names, [values[name] for name in names], color=colours)
        labels = [
            f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
            for value in drawn.datavalues
        ]
        axes.bar_label(drawn, labels, padding=3, fontsize=8)
        axes.set_title(title, fontsize=10)
        axes.margins(x=0.2)
        axes.tick_params(labelsize=8)
        if index:
            axes.set_yticks(range(len(names)), _short(names))
    for index, axis in enumerate(axes_of_growth):
        width = 12 // len(axes_of_growth)
        axes = result.add_subplot(grid[1, index * width : (index + 1) * width])
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


def _short(names):
    """Return the letter of each name, or the name where others have that letter."""
    letters = [name[:3] for name in names]
    return [
        textwrap.fill(name, 13) if letters.count(letter) > 1 else letter
        for name, letter in zip(names, letters, strict=True)
    ]


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
