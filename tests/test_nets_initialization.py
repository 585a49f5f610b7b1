"""What a network begins with: scaled branches, weights that vary."""

import keras
import numpy as np
import pytest

from resnet_keras.models import build
from resnet_keras.nets.initialization import scale_branches, varied_initializer
from resnet_keras.training.recipe import RECIPES
from resnet_keras.training.start import initial_network


@pytest.mark.parametrize("scale", [0.0, 0.2])
def test_scale_of_branches_leaves_the_shortcuts(scale, tiny_model):
    model = keras.models.clone_model(tiny_model)
    scale_branches(model, scale)
    scales = {
        layer.name: float(layer.gamma[0])
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }
    scaled = [name for name, value in scales.items() if value != 1]
    assert scaled == ["bn2a_branch2c", "bn2b_branch2c"]
    assert all(scales[name] == pytest.approx(scale) for name in scaled)


def test_varied_initializer_gives_each_layer_other_weights():
    first = varied_initializer(0)
    kernels = [first(seed=0)((3, 3)), first(seed=0)((3, 3))]
    assert not np.array_equal(*kernels)
    again = varied_initializer(0)
    np.testing.assert_array_equal(again(seed=0)((3, 3)), kernels[0])


def built(recipe, seed=0):
    return initial_network("resnet-cifar-20", (16, 16, 3), 3, RECIPES[recipe], seed)


def test_a_start_depends_on_its_seed_alone():
    first, again, other = built("default"), built("default"), built("default", seed=1)
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_the_course_begins_as_keras_does():
    plain = build("resnet-cifar-20", (16, 16, 3), 3)
    for seed in (0, 1):
        model = built("course", seed)
        for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
