"""The recipes for a million pictures, on drawn shapes; and the shapes themselves."""

import numpy as np
import pytest

from resnet_keras.experiments import large_recipes, shapes
from tests.experiment_files import assert_written


@pytest.mark.slow
def test_quick_form_has_a_row_per_epoch_and_the_same_losses_either_way(tmp_path):
    rows, verdict = large_recipes.run(tmp_path, seeds=1, quick=True)
    assert_written(tmp_path, "large-recipes", rows, verdict)
    assert len(rows) == 2 * 2 * 2
    losses = {}
    for row in rows:
        assert np.isfinite(row["loss"])
        losses.setdefault((row["recipe"], row["epoch"]), []).append(row["loss"])
    # What averages leave alone: the weights in training.
    assert all(first == second for first, second in losses.values())


def test_the_verdict_compares_weights():
    rows = [
        {"recipe": "imagenet-a3", "weights": weights, "seed": 0, "epoch": epoch}
        | {"loss": 1 / epoch, "val_accuracy": value, "test_accuracy": value}
        for weights, value in (("averaged", 0.75), ("as trained", 0.5))
        for epoch in (1, 2)
    ]
    found = large_recipes.verdict(rows)
    assert "imagenet-a3: the training loss went from 1.000 to 0.500" in found
    assert "test accuracy 75.0 % with averaged weights, 50.0 % without" in found


def test_shapes_are_the_same_at_each_call_and_none_is_repeated():
    first, again = shapes.load(40, 20, 16), shapes.load(40, 20, 16)
    np.testing.assert_array_equal(first.train.images, again.train.images)
    together = np.concatenate([first.train.images, first.test.images])
    assert together.shape == (60, 16, 16, 3)
    assert len(np.unique(together, axis=0)) == 60
    assert (np.bincount(first.train.labels) == 2).all()
    assert first.class_names[:5] == [
        *("plain disc", "striped disc", "checked disc", "dotted disc"),
        "plain triangle",
    ]
