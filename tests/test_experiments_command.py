"""The command of the experiments: its options, and what it refuses."""

import importlib
import inspect

import pytest

from resnet_keras.errors import InputError
from resnet_keras.experiments import __main__ as experiments
from tests.conftest import python


def test_help_answers_before_keras_is_loaded():
    code = (
        "import sys, resnet_keras.experiments.__main__ as m\n"
        "try: m.main(['degradation', '--help'])\n"
        "except SystemExit: print({'keras', 'matplotlib', 'numpy'} & {*sys.modules})"
    )
    assert python(code).splitlines()[-1] == "set()"


@pytest.mark.parametrize(
    "line",
    [
        ["gradients", "--quick"],
        ["degradation", "--depths", "8,14", "--data", "hands", "--seeds", "1"],
        ["identity"],
        ["shortcuts", "--seeds", "2"],
        ["depth-cost"],
        ["large-recipes", "--seeds", "1", "--quick"],
        ["localization", "--seeds", "1", "--quick"],
        ["fine-tune", "model.h5", "--data", "signs"],
        ["recipe", "--data", "signs", "--epochs", "1", "--only", "flips"],
        ["finding", "--data", "signs", "--detector", "a.h5", "--quick"],
        ["explain", "model.h5", "image.png", "--trust"],
    ],
    ids=lambda line: line[0],
)
def test_options_are_what_the_experiment_takes(line, monkeypatch, tmp_path):
    name = line[0].replace("-", "_")
    module = importlib.import_module(f"resnet_keras.experiments.{name}")
    signature, taken = inspect.signature(module.run), []
    monkeypatch.setattr(module, "run", lambda **given: taken.append(given))
    out = ["--out", str(tmp_path)]
    for given in ([*line, *out], [*out, *line]):
        assert experiments.main(given) == 0
        assert signature.bind(**taken.pop()).arguments["out"] == str(tmp_path)


def test_a_missing_source_is_refused(tmp_path):
    arguments = ["degradation", "--quick", "--data", str(tmp_path / "none")]
    with pytest.raises(InputError, match="none"):
        experiments.main(arguments)
