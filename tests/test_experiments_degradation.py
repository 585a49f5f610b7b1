"""Degradation: its quick form, and conclusions that follow the errors."""

import numpy as np
import pytest

from resnet_keras.experiments import degradation
from tests.experiment_files import assert_written

LOW, HIGH = (0.1, 0.12, 0.11), (0.5, 0.55, 0.6)


@pytest.mark.slow  # tests/test_readme.py runs the command and looks at its rows
def test_quick_form_has_a_row_per_network_and_epoch(tmp_path):
    rows, verdict = degradation.run(tmp_path, (8, 14), seeds=1, quick=True)
    assert_written(tmp_path, "degradation", rows, verdict)
    runs = [(row["network"], row["depth"], row["epoch"]) for row in rows]
    assert sorted(runs) == [
        (network, depth, epoch)
        for network in ("plain", "residual")
        for depth in (8, 14)
        for epoch in (1, 2)
    ]
    errors = np.array([(row["train_error"], row["test_error"]) for row in rows])
    # Errors are counts of the 60 training and 30 test images.
    np.testing.assert_allclose(
        errors * (60, 30), np.round(errors * (60, 30)), atol=1e-4
    )
    assert errors.max() <= 1


def rows_of(plain, residual):
    """Return made-up results: for each kind, errors of 20 and of 56 layers by seed."""
    return [
        {
            "network": network,
            "depth": depth,
            "seed": seed,
            "epoch": 1,
            "train_error": error,
            "test_error": error + 0.1,
        }
        for network, errors in (("plain", plain), ("residual", residual))
        for depth, by_seed in zip((20, 56), errors, strict=True)
        for seed, error in enumerate(by_seed)
    ]


def test_effects_are_means_over_seeds_and_their_interval():
    rows = rows_of((LOW, HIGH), (HIGH, LOW))
    found = degradation.findings(rows, majority_error=5 / 6)
    plain = found["plain"]
    np.testing.assert_allclose(plain.train_errors, [0.11, 0.55])
    np.testing.assert_allclose(plain.test_errors, [0.21, 0.65])
    np.testing.assert_allclose(plain.differences, [0.4, 0.43, 0.49])
    # mean 0.44; s = 0.04583, t = 4.30 with two degrees of freedom, over sqrt(3)
    assert plain.mean == pytest.approx(0.44)
    assert plain.margin == pytest.approx(4.30 * 0.04583 / 3**0.5, rel=1e-3)
    assert (plain.sign, found["residual"].sign) == (1, -1)
    assert found["depths"] == (20, 56)
    assert found["untrained"] == []


@pytest.mark.parametrize(
    ("plain", "residual", "conclusion"),
    [
        ((LOW, HIGH), (HIGH, LOW), "degradation"),
        ((LOW, HIGH), (LOW, (0.2, 0.11, 0.12)), "degradation"),
        ((LOW, HIGH), (LOW, HIGH), "both"),
        (((0.1, 0.5, 0.3), (0.5, 0.1, 0.4)), (HIGH, LOW), "unclear"),
        (((0.1,), (0.9,)), ((0.1,), (0.1,)), "unclear"),  # one seed
        ((HIGH, LOW), (LOW, LOW), "improvement"),
        # The plain network's effect is significant; its difference from the residual
        # one's is not.
        ((LOW, (0.12, 0.145, 0.14)), (LOW, (0.1, 0.18, 0.14)), "alike"),
    ],
)
def test_conclusion_needs_the_data_to_show_it(plain, residual, conclusion):
    found = degradation.findings(rows_of(plain, residual), majority_error=5 / 6)
    assert found["conclusion"] == conclusion
    assert degradation.CONCLUSIONS[conclusion][:30] in degradation.verdict(found)


def test_networks_no_better_than_the_most_frequent_class_are_named():
    rows = rows_of((LOW, (0.8, 0.81, 0.82)), (LOW, LOW))
    # 0.81 on average, above nine tenths of 5/6: 0.75
    found = degradation.findings(rows, majority_error=5 / 6)
    assert found["untrained"] == [("plain", 56)]
    assert "plain-56" in degradation.verdict(found)


def test_figure_draws_the_mean_of_seeds_in_percent():
    figure = degradation.figure(rows_of((LOW, HIGH), (HIGH, LOW)), 5 / 6)
    plain, residual = figure.axes
    drawn = {line.get_label(): list(line.get_ydata()) for line in plain.lines}
    assert drawn["56 layers, training"] == pytest.approx([55])
    assert drawn["20 layers, test"] == pytest.approx([21])
    assert [line.get_ydata()[0] for line in residual.lines[:1]] == pytest.approx([55])
