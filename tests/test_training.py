"""Whole runs of the train, evaluate and predict commands on tiny images."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

from resnet_keras import load_model
from tests.conftest import (
    assert_refused,
    coloured_images,
    command,
    write_folders,
    write_pair,
)

RUN_FILES = {
    "config.json",
    "history.csv",
    "model.h5",
    "metrics.json",
    "curves.png",
    "confusion.png",
    "mistakes.png",
}
OPTIONS = ["--epochs", 3, "--batch-size", 6, "--image-size", 32, "--seed", 1]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Train once, for all tests that look at what a run leaves behind."""
    directory = tmp_path_factory.mktemp("finished")
    write_pair(directory / "colours")
    process = command("train", "--data", directory / "colours", *OPTIONS, cwd=directory)
    assert process.returncode == 0, process.stderr
    return directory, process


def test_run_directory(finished):
    directory, _ = finished
    run = directory / "runs" / "colours"
    assert {path.name for path in run.iterdir()} == RUN_FILES
    for name in ("curves.png", "confusion.png", "mistakes.png"):
        with Image.open(run / name) as picture:
            assert min(picture.size) > 100


def test_metrics_agree_with_the_saved_model(finished):
    directory, _ = finished
    run = directory / "runs" / "colours"
    metrics = json.loads((run / "metrics.json").read_text())
    model = keras.models.load_model(run / "model.h5", compile=False)
    labels = np.arange(12) % 3
    predictions = model.predict_on_batch(
        coloured_images(labels, 32, 1) / np.float32(255)
    )
    assert metrics["test_accuracy"] == np.mean(predictions.argmax(1) == labels)
    loss = -np.log(predictions[np.arange(12), labels]).mean()
    assert metrics["test_loss"] == pytest.approx(loss, rel=1e-4)
    # A dense layer of 3 classes has 3 * 2049 parameters fewer than one of 6.
    assert metrics["num_parameters"] == 23_600_006 - 3 * 2049
    # A tenth of the 36 training images, by class, is one of each: 33 are left.
    assert metrics["num_train_images"] == metrics["num_train_images_scored"] == 33
    assert (metrics["epochs"], metrics["seed"]) == (3, 1)
    keys = ("train_seconds", "images_per_second", "peak_memory_mb", "train_accuracy")
    assert all(metrics[key] > 0 for key in keys)
    assert metrics["versions"]["keras"] == keras.__version__


