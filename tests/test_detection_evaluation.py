"""Figures of found boxes, against pycocotools, against numbers by hand."""

import contextlib
import io
import json
import sys
import types
from dataclasses import replace

import numpy as np
import pytest

from resnet_keras.detection import Found, evaluate_detections
from resnet_keras.detection.drawn import drawn_scenes
from resnet_keras.detection.evaluation import (
    FIGURES,
    best_threshold,
    evaluate_part,
    match,
)
from resnet_keras.errors import InputError
from tests.detection_cases import pictures

NAMES = ["cat", "dog"]


def found(*rows):
    """Return `Found` of (box, label, score)."""
    boxes, labels, scores = zip(*rows, strict=True) if rows else ((), (), ())
    return Found(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(labels, np.int64),
        np.array(scores, np.float32),
    )


A, B, C = (0, 0, 20, 20), (40, 40, 60, 70), (70, 10, 95, 30)
NEAR_B = (42, 40, 60, 70)  # overlaps B by 0.9


def random_case(number=20, size=100, own=250, seed=0):
    """Return pictures, and boxes found in them: some wrong, some missing."""
    rng, objects, results = np.random.default_rng(seed), [], []
    for _ in range(number):
        low = rng.uniform(0, 70, (rng.integers(0, 4), 2))
        boxes = np.concatenate([low, low + rng.uniform(3, 30, low.shape)], axis=1)
        labels = rng.integers(0, 2, len(boxes))
        objects.append(list(zip(boxes, labels, strict=True)))
        rows = [
            (box + rng.normal(0, 1, 4), label ^ (rng.random() < 0.2), rng.random())
            for box, label in objects[-1]
            if rng.random() < 0.8
        ]
        low = rng.uniform(0, 70, (rng.integers(0, 3), 2))
        rows += [((*x, *(x + 20)), int(rng.integers(2)), rng.random() / 2) for x in low]
        results.append(found(*rows))
    return pictures(*objects, size=size, own=own), results


@pytest.mark.parametrize("num_crowds", [0, 2])
def test_figures_are_those_of_pycocotools_from_files(num_crowds, tmp_path):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    known, results = random_case()
    rng = np.random.default_rng(1)
    low = rng.uniform(0, 60, (len(known), num_crowds, 2))
    label = rng.integers(0, 2, (len(known), num_crowds, 1))
    crowds = np.concatenate([low, low + 35, label], 2).astype(np.float32)
    known = replace(known, ignored=tuple(crowds))
    scale = 250 / 100

    def xywh(box):
        box = np.clip(np.array(box, np.float64) * scale, 0, 250)
        return [*box[:2], *(box[2:] - box[:2])]

    objects = [
        {"image_id": index, "category_id": int(label), "bbox": xywh(box)}
        for index, (boxes, labels) in enumerate(
            zip(known.boxes, known.labels, strict=True)
        )
        for box, label in zip(boxes, labels, strict=True)
    ]
    objects = [row | {"iscrowd": 0} for row in objects] + [
        {"image_id": index, "category_id": int(label), "bbox": xywh(box), "iscrowd": 1}
        for index, rows in enumerate(crowds)
        for *box, label in rows
    ]
    for number, row in enumerate(objects):
        row |= {"id": number + 1, "area": row["bbox"][2] * row["bbox"][3]}
    truth = {
        "images": [{"id": index} for index in range(len(known))],
        "annotations": objects,
        "categories": [{"id": index, "name": name} for index, name in enumerate(NAMES)],
    }
    answers = [
        {
            "image_id": index,
            "category_id": int(label),
            "bbox": xywh(box),
            "score": float(score),
        }
        for index, one in enumerate(results)
        for box, label, score in zip(*one, strict=True)
    ]
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO(str(tmp_path / "truth.json"))
        expected = COCOeval(data, data.loadRes(str(tmp_path / "answers.json")), "bbox")
        expected.evaluate()
        expected.accumulate()
        expected.summarize()
    result = evaluate_detections(known, results, NAMES)
    values = [-1 if result[name] is None else result[name] for name in FIGURES]
    np.testing.assert_allclose(values, expected.stats, atol=2e-4)
    assert 0.2 < result["AP"] < 0.9
    plain = evaluate_detections(replace(known, ignored=None), results, NAMES)
    assert (plain["AP"] < result["AP"] - 5e-3) == bool(num_crowds)
    assert np.mean([*result["AP_per_class"].values()]) == pytest.approx(result["AP"])


