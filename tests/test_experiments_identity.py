"""Identity: its quick form, and findings that follow the numbers."""

import keras
import numpy as np
import pytest

from resnet_keras import ResNetCIFAR
from resnet_keras.experiments import identity
from tests.experiment_files import assert_written


def test_quick_form_measures_blocks_and_networks(tmp_path):
    rows, verdict = identity.run(tmp_path, quick=True)
    assert_written(tmp_path, "identity", rows, verdict)
    found = identity.findings(rows)
    assert found["differences"] == [0, 0]  # X to the last bit, of both blocks
    assert found["responses"].keys() == {("plain", 8), ("residual", 8)}
    assert len([row for row in rows if row["measure"] == "response"]) == 2 * 7
    # 20 steps bring the residual block closer to Y = X, where it begins nearer, too.
    first = next(r["value"] for r in rows if r["measure"] == "error")
    assert found["errors"]["residual"] < found["errors"]["plain"] < first


def rows_of(response, error):
    def row(measure, network, depth, position, value):
        return {
            "measure": measure,
            "network": network,
            "depth": depth,
            "position": position,
            "value": value,
        }

    rows = [row("difference", "basic block", "", "", 0.5)]
    for kind in ("plain", "residual"):
        rows += [row("error", kind, "", step, error[kind] / step) for step in (1, 2)]
        for depth in (20, 56):
            layers = ((1, 0.5), (2, 1.5))
            rows += [
                row("response", kind, depth, n, factor * response[kind] * depth)
                for n, factor in layers
            ]
            rows.append(row("train_error", kind, depth, "", depth / 100))
    return rows


def test_findings_are_last_errors_and_mean_responses():
    rows = rows_of({"residual": 0.1, "plain": 1.0}, {"residual": 0.2, "plain": 4.0})
    found = identity.findings(rows)
    assert found["differences"] == [0.5]
    assert found["errors"] == {"residual": 0.1, "plain": 2.0}
    assert found["responses"] == pytest.approx(
        {
            ("residual", 20): 2,
            ("residual", 56): 5.6,
            ("plain", 20): 20,
            ("plain", 56): 56,
        }
    )
    assert found["train_errors"]["plain", 56] == 0.56


@pytest.mark.parametrize(
    ("residual", "phrase"),
    [
        (0.1, ", as in the paper"),
        (1.0, "about the same"),
        (10.0, "unlike in the paper"),
    ],
)
def test_verdict_on_responses_follows_the_means(residual, phrase):
    error = {"residual": 1.0, "plain": 1.0}
    rows = rows_of({"residual": residual, "plain": 1.0}, error)
    assert identity.verdict(identity.findings(rows)).count(phrase) == 2  # depths


def test_responses_are_the_normalized_deviations():
    model = ResNetCIFAR(8, (8, 8, 3), 3)
    images = np.random.default_rng(0).random((5, 8, 8, 3), np.float32)
    found = identity.responses(model, images)
    assert len(found) == 7
    first = keras.Model(model.input, model.get_layer("bn_conv1").output)(images)
    assert found[0] == pytest.approx(np.std(first), rel=1e-4)
