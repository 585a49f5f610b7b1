"""Detectors in other formats find what the model finds."""

import importlib.util
import json

import keras
import numpy as np
import pytest

from resnet_keras.detection.exporting import export_detector, rows_to_found, with_boxes
from resnet_keras.detection.finder import Finder
from resnet_keras.detection.network import detector
from resnet_keras.errors import InputError
from resnet_keras.export import __main__ as command
from resnet_keras.files import save_model
from tests.conftest import randomize
from tests.detection_cases import yolo
from tests.detection_networks import tiny_backbone

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the suppression is TensorFlow's"
)


@pytest.fixture(scope="module")
def model():
    model = randomize(detector(tiny_backbone(), 2, channels=8))
    model.get_layer("class").bias.assign([1.5, 1.0])
    return model


def pictures(number=3):
    return np.random.default_rng(0).integers(0, 256, (number, 64, 64, 3), np.uint8)


def paired(own, its):
    """Return for each box of one its nearest of the other's class, each used once."""
    away = np.abs(own.boxes[:, None] - its.boxes[None]).max(-1)
    away[own.labels[:, None] != its.labels[None]] = np.inf
    pairs = away.argmin(1)
    assert len(set(pairs)) == len(its.scores)
    return pairs


def test_suppression_within_the_graph_is_that_of_decode(model):
    finder = Finder(model, {"threshold": 0.5})
    rows = with_boxes(model, 0.5)(finder.preprocess(pictures()))
    assert rows.shape == (3, 100, 6)
    found, expected = rows_to_found(rows), finder.find(pictures())
    assert sum(len(one.scores) for one in expected) > 10
    for own, its in zip(expected, found, strict=True):
        np.testing.assert_allclose(own.scores, its.scores, atol=1e-5)
        # Scores alike but for rounding may come in either order.
        pairs = paired(own, its)
        np.testing.assert_allclose(own.boxes, its.boxes[pairs], atol=0.01)
        np.testing.assert_allclose(own.scores, its.scores[pairs], atol=1e-5)
        assert own.labels.tolist() == its.labels[pairs].tolist()


@pytest.mark.parametrize("name", ["savedmodel", "onnx"])
def test_an_export_finds_the_same(model, name, tmp_path):
    if name == "onnx" and not importlib.util.find_spec("tf2onnx"):
        pytest.skip("needs tf2onnx")
    path = tmp_path / ("found.onnx" if name == "onnx" else "found")
    number = export_detector(Finder(model, {}), {}, name, path, pictures())
    assert number > 10
    assert path.exists()
    if name == "onnx":
        import onnx

        properties = {x.key: x.value for x in onnx.load(path).metadata_props}
        assert json.loads(properties["threshold"]) == 0.5


def test_formats_without_the_suppression_are_refused(model, tmp_path):
    with pytest.raises(InputError, match=r"litert: cannot hold .* savedmodel or onnx"):
        export_detector(
            Finder(model, {}), {}, "litert", tmp_path / "a.tflite", pictures()
        )


def test_the_command_exports_a_detector(model, tmp_path, capsys):
    save_model(model, tmp_path / "model.h5", {"task": "detector", "threshold": 0.5})
    line = [str(tmp_path / "model.h5"), "--format", "savedmodel"]
    assert command.main(line) == 0
    assert "32 pictures of scenes" in capsys.readouterr().out
    assert (tmp_path / "model_savedmodel" / "saved_model.pb").exists()


def test_data_without_a_test_part_compare_on_what_trains(model, tmp_path, capsys):
    save_model(model, tmp_path / "model.h5", {"task": "detector", "threshold": 0.5})
    yolo(tmp_path / "data", ["0 0.5 0.5 0.2 0.4"])
    line = [str(tmp_path / "model.h5"), "--format", "savedmodel"]
    assert command.main([*line, "--data", str(tmp_path / "data")]) == 0
    assert "1 pictures of" in capsys.readouterr().out
