"""Options say what they expect."""

import argparse

import pytest

from resnet_keras import commands


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


def test_nothing_is_refused():
    assert commands.something("a") == "a"
    with pytest.raises(argparse.ArgumentTypeError, match="is empty"):
        commands.something("")