def test_history_has_a_row_per_epoch(finished):
    directory, _ = finished
    with (directory / "runs/colours/history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(rows[0])


def test_progress_and_last_lines(finished):
    _, process = finished
    assert "Epoch 3/3" in process.stdout
    assert "images/s" in process.stdout
    assert "left" in process.stdout
    score, place, advice = process.stdout.strip().splitlines()[-3:]
    assert score.startswith("Test accuracy ")
    assert "runs/colours/model.h5" in place
    assert "python -m resnet_keras.predict runs/colours/model.h5 IMAGE" in advice
    assert process.stderr == ""


def test_model_is_the_courses_and_plain(finished):
    directory, _ = finished
    model, metadata = load_model(directory / "runs/colours/model.h5")
    assert len(model.layers) == 177
    kinds = {type(layer).__module__.split(".")[0] for layer in model.layers}
    assert kinds == {"keras"}
    with h5py.File(directory / "runs/colours/model.h5") as file:
        config = file.attrs["model_config"]
    assert '"training"' not in config
    assert metadata["class_names"] == ["0", "1", "2"]
    assert metadata["provenance"]["config"]["seed"] == 1


def test_evaluate_repeats_the_score(finished):
    directory, _ = finished
    run = directory / "runs" / "colours"
    process = command(
        "evaluate",
        run / "model.h5",
        "--data",
        directory / "colours",
        "--out",
        directory / "scores",
    )
    assert process.returncode == 0, process.stderr
    expected = json.loads((run / "metrics.json").read_text())
    found = json.loads((directory / "scores" / "metrics.json").read_text())
    assert found["test_accuracy"] == expected["test_accuracy"]
    assert found["test_loss"] == pytest.approx(expected["test_loss"], rel=1e-4)
    assert np.sum(found["confusion"]) == 12
    assert (directory / "scores" / "confusion.png").stat().st_size > 1000
    assert "precision  recall  count" in process.stdout
    assert process.stderr == ""


def write_pictures(directory, number=3):
    paths = []
    for index, image in enumerate(coloured_images([0, 1, 2][:number], 48)):
        paths.append(directory / f"{index}.png")
        Image.fromarray(image).save(paths[-1])
    return paths


def test_predict_alone_and_together(finished, tmp_path):
    directory, _ = finished
    model = directory / "runs/colours/model.h5"
    paths = write_pictures(tmp_path)
    together = command("predict", model, *paths, "--json")
    alone = command("predict", model, paths[1], "--json", "--out", tmp_path / "out")
    together, alone = json.loads(together.stdout), json.loads(alone.stdout)
    assert [each["image"] for each in together] == [str(path) for path in paths]
    a, b = together[1]["ranking"], alone[0]["ranking"]
    assert [entry["class"] for entry in a] == [entry["class"] for entry in b]
    for first, second in zip(a, b, strict=True):
        assert first["probability"] == pytest.approx(second["probability"], abs=1e-5)
    assert sum(entry["probability"] for entry in a) == pytest.approx(1, abs=1e-5)
    with Image.open(tmp_path / "out" / "1_predicted.png") as picture:
        assert picture.size[0] > 300


def test_predict_names_broken_pictures_and_goes_on(finished, tmp_path):
    directory, _ = finished
    paths = write_pictures(tmp_path)
    paths[1].write_text("no picture")
    process = command("predict", directory / "runs/colours/model.h5", *paths)
    assert_refused(process, paths[1], "not a readable picture")
    lines = process.stdout.strip().splitlines()
    assert [line.split(":")[0] for line in lines] == [str(paths[0]), str(paths[2])]


def test_evaluate_scores_each_corruption(finished, tmp_path):
    directory, _ = finished
    model, data = directory / "runs/colours/model.h5", directory / "colours"
    options = ["--data", data, "--corruptions", "--out", tmp_path]
    process = command("evaluate", model, *options)
    assert process.returncode == 0, process.stderr
    written = json.loads((tmp_path / "metrics.json").read_text())
    accuracy = written["corruption_accuracy"]
    assert accuracy["unchanged"] == pytest.approx(written["test_accuracy"])
    assert len(accuracy) == 13
    line = f"other background         {accuracy['other background']:.4f}"
    assert line in process.stdout


def test_evaluate_with_other_classes_is_refused(finished, tmp_path):
    directory, _ = finished
    names = np.array(["0", "1", "cat"], dtype=object)
    changes = {"list_classes": names, "test_list_classes": names}
    source = write_pair(tmp_path / "other", **changes)
    model = directory / "runs/colours/model.h5"
    process = command("evaluate", model, "--data", source)
    assert_refused(process, "'cat'", "does not know", "0, 1, 2")


def test_evaluate_goes_by_the_names_of_classes_not_their_order(finished, tmp_path):
    directory, _ = finished
    names = np.array(["2", "1", "0"], dtype=object)
    changes = {"list_classes": names, "test_list_classes": names}
    changes |= {
        "train_set_y": 2 - np.arange(36) % 3,
        "test_set_y": 2 - np.arange(12) % 3,
    }
    source = write_pair(tmp_path / "reversed", **changes)
    process = command(
        "evaluate",
        directory / "runs/colours/model.h5",
        "--data",
        source,
        "--out",
        tmp_path,
    )
    assert process.returncode == 0, process.stderr
    expected = json.loads((directory / "runs/colours/metrics.json").read_text())
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert found["test_loss"] == pytest.approx(expected["test_loss"], rel=1e-4)


def test_model_without_metadata_works_and_says_what_was_assumed(
    tiny_model, tmp_path, pair
):
    tiny_model.save(tmp_path / "plain.keras")
    [path] = write_pictures(tmp_path, 1)
    process = command("predict", tmp_path / "plain.keras", path)
    assert process.returncode == 0
    assert "divided by 255" in process.stderr
    process = command(
        "evaluate", tmp_path / "plain.keras", "--data", pair, "--part", "all"
    )
    assert process.returncode == 0
    assert "Assumed" in process.stdout
    assert "48 images (all)" in process.stdout


@pytest.mark.parametrize("name", ["evaluate", "predict"])
def test_commands_refuse_what_is_no_model(name, tmp_path, pair):
    (tmp_path / "model.h5").write_text("hello")
    rest = ["--data", pair] if name == "evaluate" else [tmp_path / "a.png"]
    process = command(name, tmp_path / "model.h5", *rest)
    assert_refused(process, tmp_path / "model.h5", "not an HDF5 file")


def test_finished_run_is_not_trained_over(finished):
    directory, _ = finished
    out = directory / "runs" / "colours"
    before = (out / "model.h5").stat().st_mtime_ns
    arguments = ["train", "--data", directory / "colours", "--out", out, *OPTIONS]
    assert_refused(command(*arguments), "holds a run already", "--overwrite")
    assert_refused(command(*arguments, "--resume"), "this run is finished")
    assert (out / "model.h5").stat().st_mtime_ns == before


def start(source, out, *options):
    line = [sys.executable, "-m", "resnet_keras.train", "--data", source, "--out", out]
    return subprocess.Popen(
        [str(word) for word in [*line, *OPTIONS, *options]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_checkpoint(process, out, epochs):
    """Wait until `epochs` epochs are finished, and the next has begun."""
    path = out / "history.csv"
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists() and len(path.read_text().splitlines()) > epochs:
            return
        time.sleep(0.05)
    process.kill()
    pytest.fail(f"no checkpoint: {process.communicate()}")


def test_course_recipe_is_kept_with_the_run(tmp_path):
    source, out = write_pair(tmp_path / "colours"), tmp_path / "run"
    out.mkdir()
    for name in ("checkpoint.h5", "mistakes.png"):  # of a run to be replaced
        (out / name).write_text("old")
    line = ["--data", source, "--out", out, "--model", "resnet-cifar-20"]
    line += ["--recipe", "course", "--epochs", 2, "--image-size", 32, "--overwrite"]
    process = command("train", *line)
    assert process.returncode == 0, process.stderr
    config = json.loads((out / "config.json").read_text())
    assert (config["recipe"], config["batch_size"]) == ("course", 32)
    settings = config["settings"]
    assert (settings["statistics_momentum"], settings["cosine_decay"]) == (0.99, False)


def test_killed_run_resumes_to_the_same_end(finished, tmp_path):
    directory, _ = finished
    out = tmp_path / "run"
    process = start(directory / "colours", out)
    wait_for_checkpoint(process, out, 1)
    process.kill()
    process.communicate(timeout=60)
    assert load_model(out / "checkpoint.h5")[0].count_params() > 2e7
    assert not (out / "model.h5").exists()

    leftover = out / ".checkpoint-partial-abcdefgh.h5"  # had it been killed a bit later
    leftover.write_text("half")
    without = command("train", "--data", directory / "colours", "--out", out)
    assert_refused(without, "holds a run already")
    other = command("train", "--out", out, "--resume", "--epochs", 9)
    assert_refused(other, "epochs 3, not 9")

    resumed = command("train", "--out", out, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert "Epoch 1/3" not in resumed.stdout
    assert {path.name for path in out.iterdir()} == RUN_FILES
    expected, _ = load_model(directory / "runs/colours/model.h5")
    found, _ = load_model(out / "model.h5")
    for a, b in zip(expected.get_weights(), found.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    expected = json.loads((directory / "runs/colours/metrics.json").read_text())
    found = json.loads((out / "metrics.json").read_text())
    for key in ("test_loss", "train_loss", "test_accuracy", "validation_accuracy"):
        assert found[key] == expected[key]


def test_changed_folder_is_not_trained_on_by_an_old_run(tmp_path):
    source, out = write_folders(tmp_path / "data", {"a": 9, "b": 9}), tmp_path / "run"
    process = start(source, out, "--model", "resnet-cifar-20", "--epochs", 500)
    wait_for_checkpoint(process, out, 1)
    process.kill()
    process.communicate(timeout=60)
    shutil.copy(source / "a" / "0.png", source / "a" / "new.png")
    process = command("train", "--out", out, "--resume")
    assert_refused(process, "not those that this run began with")


def test_ctrl_c_says_how_to_go_on(pair, tmp_path):
    out = tmp_path / "run"
    process = start(pair, out, "--model", "resnet-cifar-20", "--epochs", 500)
    wait_for_checkpoint(process, out, 1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors.strip().endswith(f"train --out {out} --resume")
    assert len(errors.strip().splitlines()) == 1
    assert (out / "checkpoint.h5").exists()


def test_full_disk_is_one_line_and_keeps_what_was_finished(finished, tmp_path):
    directory, _ = finished
    out = tmp_path / "run"
    # Files may grow to 200 MB: enough for a model, too little for a checkpoint, which
    # has the optimizer's moments besides.
    limited = ["bash", "-c", 'ulimit -f 200000; exec "$@"', "bash"]
    arguments = ["--data", directory / "colours", "--out", out, *OPTIONS]
    process = command("train", *arguments, prefix=limited)
    assert_refused(process, "checkpoint.h5", "could not be written", "File too large")
    assert {path.name for path in out.iterdir()} == {"config.json"}
