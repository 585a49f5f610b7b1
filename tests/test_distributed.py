"""Runs in several processes, on this machine."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from resnet_keras.distributed.meeting import _free_port
from tests.conftest import assert_refused, write_pair
from tests.several import MODEL
from tests.test_killed_runs import START, num_finished, wait

OPTIONS = ("--model", MODEL, "--image-size", 32, "--batch-size", 12, "--epochs", 3)


class Run:
    """The processes of a run, as a person starts them one by one."""

    def __init__(self, data, out, number, *more, flags="", differing=()):
        address = f"127.0.0.1:{_free_port()}"
        environment = os.environ | {"KERAS_BACKEND": "jax", "XLA_FLAGS": flags}
        options = ["--data", data, "--out", out, *OPTIONS, *more]
        if (out / "config.json").exists():
            options.append("--resume")
        self.processes = []
        for index in range(number):
            given = [address, number, index, *options]
            given += differing if index == number - 1 else ()
            line = [sys.executable, "-m", "tests.several", *map(str, given)]
            process = subprocess.Popen(
                line,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
            )
            self.processes.append(process)

    def wait(self):
        """Return what each process printed, with its exit code."""
        finished = []
        for process in self.processes:
            printed = process.communicate(timeout=2 * START)
            finished.append(
                subprocess.CompletedProcess(process.args, process.returncode, *printed)
            )
        return finished

    def kill_child(self, index):
        """Kill the process that trains, not its launcher."""
        launcher = self.processes[index].pid
        with open(f"/proc/{launcher}/task/{launcher}/children") as file:
            os.kill(int(file.read().split()[0]), signal.SIGKILL)


def losses(out):
    """Return the losses of each epoch, of training and validation."""
    rows = (out / "history.csv").read_text().splitlines()
    names = rows[0].split(",")
    columns = [names.index(name) for name in ("loss", "val_loss")]
    return np.array([[float(row.split(",")[x]) for x in columns] for row in rows[1:]])


@pytest.mark.skipif(sys.platform != "linux", reason="children are found by /proc")
def test_two_processes_one_of_them_killed_end_as_one_process(tmp_path):
    data = write_pair(tmp_path / "colours")
    (whole,) = Run(data, tmp_path / "one", 1).wait()
    assert whole.returncode == 0, whole.stderr

    run = Run(data, tmp_path / "two", 2)
    wait(run.processes[0], START, lambda: num_finished(tmp_path / "two") > 0)
    killed = time.monotonic()
    run.kill_child(1)
    first, second = run.wait()
    assert time.monotonic() - killed < 60
    for process in (first, second):
        assert_refused(process, "process 1 (on ", "was killed by SIGKILL", "--resume")
    assert second.stdout == ""

    first, second = Run(data, tmp_path / "two", 2).wait()
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert (second.stdout, second.stderr) == ("", "")
    np.testing.assert_allclose(
        losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=1e-4
    )
    scores = [
        json.loads((tmp_path / name / "metrics.json").read_text())
        for name in ("one", "two")
    ]
    assert scores[0]["test_accuracy"] == scores[1]["test_accuracy"]
    assert {x.name for x in (tmp_path / "one").iterdir()} == {
        x.name for x in (tmp_path / "two").iterdir()
    }


def test_differing_settings_are_told_before_training(tmp_path):
    data = write_pair(tmp_path / "colours")
    finished = Run(data, tmp_path / "x", 2, differing=("--seed", 1)).wait()
    for process in finished:
        assert_refused(process, "process 1 of 2 has seed 1, and process 0 has seed 0")
    assert not (tmp_path / "x").exists()
