"""README's commands and code run, in README's order and in a quick form."""

import csv
import re
import shlex
import sys
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from resnet_keras import __main__ as front
from resnet_keras import family
from resnet_keras.audit import folds
from resnet_keras.check import __main__ as check
from resnet_keras.check import learner
from resnet_keras.data import drawn
from resnet_keras.detection.drawn import drawn_scenes
from tests.check_cases import HELPERS
from tests.conftest import coloured_images, module_of, write_folders

README = (Path(__file__).parent.parent / "README.md").read_text()
TINY = "--model resnet-cifar-8 --epochs 1 --image-size 32"

# What is added to a command so that it takes seconds. Everything else, the names of
# files included, is README's own: `place` lays out what the commands read.
ADDED = {
    "python -m resnet_keras.train": TINY,
    "python -m resnet_keras.summary": "",
    "python -m resnet_keras.summary --input-size 224 --pool-padding 1 --plot net.png": (
        ""
    ),
    "python -m resnet_keras.check my_blocks.py": "identity_block",
    "python -m resnet_keras.experiments degradation": (
        "--quick --depths 8,14 --seeds 1"
    ),
    "python -m resnet_keras.audit FOLDER": "",
    "python -m resnet_keras.train --data FOLDER": TINY,
    "python -m resnet_keras.evaluate runs/FOLDER/model.h5 --data OTHER --part all": "",
    "python -m resnet_keras.predict runs/FOLDER/model.h5 photo.jpg": "",
    "python -m resnet_keras.detect train": "--epochs 1 --image-size 64",
    "python -m resnet_keras.detect predict runs/scenes/model.h5 photo.jpg --out found": (  # noqa: E501
        "--threshold 0.001"
    ),
    "python -m resnet_keras.export runs/hands/model.h5 --format onnx": "",
    "python -m resnet_keras": "",
    "python -m resnet_keras train --help": "",
}
NOT_RUN = {
    "pip install -e .": ".ci/run installs, with the packages for the tests",
    "pip install -e '.[test]'": ".ci/run runs it",
    "pytest": ".ci/run runs it, and this is a part of it",
    "pip install -e '.[detection]'": ".ci/run installs the same packages",
    "pip install -e '.[onnx]'": ".ci/run runs it",
    "python -m resnet_keras.demo runs/FOLDER/model.h5": "a server; its tests start it",
    "train": "minutes; its quick form is the first of the commands above",
    "train --data signs": "minutes, on photographs that are not part of the project",
    "train --data signs --epochs 40": "the same",
    "train --data signs --recipe robust": "the same",
}


def steps():
    """Return README's commands and Python code in order, as ("command", its text)."""
    first_words = {"python", "pip", "pytest", "resnet-keras", *front.COMMANDS}
    pattern = r"^```(\w*)\n(.*?)^```|`([^`]+)`"
    found = []
    for language, block, span in re.findall(pattern, README, re.DOTALL | re.MULTILINE):
        if language:
            found.append((language, block))
        elif block:
            found += [("command", part) for part in re.split(r" && |\n", block.strip())]
        elif span.split()[0] in first_words:
            found.append(("command", " ".join(span.split())))
    return found


def test_every_command_is_run_or_has_a_reason_not_to_be():
    commands = {text for kind, text in steps() if kind == "command"}
    assert commands == set(ADDED) | set(NOT_RUN)


def test_it_is_short():
    assert len(README.splitlines()) <= 200


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Be where README's commands find what they read, and let them start quickly."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["resnet-keras"])
    monkeypatch.setattr(drawn, "_NUM_HANDS", {"train": 60, "test": 12})
    monkeypatch.setattr(drawn_scenes, "__defaults__", (40, 12))
    monkeypatch.setattr(folds, "_EPOCHS", (1, 2))
    monkeypatch.setitem(family.NETWORKS, "resnet-cifar-8", (True, 8, True))
    write_folders(tmp_path / "FOLDER", {"a": 12, "b": 12})
    write_folders(tmp_path / "OTHER", {"a": 3, "b": 3})
    Image.fromarray(coloured_images([0], 48)[0]).save("photo.jpg")
    Path("my_blocks.py").write_text(HELPERS)

    def learner_here(line, **_):  # another process would import Keras again
        learner.main(line[3:])
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(check.subprocess, "run", learner_here)


def run_command(text):
    """Run `python -m MODULE ...` in this process and return its exit code."""
    module, *arguments = shlex.split(text)[2:]
    try:
        return module_of(module).main(arguments)
    except SystemExit as stop:
        return stop.code


def run_python(code):
    """Run code, and compare the lines that say in a comment what they give."""
    names = {}
    for line in code.splitlines():
        expression, _, said = line.partition("  # ")
        if said:
            assert str(eval(expression, names)) == said
        else:
            exec(line, names)


# `python -m resnet_keras train` runs a module that is imported already.
@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.usefixtures("place")
def test_steps_run_in_order(capsys):
    for kind, text in steps():
        if kind == "python":
            run_python(text)
        elif text in ADDED:
            if "onnx" in text and not find_spec("onnxruntime"):
                continue
            code = run_command(f"{text} {ADDED[text]}")
            printed = capsys.readouterr()
            assert not code, (text, printed.err)
            assert printed.out, text
    with open("runs/experiments/degradation.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    runs = [(row["network"], row["depth"], row["epoch"]) for row in rows]
    kinds = product(("plain", "residual"), ("14", "8"), "12")
    assert sorted(runs) == list(kinds)
    for written in (
        *("net.png", "runs/hands/model.h5", "runs/FOLDER/model.h5"),
        *("runs/hands/curves.png", "runs/experiments/degradation.png"),
    ):
        assert Path(written).stat().st_size > 1000, written
