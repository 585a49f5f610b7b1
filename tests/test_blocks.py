"""The two course functions against NumPy, and against their documentation."""

import keras
import numpy as np
import pytest

from resnet_keras import convolutional_block, identity_block

MAIN_PATH = ["2a", "2b", "2c"]


def random_array(*shape):
    return np.random.default_rng(3).normal(size=shape).astype("float32")


def conv2d(x, kernel, bias, stride, same):
    """Convolve (n, h, w, c) with (kh, kw, c, f) in float64, as TensorFlow pads."""
    size = kernel.shape[0]
    out = -(-x.shape[1] // stride), -(-x.shape[2] // stride)
    if same:
        pads = [
            max((o - 1) * stride + size - n, 0)
            for o, n in zip(out, x.shape[1:3], strict=True)
        ]
        x = np.pad(x, [(0, 0), *[(p // 2, p - p // 2) for p in pads], (0, 0)])
    y = np.zeros((len(x), *out, kernel.shape[3]))
    for row in range(size):
        for column in range(size):
            window = x[:, row:, column:][:, ::stride, ::stride][:, : out[0], : out[1]]
            y += window @ kernel[row, column].astype(np.float64)
    return y + bias


def conv_bn(model, x, stage, block, part, training, stride=1):
    """Convolve and normalize with the weights of `model`'s layers of that name."""
    conv = model.get_layer(f"res{stage}{block}_branch{part}")
    norm = model.get_layer(f"bn{stage}{block}_branch{part}")
    x = conv2d(x, *conv.get_weights(), stride, same=part == "2b")
    gamma, beta, mean, variance = norm.get_weights()
    if training:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta


def reference(model, x, stage, block, training, stride=None):
    """Run a block in NumPy; `stride` None means an identity block."""
    y = x
    for part in MAIN_PATH:
        first = part == "2a" and stride
        y = conv_bn(model, y, stage, block, part, training, stride if first else 1)
        if part != "2c":
            y = np.maximum(y, 0)
    if stride:
        x = conv_bn(model, x, stage, block, "1", training, stride)
    return np.maximum(x + y, 0)


def built(block_function, shape, **settings):
    """Return a one-block model with random weights in every layer."""
    inputs = keras.Input(shape)
    model = keras.Model(inputs, block_function(inputs, **settings))
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 1, w.shape) - 0.3 for w in model.get_weights()])
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_variance.assign(rng.uniform(0.5, 2, layer.gamma.shape))
    return model


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("f", [1, 2, 3, 4, 5])
def test_identity_block_equals_numpy(f, training):
    model = built(identity_block, (6, 5, 8), f=f, filters=[4, 3, 8], stage=2, block="b")
    X = random_array(2, 6, 5, 8)
    expected = reference(model, X, 2, "b", training)
    np.testing.assert_allclose(model(X, training=training), expected, atol=2e-5)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("s", "f"), [(1, 3), (2, 3), (3, 3), (1, 2), (2, 2), (2, 4)])
def test_convolutional_block_equals_numpy(s, f, training):
    model = built(
        convolutional_block, (7, 6, 5), f=f, filters=[4, 3, 8], stage=3, block="a", s=s
    )
    X = random_array(2, 7, 6, 5)
    expected = reference(model, X, 3, "a", training, stride=s)
    np.testing.assert_allclose(model(X, training=training), expected, atol=2e-5)


def ones(seed):
    return keras.initializers.Ones()


# One over the deviation of a normalization that has not been trained
SCALE = 1 / np.sqrt(1 + 1e-3)


def test_identity_block_gives_the_numbers_of_the_courses_public_test():
    values = np.array([-1, 1, 3], "float32")
    X = np.ones((3, 4, 4, 3), "float32") * values[:, None, None, None]
    Y = identity_block(X, f=2, filters=[4, 4, 3], stage=1, block="a", initializer=ones)
    # 3 channels, 2x2 places of 4 channels, 4 channels, and X. Zeros stand to the right
    # and below: there a kernel meets half of the places, in the corner a quarter.
    whole = 3 * 16 * 4 * SCALE**3
    met = np.ones((4, 4))
    met[-1] /= 2
    met[:, -1] /= 2
    expected = np.maximum(values, 0)[:, None, None] * (whole * met + 1)
    np.testing.assert_allclose(np.mean(Y, axis=-1), expected, rtol=1e-6)
    published = [[192.71236, 96.85619], [96.85619, 48.9281]]
    np.testing.assert_allclose(np.mean(Y, -1)[1, ::3, ::3], published, rtol=1e-6)
    published = [[578.1371, 290.56854], [290.56854, 146.78427]]
    np.testing.assert_allclose(np.mean(Y, -1)[2, ::3, ::3], published, rtol=1e-6)


def test_convolutional_block_with_an_even_kernel_pads_right_and_below():
    X = np.ones((1, 4, 4, 3), "float32")
    Y = convolutional_block(X, 2, [2, 4, 6], stage=1, block="a", initializer=ones)
    whole = 3 * 8 * 4 * SCALE**3  # 3 channels, 2x2 places of 2 channels, 4 channels
    met = np.array([[1, 1 / 2], [1 / 2, 1 / 4]])
    expected = whole * met + 3 * SCALE
    np.testing.assert_allclose(np.asarray(Y)[0, :, :, 5], expected, rtol=1e-6)


def test_names_kinds_and_order_of_layers():
    inputs = keras.Input((8, 8, 16))
    model = keras.Model(
        inputs, convolutional_block(inputs, 3, [4, 4, 16], stage=5, block="a")
    )
    named = [layer.name for layer in model.layers if "5a" in layer.name]
    parts = [*MAIN_PATH, "1"]
    assert sorted(named) == sorted(
        [f"res5a_branch{p}" for p in parts] + [f"bn5a_branch{p}" for p in parts]
    )
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("Activation") == 3  # ReLU, but not before the addition
    assert kinds[-2:] == ["Add", "Activation"]


def test_default_initializer_is_glorot_uniform_with_seed_0():
    inputs = keras.Input((8, 8, 16))
    model = keras.Model(inputs, identity_block(inputs, 3, [4, 4, 16], 2, "b"))
    for part in MAIN_PATH:
        layer = model.get_layer(f"res2b_branch{part}")
        expected = keras.initializers.GlorotUniform(seed=0)(layer.kernel.shape)
        np.testing.assert_array_equal(layer.kernel, expected)
        np.testing.assert_array_equal(layer.bias, 0)


def test_initializer_is_called_with_a_seed_as_in_the_course_of_2021():
    seeds = []

    def constant(seed):
        seeds.append(seed)
        return keras.initializers.Constant(0.5)

    X = random_array(1, 4, 4, 6)
    convolutional_block(X, 2, [2, 4, 6], 1, "a", initializer=constant)
    assert seeds == [0, 0, 0, 0]


def test_an_array_is_computed_at_once():
    X = random_array(3, 4, 4, 6)
    Y = np.asarray(identity_block(X, 3, [4, 4, 6], stage=1, block="a"))
    assert Y.shape == (3, 4, 4, 6)
    assert (Y >= 0).all()
    assert Y.max() > 0


def test_zero_main_path_leaves_the_input():
    inputs = keras.Input((4, 4, 6))
    model = keras.Model(inputs, identity_block(inputs, 3, [2, 2, 6], 1, "a"))
    model.get_layer("bn1a_branch2c").gamma.assign(np.zeros(6))
    X = np.abs(random_array(2, 4, 4, 6))
    np.testing.assert_array_equal(model(X), X)


@pytest.mark.parametrize("block_function", [identity_block, convolutional_block])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"filters": [4, 8]}, ["filters is [4, 8]", "three positive integers"]),
        ({"filters": [4, 0, 8]}, ["filters is [4, 0, 8]"]),
        ({"filters": 8}, ["filters is 8"]),
        ({"f": 0}, ["f, the kernel size, is 0", "positive integer"]),
        ({"f": -3}, ["f, the kernel size, is -3"]),
        ({"f": 1.5}, ["f, the kernel size, is 1.5"]),
        ({"stage": 0}, ["stage is 0", "positive integer"]),
        ({"stage": "2"}, ["stage is '2'"]),
        ({"block": ""}, ["block is ''", "letter"]),
        ({"block": 3}, ["block is 3"]),
        ({"block": "a/b"}, ["block is 'a/b'"]),
        ({"X": np.ones((4, 4, 8), "float32")}, ["shape (4, 4, 8)", "batch"]),
        ({"X": "image"}, ["X has shape None"]),
    ],
)
def test_bad_arguments_are_refused_in_words(block_function, change, words):
    good = {"f": 3, "filters": [4, 4, 8], "stage": 2, "block": "a"}
    good["X"] = np.ones((1, 4, 4, 8), "float32")
    with pytest.raises(ValueError, match=r"expected") as raised:
        block_function(**(good | change))
    for word in words:
        assert word in str(raised.value)


def test_channel_mismatch_names_both_and_the_way_out():
    X = np.ones((1, 4, 4, 8), "float32")
    with pytest.raises(ValueError, match="8 channels") as raised:
        identity_block(X, 3, [4, 4, 16], 2, "b")
    assert "16" in str(raised.value)
    assert "convolutional_block" in str(raised.value)


@pytest.mark.parametrize("s", [0, -1, 1.5])
def test_bad_stride_is_refused(s):
    with pytest.raises(ValueError, match="the stride"):
        convolutional_block(np.ones((1, 4, 4, 8), "float32"), 3, [4, 4, 8], 2, "a", s)
