"""What the experiments of part two compute, on cases whose numbers are known."""

import itertools
import math

import keras
import numpy as np
import pytest

from resnet_keras.experiments import (
    branch_scale,
    landscape,
    lesions,
    refinement,
    shattering,
    small,
)
from resnet_keras.experiments.derivatives import block_gradients, input_gradients
from tests.conftest import assert_same_weights


@pytest.fixture(scope="module")
def data():
    return small.load_usual("hands", quick=True)


@pytest.fixture(scope="module")
def residual(data):
    """Return a residual network whose statistics are not those it began with."""
    model = small.network("residual", 14, data, seed=0)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(rng.normal(0, 0.1, layer.gamma.shape))
            layer.moving_variance.assign(rng.uniform(0.5, 2, layer.gamma.shape))
    return model


def test_shattering_tells_exponential_from_power_law():
    depths = (8, 14, 20, 32)
    rows = [
        {"network": kind, "depth": depth, "seed": seed, "correlation": value}
        for depth in depths
        for seed in (0, 1)
        for kind, value in (("plain", 2 ** (-depth / 4)), ("residual", depth**-0.5))
    ]
    found = shattering.findings(rows)
    assert found["plain"]["halving"] == pytest.approx(4)
    assert found["residual"]["power"] == pytest.approx(-0.5)
    assert found["plain"]["r2"][0] == pytest.approx(1)
    assert found["residual"]["r2"][1] == pytest.approx(1)
    assert found["plain"]["r2"][1] < found["plain"]["r2"][0]
    assert found["residual"]["r2"][0] < found["residual"]["r2"][1]


def test_input_gradient_equals_a_finite_difference(residual, data):
    image = data.test_images[:1]
    gradient = input_gradients(residual, image, training=False)
    step = np.zeros_like(image)
    place = np.unravel_index(np.abs(gradient).argmax(), image.shape)
    step[place] = 1e-2
    features = keras.Model(residual.input, residual.layers[-1].input)
    kernel = np.asarray(residual.layers[-1].kernel)[:, 0]
    above, below = (np.asarray(features(image + s))[0] @ kernel for s in (step, -step))
    assert (above - below) / 2e-2 == pytest.approx(gradient[place], rel=0.05)


@pytest.mark.parametrize("kind", ["plain", "residual"])
def test_a_deleted_block_passes_its_input_on(kind, data):
    model = small.network(kind, 14, data, seed=0)
    before = model.get_weights()
    blocks = lesions.removable_blocks(model)
    assert blocks == ["2a", "2b", "3b", "4b"]  # where size and channels stay
    entry = model.get_layer("res2b_branch2a").input
    later = model.get_layer("pad3a_branch2a").input  # what stage 3 takes in
    ends = keras.Model(model.input, [entry, later])
    assert np.abs(np.subtract(*ends(data.test_images))).max() > 0.1
    with lesions.without(model, ["2b"]):
        np.testing.assert_allclose(*ends(data.test_images), atol=1e-5)
    assert_same_weights(model, before)


def test_exchange_is_undone(residual, data):
    before = residual.get_weights()
    with lesions.exchanged(residual, 1, np.random.default_rng(0)):
        changed = sum(
            not np.array_equal(mine, old)
            for mine, old in zip(residual.get_weights(), before, strict=True)
        )
        assert changed > 0
    assert_same_weights(residual, before)


def test_paths_of_all_lengths_add_up_to_the_gradient(residual, data):
    images, labels = data.train_images[:2], data.train_labels[:2]
    paths = np.array(list(itertools.product([False, True], repeat=6)))  # of 6 blocks
    along = lesions.gradients_along(residual, paths, images, labels)
    [inner] = residual.inputs  # the tensor by which to differentiate
    _, [whole] = block_gradients(residual, [inner], images, labels)
    assert np.abs(whole).max() > 1e-3
    np.testing.assert_allclose(along.sum(axis=0), whole, atol=1e-4)
    norms = lesions.path_gradients(residual, data, np.random.default_rng(0), 3, 2)
    ends = np.linalg.norm(along[[0, -1]].reshape(2, 2, -1), axis=2).mean(axis=1)
    assert [norms[0], norms[6]] == pytest.approx(ends, rel=1e-4)


def test_fractions_by_path_length_are_the_binomials_for_equal_norms():
    gradient, paths = lesions.gradient_by_length([1.0] * 5)
    np.testing.assert_allclose(paths, [math.comb(4, k) / 16 for k in range(5)])
    np.testing.assert_allclose(gradient, paths)
    gradient, _ = lesions.gradient_by_length([1.0, 0.5, 0.25, 0.125, 0.0625])
    assert (gradient * np.arange(5)).sum() == pytest.approx(4 / 3)  # p = (1/2) / (3/2)


