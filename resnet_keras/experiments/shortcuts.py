"""Shortcuts: what options A, B and C cost, and what they bring.

Source: arXiv 1512.03385, section 4.1, table 3: B slightly better than A, C than B, and
the differences small.
"""

import keras
from matplotlib.figure import Figure

from resnet_keras.experiments import small
from resnet_keras.report import Report, mean_and_margin

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
        quick: a few seconds' worth, to see that it works.

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
    words = verdict(rows)
    report.finish(rows, figure(rows), words)
    return rows, words


def _of(rows, option, key):
    return [row[key] for row in rows if row["option"] == option]


def verdict(rows):
    """Say what each option costs, and whether accuracy tells them apart."""
    sentences, surely = [], []
    for option, words in _OPTIONS.items():
        seconds, _ = mean_and_margin(_of(rows, option, "seconds_per_epoch"))
        error, _ = mean_and_margin(_of(rows, option, "test_error"))
        sentences.append(
            f"{option} ({words}): {_of(rows, option, 'parameters')[0]:,} parameters, "
            f"{seconds:.1f} s an epoch, test accuracy {1 - error:.1%}."
        )
    for first, second in (("A", "B"), ("B", "C"), ("A", "C")):
        pairs = zip(
            _of(rows, first, "test_error"), _of(rows, second, "test_error"), strict=True
        )
        mean, margin = mean_and_margin([a - b for a, b in pairs])
        if abs(mean) > margin:
            better, worse = (second, first) if mean > 0 else (first, second)
            surely.append(
                f"{better} is better than {worse} by {100 * abs(mean):.1f} points, "
                f"give or take {100 * margin:.1f}"
            )
    number = len({row["seed"] for row in rows})
    if number == 1:
        return " ".join([*sentences, "One seed cannot tell a difference from chance."])
    sentences.append(
        f"Over {number} seeds "
        + (
            "; ".join(surely) + " (95 % intervals)."
            if surely
            else "no two differ in accuracy by more than chance explains (95 % "
            "intervals); the paper, too, finds small differences only."
        )
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
        for place, option in enumerate(_OPTIONS):
            values = [scale * value for value in _of(rows, option, key)]
            axes.bar(place, sum(values) / len(values), color="#4c72b0", alpha=0.6)
            axes.plot([place] * len(values), values, "o", color="#222222", markersize=4)
        labels = [f"{option}\n{_SHORT[option]}" for option in _OPTIONS]
        axes.set_xticks(range(len(_OPTIONS)), labels, fontsize=9)
        axes.set(title=title, ylim=(0, None))
        axes.spines[["top", "right"]].set_visible(False)
    return result
