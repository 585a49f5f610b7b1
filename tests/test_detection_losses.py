"""The losses, against numbers by hand, formulas in float64, and finite differences."""

import keras
import numpy as np
import pytest

from resnet_keras.detection import losses
from resnet_keras.detection.targets import IGNORED, locations, to_boxes


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_iou_and_giou_by_hand():
    boxes = np.float32([[0, 0, 4, 2], [0, 0, 2, 2], [0, 0, 2, 2], [1, 1, 3, 5]])
    others = np.float32([[2, 0, 6, 2], [2, 0, 4, 2], [4, 4, 6, 6], [1, 1, 3, 5]])
    # areas 8 and 8, shared 4, union 12, around 12; side by side: 0, around 8 = union;
    # apart: 0, union 8 in 36; the same box.
    np.testing.assert_allclose(
        numbers(losses.iou(boxes, others)), [1 / 3, 0, 0, 1], atol=1e-6
    )
    np.testing.assert_allclose(
        numbers(losses.giou(boxes, others)), [1 / 3, 0, -28 / 36, 1], atol=1e-6
    )


def test_boxes_without_area_have_no_iou_and_finite_gradients():
    box = np.float32([[3, 3, 3, 3]])
    assert numbers(losses.iou(box, box)) == 0
    assert np.isfinite(numbers(losses.giou(box, np.float32([[0, 0, 1, 1]])))).all()


@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("logit", [-3.0, 0.0, 2.5, 60.0])
def test_focal_loss_is_the_published_formula(logit, target):
    p = 1 / (1 + np.exp(-logit))
    with np.errstate(divide="ignore"):
        log_p, log_not_p = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
    wanted = -(abs(target - p) ** 2) * (target * log_p + (1 - target) * log_not_p)
    found = numbers(losses.focal_loss(np.float32([logit]), np.float32([target])))
    np.testing.assert_allclose(found, [wanted], rtol=1e-5, atol=1e-7)


def one_object():
    """One object on 4x4 locations, and raw predictions of two classes."""
    places = locations((32, 32), [(4, 4)])
    objects = np.full((2, 3, 5), -1, np.float32)
    objects[0, 1] = 2, 4, 22, 26, 1
    raw = np.random.default_rng(0).normal(0, 0.5, (2, 16, 6)).astype(np.float32)
    return places, objects, raw


def test_detection_loss_by_the_formulas_in_numpy():
    places, objects, raw = one_object()
    # Its centre is (12, 15): with a radius of 12 that is columns 0 to 2 (x = 4 to 20),
    # within the box, and rows 0 to 3 (y = 4 to 28) without the first, whose y = 4 is on
    # the border, and the last, which is below 26.
    positive = [row * 4 + column for row in (1, 2) for column in (0, 1, 2)]
    total, off, weights = 0.0, 0.0, 0.0
    targets = np.zeros((2, 16, 2))
    for place in positive:
        left, upper, right, lower = np.exp(raw[0, place, :4].astype(float)) * 8
        x, y = places.centres[place]
        box = np.array([x - left, y - upper, x + right, y + lower])
        shared = np.prod(np.minimum(box[2:], [22, 26]) - np.maximum(box[:2], [2, 4]))
        union = (left + right) * (upper + lower) + 20 * 22 - shared
        around = np.prod(np.maximum(box[2:], [22, 26]) - np.minimum(box[:2], [2, 4]))
        quality = shared / union
        targets[0, place, 1] = quality
        off += quality * (1 - (quality - (around - union) / around))
        weights += quality
    logits = raw[..., 4:].astype(float)
    p = 1 / (1 + np.exp(-logits))
    entropy = -targets * np.log(p) - (1 - targets) * np.log(1 - p)
    total = np.sum((targets - p) ** 2 * entropy) / len(positive) + 2 * off / weights
    found = float(losses.DetectionLoss(places)(objects, raw))
    np.testing.assert_allclose(found, total, rtol=1e-5)


