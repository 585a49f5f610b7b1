"""How commands end: the code, and the one line."""

import argparse
import os
import signal
import subprocess
import sys

import pytest

from resnet_keras import commands
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
        (KeyboardInterrupt(), "stopped by the user"),
        (BrokenPipeError(), "stopped, for nothing reads the output any more"),
    ],
)
def test_what_comes_from_outside_is_one_line_and_2(error, line, capsys):
    assert code_of(failing(error)) == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith(f"error: {line}")
    assert len(stderr.splitlines()) == 1


def test_a_fault_of_the_program_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        commands.run(failing(ZeroDivisionError()))


def test_numbers_out_of_range_are_refused():
    assert commands.integer_from(1, 5)("5") == 5
    assert commands.number_from(0)("1e9") == 1e9
    for parse, text in (
        (commands.integer_from(1, 5), "6"),
        (commands.integer_from(1), "1.5"),
        (commands.number_from(0, 1), "nan"),
    ):
        with pytest.raises(argparse.ArgumentTypeError, match="expected"):
            parse(text)


@pytest.fixture
def handlers():
    """Put the handlers of signals back, whatever a test sets."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("at_ctrl_c", [signal.default_int_handler, signal.SIG_IGN])
def test_request_to_end_is_taken_as_ctrl_c(at_ctrl_c, handlers, capsys):
    signal.signal(signal.SIGINT, at_ctrl_c)
    assert code_of(lambda: signal.raise_signal(signal.SIGTERM)) == 2
    assert capsys.readouterr().err == "error: stopped by the user\n"


def test_ctrl_c_while_keras_is_imported_counts_afterwards(handlers):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    reached = []

    def load():
        with commands._interrupted_afterwards():
            signal.raise_signal(signal.SIGINT)
            reached.append(True)

    with pytest.raises(KeyboardInterrupt):
        load()
    assert reached
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as behind nohup
    load()


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