def test_a_descent_step_has_cosine_one(data):
    def constant(value, name):  # a layer that returns `value` whatever it is given
        bias = keras.initializers.Constant(value)
        return keras.layers.Conv2D(
            4, 1, kernel_initializer="zeros", bias_initializer=bias, name=name
        )

    inputs = keras.Input(data.input_shape)
    X = constant(5.0, "conv1")(inputs)
    F = constant(0.0, "main")(X)
    outputs = keras.layers.Activation("relu")(keras.layers.Add()([F, X]))
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    outputs = keras.layers.Dense(data.num_classes, activation="softmax")(outputs)
    model = keras.Model(inputs, outputs)
    error = model.predict_on_batch(data.test_images[:1])[0]
    error[data.test_labels[0]] -= 1
    # The gradient of the cross-entropy by X is this, over the number of pixels.
    gradient = np.asarray(model.layers[-1].kernel) @ error
    for sign in (-1, 1):
        model.get_layer("main").bias.assign(0.01 * sign * gradient)
        [row] = refinement.measure(model, data, seed=0, num_images=1)
        assert row["cosine"] == pytest.approx(-sign, abs=1e-3)
        size = 0.01 * np.linalg.norm(gradient) / np.linalg.norm([5] * 4)
        assert row["size"] == pytest.approx(size, rel=1e-4)
    wrong = model.predict_on_batch(data.test_images).argmax(1) != data.test_labels
    assert row["error"] == pytest.approx(wrong.mean())


def test_branches_that_begin_at_zero_have_no_variance(data):
    names = list(branch_scale.NETWORKS)
    skip = branch_scale.network(names[3], 14, data, seed=0)
    assert branch_scale.ratios(skip, data) == [0.0] * 6
    unscaled, scaled = (
        branch_scale.ratios(branch_scale.network(name, 14, data, 0), data)
        for name in names[:2]
    )
    # The first block sees the same X; its F is 0.2 as large, its variance 0.04.
    assert scaled[0] == pytest.approx(0.04 * unscaled[0], rel=1e-3)


def test_skipinit_helps_where_the_other_diverges_and_it_does_not():
    errors = dict(zip(branch_scale.NETWORKS, (0.2, 0.3, 0.8, 0.5), strict=True))
    rows = [
        {
            "network": name,
            "depth": 14,
            "seed": seed,
            "moment": moment,
            "block": block,
            "ratio": 1 / block if moment == "before" else 2.0,
            "train_error": error + 0.01 * seed,
            "diverged": error == 0.8 and seed > 0,
        }
        for name, error in errors.items()
        for seed in (0, 1, 2)
        for moment in ("before", "after")
        for block in range(1, 7)
    ]
    found = branch_scale.findings(rows)
    assert [mine["num_diverged"] for mine in found.values()] == [0, 0, 2, 0]
    for (name, mine), error in zip(found.items(), errors.values(), strict=True):
        assert mine["first_stage"] == [1, 0.5], name
        assert mine["last"] == pytest.approx([1 / 6, 2])
        # Of 0, 0.01 and 0.02: s = 0.01, t = 4.30, over sqrt(3)
        assert mine["error"] == pytest.approx((error + 0.01, 0.0248), rel=1e-2)


def test_directions_have_the_norms_of_the_filters():
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3, 4, 5)) * np.arange(1, 6)
    direction = landscape.filter_normalized(rng.normal(size=kernel.shape), kernel)
    for number in range(5):
        assert np.linalg.norm(direction[..., number]) == pytest.approx(
            np.linalg.norm(kernel[..., number])
        )


def test_roughness_counts_turns():
    line = np.linspace(-1, 1, 21)
    assert landscape.roughness(5 * line**2 + 3) == pytest.approx(1)
    # |x| turns once, by twice its slope; a parabola of that range by 4 h in all.
    assert landscape.roughness(np.abs(line)) < 1
    assert landscape.roughness(line**2 + 0.2 * np.sin(20 * line)) > 3


def test_the_surface_leaves_the_network_as_it_was(residual, data):
    before = residual.get_weights()
    losses = landscape.surface(residual, data, 0, [-0.5, 0.0, 0.5], [0.0])
    assert losses.shape == (1, 3)
    probabilities = residual.predict_on_batch(data.train_images)
    expected = -np.log(probabilities[np.arange(60), data.train_labels]).mean()
    assert losses[0, 1] == pytest.approx(expected, rel=1e-5)
    assert len(set(losses[0])) == 3
    assert_same_weights(residual, before)
