"""The family: parameter counts, shortcuts, plain twins, feature maps, names."""

import json
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

import resnet_keras
from resnet_keras import (
    ResNet50,
    ResNetCIFAR,
    basic_block,
    family,
    feature_maps,
    load_model,
    padded_block,
    plain_twin,
    save_model,
)
from resnet_keras.errors import InputError
from resnet_keras.models import ResNet, build
from resnet_keras.summary import block_table, stage_table
from tests.conftest import assert_refused, coloured_images, command, write_pair
from tests.test_blocks import conv2d, random_array


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def biases(model):
    return sum(
        layer.filters
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
    )


# Six classes, with biases: worked out from table 1, and known for 50.
@pytest.mark.parametrize(
    ("depth", "trained", "total"),
    [
        (18, 11_184_390, 11_193_990),
        (34, 21_296_262, 21_313_286),
        (50, 23_546_886, 23_600_006),
        (101, 42_565_126, 42_670_470),
        (152, 58_231_814, 58_383_238),
    ],
)
def test_parameters_and_depth(depth, trained, total):
    model = getattr(resnet_keras, f"ResNet{depth}")()
    assert (trainable(model), model.count_params()) == (trained, total)
    assert sum(row["weight_layers"] for row in stage_table(model)) == depth
    assert model.name == f"ResNet{depth}"
    labels = [(row["stage"], row["block"]) for row in block_table(model)]
    assert len(set(labels)) == len(labels) == sum(family.DEPTHS[depth][1])


# torchvision's published counts, which have no biases in convolutions
@pytest.mark.parametrize(
    ("depth", "published"), [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032)]
)
def test_parameters_without_biases_are_torchvisions(depth, published):
    model = ResNet(depth, classes=1000)
    assert trainable(model) - biases(model) == published


# arXiv 1512.03385, table 6, in millions
@pytest.mark.parametrize(
    ("depth", "millions"),
    [(20, "0.27"), (32, "0.46"), (44, "0.66"), (56, "0.85"), (110, "1.7")],
)
def test_cifar_parameters_are_those_of_table_6(depth, millions):
    model = ResNetCIFAR(depth)
    paper = trainable(model) - biases(model)
    # Kernels: 3x3 from 3 to 16; then 2n of 3x3 per stage, of which the first comes from
    # half the channels; two numbers to normalize each channel; the dense layer.
    n = (depth - 2) // 6
    kernels = 9 * (3 * 16 + 2 * n * 16**2)
    kernels += 9 * sum(w * w // 2 + (2 * n - 1) * w * w for w in (32, 64))
    channels = 16 + 2 * n * (16 + 32 + 64)
    assert paper == kernels + 2 * channels + 65 * 10
    digits = len(millions.split(".")[1])
    assert abs(paper / 1e6 - float(millions)) < 0.6 * 10**-digits
    assert sum(row["weight_layers"] for row in stage_table(model)) == depth


@pytest.mark.slow
def test_1202_layers_build():
    model = ResNetCIFAR(1202)
    assert abs((trainable(model) - biases(model)) / 1e6 - 19.4) < 0.06  # table 6


def kinds(model):
    return {(r["stage"], r["block"]): r["kind"] for r in block_table(model)}


def test_only_changes_of_shape_project_by_default():
    assert [k for k, kind in kinds(ResNet(34)).items() if kind == "convolutional"] == [
        (3, "a"),
        (4, "a"),
        (5, "a"),
    ]
    bottleneck = kinds(ResNet50())
    assert [k for k, kind in bottleneck.items() if kind == "convolutional"] == [
        (stage, "a") for stage in (2, 3, 4, 5)
    ]


def test_option_c_projects_everywhere_and_a_has_no_parameters():
    assert set(kinds(ResNet(18, shortcut="C")).values()) == {"convolutional"}
    padded = ResNet(50, shortcut="A")
    assert kinds(padded)[(2, "a")] == "padded"
    # Gone: 1x1 kernels and biases, and four numbers to normalize each channel.
    ends = ((64, 256), (256, 512), (512, 1024), (1024, 2048))
    projections = sum(before * after + 5 * after for before, after in ends)
    assert padded.count_params() == 23_600_006 - projections


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
    ],
)
def test_blocks_refuse_in_words(block, settings, words):
    X = np.ones((1, 4, 4, 8), "float32")
    arguments = {"X": X, "f": 3, "stage": 2, "block": "a"} | settings
    with pytest.raises(ValueError, match=words):
        block(**arguments)


@pytest.mark.parametrize(
    ("function", "arguments", "word"),
    [
        (ResNet, {"depth": 19}, "18, 34, 50, 101, 152"),
        (ResNet, {"depth": 18, "shortcut": "D"}, '"A", "B" or "C"'),
        (ResNetCIFAR, {"depth": 21}, "6n"),
        (ResNetCIFAR, {"depth": 2}, "6n"),
        (ResNetCIFAR, {"depth": 20, "input_shape": (7, 8, 3)}, "too small"),
    ],
)
def test_networks_refuse_in_words(function, arguments, word):
    with pytest.raises(ValueError, match=word):
        function(**arguments)


@pytest.mark.parametrize(
    "model",
    [lambda: ResNetCIFAR(8, (8, 8, 3), 4), lambda: ResNet(18, (32, 32, 3), 4)],
    ids=["cifar", "imagenet"],
)
def test_plain_twin_is_the_network_minus_its_sums(model):
    model = model()
    plain = plain_twin(model)
    on_shortcuts = [layer for layer in model.layers if layer.name.endswith("_branch1")]
    left_out = {id(layer) for layer in on_shortcuts} | {
        id(layer) for layer in model.layers if isinstance(layer, keras.layers.Add)
    }
    kept = [layer for layer in model.layers if id(layer) not in left_out]

    def described(layers):
        return [(type(x).__name__, x.name if x.weights else "") for x in layers]

    assert described(plain.layers) == described(kept)
    assert len(kept) < len(model.layers)
    # The same layers one after the other, with the same (seeded) weights
    x = images = np.random.default_rng(0).random((2, *model.input_shape[1:]), "float32")
    for layer in kept[1:]:
        x = layer(x)
    np.testing.assert_allclose(plain(images), x, atol=1e-6)


