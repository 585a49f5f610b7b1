"""Gradients: norms on shallow networks, and findings that follow the norms."""

import keras
import numpy as np
import pytest

from resnet_keras import ResNetCIFAR
from resnet_keras.experiments import gradients, small
from tests.experiment_files import assert_written


def before_training(kind, depth, **settings):
    """Return the ratio of first to last gradient, without normalization."""
    data = small.load_usual("hands", True, num_train=600, num_test=6)
    rows = gradients.measure(kind, depth, False, data, (0,), 0, **settings)
    return gradients.gradient_ratio(rows, kind, depth, False, 0)


@pytest.fixture(scope="module")
def plain_14():
    return before_training("plain", 14)


def test_quick_form_has_a_row_per_network_step_and_layer(tmp_path):
    rows, verdict = gradients.run(tmp_path, quick=True)
    assert_written(tmp_path, "gradients", rows, verdict)
    # Convolutions of 8 layers, two steps, two kinds, with and without
    assert len(rows) == 7 * 2 * 2 * 2
    assert all(row["by_kernel"] > 0 for row in rows if row["normalized"])


def test_deeper_plain_networks_lose_more_of_the_gradient(plain_14):
    assert plain_14 < before_training("plain", 8) < 1


def test_residual_networks_keep_the_gradient(plain_14):
    assert before_training("residual", 14) > 10 * plain_14


def test_kernels_drawn_for_relus_let_more_of_the_gradient_through(plain_14):
    he = keras.initializers.HeNormal
    # Glorot's variance is 2 / (fan_in + fan_out), He's 2 / fan_in: for equal fans twice
    # as much, which makes sqrt(2) ** 12 = 64 of the gradient over twelve layers.
    assert before_training("plain", 14, initialization=he) > 32 * plain_14


def rows_of(ratios):
    return [
        {
            "network": network,
            "depth": 110,
            "normalized": normalized,
            "step": step,
            "layer": layer,
            "by_output": norm,
            "by_kernel": norm,
        }
        for (network, normalized), (before, after) in ratios.items()
        for step, ratio in ((0, before), (9, after))
        for layer, norm in ((1, 2 * ratio), (2, 2.0))
    ]


RATIOS = {
    ("plain", False): (1e-12, 1e-6),
    ("residual", False): (0.5, 0.5),
    ("plain", True): (2.0, 3.0),
    ("residual", True): (2.0, 2.0),
}


def test_ratios_are_those_of_the_first_layer_to_the_last():
    found = gradients.findings(rows_of(RATIOS))
    assert (found["depth"], found["step"]) == (110, 9)
    assert found["ratios"].keys() == RATIOS.keys()
    for net, expected in RATIOS.items():
        assert found["ratios"][net] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1e-12, "vanishes"),
        (0.9e-3, "vanishes"),
        (1.1e-3, "stays within a factor of 1,000"),
        (0.9e3, "stays within a factor of 1,000"),
        (1e4, "explodes"),
        (float("nan"), "is not finite"),
        (float("inf"), "is not finite"),
    ],
)
def test_behaviour_of_a_gradient(ratio, words):
    assert gradients.behaviour(ratio) == words


@pytest.mark.parametrize(
    ("ratios", "word"),
    [
        ((2.0, 3.0), "as the paper notes"),
        ((2.0, 1e-9), "unlike in the paper"),
        ((float("nan"), 1.0), "not known"),
    ],
)
def test_verdict_on_vanishing_follows_the_normalized_plain_network(ratios, word):
    found = gradients.findings(rows_of(RATIOS | {("plain", True): ratios}))
    assert word in gradients.verdict(found)


def test_without_normalization_leaves_out_just_that():
    model = ResNetCIFAR(8, (8, 8, 3))
    bare = gradients.without_normalization(model)
    kinds = [type(layer).__name__ for layer in bare.layers]
    assert "BatchNormalization" not in kinds
    assert kinds.count("Add") == 3
    assert len(kinds) == len(model.layers) - 7
    np.testing.assert_array_equal(
        bare.get_layer("conv1").kernel, model.get_layer("conv1").kernel
    )
