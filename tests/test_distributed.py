"""Runs in several processes, on this machine."""

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from resnet_keras.distributed.meeting import _free_port
from tests.conftest import assert_refused, write_folders, write_pair
from tests.several import MODEL
from tests.test_killed_runs import START, num_finished, wait, weights

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="needs JAX")
NUM_KILLS = int(os.environ.get("NUM_KILLS", "10"))
OPTIONS = ("--model", MODEL, "--image-size", 32, "--batch-size", 12, "--epochs", 2)


class Run:
    """The processes of a run, as a person starts them one by one."""

    def __init__(self, data, out, number, *more, flags="", differing=()):
        flags += " --xla_backend_optimization_level=0"  # compiling is most of the time
        address = f"127.0.0.1:{_free_port()}"
        environment = os.environ | {
            "KERAS_BACKEND": "jax",
            "XLA_FLAGS": flags,
            "JAX_COMPILATION_CACHE_DIR": str(out.parent / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
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
        os.kill(self.child(index), signal.SIGKILL)

    def child(self, index):
        """Return the number of the process that trains, None if it has not begun."""
        launcher = self.processes[index].pid
        with open(f"/proc/{launcher}/task/{launcher}/children") as file:
            return next(map(int, file.read().split()), None)


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

    more = ("--checkpoint-every", 1)  # which process 0 does alone
    run = Run(data, tmp_path / "two", 2, *more)
    wait(run.processes[0], START, lambda: num_finished(tmp_path / "two") > 0)
    killed = time.monotonic()
    run.kill_child(1)
    first, second = run.wait()
    assert time.monotonic() - killed < 60
    for process in (first, second):
        assert_refused(process, "process 1 (on ", "was killed by SIGKILL", "--resume")
    assert second.stdout == ""

    first, second = Run(data, tmp_path / "two", 2, *more).wait()
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


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="children are found by /proc")
def test_kills_at_random_end_with_the_bits_of_an_uninterrupted_run(tmp_path):
    data, rng = write_pair(tmp_path / "colours"), random.Random(0)
    epochs = ("--epochs", 2 * NUM_KILLS)
    for process in Run(data, tmp_path / "whole", 2, *epochs).wait():
        assert process.returncode == 0, process.stderr

    out = tmp_path / "killed"
    for number in range(NUM_KILLS):
        run, before = Run(data, out, 2, *epochs), num_finished(out)
        first = run.processes[0]
        wait(first, START, lambda run=run: run.child(0) and run.child(1))
        if number % 2:
            wait(first, START, lambda before=before: num_finished(out) > before)
        time.sleep(rng.uniform(0, 2 if number % 2 else 20))
        index, kills_launcher = rng.randrange(2), rng.random() < 0.5
        killed = time.monotonic()
        if kills_launcher:
            run.processes[index].kill()
        else:
            run.kill_child(index)
        finished = run.wait()
        seconds = time.monotonic() - killed
        print(f"{number + 1}: process {index}, {num_finished(out)} epochs, "
              f"{seconds:.1f} s: {finished[1 - index].stderr}", flush=True)  # fmt: skip
        assert seconds < 60
        assert_refused(finished[1 - index], f"process {index} (on ")
        if not kills_launcher:
            assert_refused(finished[index], f"process {index} (on ", "SIGKILL")

    for process in Run(data, out, 2, *epochs).wait():
        assert process.returncode == 0, process.stderr
    expected, found = weights(tmp_path / "whole"), weights(out)
    assert expected == found
    assert len(expected) > 20


@pytest.mark.slow
def test_any_number_of_processes_and_devices_trains_alike(tmp_path):
    data = write_pair(tmp_path / "colours")
    two_devices = "--xla_force_host_platform_device_count=2"
    found = {}
    for name, number, flags in (
        *(("one", 1, ""), ("one with two devices", 1, two_devices)),
        *(("two", 2, ""), ("four", 4, "")),
    ):
        for process in Run(data, tmp_path / name, number, flags=flags).wait():
            assert process.returncode == 0, process.stderr
        found[name] = losses(tmp_path / name)
    for name, values in found.items():
        np.testing.assert_allclose(values, found["one"], rtol=1e-4, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
def test_a_run_goes_on_in_another_number_of_processes(before, after, tmp_path):
    data = write_folders(tmp_path / "colours", {"a": 16, "b": 16, "c": 16})
    out, more = tmp_path / "run", ("--stream", "--epochs", 6)
    for process in Run(data, tmp_path / "whole", 1, *more).wait():
        assert (process.returncode, process.stderr) == (0, "")
    run = Run(data, out, before, *more)
    wait(run.processes[0], START, lambda: num_finished(out) > 1)
    run.processes[0].kill()
    run.wait()
    assert 1 < num_finished(out) < 6

    finished = Run(data, out, after, *more).wait()
    for process in finished:
        assert (process.returncode, process.stderr) == (0, "")
    assert f"{before} devices shared a batch when this run began" in finished[0].stdout
    np.testing.assert_allclose(losses(out), losses(tmp_path / "whole"), rtol=1e-4)


@pytest.mark.slow  # `test_distributed_devices` has the comparison itself
def test_differing_settings_are_told_before_training(tmp_path):
    data = write_pair(tmp_path / "colours")
    finished = Run(data, tmp_path / "x", 2, differing=("--seed", 1)).wait()
    for process in finished:
        assert_refused(process, "process 1 of 2 has seed 1, and process 0 has seed 0")
    assert not (tmp_path / "x").exists()
