"""Scores against a small case worked out by hand."""

import numpy as np
import pytest

from resnet_keras.inference import scores
from tests.conftest import refusing


def test_scores_by_hand():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.6, 0.4, 0.0]])
    result = scores(probabilities, np.array([0, 1, 1]))
    assert result["accuracy"] == pytest.approx(2 / 3)
    expected = -(np.log(0.5) + np.log(0.8) + np.log(0.4)) / 3
    assert result["loss"] == pytest.approx(expected)
    assert result["confusion"].tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    np.testing.assert_allclose(result["precision"], [0.5, 1, np.nan])
    np.testing.assert_allclose(result["recall"], [1, 0.5, np.nan])
    assert result["count"].tolist() == [1, 2, 0]


def test_labels_of_another_shape_or_type_are_refused():
    probabilities, labels = np.eye(3)[:, :2] / 2 + 0.25, np.array([0, 1, 1])
    for wrong in (labels[None], labels[:, None], labels - 1, labels + 1, labels / 1):
        with refusing("expected integers (3,), from 0 to 1"):
            scores(probabilities, wrong)
    found = scores(probabilities.tolist(), labels.tolist())
    assert found["count"].tolist() == [1, 2]
