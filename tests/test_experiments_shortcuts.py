"""Shortcuts: parameters of the options, and which differences are significant."""

import pytest

from resnet_keras import ResNetCIFAR
from resnet_keras.experiments import shortcuts
from tests.experiment_files import assert_written

LOW, HIGH = (0.1, 0.11, 0.12), (0.3, 0.31, 0.33)


def test_quick_form_has_a_row_per_option(tmp_path):
    rows, verdict = shortcuts.run(tmp_path, seeds=1, quick=True)
    assert_written(tmp_path, "shortcuts", rows, verdict)
    parameters = [row["parameters"] for row in rows]
    assert parameters == [
        ResNetCIFAR(8, (8, 8, 3), 6, option).count_params() for option in "ABC"
    ]
    assert parameters == sorted(set(parameters))


def findings(errors):
    rows = [
        {
            "option": option,
            "seed": seed,
            "parameters": 7,
            "seconds_per_epoch": 1.0 + seed,
            "train_error": error,
            "test_error": error,
        }
        for option, by_seed in errors.items()
        for seed, error in enumerate(by_seed)
    ]
    return shortcuts.findings(rows)


def test_a_significant_difference_has_its_mean_and_margin():
    found = findings({"A": HIGH, "B": LOW, "C": LOW})
    assert found["num_seeds"] == 3
    assert found["means"]["A"] == pytest.approx(
        {"parameters": 7, "seconds_per_epoch": 2, "test_error": 0.94 / 3}
    )
    assert found["differences"].keys() == {("B", "A"), ("C", "A")}
    # 0.20, 0.20, 0.21: s = 0.00577, t = 4.30, over sqrt(3)
    assert found["differences"]["B", "A"] == pytest.approx(
        (0.61 / 3, 4.30 * 0.00577 / 3**0.5), rel=1e-3
    )
    assert "B is better than A by 20.3 ± 1.4 points" in shortcuts.verdict(found)


@pytest.mark.parametrize("errors", [LOW, (0.3,)])
def test_no_difference_is_made_up(errors):
    found = findings(dict.fromkeys("ABC", errors))
    assert found["differences"] == {}
    assert "better" not in shortcuts.verdict(found)


def test_one_seed_shows_no_significant_difference():
    found = findings({"A": (0.3,), "B": (0.1,), "C": (0.1,)})
    assert (found["num_seeds"], found["differences"]) == (1, {})
