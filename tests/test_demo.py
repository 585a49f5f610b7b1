"""What the page of `demo` says, without a browser; the command's refusals."""

import re
import socket
from importlib import metadata as packages

import keras
import numpy as np
import pytest
from PIL import Image

from resnet_keras import save_model
from resnet_keras.data import read_image
from resnet_keras.demo import __main__ as demo
from resnet_keras.demo.answers import about, find_objects, name_picture, title_of
from resnet_keras.demo.page import drawn_examples
from resnet_keras.detection.finder import Finder
from resnet_keras.detection.pictures import as_dict, find_in_files
from resnet_keras.errors import InputError
from resnet_keras.hands import TEST_START, render
from resnet_keras.inference import Answering, Classifier
from resnet_keras.training.model_card import ANSWERS_ALL, KNOWS_NONE
from tests.conftest import assert_refused, coloured_images
from tests.detection_networks import brightness_detector

NAMES = ["red", "green", "blue"]
PROVENANCE = {
    "config": {"data": "photos", "model": "resnet18", "recipe": "default", "seed": 7},
    "metrics": {
        "test_accuracy": 0.9833,
        "test_interval": [0.941, 0.9955],
        "num_test_images": 120,
        "num_train_images": 951,
        "epochs": 20,
        "warnings": ["No test image was predicted as blue."],
    },
}


@pytest.fixture
def classifier(small_model):
    return Classifier(small_model, {"class_names": NAMES})


@pytest.fixture
def photo(tmp_path):
    """Return a picture wider than high, green on the left and blue on the right."""
    picture = np.hstack([*coloured_images([1, 2], 48)])
    Image.fromarray(picture).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


def test_names_have_the_models_probabilities(classifier, photo):
    names, picture, words = name_picture(classifier, photo)
    [expected] = classifier.probabilities(read_image(photo, 8)[None])
    for name, probability in zip(NAMES, expected, strict=True):
        assert names[name] == pytest.approx(probability, abs=1e-6)
    assert max(names, key=names.get) in words
    assert (picture.shape, picture.dtype) == ((640, 640, 3), np.uint8)
    assert np.ptp(picture) > 100  # there are bright and dark parts


def test_a_picture_unlike_all_classes_is_none_of_these(small_model, photo):
    metadata = {"class_names": NAMES} | Answering(2.0, 1.1).as_metadata()
    classifier = Classifier(small_model, metadata)
    names, _, words = name_picture(classifier, photo)
    [plain] = classifier.probabilities(read_image(photo, 8)[None])
    best = max(names, key=names.get)
    expected = classifier.answering.calibrated(plain).max()
    assert names[best] == pytest.approx(expected, abs=1e-6)
    assert words.startswith(f"None of these (nearest: {best}, {expected:.3f}). Bright")
    assert KNOWS_NONE.split(" `")[0] in about(classifier, {}, [])