def test_an_ignored_box_leaves_its_class_open_but_for_objects():
    places, objects, raw = one_object()
    parts = losses.DetectionLoss(places).parts
    before = numbers(parts(objects, raw)["class"])
    # Class 0 about the object of class 1, in columns 0 to 2 and rows 0 to 1; class 1
    # in all of the picture, where six locations answer for the object.
    objects[0, 0] = 0, 0, 24, 16, IGNORED
    objects[0, 2] = 0, 0, 32, 32, IGNORED - 1
    after = numbers(parts(objects, raw)["class"])
    positive = [row * 4 + column for row in (1, 2) for column in (0, 1, 2)]
    left_open = [(row * 4 + column, 0) for row in (0, 1) for column in (0, 1, 2)]
    left_open += [(place, 1) for place in range(16) if place not in positive]
    background = numbers(losses.focal_loss(raw[0, :, 4:], np.zeros((16, 2), "f")))
    fewer = sum(background[place, label] for place, label in left_open)
    # The mean is over six locations of two pictures, three to a picture.
    np.testing.assert_allclose(before[0] - after[0], fewer / 3, rtol=1e-4)
    np.testing.assert_array_equal(before[1], after[1])


def test_pictures_without_an_object_teach_the_classes_alone():
    places, objects, raw = one_object()
    parts = losses.DetectionLoss(places).parts(
        *(keras.ops.convert_to_tensor(values[1:]) for values in (objects, raw))
    )
    assert float(parts["box"][0]) == 0
    focal = losses.focal_loss(raw[1, :, 4:], np.zeros((16, 2), np.float32))
    np.testing.assert_allclose(
        numbers(parts["class"]), [numbers(focal).sum()], rtol=1e-5
    )


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="asks TensorFlow")
def test_gradients_are_those_of_finite_differences():
    import tensorflow as tf

    places, objects, raw = one_object()
    boxes = objects[0, 1, :4]
    objects[0, 1, :4] = 9, 9, 15, 15  # only the location (12, 12) lies within

    def of_boxes(values):
        return tf.reduce_sum(1 - losses.giou(to_boxes(values, places), boxes))

    def of_classes(values):  # the IoU, their target, is the same for any logit
        loss = losses.DetectionLoss(places)
        return tf.reduce_sum(loss.parts(tf.constant(objects), values)["class"])

    rng = np.random.default_rng(1)
    for function, numbers_of in ((of_boxes, slice(4)), (of_classes, slice(4, 6))):
        values = tf.Variable(raw)
        with tf.GradientTape() as tape:
            result = function(values)
        gradient = tape.gradient(result, values).numpy()
        direction = np.zeros_like(raw)
        direction[..., numbers_of] = rng.normal(size=direction[..., numbers_of].shape)
        step = 1e-3 * direction
        slope = function(tf.constant(raw + step)) - function(tf.constant(raw - step))
        wanted = float(slope) / 2e-3
        np.testing.assert_allclose(np.sum(gradient * direction), wanted, rtol=0.01)


def test_the_losses_of_localizers_by_hand():
    # A box 0.2 high and 0.4 wide; half of it is found.
    y_true = [[1, 0.5, 0.5, 0.2, 0.4, 0, 1], [0, 7, 7, 7, 7, 7, 7]]
    y_pred = [[0.8, 0.4, 0.5, 0.2, 0.2, 0.3, 0.7], [0.1, 0, 0, 0, 0, 0.5, 0.5]]
    found = numbers(losses.localization_loss(y_true, y_pred))
    wanted = [-np.log(0.8) - np.log(0.7) + 0.5, -np.log(0.9)]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    # 0.04 + 0.01 + 0.04 + 0.09 + 0.09; and p_c alone
    found = numbers(losses.squared_error(y_true, y_pred))
    np.testing.assert_allclose(found, [0.27, 0.01], rtol=1e-5)


def test_a_prediction_that_is_certain_and_wrong_costs_a_finite_loss():
    y_true = [[1, 0.5, 0.5, 0.2, 0.4, 0, 1]]
    found = losses.localization_loss(y_true, [[0, 0.5, 0.5, 0.2, 0.4, 1, 0]])
    assert np.isfinite(numbers(found)).all()
