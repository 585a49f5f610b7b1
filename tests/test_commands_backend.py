"""What stands in the way of Keras is one line, and what would spoil ours is set."""

import gc
import json
import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

from resnet_keras import save_model
from resnet_keras.commands import load_keras
from resnet_keras.errors import InputError
from tests.conftest import assert_refused, command, pooled, python

_UNKNOWN = ValueError("Unable to import backend : theano")
_MISSING = ModuleNotFoundError("No module named 'jax'")


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path / "keras.json"


def test_settings_are_looked_for_where_keras_does(settings, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(settings.parent))
    path = settings.parent / ".keras" / "keras.json"
    path.parent.mkdir()
    path.write_text("[]")
    with pytest.raises(InputError, match=re.escape(f"{path}: holds a list")):
        load_keras()


@pytest.mark.parametrize(
    ("variable", "entry", "error", "words"),
    [
        ("theano", {}, _UNKNOWN, "KERAS_BACKEND: 'theano' is no backend of Keras"),
        ("", {"backend": "theano"}, _UNKNOWN, "keras.json: 'theano' is no backend"),
        ("jax", {}, _MISSING, "`pip install jax`, or choose another. Unset"),
        ("", {"backend": "jax"}, _MISSING, "keras.json: the backend jax cannot be"),
        ("", {"floatx": "float8"}, ValueError("floatx"), "Correct or remove this file"),
    ],
)
def test_why_keras_does_not_start(variable, entry, error, words, settings, monkeypatch):
    settings.write_text(json.dumps(entry))
    monkeypatch.setenv("KERAS_BACKEND", variable)

    def fail(*_):
        raise error

    monkeypatch.setattr(keras.ops, "zeros", fail)  # what wakes the backend
    with pytest.raises(InputError, match=re.escape(words)):
        load_keras()


@pytest.mark.parametrize("switch", [gc.enable, gc.disable])
def test_the_collector_of_garbage_rests_and_is_as_it_was(switch, settings, monkeypatch):
    collects = []
    monkeypatch.setattr(keras.ops, "zeros", lambda _: collects.append(gc.isenabled()))
    switch()
    try:
        load_keras()
        assert gc.isenabled() == (switch is gc.enable)
    finally:
        gc.enable()
    assert collects == [False]


def test_what_no_command_needs_of_keras_is_imported_later_or_never(tmp_path):
    code = """if True:
        import sys
        from resnet_keras.commands import load_keras
        load_keras()
        print(*[name for name in ("matplotlib", "stand_in") if name in sys.modules])
        import matplotlib.pyplot
        import pandas  # found again, though it was missing to Keras
        print(pandas.__file__)"""
    (tmp_path / "pandas.py").write_text("import stand_in")
    (tmp_path / "stand_in.py").write_text("")
    loaded, path = python(code, PYTHONPATH=str(tmp_path)).splitlines()
    assert loaded == ""
    assert path == str(tmp_path / "pandas.py")


def test_settings_that_are_no_json_are_told_and_ignored_as_by_keras(settings, capsys):
    load_keras()
    assert capsys.readouterr().err == ""
    settings.write_text("{")
    load_keras()
    printed = capsys.readouterr().err
    assert printed.startswith(f"Note: {settings}: is not JSON")
    assert printed.count("Note") == 1
    settings.write_text("[]")
    with pytest.raises(InputError, match="holds a list; expected a JSON object"):
        load_keras()


def test_settings_that_would_spoil_our_networks_are_set(settings, capsys):
    before = keras.config.dtype_policy()
    try:
        keras.config.set_image_data_format("channels_first")
        keras.config.set_floatx("float16")
        keras.config.set_epsilon(1e-3)
        load_keras()
        assert keras.config.image_data_format() == "channels_last"
        assert keras.config.floatx() == "float32"
        assert keras.config.epsilon() == 1e-7
        assert keras.config.dtype_policy().name == "float32"
    finally:
        keras.config.set_image_data_format("channels_last")
        keras.config.set_floatx("float32")
        keras.config.set_epsilon(1e-7)
        keras.config.set_dtype_policy(before)
    assert capsys.readouterr().err == (
        f"Note: {settings}: asks for image_data_format channels_first, floatx "
        "float16, epsilon 0.001; this command uses channels_last, float32, 1e-07.\n"
    )


def summarize(settings, **entries):
    """Run a command that starts Keras, with these settings of Keras."""
    settings.write_text(json.dumps(entries))
    line = [sys.executable, "-m", "resnet_keras", "summary", "resnet18"]
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    return subprocess.run(
        line, env=environment, capture_output=True, text=True, check=False
    )


def test_a_command_says_so_and_goes_on(settings):
    process = summarize(settings, image_data_format="channels_first", floatx="float16")
    assert process.returncode == 0, process.stderr
    assert len(process.stderr.splitlines()) == 1
    assert "this command uses channels_last, float32" in process.stderr
    assert "11,193,990" in process.stdout  # parameters, 6 classes


def test_a_command_says_why_it_cannot_begin(settings):
    process = summarize(settings, backend="theano")
    assert process.returncode == 2
    assert process.stderr.startswith(f"error: {settings}: 'theano' is no backend")
    assert len(process.stderr.splitlines()) == 1


# TensorFlow: tests/test_predict.py
@pytest.mark.parametrize("name", ["jax", pytest.param("torch", marks=pytest.mark.slow)])
def test_an_error_is_the_only_line(name, tmp_path, monkeypatch):
    """Keras imports TensorFlow on JAX, too, where it first copies a network."""
    pytest.importorskip(name)
    monkeypatch.setenv("KERAS_BACKEND", name)
    first = keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization()
    model = pooled(*first, classes=2, shape=(16, 16, 3))
    model.layers[2].beta.assign([3e38, 3e38])  # finite, unlike what comes of it
    model.layers[-1].kernel.assign([[3e38, -3e38], [-3e38, 3e38]])
    told = {"class_names": ["cat", "dog"], "preprocessing": {"scale": 1 / 255}}
    save_model(model, tmp_path / "model.keras", told)  # so there are no remarks
    keras.utils.save_img(tmp_path / "picture.png", np.zeros((16, 16, 3)))
    process = command("predict", tmp_path / "model.keras", tmp_path / "picture.png")
    assert_refused(process, "NaN or infinity")
