"""The benchmark's parts on small networks, and its quick form."""

import json
import time

import keras
import numpy as np
import pytest
from PIL import Image

from resnet_keras.benchmark import __main__ as benchmark
from resnet_keras.benchmark import (
    accuracy,
    common,
    comparison,
    contenders,
    growth,
    results,
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
    rates = result["images_per_second"]
    for title in ("training", "prediction", "prediction, one by one"):
        assert set(rates[title]) == {contenders.THIS, contenders.WITHOUT_XLA}
        assert min(rates[title].values()) > 0
    assert min(result["peak_memory_mb"]["training"].values()) > 200
    found = result["seconds_of_steps"]["training"][contenders.THIS]
    [seconds] = found["seconds"]["train"]
    assert rates["training"][contenders.THIS] == pytest.approx(4 / seconds)


def test_quick_form_draws_a_bar_for_each(quick):
    out, _ = quick
    with Image.open(out / "benchmark.png") as picture:
        assert picture.size[0] > 1000


def test_multiply_adds_are_those_of_the_network(quick):
    # ResNet-20 for 32 x 32 pixels: the paper's net of 41 million.
    assert 40e6 < quick[1]["multiply_adds_per_image"] < 42e6


def test_products_are_of_both_precisions(monkeypatch):
    monkeypatch.setattr(contenders, "MATRIX_SIDE", 8)
    steps = contenders.matrix_products("resnet50", 64, 32)
    assert {name: float(step()) for name, step in steps.items()} == {
        "float32": 8,
        "bfloat16": 8,
    }


def test_contenders_train_the_same_number_of_images():
    images, one_hot = common.random_images(8, 32)
    assert (images.shape, one_hot.shape) == ((8, 32, 32, 3), (8, 6))
    assert np.unique(one_hot.argmax(1)).tolist() == [0, 1, 2, 3, 4, 5]


def test_course_compiles_with_keras_defaults():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, "softmax")])
    contenders.compile_as_in_the_course(model, jit_compile=False)
    assert type(model.optimizer) is keras.optimizers.Adam
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-3)
    assert model.optimizer.weight_decay is None


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


def test_fit_with_a_fixed_batch_does_as_many_steps_as_with_augmented_ones(monkeypatch):
    monkeypatch.setattr(contenders, "_STEPS_IN_FIT", 2)
    steps = contenders.this_package_in_fit("resnet-cifar-20", 32, 4)
    assert {name: len(step().epoch) for name, step in steps.items()} == {
        "augmented": 1,
        "fixed": 1,
    }


def test_torch_network_is_the_courses():
    torch = pytest.importorskip("torch")
    from resnet_keras.benchmark.torch_resnet import resnet50

    network = resnet50(6)
    # The course's 23,600,006 less the convolutions' 26,560 biases and the 53,120
    # moving averages, which PyTorch does not count.
    number = sum(parameter.numel() for parameter in network.parameters())
    assert number == 23_600_006 - 26_560 - 53_120
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 6)


def test_cost_of_images_is_per_image_and_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(growth.tempfile, "tempdir", str(tmp_path))
    begin = time.perf_counter()
    seconds, memory = growth.cost_of_images(256)
    assert 0 < 256 * seconds < time.perf_counter() - begin
    assert memory > 100
    assert not list(tmp_path.iterdir())


def test_table_gives_ratios_and_leaves_unknown_memory_out():
    rates = {"(a) this package": 90.0, "limit": 180.0}
    lines = results.table(
        "training", rates, {"(a) this package": 900.4}, next(iter(rates))
    )
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


def test_contenders_of_one_letter_are_told_apart():
    names = ["(b) Keras with XLA", "(b) Keras' defaults", "(a) this package"]
    assert results._short(names) == ["(b) Keras\nwith XLA", "(b)", "(a)"]


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


def test_what_is_given_and_unusable_is_named(tmp_path):
    with pytest.raises(InputError, match="nothing: no such file or folder"):
        accuracy.this_package(str(tmp_path / "nothing"), 0.9, 60)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: is a file; expected a folder"):
        benchmark.main(["--out", str(tmp_path / "file")])


def test_there_is_no_quick_form_of_the_time_to_an_accuracy(capsys):
    with pytest.raises(SystemExit):
        benchmark.main(["--quick", "--time-to-accuracy", "0.9"])
    assert "exclude each other" in capsys.readouterr().err


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


def test_keras_choice_of_xla_is_that_of_a_network(tiny_model):
    model = keras.models.clone_model(tiny_model)
    contenders.compile_as_in_the_course(model, "auto")
    assert contenders.keras_chooses_xla() == model.jit_compile
