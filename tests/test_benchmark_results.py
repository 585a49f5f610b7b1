"""Tables and figures of the benchmark hold what they are given."""

import numpy as np

from resnet_keras.benchmark import baselines, results


def row(name, rates, precision="float32", **more):
    rates = {str(number): rate for number, rate in rates.items()}
    row = {"name": name, "precision": precision, "settings": ""}
    return row | {"images_per_second": rates} | more


def test_table_gives_ratios_of_the_best_batch_and_leaves_unknown_memory_out():
    rows = [
        row("(a) ours", {32: 90.0, 64: 80.0}, peak_memory_mb=900.4),
        row("limit", {32: 180.0, 64: 180.0}),
    ]
    lines = results.speed_table("training", rows, (32, 64)).splitlines()
    assert lines[1].split()[-4:] == ["90.0", "80.0", "1.00", "900"]
    assert lines[2].split() == ["limit", "180.0", "180.0", "0.50", "-"]


def test_rows_are_of_medians_and_leave_failures_out():
    peers = [baselines.Peer(name, "float32", "", None) for name in "ab"]
    seconds = {"1": [1.0], "8": [1.0, 4.0, 2.0]}
    found = {
        "a, float32": {"seconds": seconds, "peak_memory_mb": 5.0},
        "b, float32": {"error": "none"},
    }
    [found] = results.as_rows(peers, found, (1, 8), 100)
    assert found["images_per_second"] == {"1": 1.0, "8": 4.0}
    assert found["peak_memory_mb"] == 5


def test_limit_is_what_the_products_allow(monkeypatch):
    monkeypatch.setattr(results, "MATRIX_SIDE", 10)
    peers = [baselines.Peer(baselines.LIMIT, "bfloat16", "", None)]
    found = {"seconds": {"product": [2.0]}, "peak_memory_mb": 5.0}
    [found] = results.as_rows(peers, {peers[0].key: found}, (1, 8), 50)
    # 1000 multiply-adds in 2 s, 50 for an image
    assert found["images_per_second"] == {"1": 10.0, "8": 10.0}
    assert "peak_memory_mb" not in found


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
    rows = [row(name, {1: 9.0}) for name in (baselines.THIS, "(a) TensorFlow alone")]
    rows.append(row(baselines.LIMIT, {1: 20.0}))
    assert results.best_baseline(rows, (1,)) is None
    rows += [row(f"(d) {name}", {1: rate}) for name, rate in (("x", 1.0), ("y", 3.0))]
    rows.append(row("(d) z", {1: 4.0}, "bfloat16"))
    assert results.best_baseline(rows, (1,))["name"] == "(d) z"
    assert results.best_baseline(rows, (1,), "float32")["name"] == "(d) y"


def test_each_precision_has_its_best_baseline_and_its_limit():
    rows = [
        row(baselines.THIS, {32: 30.0, 64: 20.0}),
        row("(b) other", {32: 10.0, 64: 15.0}),
        row(baselines.LIMIT, {32: 60.0, 64: 60.0}),
        row("(f) alone", {32: 30.0, 64: 20.0}, "int8"),
    ]
    assert results.in_words(rows, (32, 64)) == [
        "float32: 2.00 x the best baseline, (b) other; 0.50 of the limit of products",
    ]


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
