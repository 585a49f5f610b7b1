"""Depth cost: its quick form, and findings that follow the rows."""

import pytest

from resnet_keras.experiments import depth_cost
from tests.experiment_files import assert_written


@pytest.mark.slow
def test_quick_form_measures_two_depths(tmp_path):
    rows, verdict = depth_cost.run(tmp_path, quick=True)
    assert_written(tmp_path, "depth-cost", rows, verdict)
    assert [row["parameters"] for row in rows] == [11_193_990, 21_313_286]
    for row in rows:
        assert row["weights_mb"] == pytest.approx(row["parameters"] * 4 / 2**20)
        assert row["memory_mb"] > row["weights_mb"]
        # A processor does between 0.1 and 100,000 billion multiply-adds a second.
        assert 1e8 < row["multiply_adds"] / row["seconds_per_image"] < 1e14


def test_findings_are_ratios_of_the_deepest_to_the_shallowest():
    first = {
        "depth": 18,
        "parameters": 10,
        "multiply_adds": 4e9,
        "seconds_per_image": 0.1,
        "seconds_for_one": 0.2,
        "memory_mb": 100.0,
    }
    last = first | {"depth": 36, "multiply_adds": 12e9, "seconds_per_image": 0.2}
    found = depth_cost.findings([first, last])
    assert found["ratios"] == pytest.approx(
        {
            "depth": 2,
            "parameters": 1,
            "multiply_adds": 3,
            "seconds_per_image": 2,
            "memory_mb": 1,
        }
    )
    assert found["speeds"] == pytest.approx((40e9, 60e9))
    verdict = depth_cost.verdict(found)
    assert "the number of multiply-adds grows most" in verdict
