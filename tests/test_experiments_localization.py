"""Localization: its quick form, and scores and findings that follow the predictions."""

import numpy as np
import pytest

from resnet_keras.detection.dataset import Pictures
from resnet_keras.experiments import localization
from tests.experiment_files import assert_written


@pytest.mark.slow
def test_quick_form_has_a_row_per_loss_and_seed(tmp_path):
    rows, verdict = localization.run(tmp_path, seeds=1, quick=True)
    assert_written(tmp_path, "localization", rows, verdict)
    assert [(row["loss"], row["seed"]) for row in rows] == [
        ("squared error", 0),
        ("better loss", 0),
    ]
    for row in rows:
        assert all(0 <= row[key] <= 1 for key in ("mean_iou", "auc", "accuracy"))
    assert verdict.endswith("From one seed no difference is significant.")


def test_scores_are_of_the_predictions():
    boxes = ([[10, 20, 50, 60]], np.zeros((0, 4)), [[0, 0, 20, 40]], np.zeros((0, 4)))
    labels = ([1], [], [0], [])
    pictures = Pictures(
        np.zeros((4, 100, 100, 3), np.uint8),
        tuple(np.float32(each) for each in boxes),
        tuple(np.array(each, np.int64) for each in labels),
        ("",) * 4,
        np.full((4, 2), 100),
    )
    y = np.float32(
        [
            [0.9, 0.3, 0.4, 0.4, 0.4, 0, 1],  # the box itself, and its class
            [0.2, 0.5, 0.5, 1, 1, 1, 0],
            [0.4, 0.1, 0.1, 0.2, 0.2, 0, 1],  # its upper half, and the other class
            [0.4, 0.5, 0.5, 1, 1, 1, 0],
        ]
    )
    # Of four pairs p_c is higher in three, and equal in one.
    assert localization.scores(y, pictures) == {
        "mean_iou": pytest.approx(0.75),
        "auc": 0.875,
        "accuracy": 0.5,
    }


def rows_of(better):
    keys = ("mean_iou", "auc", "accuracy")
    return [
        {"loss": name, "seed": seed, **dict.fromkeys(keys, value)}
        for name, values in (("squared error", [0.5, 0.6]), ("better loss", better))
        for seed, value in enumerate(values)
    ]


def test_findings_are_differences_within_seeds():
    found = localization.findings(rows_of([0.6, 0.7]))
    mean, margin = found["gains"]["auc"]
    assert (mean, margin) == (pytest.approx(0.1), pytest.approx(0, abs=1e-9))
    assert "the better loss gives +0.100" in localization.verdict(found)


def test_a_difference_that_changes_sign_is_not_significant():
    found = localization.findings(rows_of([0.4, 0.8]))
    mean, margin = found["gains"]["mean_iou"]
    assert mean == pytest.approx(0.05)
    assert margin == pytest.approx(12.71 * 0.15, abs=1e-3)
    assert "do not differ significantly" in localization.verdict(found)
