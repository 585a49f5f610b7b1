"""`python -m resnet_keras` lists the commands and runs the one named."""

import runpy
import subprocess
import sys
from importlib.util import find_spec

import pytest

from resnet_keras import __main__ as front


@pytest.mark.parametrize("line", [[], ["--help"]])
def test_the_commands_are_listed_a_line_each(line, capsys):
    assert front.main(line) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in printed[3:]] == list(front.COMMANDS)
    assert max(map(len, printed)) <= 80


def test_all_commands_are_there():
    for name in front.COMMANDS:
        assert find_spec(f"resnet_keras.{name}"), name


def test_an_unknown_command_is_one_line(capsys):
    assert front.main(["tarin"]) == 2
    assert capsys.readouterr().err.startswith("error: 'tarin' is no command; expected")


def test_the_command_named_gets_the_rest_of_the_line(monkeypatch):
    seen = []

    def run_module(name, run_name, alter_sys):
        seen.append((name, run_name, sys.argv[1:]))

    monkeypatch.setattr(runpy, "run_module", run_module)
    monkeypatch.setattr(sys, "argv", ["resnet-keras"])
    assert front.main(["train", "--epochs", "3"]) == 0
    assert seen == [("resnet_keras.train", "__main__", ["--epochs", "3"])]


def test_a_command_ends_with_its_own_code(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["resnet-keras", "train", "--epochs", "0"])
    # A copy is run, as a command, of a module that may be imported already.
    monkeypatch.delitem(sys.modules, "resnet_keras.train", raising=False)
    with pytest.raises(SystemExit) as raised:
        front.start()
    assert raised.value.code == 2
    assert "argument --epochs: is '0'" in capsys.readouterr().err


@pytest.mark.parametrize("name", [None, *front.COMMANDS])
def test_help_does_not_import_keras(name):
    line = ["-m", "resnet_keras", *([name] if name else []), "--help"]
    process = subprocess.run(
        [sys.executable, "-X", "importtime", *line],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {row.split("|")[-1].strip() for row in process.stderr.splitlines()}
    assert "resnet_keras.commands" in imported
    assert not imported & {"keras", "tensorflow", "matplotlib"}
    assert process.stdout.lower().startswith("usage: ")
