"""Tables and figures of the benchmark hold what they are given."""

import numpy as np

from resnet_keras.benchmark import baselines, results


def test_table_gives_ratios_and_leaves_unknown_memory_out():
    rates = {"(a) this package": 90.0, "limit": 180.0}
    memory = {"(a) this package": 900.4}
    lines = results.speed_table("training", rates, memory, next(iter(rates)))
    lines = lines.splitlines()
    assert lines[1].split()[-3:] == ["90.0", "1.00", "900"]
    assert lines[2].split() == ["limit", "180.0", "0.50", "-"]


def test_speeds_are_of_the_median_and_leave_failures_out():
    found = {"a": {"seconds": {"train": [1.0, 4.0, 2.0]}}, "b": {"error": "none"}}
    assert results.speeds(found, {"train": 8}) == {"a": {"train": 4.0}}


def test_growth_is_a_line_of_milliseconds_and_memory():
    row = {"axis": "images", "value": 100_000, "seconds_per_image": 0.0012}
    line = results.growth_line(row | {"memory_mb": 1234.4})
    assert line.split() == ["images", "100,000", "1.20", "1,234"]


def test_figure_shows_all_bars_and_all_points():
    rows = [
        {"axis": axis, "value": v, "seconds_per_image": v / 10, "memory_mb": 10.0}
        for axis in ("images", "batch")
        for v in (1, 2, 4)
    ]
    bars = {"training": {"(a) one": 1.0, "(b) two": 2.0}, "memory": {"(a) one": 5.0}}
    figure = results.figure(bars, rows)
    assert [len(axes.patches) for axes in figure.axes] == [2, 1, 0, 0]
    line = figure.axes[2].lines[0]
    np.testing.assert_allclose(line.get_ydata(), [100, 200, 400])


def test_best_baseline_is_neither_this_package_nor_a_limit():
    rates = dict.fromkeys([baselines.THIS, baselines.KERAS_ONLY], 9.0)
    rates |= {"(e) products, float32": 20.0}
    assert results.best_baseline(rates) is None
    rates |= dict(zip(baselines.PYTORCH, (1.0, 3.0, 2.0), strict=True))
    assert results.best_baseline(rates) == "(d) PyTorch bfloat16"


def test_names_of_one_letter_are_told_apart():
    bars = dict.fromkeys(
        ["(a) this package", "(b) Keras' defaults", "(b) Keras with XLA"], 1.0
    )
    figure = results.figure({"first": bars, "second": bars}, [])
    labels = [text.get_text() for text in figure.axes[1].get_yticklabels()]
    assert labels == ["(b) Keras\nwith XLA", "(b) Keras'\ndefaults", "(a)"]


def test_course_of_accuracy_is_drawn_to_the_minute():
    found = {
        "(a)": {"ends": [30.0, 60.0], "accuracies": [0.4, 0.9]},
        "(c)": {"ends": [90.0], "accuracies": [0.2]},
    }
    axes = results.course_of_accuracy(found, 0.95).axes[0]
    assert [text.get_text()[:3] for text in axes.get_legend().get_texts()] == [
        "(a)",
        "(c)",
        "0.9",
    ]
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[0.5, 0.4], [1, 0.9]])
