"""Reports: intervals, durations, progress, and places that cannot be written to."""

import math
import re

import pytest

from resnet_keras.experiments import depth_cost
from resnet_keras.experiments import report as report_module
from resnet_keras.experiments.report import Report, mean_and_margin
from resnet_keras.tables import duration


def test_margin_is_half_of_students_interval():
    mean, margin = mean_and_margin([0.1, 0.2, 0.4, 0.5])
    assert mean == pytest.approx(0.3)
    # s = 0.18257 and t = 3.182 with three degrees of freedom, over sqrt(4)
    assert margin == pytest.approx(3.182 * 0.18257 / 2, rel=1e-3)


def test_margin_of_one_value_is_infinite():
    assert mean_and_margin([1.0]) == (1.0, math.inf)


@pytest.mark.parametrize("number", range(2, 11))
def test_margins_are_those_of_scipy(number):
    stats = pytest.importorskip("scipy.stats")
    values = list(range(number))
    expected = stats.sem(values) * stats.t.ppf(0.975, number - 1)
    assert mean_and_margin(values)[1] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.6, "1 min 00 s"), (245.2, "4 min 05 s"), (7205, "120 min 05 s")],
)
def test_durations_are_in_words(seconds, words):
    assert duration(seconds) == words


def test_the_time_left_is_that_of_the_parts_done(monkeypatch, tmp_path, capsys):
    now = [0.0]
    monkeypatch.setattr(report_module.time, "perf_counter", lambda: now[0])
    report = Report("test", tmp_path, "To see.", 4)
    report.begin("first")
    now[0] = 30.0
    report.end("done")
    # 30 s for one part, so 90 s for three
    assert re.search("1/4 first .*1 min 30 s", capsys.readouterr().out)


def test_a_place_that_cannot_be_written_to_is_refused_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        depth_cost.run(tmp_path / "file" / "sub", quick=True)