def test_average_precision_by_hand(capsys):
    known = pictures([(A, 0), (B, 0)], [])
    results = [found((A, 0, 0.9), (NEAR_B, 0, 0.7)), found((C, 0, 0.8))]
    result = evaluate_detections(known, results, ["cat"])
    # Precision is 1 up to a recall of one half, 51 of 101 places; then 2 of 3.
    assert result["AP50"] == pytest.approx((51 + 50 * 2 / 3) / 101)
    np.testing.assert_allclose(result["precision"][0][[0, 50, 51]], [1, 1, 2 / 3])
    assert result["recall"][50] == 0.5
    # NEAR_B overlaps by 0.9: it is right for nine of the ten overlaps.
    only_a = 51 / 101
    assert result["AP"] == pytest.approx((9 * result["AP50"] + only_a) / 10)
    assert result["AP_per_class"] == {"cat": result["AP"]}
    assert result["AP50_per_class"] == {"cat": result["AP50"]}
    assert capsys.readouterr().out == ""


def test_all_right_is_one_and_nothing_found_is_zero():
    known = pictures([(A, 0), (B, 1)], [])
    right = [found((A, 0, 0.9), (B, 1, 0.8)), found()]
    result = evaluate_detections(known, right, NAMES)
    for name in ("AP", "AR100", "F1"):
        assert result[name] == pytest.approx(1)
    assert result["threshold"] == pytest.approx(0.8)
    nothing = evaluate_detections(known, [found(), found()], NAMES)
    assert nothing["AP"] == nothing["AR100"] == nothing["F1"] == 0
    assert nothing["misses"] == [(0, 1), (0, 0)]  # B is larger


def test_sizes_are_those_of_the_pictures_themselves():
    # 20 x 20 pixels on the square are 200 x 200 of the picture: large, above 96 x 96.
    known = pictures([(A, 0)], own=1000)
    result = evaluate_detections(known, [found((A, 0, 0.9))], NAMES)
    assert result["AP_large"] == pytest.approx(1)
    assert result["AP_small"] is result["AP_medium"] is None


def test_a_class_without_an_object_has_no_figure():
    result = evaluate_detections(pictures([(A, 0)]), [found((A, 0, 0.9))], NAMES)
    assert result["AP_per_class"]["dog"] is None
    assert np.isnan(result["precision"][1]).all()


def test_confusion_misses_and_false_alarms_by_hand():
    known = pictures([(A, 0), (B, 1)], [(C, 1)], [])
    results = [
        found((A, 1, 0.9), (NEAR_B, 1, 0.8), (A, 0, 0.2)),
        found((A, 0, 0.7)),
        found((B, 0, 0.95)),
    ]
    result = evaluate_detections(known, results, NAMES, threshold=0.5)
    assert result["confusion"].tolist() == [
        [0, 1, 0],  # the cat was taken for a dog
        [0, 1, 1],  # one dog was found, one missed
        [2, 0, 0],  # two cats where there is nothing
    ]
    assert result["misses"] == [(1, 0)]
    assert result["false_alarms"] == [(2, 0), (0, 0), (1, 0)]
    # One right of four that count, three objects.
    assert result["F1"] == pytest.approx(2 * 1 / (4 + 3))
    assert result["threshold"] == 0.5


def with_ignored(known, *rows):
    """Return pictures of which the first has these ignored boxes, with their class."""
    ignored = [np.array(rows, np.float32).reshape(-1, 5), *known.ignored[1:]]
    return replace(known, ignored=tuple(ignored))


