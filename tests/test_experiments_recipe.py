"""The recipe's experiment: its changes, and effects taken seed by seed."""

import numpy as np
import pytest

from resnet_keras import family
from resnet_keras.errors import InputError
from resnet_keras.experiments import recipe
from resnet_keras.training.recipe import Recipe
from tests.conftest import write_pair
from tests.experiment_files import assert_written

WHOLE = next(iter(recipe.CHANGES))


@pytest.mark.slow
def test_quick_form_evaluates_each_change_of_each_seed(tmp_path, monkeypatch):
    monkeypatch.setitem(family.NETWORKS, "resnet-cifar-20", (True, 8, True))  # quicker
    source = write_pair(tmp_path / "colours")
    only = ["no label"]
    rows, verdict = recipe.run(source, tmp_path, 1, 2, only, quick=True)
    assert_written(tmp_path, "recipe", rows, verdict)
    # the recipe, its predictions averaged over mirror images, and the one change
    changes = [row["change"] for row in rows[:3]]
    assert changes[::2] == [WHOLE, "no label smoothing"]
    assert [row["seed"] for row in rows] == [0, 0, 0, 1, 1, 1]
    # Mirrored images give an average over mirror images that is no other.
    assert rows[1]["mirrored_accuracy"] == rows[1]["validation_accuracy"]
    # Accuracies are counts of the held-out fifth of 36 images: two or three a class.
    counts = np.array([row["validation_accuracy"] for row in rows]) * 6
    np.testing.assert_allclose(counts, np.round(counts))
    assert {"corrupted_accuracy", "seconds"} <= rows[0].keys()


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ([], []),
        (["no label"], ["no label smoothing"]),
        (["Adam for all weights"], ["Adam for all weights"]),  # part of another's, too
        (["no flips", "seed 0"], ["no flips", "seed 0 in every layer"]),
    ],
)
def test_changes_are_chosen_by_a_part_of_their_names(only, expected):
    chosen = recipe.chosen(only)
    assert list(chosen) == ([WHOLE, *expected] if expected else [])


def test_a_change_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no such change.*no flips"):
        recipe.run("hands", tmp_path, 1, 1, only=["flops"], quick=True)


@pytest.mark.parametrize("change", list(recipe.CHANGES)[1:])
def test_changes_name_settings_and_change_them(change):
    usual, settings = Recipe().as_dict(), recipe.CHANGES[change]
    assert settings
    for key, value in settings.items():
        assert usual[key] != value, key


def row(change, seed, accuracy, seconds=10.0):
    return {
        "change": change,
        "seed": seed,
        "validation_accuracy": accuracy,
        "validation_loss": 1 - accuracy,
        "corrupted_accuracy": accuracy / 2,
        "mirrored_accuracy": accuracy / 4,
        "seconds": seconds,
    }


def test_effects_of_changes_are_taken_seed_by_seed():
    rows = [row(WHOLE, 0, 0.9), row(WHOLE, 1, 0.8)]
    rows += [row("x", 0, 0.85, 20.0), row("x", 1, 0.7, 20.0)]
    found = recipe.findings(rows)
    assert list(found) == [WHOLE, "x"]
    for change, name, expected in (
        (WHOLE, "accuracy", [90, 80]),
        (WHOLE, "loss", [0.1, 0.2]),
        ("x", "accuracy", [-5, -10]),
        ("x", "loss", [0.05, 0.1]),
        ("x", "corrupted", [-2.5, -5]),
        ("x", "mirrored", [-1.25, -2.5]),
        ("x", "time", [2, 2]),
    ):
        np.testing.assert_allclose(found[change][name], expected)
    # -5 and -10: mean -7.5, standard deviation 5 / sqrt(2)
    assert "-7.5 ± 3.5 points" in recipe.verdict(found)


def test_figure_has_a_line_per_change_and_a_dot_per_seed():
    rows = [row(WHOLE, seed, 0.8) for seed in (0, 1)]
    rows += [row(change, s, 0.7 + s / 10) for change in ("x", "y") for s in (0, 1)]
    axes = recipe.figure(rows).axes[0]
    labels = {
        text.get_text(): text.get_position()[1] for text in axes.get_yticklabels()
    }
    assert labels == {"x": 0, "y": 1}
    np.testing.assert_allclose(axes.lines[1].get_xdata(), [-10, 0], atol=1e-9)
