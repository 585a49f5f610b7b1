"""Each recipe's optimizer does what its source says, over one batch or over several."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from resnet_keras.training import RECIPES, Recipe, compile_for_training
from resnet_keras.training.optimizers import (
    Lamb,
    momentum,
    optimizer_for,
    schedule,
    swap_averages,
)
from tests.conftest import assert_same_weights, pooled, steps_of

LARGE = ("imagenet-90", "imagenet-a3")


def network():
    """Return a network without normalization, with a kernel that Muon takes."""
    keras.utils.set_random_seed(0)
    first = keras.layers.Conv2D(64, 3, strides=2, activation="relu")
    second = keras.layers.Conv2D(64, 1, activation="relu")
    return pooled(first, second, shape=(8, 8, 3))


@pytest.mark.parametrize("name", ["muon", "adam", "sgd", "lamb"])
def test_four_small_batches_move_the_weights_as_one_large_batch(name):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(96, 8, 8, 3)).astype("float32")
    targets = np.eye(3, dtype="float32")[rng.integers(0, 3, 96)]
    rate = 0.1 if name == "sgd" else 0.01
    recipe = Recipe(optimizer=name, learning_rate=rate, weight_decay=0.01, warmup=0.4)
    found = []
    for batch_size, accumulate in ((32, 1), (8, 4)):
        model = network()
        compile_for_training(model, recipe, 3 * accumulate, 1, accumulate=accumulate)
        for first in range(0, 96, batch_size):
            rows = slice(first, first + batch_size)
            model.train_on_batch(images[rows], targets[rows])
        found.append(model.get_weights())
    start = network().get_weights()
    for large, small, before in zip(*found, start, strict=True):
        assert np.abs(large - before).max() > 1e-3
        np.testing.assert_allclose(small, large, rtol=0, atol=1e-5)


def test_weights_stay_until_a_step_is_complete():
    model = network()
    compile_for_training(model, Recipe(), 8, 1, accumulate=4)
    before = model.get_weights()
    batch = np.ones((2, 8, 8, 3), "float32"), np.eye(3, dtype="float32")[:2]
    for number in range(1, 5):
        model.train_on_batch(*batch)
        stays = all(map(np.array_equal, before, model.get_weights()))
        assert stays == (number < 4)
    assert int(model.optimizer.iterations) == 1


@pytest.mark.parametrize("name", LARGE)
def test_rate_rises_in_five_epochs_and_falls_to_zero(name):
    recipe = replace(RECIPES[name], batch_size=RECIPES[name].rate_batch)
    rate = schedule(recipe, num_steps=900, epochs=90)
    rates = np.array([float(rate(step)) for step in range(901)])
    peak = recipe.learning_rate
    np.testing.assert_allclose(rates[[0, 25, 50]], [0, peak / 2, peak], rtol=1e-6)
    assert rates[475] == pytest.approx(peak / 2, rel=1e-3)  # half of what is left
    assert rates[900] == pytest.approx(0, abs=1e-9)
    batchwise = schedule(recipe, 900, 90, accumulate=1)
    assert float(batchwise(30)) == rates[30]


def test_the_schedule_counts_steps_of_several_batches():
    recipe = replace(RECIPES["imagenet-90"], batch_size=64)
    by_step, by_batch = schedule(recipe, 90, 9), schedule(recipe, 90, 9, accumulate=4)
    for step in (0, 3, 50, 89):
        for batch in range(4):
            # Four times as many images in a step, so four times the rate.
            found = float(by_batch(4 * step + batch))
            assert found == pytest.approx(4 * float(by_step(step)), rel=1e-6)


def test_rates_scale_with_the_images_of_a_step():
    sgd, lamb = (RECIPES[name] for name in LARGE)
    assert replace(sgd, batch_size=8192).step_rate() == pytest.approx(3.2)  # Goyal's
    assert sgd.step_rate(accumulate=4) == pytest.approx(0.4)
    assert lamb.step_rate() == 8e-3
    assert replace(lamb, batch_size=512).step_rate() == pytest.approx(4e-3)
    assert Recipe(batch_size=8).step_rate(accumulate=4) == Recipe().learning_rate


def lamb_by_numpy(start, gradients, rate, decay):
    """Return algorithm 2 of You et al. (2019), step by step."""
    x, m, v, values = start.astype("float64"), 0, 0, []
    for t, g in enumerate(gradients, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        r = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-6) + decay * x
        x = x - rate * np.linalg.norm(x) / np.linalg.norm(r) * r
        values.append(x)
    return values


def test_kernels_move_as_lambs_paper_says():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(5, 3)).astype("float32")
    gradients = rng.normal(size=(4, 5, 3)).astype("float32")
    optimizer = Lamb(0.01, weight_decay=0.5)
    found = steps_of(optimizer, keras.Variable(start), gradients)
    expected = lamb_by_numpy(start, gradients, 0.01, 0.5)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_what_does_not_decay_takes_adams_steps_under_lamb():
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(4, 5)).astype("float32")
    optimizer, variable = Lamb(0.01, weight_decay=0.5), keras.Variable(np.zeros(5))
    optimizer.exclude_from_weight_decay([variable])
    found = steps_of(optimizer, variable, gradients)
    adam = keras.optimizers.Adam(0.01, epsilon=1e-6)
    expected = steps_of(adam, keras.Variable(np.zeros(5)), gradients)
    # Keras' Adam adds epsilon to a root that is not corrected for its bias yet.
    np.testing.assert_allclose(found, expected, atol=5e-6)


def test_sgd_decays_as_through_the_momentum_of_its_sources():
    model = network()
    recipe = Recipe(
        optimizer="sgd", learning_rate=0.1, cosine_decay=False, weight_decay=1e-3
    )
    optimizer, variable = optimizer_for(model, recipe, 1, 1), keras.Variable([1.0])
    [*_, found] = steps_of(optimizer, variable, np.zeros((500, 1), "float32"))
    x, velocity = 1.0, 0.0
    for _ in range(500):  # as PyTorch's SGD
        gradient = 1e-3 * x
        velocity = 0.9 * velocity + gradient
        x -= 0.1 * (gradient + 0.9 * velocity)
    assert x == pytest.approx(np.exp(-500 * 0.1 * 1e-2), rel=0.02)
    assert found == pytest.approx(x, rel=0.01)


@pytest.mark.parametrize("name", LARGE)
def test_kernels_alone_decay(name, tiny_model):
    optimizer = optimizer_for(tiny_model, RECIPES[name], 100, 10)
    optimizer.build(tiny_model.trainable_variables)
    assert optimizer.weight_decay
    for variable in tiny_model.trainable_variables:
        is_kernel = variable.name == "kernel"
        assert optimizer._use_weight_decay(variable) == is_kernel, variable.path


def test_averages_are_of_the_weights_after_each_step():
    model = network()
    recipe = Recipe(optimizer="sgd", learning_rate=0.1, averaging=0.5)
    compile_for_training(model, recipe, 8, 1)
    kept = momentum(recipe, 8)
    assert kept == 0.75  # over half of 8 steps
    batch = np.ones((2, 8, 8, 3), "float32"), np.eye(3, dtype="float32")[:2]
    expected = None
    for _ in range(8):
        model.train_on_batch(*batch)
        now = model.get_weights()
        if expected is None:
            expected = now
        expected = [
            kept * a + (1 - kept) * b for a, b in zip(expected, now, strict=True)
        ]
    swap_averages(model)
    for found, average, last in zip(model.get_weights(), expected, now, strict=True):
        np.testing.assert_allclose(found, average, atol=1e-6)
        assert not np.array_equal(found, last)
    swap_averages(model)
    assert_same_weights(model, now)


def test_without_averages_there_is_nothing_to_swap():
    model = network()
    compile_for_training(model, Recipe(), 8, 1)
    before = model.get_weights()
    swap_averages(model)
    assert_same_weights(model, before)


@pytest.mark.parametrize("name", ["muon", "adam", "sgd", "lamb"])
def test_the_weights_in_training_do_not_depend_on_averages(name):
    batch = np.ones((2, 8, 8, 3), "float32"), np.eye(3, dtype="float32")[:2]
    found = []
    for averaging in (0.0, 0.5):
        recipe = Recipe(optimizer=name, learning_rate=0.01, averaging=averaging)
        model = network()
        compile_for_training(model, recipe, 4, 1)
        for _ in range(2):  # after each `fit`, Keras would put the averages there
            model.fit(*batch, batch_size=1, shuffle=False, verbose=0)
        found.append(model.get_weights())
    for without, with_averages in zip(*found, strict=True):
        np.testing.assert_array_equal(with_averages, without)
