"""Options say what they expect, those of each command too."""

import argparse
import shlex

import pytest

from resnet_keras import commands
from tests.conftest import module_of


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


@pytest.mark.parametrize(
    ("line", "name", "expected"),
    [
        ("predict m.h5 --top 2 a.jpg b.jpg", "images", ["a.jpg", "b.jpg"]),
        ("demo m.h5 --port 7999 a.jpg", "images", ["a.jpg"]),
        ("check a.py --json identity_block", "names", ["identity_block"]),
    ],
)
def test_options_may_stand_between_the_other_arguments(line, name, expected):
    command, *line = line.split()
    arguments = module_of(f"resnet_keras.{command}")._parse(line)
    assert getattr(arguments, name) == expected


def test_nothing_is_refused():
    assert commands.something("a") == "a"
    with pytest.raises(argparse.ArgumentTypeError, match="is empty"):
        commands.something("")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("train --epochs 0", "whole number from 1 to 1,000,000"),
        ("train --batch-size many", "'many'"),
        ("train --image-size 16", "from 32"),
        ("train --learning-rate -1", "a number from"),
        ("train --seed 1.5", "whole number"),
        ("train --recipe nosuch", "invalid choice"),
        ("train --precision float8", "invalid choice"),
        ("train --resume --overwrite", "exclude each other"),
        ("train --extra-weight 2", "--extra-weight is for --extra"),
        *(
            (f"train {x} ''", f"{x}: is empty")
            for x in ("--data", "--out", "--weights")
        ),
        ("predict m.h5", "required: IMAGE, or --list"),
        ("predict m.h5 x --table t.txt", "expected a .csv or .parquet file"),
        ("predict m.h5 x --table t.csv --json", "exclude each other"),
        ("predict m.h5 x --resume", "are for --table"),
        ("predict m.h5 x --shard 3/2", "with I from 1 to N"),
        ("predict m.h5 x --shard 0/2", "with I from 1 to N"),
        ("detect", "required: COMMAND"),
        ("detect find", "invalid choice: 'find'"),
        ("detect train --resume --overwrite", "exclude each other"),
        ("detect train --epochs 0", "whole number from 1"),
        ("detect train --data ''", "is empty"),
        ("detect evaluate m.h5", "required: --data"),
        ("detect predict m.h5", "required: IMAGE"),
        ("detect predict m.h5 x --threshold 2", "a number from 0 to 1"),
        ("export m.h5 --format caffe", "invalid choice"),
        ("check none.py --plot x.txt", "ends in .png"),
        ("hands --out x --train -5", "'-5'; expected a whole number from 1"),
        ("hands --out x --test many", "argument --test: is 'many'"),
        ("hands --out x --image-size 9000", "--image-size: is '9000'; expected"),
        ("hands --out x --seed -1", "argument --seed: is '-1'"),
        ("experiments degradation --depths 20", "6n + 2"),
        ("experiments degradation --depths 20,57", "6n + 2"),
        ("experiments degradation --depths a,b", "6n + 2"),
        ("experiments degradation --depths 2,8", "6n + 2"),
    ],
)
def test_a_command_refuses_a_wrong_line_before_anything_else(
    line, words, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    name, *arguments = shlex.split(line)
    with pytest.raises(SystemExit) as stopped:
        module_of(f"resnet_keras.{name}").main(arguments)
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
