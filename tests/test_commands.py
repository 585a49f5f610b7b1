"""How commands end: the code, and the one line."""

import argparse

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
