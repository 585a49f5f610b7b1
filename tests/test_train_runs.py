"""Whole runs of the train command on tiny images."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

from resnet_keras import evaluate, load_model, train
from resnet_keras.errors import InputError
from resnet_keras.models import build
from tests.conftest import (
    assert_refused,
    assert_same_weights,
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
    "model_card.md",
}
SMALL = "resnet-cifar-20"
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


def test_evaluate_repeats_the_score(finished, tmp_path):
    directory, _ = finished
    run, data = directory / "runs" / "colours", directory / "colours"
    line = [run / "model.h5", "--data", data, "--out", tmp_path]
    evaluate.main([str(word) for word in line])
    expected = json.loads((run / "metrics.json").read_text())
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert found["test_accuracy"] == expected["test_accuracy"]
    assert found["test_loss"] == pytest.approx(expected["test_loss"], rel=1e-4)


def test_finished_run_is_not_trained_over(finished):
    directory, _ = finished
    out = directory / "runs" / "colours"
    before = (out / "model.h5").stat().st_mtime_ns
    line = ["--data", directory / "colours", "--out", out, *OPTIONS]
    refuses(line, "holds a run already .*--overwrite")
    refuses([*line, "--resume"], "this run is finished")
    assert (out / "model.h5").stat().st_mtime_ns == before


def refuses(line, words):
    with pytest.raises(InputError, match=words):
        train.main([str(word) for word in line])


def test_course_recipe_is_kept_with_the_run(tmp_path):
    source, out = write_pair(tmp_path / "colours"), tmp_path / "run"
    out.mkdir()
    for name in ("checkpoint.h5", "mistakes.png"):  # of a run to be replaced
        (out / name).write_text("old")
    line = ["--data", source, "--out", out, "--model", "resnet-cifar-20"]
    line += ["--recipe", "course", "--epochs", 2, "--image-size", 32, "--overwrite"]
    assert train.main([str(word) for word in line]) == 0
    config = json.loads((out / "config.json").read_text())
    assert (config["recipe"], config["batch_size"]) == ("course", 32)
    settings = config["settings"]
    assert (settings["statistics_momentum"], settings["cosine_decay"]) == (0.99, False)


# Trains in one directory, and in another until its first epoch is written down.
KILLED = """if True:
    import os, signal, sys
    from resnet_keras import train
    whole, killed, *line = sys.argv[1:]
    train.main([*line, "--out", whole])
    from resnet_keras.training.checkpoint import RunFiles
    write = RunFiles.write_history
    def die(files, history):
        write(files, history)
        os.kill(os.getpid(), signal.SIGKILL)
    RunFiles.write_history = die
    train.main([*line, "--out", killed])"""


@pytest.mark.parametrize(
    "model", [SMALL, pytest.param("resnet50", marks=pytest.mark.slow)]
)
def test_killed_run_resumes_to_the_same_end(model, pair, tmp_path):
    whole, out = tmp_path / "whole", tmp_path / "run"
    line = [sys.executable, "-c", KILLED, whole, out, "--data", pair, *OPTIONS]
    line = [str(word) for word in [*line, "--model", model]]
    killed = subprocess.run(line, capture_output=True, text=True, timeout=600)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    expected = build(model, (32, 32, 3), 3).count_params()
    assert load_model(out / "checkpoint.h5")[0].count_params() == expected
    assert not (out / "model.h5").exists()

    leftover = out / ".checkpoint-partial-abcdefgh.h5"  # had it been killed a bit later
    leftover.write_text("half")
    refuses(["--data", pair, "--out", out], "holds a run already")
    refuses(["--out", out, "--resume", "--epochs", 9], "epochs 3, not 9")

    resumed = command("train", "--out", out, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert "Epoch 1/3" not in resumed.stdout
    assert {path.name for path in out.iterdir()} == RUN_FILES
    expected, _ = load_model(whole / "model.h5")
    found, _ = load_model(out / "model.h5")
    assert_same_weights(expected, found)
    expected = json.loads((whole / "metrics.json").read_text())
    found = json.loads((out / "metrics.json").read_text())
    for key in ("test_loss", "train_loss", "test_accuracy", "validation_accuracy"):
        assert found[key] == expected[key]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Stop a run by Ctrl-C after an epoch: its source, directory, code and errors."""
    directory = tmp_path_factory.mktemp("stopped")
    source = write_folders(directory / "data", {"a": 9, "b": 9})
    out = directory / "run"
    line = [sys.executable, "-m", "resnet_keras.train", "--data", source, "--out", out]
    line += [*OPTIONS, "--model", SMALL, "--epochs", 500]
    line = [str(word) for word in line]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    # Ctrl-C is ignored in what a script starts with "&", such as these tests.
    listen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(line, **pipes, text=True, preexec_fn=listen)
    deadline = time.monotonic() + 240
    while not (out / "history.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    return source, out, process.returncode, errors


def test_ctrl_c_says_how_to_go_on(stopped):
    _, out, code, errors = stopped
    assert code == 2
    assert errors.strip().endswith(f"train --out {out} --resume")
    assert len(errors.strip().splitlines()) == 1
    assert (out / "checkpoint.h5").exists()


def test_changed_folder_is_not_trained_on_by_an_old_run(stopped):
    source, out, *_ = stopped
    shutil.copy(source / "a" / "0.png", source / "a" / "new.png")
    refuses(["--out", out, "--resume"], "not those that this run began with")


def test_full_disk_is_one_line_and_keeps_what_was_finished(pair, tmp_path):
    out = tmp_path / "run"
    # Files may grow to 63 MB: enough for a model of 11 million weights, too little for
    # a checkpoint, which has the optimizer's moments besides.
    limited = ["bash", "-c", 'ulimit -f 61440; exec "$@"', "bash"]
    arguments = ["--data", pair, "--out", out, *OPTIONS, "--model", "resnet18"]
    process = command("train", *arguments, prefix=limited)
    assert_refused(process, "checkpoint.h5", "could not be written", "File too large")
    assert {path.name for path in out.iterdir()} == {"config.json"}
