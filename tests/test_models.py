"""ResNet50 layer for layer, its sizes, and what it refuses."""

import keras
import numpy as np
import pytest

from resnet_keras import ResNet50

# (stage, filters, number of blocks): arXiv 1512.03385, table 1
PAPER = [(2, 64, 3), (3, 128, 4), (4, 256, 6), (5, 512, 3)]


def documented_layers(classes=6):
    """Return (name, filters, kernel size, stride) of each layer with weights."""
    layers = [("conv1", 64, 7, 2), ("bn_conv1", 64, None, None)]
    for stage, width, number in PAPER:
        for index in range(number):
            block, first = "abcdef"[index], index == 0
            stride = 2 if first and stage > 2 else 1
            parts = [("2a", width, 1, stride), ("2b", width, 3, 1)]
            parts += [("2c", 4 * width, 1, 1)]
            parts += [("1", 4 * width, 1, stride)] if first else []
            for part, filters, window, s in parts:
                name = f"{stage}{block}_branch{part}"
                layers += [("res" + name, filters, window, s)]
                layers += [("bn" + name, filters, None, None)]
    return [*layers, (f"fc{classes}", classes, None, None)]


def test_layers_are_the_courses(resnet50):
    assert len(resnet50.layers) == 177
    found = {}
    for layer in resnet50.layers:
        if isinstance(layer, keras.layers.Conv2D):
            assert layer.use_bias
            found[layer.name] = layer.filters, layer.kernel_size[0], layer.strides[0]
        elif layer.weights:
            found[layer.name] = layer.weights[-1].shape[-1], None, None
    assert found == {name: tuple(rest) for name, *rest in documented_layers()}


def test_parameters(resnet50):
    assert resnet50.count_params() == 23_600_006
    trainable = sum(int(np.prod(w.shape)) for w in resnet50.trainable_weights)
    assert trainable == 23_546_886
    # Normalized channels: 64 in the stem; per stage, blocks x (2 w + 4 w) + 4 w more
    # for the projection. Each has a moving mean and a moving variance.
    channels = 64 + sum(number * 6 * w + 4 * w for _, w, number in PAPER)
    assert 2 * channels == 53_120 == resnet50.count_params() - trainable


def test_kinds_of_layers_at_64(resnet50):
    kinds = [type(layer).__name__ for layer in resnet50.layers]
    assert kinds[:6] == [
        "InputLayer",
        "ZeroPadding2D",
        "Conv2D",
        "BatchNormalization",
        "Activation",
        "MaxPooling2D",
    ]
    assert kinds[-3:] == ["AveragePooling2D", "Flatten", "Dense"]
    assert resnet50.get_layer("avg_pool").pool_size == (2, 2)
    counts = {kind: kinds.count(kind) for kind in set(kinds)}
    # 48 in blocks, 4 projections, the stem; 3 ReLUs per block and the stem's
    assert counts["Conv2D"] == counts["BatchNormalization"] == 53
    assert counts["Add"] == 16
    assert counts["Activation"] == 49


def test_normalization_is_keras_default_on_axis_3_and_no_layer_fixes_training(resnet50):
    for layer in resnet50.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            assert layer.axis == 3
            assert (layer.epsilon, layer.momentum) == (1e-3, 0.99)
    assert '"training"' not in resnet50.to_json()


def stage_sizes(model):
    """Return the sides of feature maps after the stem, the pooling and each stage."""
    pool = next(x.name for x in model.layers if x.name.startswith("max_pool"))
    names = ["conv1", pool, "res2c_branch2c", "res3d_branch2c"]
    names += ["res4f_branch2c", "res5c_branch2c"]
    return [model.get_layer(name).output.shape[1] for name in names]


@pytest.mark.parametrize(
    ("size", "pool_padding", "expected"),
    [
        (64, 0, [32, 15, 15, 8, 4, 2]),  # the course
        (64, 1, [32, 16, 16, 8, 4, 2]),
        (224, 1, [112, 56, 56, 28, 14, 7]),  # the paper
        (300, 1, [150, 75, 75, 38, 19, 10]),
        (32, 0, [16, 7, 7, 4, 2, 1]),
    ],
)
def test_sizes(size, pool_padding, expected):
    model = ResNet50((size, size, 3), 2, pool_padding=pool_padding)
    assert stage_sizes(model) == expected


def test_weights_of_64_load_at_224_and_pool_the_whole_map():
    small = ResNet50((64, 64, 3), 4)
    large = ResNet50((224, 224, 3), 4, pool_padding=1)
    large.set_weights(small.get_weights())
    features = keras.Model(large.input, large.get_layer("avg_pool").input)
    image = np.random.default_rng(0).random((1, 224, 224, 3), np.float32)
    maps = np.asarray(features(image))
    assert maps.shape == (1, 7, 7, 2048)
    kernel, bias = large.layers[-1].get_weights()
    logits = maps.mean((1, 2)) @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(large(image), expected, rtol=1e-4)


# Keras warns, rightly, that the softmax of one class can only be 1.
@pytest.mark.filterwarnings("ignore:[\\s\\S]*softmax over axis -1")
@pytest.mark.parametrize(
    ("input_shape", "classes"), [((40, 100, 1), 1), ((33, 32, 7), 1000)]
)
def test_any_shape_and_number_of_classes(input_shape, classes):
    model = ResNet50(input_shape, classes)
    image = np.random.default_rng(0).random((2, *input_shape), np.float32)
    answer = np.asarray(model(image))
    assert answer.shape == (2, classes)
    np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-5)
    assert model.layers[-1].name == f"fc{classes}"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"input_shape": (31, 64, 3)}, "(31, 64, 3)"),
        ({"classes": 0}, "classes is 0"),
        ({"pool_padding": 2}, "pool_padding is 2"),
    ],
)
def test_bad_arguments_are_refused_in_words(arguments, word):
    with pytest.raises(ValueError, match="expected") as raised:
        ResNet50(**arguments)
    assert word in str(raised.value)


def test_initializer_reaches_every_kernel():
    seeds = []

    def counting(seed):
        seeds.append(seed)
        return keras.initializers.GlorotUniform(seed)

    ResNet50((32, 32, 3), 2, initializer=counting)
    assert seeds == [0] * 54  # 53 convolutions and the dense layer
