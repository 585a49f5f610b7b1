"""What a network begins with: scaled branches, weights that vary."""

import keras
import numpy as np
import pytest

from resnet_keras.nets.initialization import scale_branches, varied_initializer


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