def test_what_lies_in_an_ignored_box_of_its_class_does_not_count():
    known = with_ignored(pictures([(A, 0)]), (30, 30, 90, 90, 0))
    inside, also, half = (35, 35, 60, 60), (62, 40, 80, 85), (80, 40, 100, 60)
    results = [
        found(
            (inside, 0, 0.95),  # cats in the crowd, any number
            (A, 0, 0.9),
            (also, 0, 0.8),
            (half, 0, 0.7),
            (C, 0, 0.65),  # a cat above the crowd
            (also, 1, 0.6),  # a dog in a crowd of cats
        )
    ]
    result = evaluate_detections(known, results, NAMES, threshold=0.5)
    # Of the boxes that count the only cat comes first.
    assert result["AP"] == pytest.approx(1)
    assert result["AP_per_class"] == {"cat": pytest.approx(1), "dog": None}
    assert result["confusion"].tolist() == [[1, 0, 0], [0, 0, 0], [1, 1, 0]]
    assert result["false_alarms"] == [(0, 4), (0, 5)]
    assert result["misses"] == []
    assert result["F1"] == pytest.approx(2 * 1 / (3 + 1))  # one of three that count
    assert best_threshold(known, results) == (pytest.approx(0.9), pytest.approx(1))
    plain = evaluate_detections(pictures([(A, 0)]), results, NAMES)
    assert plain["AP50_per_class"]["cat"] == pytest.approx(1 / 2)  # it comes second


def test_an_ignored_object_that_is_not_found_is_no_miss():
    known = with_ignored(pictures([]), (*B, 1))
    result = evaluate_detections(known, [found()], NAMES, threshold=0.5)
    assert (result["misses"], result["AP"]) == ([], None)
    # All but a hair less than half of it lies in the ignored box.
    box = (40, 40, 80.1, 70)
    result = evaluate_detections(known, [found((box, 1, 0.9))], NAMES, threshold=0.5)
    assert result["false_alarms"] == [(0, 0)]


def test_an_object_in_an_ignored_box_counts():
    known = with_ignored(pictures([(B, 1)]), (30, 30, 90, 90, 1))
    right = [found((NEAR_B, 1, 0.9))]
    assert evaluate_detections(known, right, NAMES)["AP50"] == pytest.approx(1)
    result = evaluate_detections(known, [found((A, 1, 0.9))], NAMES, threshold=0.5)
    assert (result["misses"], result["AP50"]) == ([(0, 0)], 0)


def test_the_best_threshold_by_hand():
    known = pictures([(A, 0), (B, 1)])
    results = [found((A, 0, 0.9), (C, 0, 0.6), (B, 1, 0.4), (C, 1, 0.4), (C, 1, 0.1))]
    # From 0.9: 2 x 1 / (1 + 2); from 0.4, of which two must count: 2 x 2 / (4 + 2).
    threshold, best = best_threshold(known, results)
    assert best == pytest.approx(2 / 3)
    assert threshold == pytest.approx(0.9)
    assert best_threshold(known, [found()]) == (0.5, 0.0)
    assert best_threshold(known, [found((C, 0, 0.9))]) == (0.5, 0.0)


def test_a_part_is_scored_in_the_models_order_of_classes():
    dataset = drawn_scenes(64, num_train=0, num_test=4)
    finder = types.SimpleNamespace(
        class_names=list("543210"), name="eyes.h5", threshold=0.3
    )
    right = [
        found(*((box, 5 - label, 0.8) for box, label in zip(*each, strict=True)))
        for each in zip(dataset.test.boxes, dataset.test.labels, strict=True)
    ]
    finder.find = lambda images, threshold: right
    for part in ("test", "all"):
        known, _, result = evaluate_part(finder, dataset, part)
        assert result["AP"] == pytest.approx(1)
        assert result["threshold"] == 0.3
        np.testing.assert_array_equal(known.images, dataset.test.images)
    one = with_ignored(dataset.test, (0, 0, 64, 64, 2))
    known, _, _ = evaluate_part(finder, replace(dataset, test=one))
    assert known.ignored[0].tolist() == [[0, 0, 64, 64, 3]]
    with pytest.raises(InputError, match="has no train picture"):
        evaluate_part(finder, dataset, "train")


def test_an_object_is_matched_once_and_by_the_best_score():
    boxes = np.array([A, B], np.float32)
    one = found((B, 0, 0.3), (NEAR_B, 0, 0.9), (A, 1, 0.8), (C, 0, 0.7))
    assert match(boxes, one).tolist() == [-1, 1, 0, -1]
    assert match(boxes, one, np.array([0, 0])).tolist() == [-1, 1, -1, -1]
    assert match(np.zeros((0, 4)), one).tolist() == [-1] * 4


def test_without_pycocotools_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(InputError, match=r"pip install 'resnet_keras\[detection\]'"):
        evaluate_detections(pictures([(A, 0)]), [found()], NAMES)
