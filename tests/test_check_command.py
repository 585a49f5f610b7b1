"""The command `python -m resnet_keras.check`, and what it leaves to see."""

import json
import sys
from types import SimpleNamespace

import pytest

from resnet_keras.check import __main__, learner
from tests.check_cases import HELPERS, MUTANTS
from tests.conftest import assert_refused, command


def write_mutant(path, name):
    (mutant,) = [mutant for mutant in MUTANTS if mutant.name == name]
    path.write_text(mutant.source, encoding="utf-8")
    return mutant


@pytest.fixture
def one_process(monkeypatch):
    """Let the process that the command starts be this one; a start takes seconds."""

    def run(line, **_):
        assert line[:3] == [sys.executable, "-m", "resnet_keras.check.learner"]
        learner.main(line[3:])
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(__main__.subprocess, "run", run)


@pytest.mark.usefixtures("one_process")
def test_wrong_block(tmp_path, capsys):
    file, picture = tmp_path / "mine.py", tmp_path / "graphs.png"
    write_mutant(file, "stride-in-third")
    arguments = [file, "convolutional_block", "--json", "--plot", picture]
    assert __main__.main([str(each) for each in arguments]) == 1
    (result,) = json.loads(capsys.readouterr().out)
    assert not result["right"]
    causes = [
        mistake["cause"] for part in result["parts"] for mistake in part["mistakes"]
    ]
    assert causes == ["stride-place"]
    assert picture.stat().st_size > 10_000


@pytest.mark.usefixtures("one_process")
def test_right_block(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(HELPERS, encoding="utf-8")
    assert __main__.main([str(file), "identity_block"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "identity_block: right"
    assert lines[-1].startswith("Not run: 2 statements ")  # one import, one block


@pytest.mark.slow
def test_processes(tmp_path):
    lines = write_mutant(tmp_path / "mine.py", "last-relu-gone").source.splitlines()
    number = next(n for n, line in enumerate(lines, 1) if "layers.add(" in line)
    process = command("check", "mine.py", "identity_block", cwd=tmp_path)
    assert process.returncode == 1, process.stderr
    assert process.stderr == ""
    assert f"after mine.py, line {number}: X = layers.add(" in process.stdout


def test_endless_loop_stopped(tmp_path):
    file = tmp_path / "loop.py"
    file.write_text("while True:\n    identity_block = print\n")
    assert_refused(command("check", file, "--timeout", 2), "still ran after 2 s")


def test_what_ends_the_process_told(tmp_path):
    file = tmp_path / "ends.py"
    text = "import os\nwidth = os._exit(7)\n"
    text += "def identity_block(X, f, filters):\n    return width\n"
    file.write_text(text)
    assert_refused(command("check", file), "ended its process with code 7")


def test_refused_at_once(tmp_path):
    process = command("check", "none.py", cwd=tmp_path, timeout=20)
    assert process.returncode == 2
    assert "no such file" in process.stderr
