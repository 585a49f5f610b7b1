"""Finding: photographs on canvases, what counts as found, and the quick form."""

import keras
import numpy as np
import pytest

from resnet_keras.data.dataset import Split
from resnet_keras.detection.decoding import Found
from resnet_keras.errors import InputError
from resnet_keras.experiments import finding
from resnet_keras.files import save_model
from tests.conftest import coloured_images, write_pair
from tests.detection_networks import colour_network
from tests.experiment_files import assert_written

SCALED = {"preprocessing": {"scale": 1 / 255, "channel_order": "rgb"}}


def colour_detector():
    """Find an object of 16x16 pixels wherever a cell of 8x8 is red, green or blue."""
    inputs = keras.Input((64, 64, 3))
    kernel = np.zeros((1, 1, 3, 7), np.float32)
    kernel[0, 0, :, 4:] = 40 * np.eye(3) - 20
    layer = keras.layers.Conv2D(7, 1)
    model = keras.Model(inputs, layer(keras.layers.AveragePooling2D(8)(inputs)))
    layer.set_weights([kernel, np.float32([0, 0, 0, 0, -5, -5, -5])])
    return model


def save_detector(path, names):
    about = SCALED | {"class_names": names, "task": "detector", "threshold": 0.6}
    save_model(colour_detector(), path, about)
    return str(path)


@pytest.fixture
def photographs():
    labels = np.arange(6) % 3
    return Split(coloured_images(labels, 64), labels)


def test_quick_form_has_a_row_per_kind_and_way(tmp_path):
    source = str(write_pair(tmp_path / "colours", size=64))
    detector = save_detector(tmp_path / "detector.h5", ["0", "1", "2"])
    classifier = tmp_path / "classifier.h5"
    save_model(colour_network(), classifier, SCALED | {"class_names": ["0", "1", "2"]})
    given = (source, detector, tmp_path / "out", str(classifier))
    rows, verdict = finding.run(*given, quick=True)
    assert_written(tmp_path / "out", "finding", rows, verdict)
    by = [row["by"] for row in rows]
    assert by == ["detector"] * 3 + ["classifier, the middle", "classifier, --find"]
    # A photograph is of one colour and so is its canvas, which the detector finds all
    # over: within a photograph, too, where it names it right.
    assert rows[2]["found"] == rows[2]["named"] == 1
    assert rows[2]["other_boxes_per_object"] > 1
    assert rows[4]["named"] == 1
    assert "larger pictures" in verdict


def test_without_a_classifier_there_are_the_canvases_alone(tmp_path):
    source = str(write_pair(tmp_path / "colours", size=64))
    detector = save_detector(tmp_path / "detector.h5", ["2", "1", "0"])
    rows, verdict = finding.run(source, detector, tmp_path / "out", quick=True)
    assert [row["picture"] for row in rows] == ["one colour", "the wall's colour"]
    assert rows[1]["named"] < 0.7  # red and blue have each other's names
    assert "larger" not in verdict


def test_a_detector_of_other_classes_is_refused(tmp_path):
    source = str(write_pair(tmp_path / "colours", size=64))
    detector = save_detector(tmp_path / "detector.h5", ["cat", "dog", "cow"])
    with pytest.raises(InputError, match=r"has the class '0', which .*detector\.h5"):
        finding.run(source, detector, tmp_path / "out", quick=True)


def test_photographs_lie_where_their_tiles_are(photographs):
    corners = [(2, 5), (70, 60)]
    canvas = finding.lay(photographs, [1, 3], [64, 50], corners, (128, 130), (9, 9, 9))
    assert canvas.tiles.tolist() == [[5, 2, 69, 66], [60, 70, 110, 120]]
    assert canvas.labels.tolist() == [1, 0]
    np.testing.assert_array_equal(canvas.image[2:66, 5:69], photographs.images[1])
    outside = np.ones((128, 130), bool)
    for left, top, right, bottom in canvas.tiles:
        outside[top:bottom, left:right] = False
    assert (canvas.image[outside] == 9).all()


def test_edges_are_blended_with_the_walls_colour(photographs):
    photographs.images[0] = 100
    photographs.images[0][20:44, 20:44] = 200
    canvas = finding.lay(photographs, [0], [64], [(30, 40)], (128, 128))
    assert (canvas.image[:30] == 100).all()  # the median of the outermost pixels
    photographs.images[0][32, 0] = 0
    canvas = finding.lay(photographs, [0], [64], [(30, 40)], (128, 128))
    # Half a pixel of eight: 100 less 100 / 16.
    assert canvas.image[62, 40].tolist() == [94, 94, 94]


def test_larger_pictures_have_a_fifth_beside_the_middle(photographs):
    rng = np.random.default_rng(0)
    for _ in range(20):
        canvas = finding._larger(photographs, rng)
        [[left, top, right, bottom]] = canvas.tiles
        area = (right - left) * (bottom - top) / (240 * 320)
        assert area == pytest.approx(0.2, abs=0.002)
        assert not (left <= 160 < right and top <= 120 < bottom)
        assert (left >= 0, top >= 0, right <= 320, bottom <= 240) == (True,) * 4


def test_the_best_box_within_a_photograph_names_it():
    tiles = np.array([[0, 0, 50, 50], [64, 0, 120, 60], [0, 70, 50, 120]])
    boxes = [[10, 10, 40, 40], [70, 10, 90, 50], [8, 8, 42, 42], [40, 60, 64, 70]]
    found = Found(np.float32(boxes), np.array([1, 2, 0, 0]), np.float32([4, 3, 2, 1]))
    is_found, is_named = finding.compare(tiles, np.array([1, 0, 0]), found)
    assert is_found.tolist() == [True, True, False]
    assert is_named.tolist() == [True, False, False]
    nothing = Found(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))
    assert not np.any(finding.compare(tiles, np.array([1, 0, 0]), nothing))
