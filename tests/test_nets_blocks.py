"""The basic and the padded block against NumPy."""

import keras
import numpy as np
import pytest

from resnet_keras import basic_block, padded_block
from tests.test_blocks import conv2d, random_array


@pytest.mark.parametrize("filters", [[4, 7], [4, 4, 7]])
@pytest.mark.parametrize(("size", "s"), [(6, 2), (5, 2), (6, 1), (7, 3)])
def test_padded_shortcut_equals_numpy(filters, size, s):
    inputs = keras.Input((size, size, 3))
    model = keras.Model(inputs, padded_block(inputs, 3, filters, 3, "a", s))
    last = "2b" if len(filters) == 2 else "2c"
    model.get_layer(f"bn3a_branch{last}").gamma.assign(np.zeros(7))  # F(X) = 0
    X = random_array(2, size, size, 3)
    expected = np.pad(X[:, ::s, ::s], [(0, 0)] * 3 + [(0, 4)])
    np.testing.assert_array_equal(model(X), np.maximum(expected, 0))


def normalized(model, x, name):
    gamma, beta, mean, variance = model.get_layer(name).get_weights()
    return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta


@pytest.mark.parametrize(("s", "projects"), [(1, False), (1, True), (2, True)])
def test_basic_block_equals_numpy(s, projects):
    inputs = keras.Input((6, 6, 5))
    model = keras.Model(inputs, basic_block(inputs, 3, [4, 5], 2, "b", s, projects))
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 1, w.shape) - 0.3 for w in model.get_weights()])
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_variance.assign(rng.uniform(0.5, 2, layer.gamma.shape))

    def convolved(x, part, stride=1, same=True):
        kernel, bias = model.get_layer("res2b_branch" + part).get_weights()
        # Windows are centred on every s-th pixel: stride after convolving everywhere.
        x = conv2d(x, kernel, bias, 1, same)[:, ::stride, ::stride]
        return normalized(model, x, "bn2b_branch" + part)

    X = random_array(2, 6, 6, 5)
    Y = convolved(np.maximum(convolved(X, "2a", s), 0), "2b")
    Y = Y + (convolved(X, "1", s, same=False) if projects else X)
    np.testing.assert_allclose(model(X), np.maximum(Y, 0), atol=2e-5)


@pytest.mark.parametrize(
    ("block", "settings", "words"),
    [
        (basic_block, {"filters": [4, 4, 8]}, "two positive integers"),
        (basic_block, {"filters": [4, 9]}, "use_1x1conv=True"),
        (basic_block, {"filters": [4, 8], "s": 2}, "use_1x1conv=True"),
        (basic_block, {"filters": [4, 8], "s": 0}, "the stride"),
        (padded_block, {"filters": [4, 4]}, "8 channels and F\\(X\\) only 4"),
        (padded_block, {"filters": [4]}, "three positive integers"),
        (padded_block, {"filters": [4, 8], "f": 2}, "odd"),
        (basic_block, {"filters": [4, 8], "f": 2}, "odd"),
    ],
)
def test_blocks_refuse_in_words(block, settings, words):
    X = np.ones((1, 4, 4, 8), "float32")
    arguments = {"X": X, "f": 3, "stage": 2, "block": "a"} | settings
    with pytest.raises(ValueError, match=words):
        block(**arguments)
