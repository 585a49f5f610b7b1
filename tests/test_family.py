"""The family: parameter counts, shortcuts, plain twins, feature maps, names."""

import json
from functools import partial

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

import resnet_keras
from resnet_keras import (
    ResNet50,
    ResNetCIFAR,
    evaluate,
    family,
    predict,
    save_model,
    train,
)
from resnet_keras.errors import InputError
from resnet_keras.models import ResNet, build
from resnet_keras.nets.stages import block_table, stage_table
from tests.conftest import coloured_images, write_pair


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def biases(model):
    return sum(
        layer.filters
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
    )


# Trainable and all, for six classes, with biases: worked out from table 1, and known
# for 50. A new depth needs its own here.
PARAMETERS = {
    18: (11_184_390, 11_193_990),
    34: (21_296_262, 21_313_286),
    50: (23_546_886, 23_600_006),
    101: (42_565_126, 42_670_470),
    152: (58_231_814, 58_383_238),
}


@pytest.mark.parametrize("depth", family.DEPTHS)
def test_parameters_and_depth(depth):
    build = getattr(resnet_keras, f"ResNet{depth}", partial(ResNet, depth))
    model = build()
    assert (trainable(model), model.count_params()) == PARAMETERS[depth]
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


def test_option_a_file_has_only_layers_of_keras(tmp_path):
    model = ResNetCIFAR(20, (16, 16, 3), 3)
    path = tmp_path / "a.h5"
    save_model(model, path)
    with h5py.File(path) as file:
        layers = json.loads(file.attrs["model_config"])["config"]["layers"]
    kinds = {layer["class_name"] for layer in layers}
    assert "Lambda" not in kinds
    assert all(hasattr(keras.layers, kind) for kind in kinds)


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
@pytest.mark.slow  # tests/test_readme.py runs the commands with resnet-cifar-20
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("resnet-cifar-20", 271_786 - 7 * 65),  # the paper's network has ten classes
        ("resnet18", 11_193_990 - 3 * 513),
        ("plain34", None),
        ("resnet-cifar-56", None),
        ("resnet101", 42_670_470 - 3 * 2049),
    ],
)
def test_train_evaluate_and_predict_with_another_network(
    name, parameters, tmp_path, capsys
):
    source, run = write_pair(tmp_path / "colours"), tmp_path / "run"
    options = ["--epochs", 1, "--image-size", 32, "--model", name]
    line = ["--data", source, "--out", run, *options]
    assert train.main([str(word) for word in line]) == 0
    metrics = json.loads((run / "metrics.json").read_text())
    parameters = parameters or build(name, (32, 32, 3), 3).count_params()
    assert metrics["num_parameters"] == parameters
    expected = build(name, (32, 32, 3), 3).name
    assert keras.models.load_model(run / "model.h5", compile=False).name == expected
    evaluate.main([str(run / "model.h5"), "--data", str(source)])
    assert f"Accuracy {metrics['test_accuracy']:.4f}" in capsys.readouterr().out
    Image.fromarray(coloured_images([0])[0]).save(tmp_path / "image.png")
    assert predict.main([str(run / "model.h5"), str(tmp_path / "image.png")]) == 0
