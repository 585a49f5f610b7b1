"""Pictures with boxes: what a part holds, the built-in scenes, the letterbox."""

from dataclasses import replace

import numpy as np
import pytest

from resnet_keras import hands
from resnet_keras.data.images import read_image
from resnet_keras.detection import DetectionDataset, load_detection
from resnet_keras.detection.dataset import joined
from resnet_keras.detection.drawn import draw_pictures, drawn_scenes
from resnet_keras.detection.letterboxing import (
    GREY,
    Placement,
    letterbox,
    read_letterboxed,
)
from resnet_keras.errors import InputError
from tests.detection_cases import painted, pictures


@pytest.fixture
def dataset():
    one, two = [1, 2, 11, 12], [5, 5, 9, 25]
    train = pictures([(one, 0), (two, 1)], [], [(two, 1)], size=32)
    test = pictures([(one, 0)], size=32)
    return DetectionDataset("rooms", "rooms/", ["cat", "dog"], train, test)


def test_the_table_counts_objects_and_empty_pictures(dataset):
    text = str(replace(dataset, num_validation=1, notes=("A note.",)))
    lines = [line.split() for line in text.splitlines()]
    assert text.startswith("rooms: 2 training, 1 validation and 1 test pictures")
    assert "32 pixels" in text
    assert lines[1] == ["A", "note."]
    assert lines[2] == ["objects", "train", "valid", "test"]
    assert lines[3] == ["cat", "1", "0", "1"]
    assert lines[4] == ["dog", "1", "1", "0"]
    assert lines[5] == ["pictures", "without", "objects", "1", "0", "0"]


def test_the_validation_part_is_the_last_of_train(dataset):
    assert dataset.validation is None
    part = replace(dataset, num_validation=1).validation
    assert part.names == ("2.png",)
    assert part.labels[0].tolist() == [1]


def test_the_digest_changes_with_boxes_labels_and_parts(dataset):
    moved = pictures([([1, 2, 11, 14], 0)], size=32)
    renamed = pictures([([1, 2, 11, 12], 1)], size=32)
    digests = {
        dataset.digest(),
        replace(dataset, test=moved).digest(),
        replace(dataset, num_validation=1).digest(),
        replace(dataset, class_names=["cat", "ox"]).digest(),
        replace(dataset, test=renamed).digest(),
    }
    assert len(digests) == 5
    assert dataset.digest() == replace(dataset, notes=("other",)).digest()


def test_ignored_boxes_go_with_their_pictures(dataset):
    rows = np.array([[1, 2, 3, 4, 0]], np.float32)
    none = np.zeros((0, 5), np.float32)
    train = replace(dataset.train, ignored=(none, rows, none))
    assert train.counts(2).tolist() == [1, 2]  # they are no objects
    assert train[1:].ignored == (rows, none)
    assert train[np.array([2, 1])].ignored == (none, rows)
    assert train[np.array([2, 1])].names == ("2.png", "1.png")
    assert joined(train, dataset.test).ignored[1] is rows
    changed = replace(dataset, train=train)
    assert changed.digest() != dataset.digest()


def test_scenes_have_none_to_four_hands_and_no_scene_is_in_both_parts():
    found = drawn_scenes(64, num_train=30, num_test=20)
    assert (len(found.train), len(found.test)) == (30, 20)
    assert {len(labels) for labels in found.train.labels} == {0, 1, 2, 3, 4}
    assert found.train.images.shape == (30, 64, 64, 3)
    assert found.image_size == 64
    scene = hands.render_scenes(1, 64, 4, start=hands.TEST_START + 7, min_hands=0)[0]
    np.testing.assert_array_equal(found.test.images[7], scene.image)
    np.testing.assert_array_equal(found.test.boxes[7], scene.boxes)
    np.testing.assert_array_equal(found.test.labels[7], scene.labels)
    assert found.test.names[7] == "test scene 7"
    assert found.test.placement(7) == Placement(64, 64, 64)


def test_scenes_have_no_more_hands_than_asked_for():
    found = draw_pictures(64, 30, 0, "picture", most_hands=1)
    assert {len(labels) for labels in found.labels} == {0, 1}
    assert found.names[29] == "picture 29"


def test_to_evaluate_only_test_scenes_are_drawn(monkeypatch):
    asked = []
    monkeypatch.setattr(
        hands, "iter_scenes", lambda number, *_, **__: asked.append(number) or ()
    )
    load_detection("scenes", needs_train=False)
    load_detection("scenes")
    assert asked == [0, 400, 2000, 400]


def test_a_folder_called_scenes_is_told_of(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert drawn_scenes(64, 0, 0).notes == ()
    (tmp_path / "scenes").mkdir()
    assert "--data ./scenes" in drawn_scenes(64, 0, 0).notes[0]


def test_scenes_of_a_size_that_cannot_be_drawn_are_refused():
    with pytest.raises(InputError, match="expected an image size from 64 to 512"):
        load_detection("scenes", image_size=32)


@pytest.mark.parametrize(
    ("width", "height"), [(200, 100), (99, 250), (31, 7), (64, 64), (640, 427)]
)
def test_a_letterboxed_mark_is_where_its_box_is(width, height):
    image = np.zeros((height, width, 3), np.uint8)
    box = np.array([width // 4, height // 3, width // 4 + width // 3, height - 1])
    left, top, right, bottom = box
    image[top:bottom, left:right] = 255
    square, placement = letterbox(image, 64)
    assert square.shape == (64, 64, 3)
    bright = square[..., 0] > 160  # half covered; the padding is grey, 114
    rows, columns = bright.any(1).nonzero()[0], bright.any(0).nonzero()[0]
    seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    [found] = placement.to_square([box])
    np.testing.assert_allclose(seen, found, atol=0.75)
    np.testing.assert_allclose(placement.to_picture([found]), [box], atol=1e-3)


@pytest.mark.parametrize("size", [(200, 100), (31, 7), (64, 64)])
def test_a_file_is_placed_as_its_picture_is(size, tmp_path):
    path = painted(size, [(3, 2, 20, 5)], tmp_path / "a.png")
    expected, placement = letterbox(read_image(path, size[::-1]), 64)
    found, its = read_letterboxed(path, size, 64)
    np.testing.assert_array_equal(found, expected)
    assert its == placement


def test_the_padding_is_grey_and_equal_on_both_sides():
    square, placement = letterbox(np.zeros((10, 40, 3), np.uint8), 64)
    assert placement.window == (0, 24, 64, 40)
    assert (square[:24] == GREY).all()
    assert (square[40:] == GREY).all()
    assert (square[24:40] == 0).all()


def test_boxes_come_back_within_the_picture():
    placement = Placement(40, 10, 64)
    [box] = placement.to_picture([[-5, 0, 64, 64]])
    assert box.tolist() == [0, 0, 40, 10]
    assert placement.to_picture([]).shape == (0, 4)
