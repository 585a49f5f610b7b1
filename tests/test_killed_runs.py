"""A run that is killed again and again, beside other work, ends with the same bits."""

import contextlib
import json
import multiprocessing
import os
import random
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from resnet_keras import detect, family
from resnet_keras.errors import InputError
from tests.conftest import write_pair
from tests.detection_cases import coco, painted

NUM_KILLS = int(os.environ.get("NUM_KILLS", "25"))
# So many epochs that the run is not over before: a start goes through a few.
EPOCHS = 4 * NUM_KILLS
START = 240  # seconds that a start may take on a machine with other work
SMALL = (True, 8, True)  # a network with fewer layers than the paper's
MOMENTS = ("at the start", "in an epoch", "while a checkpoint is written")
# Some of the scores in metrics.json.
SCORES = {
    "train": ("test_loss", "train_loss", "test_accuracy", "validation_accuracy"),
    "detect train": ("AP", "F1", "threshold", "validation_AP", "confusion"),
}


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("command", SCORES)
def test_killed_runs_end_with_the_bits_of_an_uninterrupted_one(
    command, precision, tmp_path
):
    options = ["--epochs", EPOCHS, "--precision", precision]
    options += ["--model", "resnet-cifar-20", "--image-size", 32]
    if command == "train":
        options += ["--data", write_pair(tmp_path / "colours"), "--batch-size", 12]
    else:
        options += ["--data", squares(tmp_path / "squares")]
    assert start(command, options, tmp_path / "whole").wait() == 0

    out, rng = tmp_path / "killed", random.Random(0)
    with busy_cores():
        for number in range(NUM_KILLS):
            # A start may get a single core, and the next all of them.
            process = start(command, options, out, on_one_core=rng.random() < 0.3)
            moment = MOMENTS[number % len(MOMENTS)]
            kill_at_random(process, out, moment, rng)
            print(f"{number + 1}: {moment}, {num_finished(out)} epochs", flush=True)
        kill_in_the_scoring(start(command, options, out), out, EPOCHS)
        assert start(command, options, out).wait() == 0
    assert_same_run(out, tmp_path / "whole", SCORES[command])


@pytest.mark.slow  # the loop is that of classifiers, whose runs are killed too
@pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="takes fork"
)
def test_a_detectors_run_that_is_killed_ends_with_the_same_bits(tmp_path, monkeypatch):
    options = ["--data", squares(tmp_path / "squares"), "--model", "resnet-cifar-8"]
    options += ["--image-size", 32, "--epochs", 4, "--precision", "float32"]
    assert Forked(options, tmp_path / "whole").wait() == 0

    out = tmp_path / "killed"
    process = Forked(options, out)
    wait(process, START, lambda: num_finished(out) > 0)
    kill(process)
    assert 0 < num_finished(out) < 4
    kill_in_the_scoring(Forked(options, out), out, 4)
    assert Forked(options, out).wait() == 0
    assert_same_run(out, tmp_path / "whole", SCORES["detect train"])
    monkeypatch.setitem(family.NETWORKS, "resnet-cifar-8", SMALL)
    with pytest.raises(InputError, match="this run is finished; there is nothing to"):
        detect.main(["train", "--resume", "--out", str(out)])


def squares(folder, number=24, size=32):
    """Write pictures with a white box each, COCO's JSON beside them."""
    rng = np.random.default_rng(0)
    for part, names in (("train", range(number)), ("test", range(6))):
        rows, boxes = [], []
        for index in names:
            side, left, top = map(int, rng.integers(8, 16, 3))
            box = (left, top, left + side, top + side)
            painted((size, size), [box], folder / part / f"{part} {index}.png")
            rows.append((f"{part} {index}.png", size, size))
            boxes.append((index + 1, 1 + index % 2, [left, top, side, side]))
        coco(folder / part / "_annotations.coco.json", rows, boxes)
    return folder


class Forked:
    """A detector's run in a process that finds Keras imported, used as `Popen`."""

    def __init__(self, options, out):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["resnet_keras.detection.training"])
        line = [str(word) for word in ("train", "--out", out, *options)]
        if (out / "config.json").exists():
            line.append("--resume")
        self._process = context.Process(target=_detect, args=(line,))
        self._process.start()

    def poll(self):
        """Return the exit code, None while the process goes on."""
        return self._process.exitcode

    def wait(self):
        """Wait for the end and return the exit code."""
        self._process.join()
        return self.poll()

    def kill(self):
        """End the process at once, with SIGKILL."""
        self._process.kill()


def _detect(line):
    family.NETWORKS["resnet-cifar-8"] = SMALL
    with open(os.devnull, "w") as sys.stdout:
        detect.main(line)


def assert_same_run(run, whole, scores):
    """Compare two finished runs: weights to the bit, and scores."""
    expected, found = weights(whole), weights(run)
    assert expected.keys() == found.keys()
    assert len(expected) > 50
    for name, bits in expected.items():
        assert found[name] == bits, name
    expected, found = (
        json.loads((each / "metrics.json").read_text()) for each in (whole, run)
    )
    for key in scores:
        assert found[key] == expected[key]


@contextlib.contextmanager
def busy_cores():
    """Keep every core busy meanwhile."""
    with contextlib.ExitStack() as stack:
        for _ in range(os.cpu_count()):
            code = [sys.executable, "-c", "while True: pass"]
            process = stack.enter_context(subprocess.Popen(code))
            stack.callback(process.kill)
        yield


def start(command, options, out, on_one_core=False):
    """Begin a run in `out`, or go on with the one that is there."""
    module, *words = f"resnet_keras.{command}".split()
    line = [sys.executable, "-m", module, *words, "--out", out, *options]
    if (out / "config.json").exists():
        line.append("--resume")
    if on_one_core and hasattr(os, "sched_setaffinity"):
        # Inherited by the process that is started.
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, [min(cores)])
    try:
        return subprocess.Popen([str(word) for word in line], stdout=subprocess.DEVNULL)
    finally:
        if on_one_core and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cores)


def kill_at_random(process, out, moment, rng):
    """Kill a run at a random time about one of `MOMENTS`."""
    if moment == "at the start":
        wait(process, rng.uniform(0, 10))
    else:
        before = num_finished(out)
        wait(process, START, lambda: num_finished(out) > before)
        if moment == "in an epoch":
            wait(process, rng.uniform(0, 1.5))
        else:
            wait(process, 60, lambda: any(out.glob(".checkpoint-partial-*")))
            wait(process, rng.uniform(0, 0.1))
    kill(process)


def kill_in_the_scoring(process, out, num_epochs):
    """Kill a run after its last epoch, before its scores are written."""
    wait(process, 4 * START, lambda: num_finished(out) == num_epochs)
    kill(process)
    assert num_finished(out) == num_epochs
    assert (out / "checkpoint.h5").exists()
    assert not (out / "metrics.json").exists()


def kill(process):
    """Kill a process, which must not have ended by itself."""
    assert process.poll() is None, f"ended by itself with {process.poll()}"
    process.kill()
    process.wait()


def wait(process, seconds, until=lambda: False):
    """Wait so long, or until the process has ended or something has happened."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None and not until():
        time.sleep(0.002)


def num_finished(out):
    """Return how many epochs the run has written down."""
    path = out / "history.csv"
    return len(path.read_text().splitlines()) - 1 if path.exists() else 0


def weights(run):
    """Return the bits of each weight of a finished run, by its name in the file."""
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = np.asarray(item).tobytes()

    with h5py.File(run / "model.h5") as file:
        file["model_weights"].visititems(keep)
    return found
