"""Work shared among processes comes back whole and in order, whatever fails."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from resnet_keras import workers


def own_number(_):
    """Return the number of the process that computes it."""
    return os.getpid()


def test_results_come_in_order_whatever_they_are():
    arguments = range(-3, 4)
    assert list(workers.results(float, arguments, 3)) == list(map(float, arguments))


def test_results_come_from_other_processes():
    found = list(workers.results(own_number, range(6), 2))
    assert found == found[:2] * 3
    assert len({*found, os.getpid()}) == 3


@pytest.mark.parametrize("number", [0, 1])
def test_for_one_process_this_one_is_taken(number):
    found = workers.results(own_number, range(2), number)
    assert list(found) == [os.getpid()] * 2


def test_no_calls_no_results():
    assert list(workers.results(own_number, [], 2)) == []


def test_nothing_is_imported_from_the_working_directory(monkeypatch, tmp_path):
    (tmp_path / "pickle.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    assert os.getpid() not in workers.results(own_number, range(4), 2)


@pytest.mark.parametrize(
    "executable", [shutil.which("false"), "", None, "/no/such/python"]
)
def test_what_other_processes_fail_to_do_is_done_here(executable, monkeypatch):
    monkeypatch.setattr(sys, "executable", executable)
    assert list(workers.results(own_number, range(3), 2)) == [os.getpid()] * 3


def test_what_fails_here_too_is_raised():
    with pytest.raises(ValueError, match="'one'"):
        list(workers.results(float, ["1", "one"], 2))


def test_what_a_process_prints_besides_does_no_harm(monkeypatch, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('Loading ...')")
    monkeypatch.syspath_prepend(tmp_path)
    assert os.getpid() not in workers.results(own_number, range(4), 2)


def test_much_print_and_large_arguments_do_not_wait_for_each_other(
    monkeypatch, tmp_path
):
    (tmp_path / "sitecustomize.py").write_text("print('Loading ...' * 20_000)")
    monkeypatch.syspath_prepend(tmp_path)
    texts = ["x" * 1_000_000] * 4
    assert list(workers.results(len, texts, 2)) == [1_000_000] * 4


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="asks Linux for processes")
@pytest.mark.parametrize(
    "work", ["float, range(100_000)", "time.sleep, [0, 0, 99, 99]"]
)
def test_processes_do_not_outlive_the_one_that_asked(work):
    code = """if True:
        import os, signal, time
        from resnet_keras import workers
        results = workers.results(WORK, 2)
        next(results)
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            assert len(file.read().split()) == 2
        os.kill(os.getpid(), signal.SIGKILL)"""
    done = subprocess.run(
        [sys.executable, "-c", code.replace("WORK", work)],
        env={**os.environ, "STARTED_BY": "this test"},
    )
    assert done.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 30
    while processes_with(b"STARTED_BY=this test"):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def processes_with(variable):
    """Return the numbers of the processes with this in their environment."""
    found = []
    for directory in filter(str.isdigit, os.listdir("/proc")):
        with (
            contextlib.suppress(OSError),
            open(f"/proc/{directory}/environ", "rb") as file,
        ):
            if variable in file.read():
                found.append(int(directory))
    return found
