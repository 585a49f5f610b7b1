"""The network that a run begins with is decided by recipe and seed."""

import numpy as np

from resnet_keras.models import build
from resnet_keras.training.recipe import RECIPES
from resnet_keras.training.start import initial_network
from tests.conftest import assert_same_weights


def built(recipe, seed=0):
    return initial_network("resnet-cifar-20", (16, 16, 3), 3, RECIPES[recipe], seed)


def test_a_start_depends_on_its_seed_alone():
    first, again, other = built("default"), built("default"), built("default", seed=1)
    assert_same_weights(first, again)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_the_course_begins_as_keras_does():
    plain = build("resnet-cifar-20", (16, 16, 3), 3)
    for seed in (0, 1):
        model = built("course", seed)
        assert_same_weights(model, plain)


def test_branches_begin_with_the_recipes_scale():
    for recipe in ("default", "course"):
        last = built(recipe).get_layer("bn3b_branch2b")
        expected = RECIPES[recipe].residual_branch_scale
        np.testing.assert_allclose(last.gamma, expected, rtol=1e-6)
