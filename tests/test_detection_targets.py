"""Locations, the objects that they answer for, and boxes out of raw numbers."""

import keras
import numpy as np

from resnet_keras.detection.targets import (
    IGNORED,
    assign,
    left_open,
    locations,
    to_boxes,
)


def assigned(boxes, places):
    """Return position and presence for boxes with classes, each a row of five."""
    objects = np.full((1, 4, 5), -1, np.float32)
    for row, box in enumerate(boxes):
        objects[0, row] = box
    positions, answers = assign(keras.ops.convert_to_tensor(objects), places)
    return [keras.ops.convert_to_numpy(values)[0] for values in (positions, answers)]


def test_locations_are_the_centres_of_cells_row_by_row():
    places = locations((16, 24), [(2, 3)])
    assert places.centres.tolist() == [
        [4, 4], [12, 4], [20, 4], [4, 12], [12, 12], [20, 12],
    ]  # fmt: skip
    assert set(places.strides) == {8}


def test_a_large_object_has_the_nine_locations_about_its_centre():
    # Centre (36, 36) is the location of row 4, column 4.
    _, answers = assigned([[8, 8, 64, 64, 0]], locations((128, 128), [(16, 16)]))
    rows, columns = np.nonzero(answers.reshape(16, 16))
    assert sorted(zip(rows, columns, strict=True)) == [
        (row, column) for row in (3, 4, 5) for column in (3, 4, 5)
    ]


def test_a_tiny_object_has_the_nearest_location():
    # It lies between the centres of four cells.
    _, answers = assigned([[14, 6, 16, 9, 0]], locations((128, 128), [(16, 16)]))
    assert np.nonzero(answers)[0].tolist() == [1]


def test_of_two_objects_at_a_location_the_smaller_counts():
    positions, answers = assigned(
        [[0, 0, 64, 64, 0], [24, 24, 40, 40, 1]], locations((64, 64), [(8, 8)])
    )
    at_centre = 4 * 8 + 4
    assert answers[at_centre] == 1
    assert positions[at_centre] == 1


def test_large_objects_belong_to_coarse_levels():
    places = locations((512, 512), [(64, 64), (32, 32), (16, 16)])
    strides_of = []
    for side in (20, 63, 64, 127, 128, 500):
        _, answers = assigned([[0, 0, side, side, 0]], places)
        strides_of.append(set(places.strides[answers > 0].astype(int)))
    assert strides_of == [{8}, {8}, {16}, {16}, {32}, {32}]


def test_a_picture_without_objects_has_no_answers():
    _, answers = assigned([], locations((64, 64), [(8, 8)]))
    assert answers.sum() == 0


def opened(boxes, places, num_classes=3):
    """Return where each class is left open, (locations, num_classes)."""
    objects = np.full((1, 4, 5), -1, np.float32)
    objects[0, : len(boxes)] = boxes
    found = left_open(keras.ops.convert_to_tensor(objects), places, num_classes)
    return keras.ops.convert_to_numpy(found)[0]


def test_an_ignored_box_has_no_answers_and_leaves_its_class_open():
    places, box = locations((64, 64), [(8, 8)]), [16, 16, 40, 32]
    _, answers = assigned([[*box, IGNORED - 2]], places)
    assert answers.sum() == 0
    found = opened([[*box, IGNORED - 2], [0, 0, 64, 64, 1]], places)
    assert found[:, :2].sum() == 0  # an object leaves nothing open
    rows, columns = np.nonzero(found[:, 2].reshape(8, 8))
    assert sorted(zip(rows, columns, strict=True)) == [
        (row, column) for row in (2, 3) for column in (2, 3, 4)
    ]


def test_an_ignored_box_between_centres_leaves_the_nearest_open():
    found = opened([[14, 6, 16, 9, IGNORED]], locations((64, 64), [(8, 8)]))
    assert np.argwhere(found).tolist() == [[1, 0]]


def test_ignored_boxes_that_overlap_leave_open_once():
    box = [16, 16, 40, 32, IGNORED]
    found = opened([box, box], locations((64, 64), [(8, 8)]))
    assert found.max() == 1
    assert found.sum() == 6


def test_boxes_are_exponentials_in_strides():
    places = locations((16, 16), [(2, 2)])
    raw = np.zeros((1, 4, 6), np.float32)
    raw[0, 0, :4] = np.log([0.5, 0.25, 1, 2])
    raw = keras.ops.convert_to_tensor(raw)
    boxes = keras.ops.convert_to_numpy(to_boxes(raw, places))
    np.testing.assert_allclose(boxes[0, 0], [0, 2, 12, 20], rtol=1e-6)
    huge = keras.ops.convert_to_numpy(to_boxes(raw + 1e4, places))
    assert np.isfinite(huge).all()
