"""Decoding by hand, and non-maximum suppression against TensorFlow's."""

import keras
import numpy as np
import pytest

from resnet_keras.detection.decoding import decode, suppress
from resnet_keras.detection.targets import locations, to_boxes


def nothing(rows, classes=2):
    raw = np.zeros((1, rows, rows, 4 + classes), np.float32)
    raw[..., 4:] = -20
    return raw


def test_nothing_above_the_threshold_is_nothing_found():
    [found] = decode(nothing(4), 32)
    assert found.boxes.shape == (0, 4)
    assert found.labels.tolist() == found.scores.tolist() == []


def test_logits_of_any_size_have_a_score():
    raw = nothing(4)
    raw[0, 0, :2, 4:] = [[-1e4, 1e4], [1e4, -1e4]]
    [found] = decode(raw, 32)
    assert found.scores.tolist() == [1, 1]


def test_boxes_are_clipped_to_the_picture_and_sorted_by_score():
    raw = nothing(4)
    raw[0, 0, 0] = [0, 0, 0, 0, 0, -20]  # score 0.5, (-4, -4) to (12, 12)
    raw[0, 3, 3] = [0, 0, 0, 0, -20, 2]  # score 0.88, (20, 20) to (36, 36)
    [found] = decode(raw, 32)
    assert found.boxes.tolist() == [[20, 20, 32, 32], [0, 0, 12, 12]]
    assert found.labels.tolist() == [1, 0]
    np.testing.assert_allclose(found.scores, [1 / (1 + np.exp(-2)), 0.5], rtol=1e-6)


def test_neighbours_on_one_object_become_one_and_classes_do_not_meet():
    raw = nothing(4)
    raw[0, 1, 1] = [0, 0, 0, 0, 2, -20]
    raw[0, 1, 2] = [*np.log([2, 1, 1e-3, 1]), 1, 1]  # nearly the same box
    [found] = decode(raw, 32)
    assert found.labels.tolist() == [0, 1]
    assert decode(raw, 32, most=1)[0].labels.tolist() == [0]
    assert decode(raw, 32, most=0)[0].labels.tolist() == []


def test_levels_are_read_with_their_strides():
    fine, coarse = nothing(8), nothing(4)
    coarse[0, 1, 1] = [0, 0, 0, 0, 3, -20]
    [found] = decode([fine, coarse], 64)
    assert found.boxes.tolist() == [[8, 8, 40, 40]]


def test_decoding_is_what_the_loss_sees():
    rng = np.random.default_rng(0)
    raw = rng.normal(0, 0.3, (1, 4, 4, 5)).astype(np.float32)
    [found] = decode(raw, 32, threshold=0, iou=1)
    places = locations((32, 32), [(4, 4)])
    table = keras.ops.convert_to_tensor(raw.reshape(1, 16, 5))
    boxes = keras.ops.convert_to_numpy(to_boxes(table, places))[0]
    order = np.argsort(-raw.reshape(16, 5)[:, 4], kind="stable")
    np.testing.assert_allclose(
        found.boxes, np.clip(boxes[order], 0, 32), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("seed", range(5))
def test_suppression_is_that_of_tensorflow(seed):
    tf = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 40, (60, 2))
    boxes = np.concatenate([low, low + rng.uniform(5, 30, (60, 2))], 1)
    boxes = boxes.astype(np.float32)
    scores = np.sort(rng.random(60).astype(np.float32))[::-1]
    wanted = tf.image.non_max_suppression(boxes, scores, 60, iou_threshold=0.4)
    found = suppress(boxes, np.zeros(60, int), 0.4)
    assert found.tolist() == wanted.numpy().tolist()
