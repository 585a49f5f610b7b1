"""The quick form of the benchmark, its options, and what it refuses."""

import json
import sys

import pytest
from PIL import Image

from resnet_keras.benchmark import __main__ as benchmark
from resnet_keras.benchmark import (
    accuracy,
    baselines,
    comparison,
    detection,
    retinanet,
)
from resnet_keras.errors import InputError
from resnet_keras.models import build
from tests.conftest import command, write_pair


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmark")
    assert benchmark.main(["--quick", "--out", str(out)]) == 0
    return out, json.loads((out / "benchmark.json").read_text())


def test_quick_form_compares_speed_and_memory(quick):
    _, result = quick
    for title in ("training", "prediction"):
        names = [row["name"] for row in result[title]]
        assert names == [baselines.THIS, baselines.DEFAULTS]
        for row in result[title]:
            assert row["peak_memory_mb"] > 200  # TensorFlow alone
            [one] = row["seconds"]["4"]
            assert row["images_per_second"]["4"] == pytest.approx(4 / one)
    assert set(result["prediction"][0]["seconds"]) == {"1", "4"}


def test_quick_form_draws_a_bar_for_each(quick):
    out, _ = quick
    with Image.open(out / "benchmark.png") as picture:
        assert picture.size[0] > 1000


def test_multiply_adds_are_those_of_the_network(quick):
    # ResNet-20 for 32 x 32 pixels: the paper's net of 41 million.
    assert 40e6 < quick[1]["multiply_adds_per_image"] < 42e6


@pytest.mark.parametrize("part", ["training", "prediction"])
def test_only_the_part_named_is_measured(part, tmp_path, monkeypatch, capsys):
    def interleaved(makers, setting, num_rounds):
        seconds = {str(number): [0.5] for number in setting[2]}
        return {key: {"seconds": seconds, "peak_memory_mb": 1.0} for key in makers}

    monkeypatch.setattr(comparison, "interleaved", interleaved)
    found = comparison.compare(True, tmp_path / "speed.png", (part,))
    assert len(found[part]) == 2
    assert {"training", "prediction"} & set(found) == {part}
    assert found["growth"] == []
    printed = capsys.readouterr().out
    assert "float32: 1.00 x the best baseline, (b) Keras' defaults" in printed
    assert ("one by one" in printed) == (part == "prediction")


def test_start_up_is_of_whole_processes_with_the_same_model(monkeypatch):
    lines, now = [], [0.0]

    def run(line, **settings):
        lines.append(line)
        now[0] += 0.3 if "resnet_keras.predict" in line else 0.1

    monkeypatch.setattr(comparison.subprocess, "run", run)
    monkeypatch.setattr(comparison.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(
        comparison, "ResNet50", lambda: build("resnet-cifar-20", (32, 32, 3), 2)
    )
    assert comparison.start_up(num_rounds=1)["ratio"] == pytest.approx(3)
    assert lines[0][3] in lines[1][2]


def test_what_is_given_and_unusable_is_named(tmp_path):
    with pytest.raises(InputError, match="nothing: no such file or folder"):
        accuracy.this_package(str(tmp_path / "nothing"), 0.9, 60)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: is a file; expected a folder"):
        benchmark.main(["--out", str(tmp_path / "file")])


@pytest.mark.parametrize(
    "options",
    [
        ["--quick", "--time-to-accuracy", "0.9"],
        ["--detection", "--retinanet", "5"],
        ["--quick", "--detection"],
        ["--only", "growth", "--time-to-accuracy", "0.9"],
    ],
)
def test_one_thing_is_measured_at_a_time(options, capsys):
    with pytest.raises(SystemExit):
        benchmark.main(options)
    assert "exclude each other" in capsys.readouterr().err


def test_retinanet_without_keras_hub_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(InputError, match="pip install keras-hub"):
        benchmark.main(["--retinanet", "1", "--out", str(tmp_path)])


@pytest.mark.parametrize("option", [["--max-minutes", "3"], ["--xla"]])
def test_options_of_the_time_to_an_accuracy_are_not_for_the_comparison(option, capsys):
    with pytest.raises(SystemExit):
        benchmark.main(option)
    assert f"{option[0]} is for --time-to-accuracy" in capsys.readouterr().err


@pytest.mark.slow
def test_time_to_accuracy_of_all_three(tmp_path):
    write_pair(tmp_path / "colours", num_train=120)
    line = ["--time-to-accuracy", 0.3, "--data", tmp_path / "colours"]
    line += ["--max-minutes", 3, "--seed", 1, "--epochs", 3, "--xla"]
    process = command("benchmark", *line, "--out", tmp_path)
    assert process.returncode == 0, process.stderr
    found = json.loads((tmp_path / "time_to_accuracy.json").read_text())
    assert len(found["time_to_accuracy"]) == 3
    assert all(values["accuracies"] for values in found["time_to_accuracy"].values())
    with Image.open(tmp_path / "time_to_accuracy.png") as picture:
        assert picture.size[0] > 900


@pytest.mark.slow
def test_detectors_cost_grows_with_the_size_of_pictures(capsys):
    rows = detection.measure(print, sizes=(64, 128), num_rounds=1)
    assert [row["image_size"] for row in rows] == [64, 128]
    for name in ("training", "prediction"):
        assert rows[0][name] > 1.5 * rows[1][name]  # of four times the pixels
    assert rows[0]["memory_mb"] < rows[1]["memory_mb"]


@pytest.mark.slow
def test_retinanet_trains_on_the_scenes_and_is_scored(monkeypatch):
    pytest.importorskip("keras_hub")
    monkeypatch.setattr(retinanet, "_WARM_UP", 2)
    [row] = retinanet.measure(0.01, print, rates=(1e-3,), num_scenes=40)
    assert row["pictures"] >= 3 * 16
    assert 0 <= row["AP"] <= row["AP50"] <= 1
