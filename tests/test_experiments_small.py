"""Small data and networks for the experiments."""

import keras
import numpy as np
import pytest

from resnet_keras.experiments import small
from tests.conftest import assert_same_weights


def test_hands_are_cut_out_and_centred():
    data = small.load("hands", 16, 12, 6)
    assert data.train_images.shape == (12, 16, 16, 3)
    assert data.train_images.dtype == np.float32
    assert data.train_images.mean() == pytest.approx(0, abs=1e-3)
    assert data.train_images.std() == pytest.approx(1, abs=0.1)  # before centring: 1
    assert sorted(data.test_labels) == [0, 1, 2, 3, 4, 5]
    assert data.num_classes == 6


def test_plain_and_residual_of_a_seed_begin_alike():
    data = small.load("hands", 8, 6, 6)
    plain, residual = (small.network(k, 8, data, 1) for k in ("plain", "residual"))
    other = small.network("plain", 8, data, 2)
    kernels = [m.get_layer("res3a_branch2a").kernel for m in (plain, residual, other)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert np.abs(np.asarray(kernels[0]) - np.asarray(kernels[2])).max() > 0.01


def test_networks_are_redrawn_and_trained_again_as_if_new():
    data = small.load("hands", 8, 30, 6)

    def make(seed):
        return small.network("residual", 8, data, seed)

    old, new = make(0), make(1)
    small.redraw(old, 1, keras.initializers.GlorotUniform)
    assert_same_weights(old, new)
    trained = []
    for seed, training in small.trainings(make, data, epochs=2, seeds=2):
        training.run(seed, lambda: None)
        trained.append(training.model.get_weights())
    small.train(new, data, 2, 1, lambda: None)
    assert_same_weights(trained[1], new)
    assert np.abs(trained[0][0] - trained[1][0]).max() > 0.01


def test_a_training_that_diverges_ends_early_and_leaves_the_next_one_as_new():
    data = small.load("hands", 8, 60, 6)

    def make(seed):
        return small.network("residual", 8, data, seed)

    lengths = []
    for seed, training in small.trainings(make, data, 3, 2, learning_rate=1e30):
        assert all(np.isfinite(w).all() for w in training.model.get_weights())
        history, _ = training.run(seed, lambda: None)
        assert not np.isfinite(history[-1]["loss"])
        lengths.append(len(history))
    assert max(lengths) < 3
