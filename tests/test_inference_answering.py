"""Temperature and threshold: fitted, stored, and used by the commands."""

import json

import numpy as np
import pytest
from PIL import Image

from resnet_keras import evaluate, load_model, predict, save_model
from resnet_keras.errors import InputError
from resnet_keras.inference import Answering, Classifier, answering
from resnet_keras.inference.answering import calibration_error
from tests.conftest import coloured_images, write_folders
from tests.detection_networks import colour_network

GREY = np.full((32, 32, 3), 128, np.uint8)


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def drawn(number, temperature, seed=0):
    """Return a model's probabilities, and labels as likely as at that temperature."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (number, 4))
    cumulative = softmax(logits / temperature).cumsum(1)
    labels = (rng.random((number, 1)) > cumulative[:, :-1]).sum(1)
    return softmax(logits), labels


def fitted(probabilities, labels):
    return Answering.fit(probabilities, None, labels, (probabilities, None))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_temperature_is_found_again(temperature):
    found = fitted(*drawn(20_000, temperature))
    assert found.temperature == pytest.approx(temperature, rel=0.05)
    # And others' predictions are then as often right as they say.
    probabilities, labels = drawn(20_000, temperature, seed=1)
    error, (low, high) = calibration_error(found.calibrated(probabilities), labels)
    assert error < 0.01
    assert low < high < 0.02
    if temperature != 1:
        assert calibration_error(probabilities, labels)[0] > 0.05


def test_threshold_answers_most_of_the_images():
    probabilities, labels = drawn(1000, 1.0)
    found = fitted(probabilities, labels)
    assert found.virtual_logit is None
    assert found.answers(probabilities).mean() == pytest.approx(0.97, abs=0.002)


def test_answers_are_those_that_are_sure_enough():
    unsure = Answering(temperature=2.0, threshold=0.85)
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8]])
    # Their square roots, divided by their sums: 0.75, 0.667 and 0.667.
    assert unsure.calibrated(probabilities).max(1) == pytest.approx(
        [0.75, 2 / 3, 2 / 3]
    )
    assert unsure.answers(probabilities).tolist() == [True, False, False]


def test_zero_probability_is_no_infinity():
    assert Answering(0.5, 0).calibrated([1.0, 0.0]) == pytest.approx([1, 0], abs=1e-9)


def test_few_images_tell_nothing():
    assert fitted(*drawn(49, 1.0)) is None


def test_calibration_error_is_that_of_its_bins():
    # 4 images in the bin of 0.9, of which 2 are right, and 6 in that of 0.6, all right.
    sure = np.array([0.9] * 4 + [0.6] * 6)
    probabilities = np.stack([sure, 1 - sure], 1)
    labels = np.array([0, 0, 1, 1] + [0] * 6)
    expected = (4 * 0.4 + 6 * 0.4) / 10
    assert calibration_error(probabilities, labels)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"temperature": 0, "threshold": 1}, "temperature is 0; expected one above 0"),
        ({"temperature": float("nan"), "threshold": 1}, "temperature is nan"),
        ({"temperature": 1.0, "threshold": "high"}, "threshold is 'high'"),
        ({"temperature": True, "threshold": 1.0}, "temperature is True"),
        ({"temperature": 1.0}, "expected temperature and threshold"),
        ([1.0, 2.0], "expected temperature and threshold"),
        (0.5, "expected temperature and threshold"),
    ],
)
def test_metadata_of_strangers_is_checked(values, words, tiny_model):
    with pytest.raises(InputError, match=f"theirs: .*{words}"):
        Classifier(tiny_model, {"answering": values}, "theirs")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Write a network of colours, sure of pure ones, that does not name greys."""
    metadata = {"class_names": ["red", "green", "blue"]}
    metadata["preprocessing"] = {"scale": 1 / 255, "channel_order": "rgb"}
    metadata |= Answering(temperature=2.0, threshold=0.6).as_metadata()
    path = tmp_path_factory.mktemp("model") / "model.h5"
    save_model(colour_network(9), path, metadata)
    return path


@pytest.fixture
def pictures(tmp_path):
    paths = tmp_path / "red.png", tmp_path / "grey.png"
    for path, image in zip(paths, (coloured_images([0])[0], GREY), strict=True):
        Image.fromarray(image).save(path)
    return [str(path) for path in paths]


def test_predict_names_none_where_the_model_does_not_know(model, pictures, capsys):
    assert predict.main([str(model), *pictures]) == 0
    red, grey = capsys.readouterr().out.splitlines()
    assert ": red (" in red
    assert grey.endswith("grey.png: none of these (nearest: red, 0.333)")


def test_predict_gives_probabilities_of_the_temperature(model, pictures, capsys):
    predict.main([str(model), *pictures, "--json"])
    red, grey = json.loads(capsys.readouterr().out)
    logits = 9 * coloured_images([0])[0].mean((0, 1)) / 255
    assert red["probability"] == pytest.approx(softmax(logits / 2)[0], rel=1e-5)
    assert (red["class"], "none_of_these" in red) == ("red", False)
    assert (grey["class"], grey["none_of_these"]) == (None, True)
    assert grey["ranking"][0]["probability"] == pytest.approx(1 / 3)


def test_picture_is_titled_none_of_these(model, pictures, tmp_path):
    assert predict.main([str(model), pictures[1], "--out", str(tmp_path / "o")]) == 0
    assert len([*(tmp_path / "o").iterdir()]) == 1


def test_evaluate_says_how_many_are_answered(model, tmp_path, capsys):
    write_folders(tmp_path / "data", {"red": 4, "green": 4, "blue": 4})
    Image.fromarray(GREY).save(tmp_path / "data" / "red" / "grey.png")
    line = [str(model), "--data", str(tmp_path / "data"), "--part", "all"]
    assert evaluate.main([*line, "--out", str(tmp_path / "out")]) == 0
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["coverage"] == pytest.approx(12 / 13)
    assert metrics["answered_accuracy"] == 1
    low, high = metrics["calibration_interval"]
    assert 0 < low < metrics["calibration_error"] < high < 1
    assert "Answered 0.9231 of the images, of which 1.0000" in capsys.readouterr().out
    with Image.open(tmp_path / "out" / "reliability.png") as picture:
        assert min(picture.size) > 300


def test_older_file_answers_always(tiny_model, tmp_path, pictures, capsys):
    save_model(tiny_model, tmp_path / "old.h5", {"class_names": ["a", "b", "c"]})
    assert predict.main([str(tmp_path / "old.h5"), *pictures, "--json"]) == 0
    for each in json.loads(capsys.readouterr().out):
        assert each["class"] in "abc"
        assert "none_of_these" not in each


def test_exports_carry_temperature_and_threshold(model):
    classifier = Classifier(*load_model(model))
    expected = {"temperature": 2.0, "threshold": 0.6}
    assert classifier.metadata()[answering.KEY] == expected