def test_plain_twin_keeps_an_initializers_draw():
    draw = iter(range(100))
    model = ResNetCIFAR(
        8,
        (8, 8, 3),
        initializer=lambda seed: keras.initializers.GlorotUniform(next(draw)),
    )
    plain = plain_twin(model)
    for layer in plain.layers:
        for mine, other in zip(
            layer.get_weights(),
            model.get_layer(layer.name).get_weights() if layer.weights else [],
            strict=True,
        ):
            np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize(
    ("name", "size", "channels", "sides"),
    [
        ("resnet18", 64, [64, 128, 256, 512], [15, 8, 4, 2]),
        ("resnet50", 64, [256, 512, 1024, 2048], [15, 8, 4, 2]),
        ("plain34", 64, [64, 128, 256, 512], [15, 8, 4, 2]),
        ("resnet-cifar-20", 32, [16, 32, 64], [32, 16, 8]),
        ("plain-cifar-20", 32, [16, 32, 64], [32, 16, 8]),
    ],
)
def test_feature_maps_of_a_network_and_of_its_file(
    name, size, channels, sides, tmp_path
):
    model = build(name, (size, size, 3), 6)
    save_model(model, tmp_path / "model.h5")
    image = np.random.default_rng(0).random((1, size, size, 3), "float32")
    answers = []
    for one in (model, load_model(tmp_path / "model.h5")[0]):
        maps = feature_maps(one)
        assert list(maps) == [f"C{2 + index}" for index in range(len(sides))]
        found = keras.Model(one.input, maps)(image)
        shapes = [found[key].shape for key in maps]
        assert shapes == [
            (1, side, side, c) for side, c in zip(sides, channels, strict=True)
        ]
        answers.append(found)
    for key in answers[0]:
        np.testing.assert_array_equal(answers[0][key], answers[1][key])
    # The head on the last map is the network's answer; each map is a ReLU's.
    kernel, bias = model.layers[-1].get_weights()
    logits = np.asarray(found[key]).mean((1, 2)) @ kernel + bias
    assert np.argmax(logits) == np.argmax(model(image))
    assert all(np.min(found[key]) >= 0 for key in found)


def test_feature_maps_of_another_network_are_refused():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs), name="other")
    with pytest.raises(InputError, match="other"):
        feature_maps(model)


def test_option_a_file_opens_in_plain_keras(tmp_path):
    model = ResNetCIFAR(20, (16, 16, 3), 3)
    path = tmp_path / "a.h5"
    save_model(model, path)
    with h5py.File(path) as file:
        layers = json.loads(file.attrs["model_config"])["config"]["layers"]
    kinds = {layer["class_name"] for layer in layers}
    assert "Lambda" not in kinds
    assert all(hasattr(keras.layers, kind) for kind in kinds)
    code = (
        "import sys, keras, numpy as np; "
        f"model = keras.models.load_model({str(path)!r}, compile=False); "
        "assert 'resnet_keras' not in sys.modules; "
        "print(np.asarray(model(np.ones((1, 16, 16, 3), 'float32'))).tolist())"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    expected = model(np.ones((1, 16, 16, 3), "float32"))
    found = json.loads(process.stdout.splitlines()[-1])
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("number", [1, 3, 6, 7, 23, 36, 200])
def test_block_labels_are_unique(number):
    labels = family.block_labels(number)
    assert len(set(labels)) == len(labels) == number
    assert labels[0] == "a"


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(InputError, match="resnet18, resnet34") as raised:
        build("resnet19", (64, 64, 3), 6)
    assert "plain-cifar-1202" in str(raised.value)


# For three classes: of 64, 512 or 2,048 weights and a bias each
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("resnet-cifar-20", 271_786 - 7 * 65),  # the paper's network has ten classes
        pytest.param("resnet18", 11_193_990 - 3 * 513, marks=pytest.mark.slow),
        pytest.param("plain34", None, marks=pytest.mark.slow),
        pytest.param("resnet-cifar-56", None, marks=pytest.mark.slow),
        pytest.param("resnet101", 42_670_470 - 3 * 2049, marks=pytest.mark.slow),
    ],
)
def test_train_evaluate_and_predict_with_another_network(name, parameters, tmp_path):
    write_pair(tmp_path / "colours")
    run = tmp_path / "run"
    options = ["--epochs", 1, "--image-size", 32, "--model", name]
    process = command("train", "--data", tmp_path / "colours", "--out", run, *options)
    assert process.returncode == 0, process.stderr
    metrics = json.loads((run / "metrics.json").read_text())
    parameters = parameters or build(name, (32, 32, 3), 3).count_params()
    assert metrics["num_parameters"] == parameters
    expected = build(name, (32, 32, 3), 3).name
    assert keras.models.load_model(run / "model.h5", compile=False).name == expected
    process = command("evaluate", run / "model.h5", "--data", tmp_path / "colours")
    assert f"Accuracy {metrics['test_accuracy']:.4f}" in process.stdout
    Image.fromarray(coloured_images([0])[0]).save(tmp_path / "image.png")
    process = command("predict", run / "model.h5", tmp_path / "image.png")
    assert process.returncode == 0, process.stderr


def test_train_refuses_an_unknown_network():
    assert_refused(command("train", "--model", "resnet51"), "resnet51", "plain34")
