"""How an experiment reports: its progress, and the files it writes."""

import math
import time
from pathlib import Path

from resnet_keras import plots
from resnet_keras.files.writing import check_folder, write_csv, write_whole
from resnet_keras.tables import duration

# Student's t, two-sided 95 %, for 1 to 9 degrees of freedom. SciPy has it, too, but is
# not needed for anything else that every user installs.
_T95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)


COLOURS = {"plain": "#c44e52", "residual": "#4c72b0"}


class Report:
    """An experiment's progress on the terminal, and the files it writes.

    Args:
        name: of the experiment, and of its files.
        directory: where they go; made if need be.
        purpose: one sentence on what is done and why.
        num_runs: how many parts the work has.
    """

    def __init__(self, name, directory, purpose, num_runs):
        self._name, self._directory = name, Path(directory)
        check_folder(directory)
        self._num_runs, self._num_done = num_runs, 0
        self._start = time.perf_counter()
        print(f"{name}: {purpose}", flush=True)

    def begin(self, what):
        """Print what the next part of the work is."""
        digits = len(str(self._num_runs))
        number = f"{self._num_done + 1:{digits}d}/{self._num_runs}"
        print(f"  {number} {what} ", end="", flush=True)

    def dot(self):
        """Print a dot: some of this part is done."""
        print(".", end="", flush=True)

    def end(self, result):
        """Print the result of that part, and how long the rest will take."""
        self._num_done += 1
        passed = time.perf_counter() - self._start
        left = passed / self._num_done * (self._num_runs - self._num_done)
        rest = f"; about {duration(left)} left" if left >= 1 else ""
        print(f" {result}{rest}", flush=True)

    def finish(self, rows, figure, verdict):
        """Write the CSV, the PNG and the verdict, and print where they are.

        Args:
            rows: list of dictionaries with the same keys.
            figure: Matplotlib `Figure`.
            verdict: str.

        Returns:
            `(rows, verdict)`.
        """
        seconds = time.perf_counter() - self._start
        print(f"Verdict: {verdict}")
        table, picture, words = (
            self._directory / (self._name + suffix)
            for suffix in (".csv", ".png", ".txt")
        )
        write_csv(table, rows)
        plots.save(figure, picture)
        with write_whole(words) as temporary:
            temporary.write_text(verdict + "\n")
        print(f"Done in {duration(seconds)}. Written: {table}, {picture}, {words}")
        return rows, verdict


def column(rows, key, **where):
    """Return one column of the rows that have the values given.

    >>> column([{"seed": 0, "error": 0.5}, {"seed": 1, "error": 0.4}], "error", seed=1)
    [0.4]
    """
    wanted = where.items()
    return [row[key] for row in rows if all(row[k] == value for k, value in wanted)]


def interval(mean_and_margin, form, factor=1):
    """Return a mean and its margin in words; without one where there is one seed.

    >>> interval((0.5, 0.1), ".1f", 100), interval((0.5, math.inf), ".1f")
    ('50.0 ± 10.0', '0.5')
    """
    mean, margin = (factor * value for value in mean_and_margin)
    later = f" ± {margin:{form.lstrip('+')}}" if math.isfinite(margin) else ""
    return f"{mean:{form}}{later}"


def legend_below(figure, axes, ncols, title=None):
    """Put the legend of one panel below all of them."""
    handles = axes.get_legend_handles_labels()
    place = {"loc": "outside lower center", "ncols": ncols}
    figure.legend(*handles, **place, frameon=False, title=title)


def mean_and_margin(values):
    """Return the mean and half the width of its 95 % confidence interval.

    Args:
        values: one to ten numbers, one per seed.

    Returns:
        `(mean, margin)`; the margin of a single value is infinite.

    Example:

    >>> [round(number, 2) for number in mean_and_margin([1.0, 2.0, 3.0])]
    [2.0, 2.48]

    Source: Student's t distribution.
    """
    number, mean = len(values), sum(values) / len(values)
    if number == 1:
        return mean, math.inf
    variance = sum((value - mean) ** 2 for value in values) / (number - 1)
    return mean, _T95[number - 2] * math.sqrt(variance / number)
