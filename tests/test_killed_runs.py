"""A run that is killed again and again, beside other work, ends with the same bits."""

import contextlib
import json
import os
import random
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from tests.conftest import write_pair

NUM_KILLS = int(os.environ.get("NUM_KILLS", "25"))
# So many epochs that the run is not over before: a start goes through a few.
EPOCHS = 4 * NUM_KILLS
START = 240  # seconds that a start may take on a machine with other work
MOMENTS = ("at the start", "in an epoch", "while a checkpoint is written")


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_killed_runs_end_with_the_bits_of_an_uninterrupted_one(tmp_path, precision):
    source = write_pair(tmp_path / "colours")
    options = ["--data", source, "--model", "resnet-cifar-20", "--image-size", 32]
    options += ["--epochs", EPOCHS, "--batch-size", 12, "--precision", precision]
    assert start(options, tmp_path / "whole").wait() == 0

    out, rng = tmp_path / "killed", random.Random(0)
    with busy_cores():
        for number in range(NUM_KILLS):
            # A start may get a single core, and the next all of them.
            process = start(options, out, on_one_core=rng.random() < 0.3)
            moment = MOMENTS[number % len(MOMENTS)]
            kill_at_random(process, out, moment, rng)
            print(f"{number + 1}: {moment}, {num_finished(out)} epochs", flush=True)
        assert start(options, out).wait() == 0

    expected, found = weights(tmp_path / "whole"), weights(out)
    assert expected.keys() == found.keys()
    assert len(expected) > 100
    for name, bits in expected.items():
        assert found[name] == bits, name
    expected, found = (
        json.loads((run / "metrics.json").read_text())
        for run in (tmp_path / "whole", out)
    )
    for key in ("test_loss", "train_loss", "test_accuracy", "validation_accuracy"):
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


def start(options, out, on_one_core=False):
    """Begin a run in `out`, or go on with the one that is there."""
    line = [sys.executable, "-m", "resnet_keras.train", "--out", out, *options]
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
    assert process.poll() is None, f"ended by itself with {process.returncode}"
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
