"""From finding to naming: the crop, whose object it shows, and what is said of it."""

import json

import numpy as np
import pytest
from PIL import Image

from resnet_keras import predict
from resnet_keras.detection import Finder, crop_around, name_found
from resnet_keras.detection.decoding import Found
from resnet_keras.files import save_model
from resnet_keras.inference import Classifier
from tests.conftest import assert_refused
from tests.detection_networks import brightness_detector, colour_network

COLOURS = ["red", "green", "blue"]
BOX = [95.0, 50.0, 120.0, 75.0]


METADATA = {
    "class_names": COLOURS,
    "preprocessing": {"scale": 1 / 255, "channel_order": "rgb"},
}


def photograph(*places, size=(120, 240)):
    """Return a red picture with green squares of 80 pixels, white in the middle.

    On squares of 64 for the detector a picture of 240 x 120 is scaled by 4 / 15, and a
    white square of 30 pixels fills a cell of 8 where it begins at a multiple of 30.
    """
    image = np.zeros((*size, 3), np.uint8)
    image[..., 0] = 200
    for x, y in places:
        image[max(y - 25, 0) : y + 55, max(x - 25, 0) : x + 55] = 0, 200, 0
        image[y : y + 30, x : x + 30] = 255
    return image


@pytest.fixture(scope="module")
def classifier():
    return Classifier(colour_network(), METADATA, "colours.h5")


@pytest.fixture(scope="module")
def finder():
    return Finder(brightness_detector(), {}, "white.h5")


@pytest.fixture
def files(tmp_path):
    """Write the classifier and the detector; return their paths."""
    paths = tmp_path / "colours.h5", tmp_path / "white.h5"
    save_model(colour_network(), paths[0], METADATA)
    save_model(brightness_detector(), paths[1], {"task": "detector"})
    return paths


def named(probabilities):
    return [COLOURS[index] for index in probabilities.argmax(axis=1)]


def test_a_crop_has_the_box_in_its_middle():
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    # A margin of half of 10 on each side makes 20 x 20, which is the crop's own size.
    crop = crop_around(image, [30, 21, 38, 31], 20, margin=0.5)
    np.testing.assert_array_equal(crop, image[16:36, 24:44])


def test_beyond_the_picture_its_edge_repeats():
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    crop = crop_around(image, [70, 0, 80, 10], 20, margin=0.5)
    wanted = np.pad(image, [(5, 0), (0, 5), (0, 0)], "edge")[:20, 65:]
    np.testing.assert_array_equal(crop, wanted)


def test_a_crop_that_is_no_square_shows_the_box_undistorted():
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    crop = crop_around(image, [35, 25, 45, 35], (20, 40), margin=0.5)
    np.testing.assert_array_equal(crop, image[20:40, 20:60])


def test_a_box_without_area_is_cropped_as_a_pixel():
    image = np.full((8, 8, 3), 7, np.uint8)
    assert (crop_around(image, [3, 3, 3, 3], 4) == 7).all()


def test_the_object_is_named_and_not_its_surroundings(classifier, finder):
    image = photograph((180, 30))
    assert named(classifier.probabilities(image[None, 30:62, 60:92])) == ["red"]
    prediction, [place] = name_found(classifier, finder, [image])
    assert named(prediction.probabilities) == ["green"]
    # The cell's centre in pixels of the picture, and 8 pixels of the square about it.
    np.testing.assert_allclose(place.box, [165, 15, 225, 75], atol=0.01)
    assert (place.score > 0.9, place.num_others) == (True, 0)


def test_where_nothing_is_found_it_is_the_middle_that_is_named(classifier, finder):
    image = photograph()
    image[:, 60:180, 2] = 255  # the middle, a square
    image[:, 60:180, 0] = 0
    prediction, [place] = name_found(classifier, finder, [image])
    assert named(prediction.probabilities) == ["blue"]
    assert place == (None, None, 0)


def test_other_objects_are_counted(classifier, finder):
    images = [photograph((0, 30), (180, 30)), photograph((90, 30))]
    _, places = name_found(classifier, finder, images)
    assert [place.num_others for place in places] == [1, 0]


def test_two_classes_of_one_object_count_once(classifier):
    class TwoNames:
        def find(self, images):
            boxes = np.float32([[10, 10, 50, 50], [11, 10, 50, 50], [90, 9, 99, 30]])
            scores = np.float32([0.9, 0.8, 0.7])
            return [Found(boxes, np.array([0, 1, 1]), scores)] * len(images)

    _, [place] = name_found(classifier, TwoNames(), [photograph()])
    assert (place.num_others, place.box.tolist()) == (1, [10, 10, 50, 50])


def run(*arguments):
    return predict.main([str(each) for each in arguments])


def test_the_command_says_where_and_how_many_others(files, tmp_path, capsys):
    model, detector = files
    pictures = tmp_path / "a.png", tmp_path / "b.png"
    for path, places in zip(pictures, ([(0, 30), (180, 30)], []), strict=True):
        Image.fromarray(photograph(*places)).save(path)
    assert run(model, *pictures, "--find", detector, "--top", 1) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{pictures[0]}: green (")
    assert first.endswith("; 1 other)")
    assert "  at 0 15 45 75 (found with 0.9" in first
    assert second.startswith(f"{pictures[1]}: red (")
    assert second.endswith("  nothing found, so this is of the middle of the picture")


def test_json_has_box_and_score_in_the_picture_as_it_is_shown(files, tmp_path, capsys):
    model, detector = files
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn to the right
    shown = Image.fromarray(photograph((180, 30)))
    shown.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a.png", exif=exif)
    Image.fromarray(photograph()).save(tmp_path / "b.png")
    pictures = [tmp_path / "a.png", tmp_path / "b.png"]
    assert run(model, *pictures, "--find", detector, "--json") == 0
    found, nothing = json.loads(capsys.readouterr().out)
    assert found["class"] == "green"
    assert found["box"] == pytest.approx([165, 15, 225, 75], abs=0.01)
    assert (0.9 < found["score"] < 1, found["others"]) == (True, 0)
    assert (nothing["class"], nothing["box"], nothing["score"]) == ("red", None, None)


def test_pictures_are_written_with_the_box(files, tmp_path, monkeypatch):
    from resnet_keras import plots

    taken = []
    draw = plots.prediction
    monkeypatch.setattr(
        plots, "prediction", lambda *given: taken.append(given) or draw(*given)
    )
    model, detector = files
    Image.fromarray(photograph((180, 30))).save(tmp_path / "a.png")
    out = tmp_path / "out"
    assert run(model, tmp_path / "a.png", "--find", detector, "--out", out) == 0
    [(image, _, box, _)] = taken
    assert image.shape == (160, 320, 3)  # all of it
    np.testing.assert_allclose(box, [220, 20, 300, 100], atol=0.01)
    with Image.open(out / "a_predicted.png") as picture:
        assert picture.size[0] > 300


def test_a_classifier_in_place_of_the_detector_is_refused(
    files, tmp_path, command_here
):
    model, _ = files
    Image.fromarray(photograph()).save(tmp_path / "a.png")
    process = command_here("predict", model, tmp_path / "a.png", "--find", model)
    assert_refused(process, model, "is no detector", "detect train")
