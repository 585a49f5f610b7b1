"""The options of several processes, and how a run in several is begun."""

import importlib.util

import pytest

from resnet_keras import train
from resnet_keras.distributed import launching, meeting
from resnet_keras.errors import InputError
from tests.conftest import assert_refused

PROCESSES = ("--coordinator", "127.0.0.1:9", "--num-processes", 2)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--num-processes", 2), "are for --coordinator"),
        (PROCESSES, "needs --num-processes and --process-index"),
        ((*PROCESSES, "--process-index", 2), "is 2; expected 0 to 1"),
        (("--coordinator", "auto", "--process-index", 0), "finds number and index by"),
        ((*PROCESSES, "--process-index", 0, "--folds", 2), "exclude each other"),
    ],
)
def test_options_that_do_not_fit_are_refused(given, words, command_here):
    process = command_here("train", *given)
    assert process.returncode == 2
    assert words in process.stderr.splitlines()[-1]


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_another_backend_is_told_which_one_to_take(backend, command_here, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    process = command_here("train", *PROCESSES, "--process-index", 0)
    assert_refused(process, "KERAS_BACKEND=jax", f"the backend is {backend}")


@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="needs JAX")
def test_a_wrong_coordinator_is_told(command_here, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(meeting, "PATIENCE", 0)
    process = command_here("train", *PROCESSES, "--process-index", 1)
    assert_refused(process, "--coordinator", "127.0.0.1:9", "Start process 0")
    process = command_here("train", "--coordinator", "auto")
    assert_refused(process, "--coordinator auto", "SLURM", "Kubernetes", "HOST:PORT")


def test_the_process_that_trains_gets_the_other_options(monkeypatch):
    launched = []
    monkeypatch.setattr(launching, "launch", lambda *given: launched.append(given))
    train.main(
        [*map(str, PROCESSES), "--epochs", "2", "--process-index=1", "--out", "x"]
    )
    rest = ["--epochs", "2", "--out", "x"]
    assert launched == [("resnet_keras.train", rest, "127.0.0.1:9", 2, 1)]


@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="needs JAX")
def test_jax_finds_the_processes_of_slurm(monkeypatch):
    """JAX's own words: the first host, and a port that the job's number chooses."""
    for name, value in {
        "SLURM_JOB_ID": "7",
        "SLURM_STEP_NODELIST": "node[003-004]",
        "SLURM_NTASKS": "2",
        "SLURM_PROCID": "1",
        "SLURM_LOCALID": "0",
        "SLURM_STEP_NUM_NODES": "2",
        "KERAS_BACKEND": "jax",
    }.items():
        monkeypatch.setenv(name, value)
    met = []

    def meet(*given):
        met.append(given)
        raise InputError("seen")

    monkeypatch.setattr(launching, "meet", meet)
    with pytest.raises(InputError, match="seen"):
        launching.launch("resnet_keras.train", [], "auto")
    assert met == [("node003", 61447, 2, 1)]  # 65536 - 4096 + 7
