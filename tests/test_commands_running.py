"""How commands end: the code, and the one line."""

import argparse
import os
import signal
import subprocess
import sys

import pytest

from resnet_keras import commands
from resnet_keras.__main__ import COMMANDS, start
from resnet_keras.commands.interrupts import REQUESTS_TO_END, Interrupts
from resnet_keras.errors import InputError


def code_of(main):
    with pytest.raises(SystemExit) as raised:
        commands.run(main)
    return raised.value.code


def failing(error):
    def main():
        raise error

    return main


def test_success_passes_the_code_on():
    assert code_of(lambda: 0) == 0


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InputError("a.h5: what came\nwhat was wanted"), "a.h5: what came what was"),
        (FileNotFoundError(2, "No such file", "a.h5"), "a.h5: No such file"),
        (OSError("disk"), "disk"),
        (TimeoutError(), "TimeoutError"),
        (MemoryError("9 GiB"), "not enough memory (MemoryError: 9 GiB). Use smaller"),
        (ValueError("RESOURCE_EXHAUSTED: x"), "not enough memory (ValueError: RES"),
        (KeyboardInterrupt(), "stopped by the user"),
        (BrokenPipeError(), "stopped: the program that read the output has ended"),
    ],
)
def test_what_comes_from_outside_is_one_line_and_2(error, line, capsys):
    assert code_of(failing(error)) == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith(f"error: {line}")
    assert len(stderr.splitlines()) == 1


@pytest.mark.parametrize("shows", ["", "1"])
def test_the_unexpected_is_one_line_and_a_traceback_on_request(
    shows, capsys, monkeypatch
):
    monkeypatch.setenv("RESNET_KERAS_TRACEBACK", shows)
    assert code_of(failing(ZeroDivisionError("a\nb"))) == 2
    *before, last = capsys.readouterr().err.splitlines()
    assert last.startswith("error: unexpected ZeroDivisionError: a b")
    assert "RESNET_KERAS_TRACEBACK=1" in last
    assert bool(before) == bool(shows)
    if shows:
        assert before[0].startswith("Traceback")


def test_a_long_message_is_cut(capsys):
    assert code_of(failing(RuntimeError("word " * 1000))) == 2
    assert len(capsys.readouterr().err) < 600


@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_command_ends_through_run(name, monkeypatch, capsys):
    """Break what each command does first, which is to parse its line."""

    def parse(*_):
        raise RecursionError("too deep")

    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", parse)
    monkeypatch.setattr(sys, "argv", ["resnet-keras", name])
    # A copy is run, as a command, of a module that may be imported already.
    monkeypatch.delitem(sys.modules, f"resnet_keras.{name}", raising=False)
    monkeypatch.delitem(sys.modules, f"resnet_keras.{name}.__main__", raising=False)
    with pytest.raises(SystemExit) as raised:
        start()
    assert raised.value.code == 2
    assert "error: unexpected RecursionError: too deep" in capsys.readouterr().err


@pytest.fixture(params=REQUESTS_TO_END, ids=lambda number: number.name)
def request_to_end(request, handlers):
    return request.param


@pytest.mark.parametrize("at_ctrl_c", [signal.default_int_handler, signal.SIG_IGN])
def test_request_to_end_is_taken_as_ctrl_c(at_ctrl_c, request_to_end, capsys):
    signal.signal(signal.SIGINT, at_ctrl_c)
    signal.signal(request_to_end, signal.SIG_DFL)
    assert code_of(lambda: signal.raise_signal(request_to_end)) == 2
    assert capsys.readouterr().err == "error: stopped by the user\n"


def test_what_the_caller_ignores_stays_ignored(request_to_end):
    signal.signal(request_to_end, signal.SIG_IGN)  # as nohup does

    def main():
        signal.raise_signal(request_to_end)
        with Interrupts(raises=True):
            signal.raise_signal(request_to_end)
        return 0

    assert code_of(main) == 0
    assert signal.getsignal(request_to_end) is signal.SIG_IGN


_MAIN = "from resnet_keras import commands; commands.run(lambda: print({!r}) or 0)"


@pytest.mark.parametrize(
    ("name", "closed", "printed"),
    [
        ("a\udcffb", "", "a\\udcffb\n"),  # a file's name that is no UTF-8
        ("d\xf6g", "", "d\\xf6g\n"),
        ("dog", ">&-", ""),
        ("dog", ">&- 2>&-", ""),
    ],
)
def test_any_name_can_be_printed_and_output_may_be_closed(name, closed, printed):
    process = subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" {closed}', sys.executable, _MAIN.format(name)],
        env={"PYTHONIOENCODING": "ascii", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, printed, "")


def test_reader_of_the_output_may_go_once_the_work_is_done():
    line = [sys.executable, "-c", _MAIN.format("x" * 10)]
    buffered = os.environ | {"PYTHONUNBUFFERED": ""}
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        line, stdout=writer, stderr=subprocess.PIPE, env=buffered, check=False
    )
    os.close(writer)
    assert (process.returncode, process.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_output_that_cannot_be_written_is_told():
    line = [sys.executable, "-c", _MAIN.format("x")]
    with open("/dev/full", "w") as full:
        process = subprocess.run(
            line, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert process.returncode == 2
    assert "No space left" in process.stderr
    assert len(process.stderr.splitlines()) == 1
