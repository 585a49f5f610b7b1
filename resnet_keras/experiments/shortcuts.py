"""Shortcuts: what options A, B and C cost, and how accurate they are.

Source: arXiv 1512.03385, section 4.1, table 3: B slightly better than A, C than B, and
the differences small.
"""

from itertools import combinations

import keras
from matplotlib.figure import Figure

from resnet_keras.experiments import small
from resnet_keras.experiments.report import Report, column, mean_and_margin
from resnet_keras.plots import tidy

_OPTIONS = {
    "A": "zeros, no parameters",
    "B": "projection where the shape changes",
    "C": "projection everywhere",
}

_SHORT = {"A": "zeros", "B": "where shapes\nchange", "C": "everywhere"}


def run(out, seeds=3, quick=False):
    """Train a network of 20 layers with each of the three shortcut options.

    Args:
        out: directory for `shortcuts.csv`, `.png` and `.txt`.
        seeds: how often each is trained, 1 to 10.
        quick: whether to take seconds, to see that it works.

    Returns:
        `(rows, verdict)`: a row per option and seed, and words.
    """
    depth, epochs = (8, 2) if quick else (20, 10)
    data = small.load_usual("hands", quick, num_test=600)
    report = Report(
        "shortcuts",
        out,
        f"residual networks of {depth} layers with shortcuts A, B and C, {seeds} "
        f"seeds, {epochs} epochs each on {data.name} pixels.",
        len(_OPTIONS) * seeds,
    )
    rows = []
    for seed in range(seeds):
        for option in _OPTIONS:
            report.begin(f"option {option}, seed {seed}")
            model = small.network("residual", depth, data, seed, option)
            history, seconds = small.train(model, data, epochs, seed, report.dot)
            rows.append(
                {
                    "option": option,
                    "seed": seed,
                    "parameters": model.count_params(),
                    "seconds_per_epoch": seconds / epochs,
                    "train_error": history[-1]["train_error"],
                    "test_error": history[-1]["test_error"],
                }
            )
            report.end(f"test error {history[-1]['test_error']:.1%}, {seconds:.0f} s")
            keras.backend.clear_session(free_memory=False)
    return report.finish(rows, figure(rows), verdict(findings(rows)))


def findings(rows):
    """Return the means of each option, and which differences are significant.

    Args:
        rows: as `run` returns them.

    Returns:
        Dictionary: `num_seeds`; `means`, from each option to `parameters`,
        `seconds_per_epoch` and `test_error`; `differences`, from (better, worse) to
        mean and margin of the difference of test errors, where its 95 % interval
        excludes 0.
    """
    means = {
        option: {
            key: mean_and_margin(column(rows, key, option=option))[0]
            for key in ("parameters", "seconds_per_epoch", "test_error")
        }
        for option in _OPTIONS
    }
    differences = {}
    for first, second in combinations(_OPTIONS, 2):
        both = (column(rows, "test_error", option=each) for each in (first, second))
        mean, margin = mean_and_margin([a - b for a, b in zip(*both, strict=True)])
        if abs(mean) > margin:
            order = (second, first) if mean > 0 else (first, second)
            differences[order] = abs(mean), margin
    return {
        "num_seeds": len({row["seed"] for row in rows}),
        "means": means,
        "differences": differences,
    }


def verdict(found):
    """Return in words what `findings` returned."""
    sentences = [
        f"{option} ({_OPTIONS[option]}): {mean['parameters']:,.0f} parameters, "
        f"{mean['seconds_per_epoch']:.1f} s an epoch, test accuracy "
        f"{1 - mean['test_error']:.1%}."
        for option, mean in found["means"].items()
    ]
    if found["num_seeds"] == 1:
        sentences.append("From one seed no difference is significant.")
    elif found["differences"]:
        parts = [
            f"{better} is better than {worse} by {100 * mean:.1f} ± {100 * margin:.1f} "
            "points"
            for (better, worse), (mean, margin) in found["differences"].items()
        ]
        sentences.append(
            f"Over {found['num_seeds']} seeds {'; '.join(parts)} (95 % intervals)."
        )
    else:
        sentences.append(
            f"Over {found['num_seeds']} seeds no two differ significantly in accuracy "
            "(95 % intervals); the paper, too, finds small differences only."
        )
    return " ".join(sentences)


def figure(rows):
    """Draw parameters, seconds and accuracy side by side; a dot per seed."""
    number = len({row["seed"] for row in rows})
    result = Figure(figsize=(9.6, 3.8), layout="constrained")
    result.suptitle(f"Shortcuts A, B and C; bars are means, dots the {number} seeds")
    for axes, (key, title, scale) in zip(
        result.subplots(1, 3),
        (
            ("parameters", "parameters in thousands", 1e-3),
            ("seconds_per_epoch", "seconds per epoch", 1),
            ("test_error", "test error in %", 100),
        ),
        strict=True,
    ):
        for position, option in enumerate(_OPTIONS):
            values = [scale * value for value in column(rows, key, option=option)]
            axes.bar(position, sum(values) / len(values), color="#4c72b0", alpha=0.6)
            axes.plot(
                [position] * len(values), values, "o", color="#222222", markersize=4
            )
        labels = [f"{option}\n{_SHORT[option]}" for option in _OPTIONS]
        axes.set_xticks(range(len(_OPTIONS)), labels, fontsize=9)
        axes.set(title=title, ylim=(0, None))
        tidy(axes, grid=False)
    return result