def test_a_turned_picture_is_named_as_it_is_seen(classifier, photo, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    lying = Image.open(photo).transpose(Image.Transpose.ROTATE_90)
    lying.save(tmp_path / "turned.png", exif=exif)
    upright, turned = (
        name_picture(classifier, path) for path in (photo, str(tmp_path / "turned.png"))
    )
    assert upright[0] == turned[0]
    np.testing.assert_array_equal(upright[1], turned[1])


def test_of_two_classes_of_one_name_the_likelier_counts(small_model, photo):
    classifier = Classifier(small_model, {"class_names": ["a", "a", "a"]})
    names, _, _ = name_picture(classifier, photo)
    expected = classifier.probabilities(read_image(photo, 8)[None]).max()
    assert names == {"a": pytest.approx(expected, abs=1e-6)}


def test_a_model_without_feature_maps_says_so(photo):
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Flatten()(inputs)
    outputs = keras.layers.Dense(3, activation="softmax")(outputs)
    classifier = Classifier(keras.Model(inputs, outputs), {}, "flat.h5")
    names, picture, words = name_picture(classifier, photo)
    assert sum(names.values()) == pytest.approx(1, abs=1e-5)
    assert picture is None
    assert words.startswith("No heat map: flat.h5: cannot be explained.")


@pytest.fixture
def finder():
    return Finder(brightness_detector(), {"class_names": ["lamp"]}, "lamps.h5")


@pytest.fixture
def lamp(tmp_path):
    image = np.zeros((100, 200, 3), np.uint8)
    image[50:75, 100:125] = 255
    Image.fromarray(image).save(tmp_path / "lamp.png")
    return str(tmp_path / "lamp.png")


def test_found_objects_are_those_of_detect_predict(finder, lamp):
    picture, words = find_objects(finder, lamp, 0.5)
    [(path, size, found)] = find_in_files(finder, [lamp], 0.5, None)
    [expected] = as_dict(path, size, found, ["lamp"])["found"]
    assert words == f"Found: lamp ({expected['score']:.3f})"
    # The box is 87.5 to 137.5 across and 37.5 to 87.5 down (test_detection_finder.py)
    # of 200 x 100 pixels, shown on 640 x 320: its left side is at 280.
    assert picture.shape == (320, 640, 3)
    assert np.ptp(picture[200, 270:278], axis=0).max() == 0
    assert np.ptp(picture[200, 276:284], axis=0).max() > 100


def test_the_threshold_decides_what_is_found(finder, lamp):
    score = float(find_objects(finder, lamp, 0.5)[1].split("(")[1].rstrip(")"))
    picture, words = find_objects(finder, lamp, score + 0.001)
    assert words == "Nothing found."
    assert picture.shape == (320, 640, 3)


def test_a_broken_file_is_named(classifier, finder, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"no picture")
    words = re.escape(f"{path}: not a readable picture")
    with pytest.raises(InputError, match=words):
        name_picture(classifier, str(path))
    with pytest.raises(InputError, match=words):
        find_objects(finder, str(path), 0.5)


def test_the_page_says_what_the_model_is(classifier):
    metadata = {"versions": {"keras": "3.15.1"}, "provenance": PROVENANCE}
    text = about(classifier, metadata, ["Assumed: nothing."])
    for words in (
        "3: red, green, blue",
        "photos, 951 images, 20 epochs, recipe default, seed 7",
        "accuracy 0.9833 (95 % interval 0.941 to 0.996), 120 test images",
        "keras 3.15.1",
        ANSWERS_ALL,
        "No test image was predicted as blue.",
        "Assumed: nothing.",
    ):
        assert words in text
    assert title_of(metadata, "runs/model.h5") == "resnet18 on photos"


def test_the_page_of_a_detector_has_its_scores(finder):
    metrics = {"AP": 0.864, "AP50": 0.987, "num_test_images": 400}
    metadata = {"task": "detector", "provenance": {"metrics": metrics}}
    text = about(finder, metadata, [])
    assert "AP 0.864, AP50 0.987, 400 test images" in text
    assert ANSWERS_ALL not in text


@pytest.mark.parametrize(
    "provenance",
    [
        None,
        "a friend",
        ["a", "b"],
        {"config": "none", "metrics": [1]},
        {"metrics": {"test_accuracy": "high", "test_interval": 3, "warnings": "none"}},
    ],
)
def test_what_a_file_does_not_say_is_not_said(classifier, provenance):
    text = about(classifier, {"provenance": provenance}, [])
    assert text.count("its file does not say") == 3  # training, scores, versions
    assert title_of({"provenance": provenance}, "runs/model.h5") == "model.h5"


def test_names_are_no_html(small_model):
    names = ["<img src=x>", "{{value}}", "${value}"]
    text = about(Classifier(small_model, {"class_names": names}), {}, [])
    assert not any(name in text for name in names)
    assert "&lt;img src=x&gt;" in text


def test_examples_are_drawn_for_models_of_drawn_hands(tmp_path):
    def paths(data):
        return drawn_examples({"provenance": {"config": {"data": data}}}, tmp_path)

    pictures = [read_image(path, 192) for path in paths("hands")]
    np.testing.assert_array_equal(pictures, render(6, 192, start=TEST_START).images)
    assert len(paths("scenes")) == 6
    assert paths("photos") == []


def test_a_port_in_use_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            InputError, match=f"port {port} of 127.0.0.1: Address already in use; "
        ):
            demo._check_port(port)


@pytest.mark.parametrize("version", [None, "5.49.1", "6.0.0"])
def test_gradio_missing_or_old_is_one_line(version, monkeypatch):
    def version_of(name):
        if version is None:
            raise packages.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(packages, "version", version_of)
    with pytest.raises(InputError, match=r"pip install 'resnet_keras\[demo\]'"):
        demo.main(["model.h5"])


def test_a_model_that_is_neither_is_refused(tmp_path, command_here):
    pytest.importorskip("gradio")
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs))
    save_model(model, tmp_path / "maps.h5")
    process = command_here("demo", tmp_path / "maps.h5")
    assert_refused(process, "maps.h5", "(None, 6, 6, 4)")
