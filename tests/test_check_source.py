"""Of a learner's file only what is needed runs, whatever Keras it was written for."""

import json

import pytest

from resnet_keras.check import source
from resnet_keras.errors import InputError


def load(*texts, names=("block",), **options):
    pieces = [source.Piece(f"code cell {n}", text) for n, text in enumerate(texts, 1)]
    return source.load(pieces, names, **options)


def test_only_what_is_needed_runs():
    functions, unrun = load(
        "data = open('nowhere.h5')\nwidth = 3\nX = 1 / 0",
        "def helper(x):\n    return x * width",
        "def block(X):\n    return helper(X)\nblock(None)",
    )
    assert functions["block"](2) == 6
    assert unrun == 3  # data, X and the call


@pytest.mark.parametrize(
    "line",
    [
        "from keras.layers.merge import Add",
        "from keras.layers.normalization import Add",
        "from tensorflow.keras.layers import Add",
        "from tensorflow.python.keras.layers import Add",
        "from tf_keras.layers import Add",
        "from keras.layers import *",
    ],
)
def test_old_imports(line):
    import keras

    functions, _ = load(f"{line}\ndef block():\n    return Add")
    assert functions["block"]() is keras.layers.Add


def test_missing_helpers_do_not_matter():
    functions, _ = load(
        "from resnets_utils import *\nfrom test_utils import summary\n"
        "import public_tests\ndef block():\n    return 1"
    )
    assert functions["block"]() == 1


def test_names_that_a_missing_helper_brought():
    import keras

    functions, _ = load(
        "from resnets_utils import *\ndef block():\n    return BatchNormalization"
    )
    assert functions["block"]() is keras.layers.BatchNormalization


def test_missing_import_told_where_it_is_used():
    functions, _ = load("import nowhere_at_all as n\ndef block():\n    return n.x")
    with pytest.raises(ImportError, match="n could not be imported"):
        functions["block"]()


def test_line_that_fails_told():
    with pytest.raises(InputError, match="code cell 1, line 2: ZeroDivisionError"):
        load("\nwidth = 1 / 0\ndef block():\n    return width")


def test_unfinished_cell_elsewhere_does_not_matter():
    functions, _ = load("x = (", "def block():\n    return 1")
    assert functions["block"]() == 1


def test_unfinished_cell_told():
    with pytest.raises(InputError, match="code cell 2, line 1: expected ':'"):
        load("x = 1", "def block()\n    return 1")


def test_missing_function_told():
    with pytest.raises(InputError, match="does not define block"):
        load("x = 1")


def test_notebook(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["# title"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "width = 3"]},
        {"cell_type": "code", "source": "%%bash\nls"},
        {"cell_type": "code", "source": ["### START CODE HERE\n", "!ls"]},
        {"cell_type": "code", "source": "if 1:\n  files = !ls\na == 3\nb = c % 3"},
    ]
    path = tmp_path / "work.ipynb"
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}))
    pieces, folder, _ = source.read(str(path))
    assert [piece.label for piece in pieces] == [
        f"code cell {number}" for number in (1, 3, 4)
    ]
    assert pieces[2].text == "if 1:\n  files = None\na == 3\nb = c % 3"
    assert pieces[0].text == "pass\nwidth = 3"  # so that lines keep their numbers
    assert folder == str(tmp_path)


def test_module_with_relative_import(tmp_path, monkeypatch):
    package = tmp_path / "lessons"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "sizes.py").write_text("width = 3")
    text = "from .sizes import width\ndef block():\n    return width\nblock(1, 2)"
    (package / "week.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    pieces, folder, name = source.read("lessons.week")
    functions, _ = source.load(pieces, ["block"], folder=folder, package=name)
    assert functions["block"]() == 3


@pytest.mark.parametrize("name", ["none.py", "none.ipynb", "no.such.module", "keras"])
def test_nothing_there(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        source.load(source.read(name)[0], ["block"])


def test_not_a_notebook(tmp_path):
    path = tmp_path / "work.ipynb"
    path.write_text("{}")
    with pytest.raises(InputError, match="not a notebook of format 4"):
        source.read(str(path))
