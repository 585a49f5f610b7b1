"""What a model expects of pictures: told, found in its graph, or not known."""

import keras
import numpy as np
import pytest

from resnet_keras import weights
from resnet_keras.files.preprocessing import MODES, with_preprocessing
from resnet_keras.inference import Classifier
from resnet_keras.inference.preprocessing import architecture_of, find_preprocessing
from tests.conftest import pooled

L = keras.layers
APPLICATIONS = keras.applications
MEAN, VARIANCE = [0.48, 0.46, 0.41], [0.05, 0.05, 0.05]


def functional(*first, **of_input):
    """Return a model whose first operations are given, as layers or functions."""
    return pooled(*first, L.Conv2D(2, 3), classes=2, **of_input)


def sequential(*layers, name=None):
    return keras.Sequential([keras.Input((32, 32, 3)), *layers], name=name)


def augmentation():
    layers = L.RandomFlip(), L.RandomRotation(0.1), L.RandomZoom(0.1)
    return [*layers, L.RandomContrast(0.1), L.RandomTranslation(0.1, 0.1)]


@pytest.mark.parametrize(
    "first",
    [
        [L.Rescaling(1 / 255)],
        [L.Rescaling(1 / 127.5, -1)],
        [*augmentation(), L.Rescaling(1 / 255)],
        [L.ZeroPadding2D(20), L.Rescaling(1 / 255)],
        [sequential(L.Resizing(32, 32), L.Rescaling(1 / 255))],
        [sequential(*augmentation()), sequential(sequential(L.Rescaling(1 / 255)))],
        [L.Normalization(mean=[120.0] * 3, variance=[3600.0] * 3)],
        [L.Rescaling(1 / 255), L.Normalization(mean=MEAN, variance=VARIANCE)],
        [lambda x: x / 255.0],
        [lambda x: x * (1 / 255)],
        [lambda x: (x - 127.5) / 127.5],
        [lambda x: x - np.float32([123.7, 116.8, 103.9])],
        [lambda x: 255.0 - x],
        [APPLICATIONS.mobilenet_v2.preprocess_input],
        [APPLICATIONS.resnet50.preprocess_input],
        [APPLICATIONS.densenet.preprocess_input],
    ],
)
def test_a_model_that_rescales_gets_values_from_0_to_255(first):
    found = find_preprocessing(functional(*first), {})
    assert found.preprocessing == MODES["raw"]
    assert found.is_known
    assert "which the model rescales" in found.words


@pytest.mark.parametrize(
    "first",
    [
        [L.Normalization(mean=MEAN, variance=VARIANCE)],
        [lambda x: x - 0.5],
        [L.Rescaling(2, -1)],
        [lambda x: x * 255.0, APPLICATIONS.resnet50.preprocess_input],
    ],
)
def test_first_operations_may_expect_values_from_0_to_1(first):
    found = find_preprocessing(functional(*first), {})
    assert (found.preprocessing, found.is_known) == (MODES["unit"], True)


def test_first_operations_may_expect_values_from_minus_1_to_1():
    for first in (lambda x: (x + 1) / 2, lambda x: (x + 1.0) * 127.5):
        found = find_preprocessing(functional(first), {})
        assert found.preprocessing == MODES["minus-one-to-one"]


def test_an_input_of_whole_numbers_gets_values_from_0_to_255():
    model = functional(L.Rescaling(1 / 255), dtype="uint8")
    found = find_preprocessing(model, {})
    assert found.preprocessing == MODES["raw"]


@pytest.mark.parametrize(
    "first",
    [
        [],
        augmentation(),
        [L.Normalization()],  # never adapted: it changes nothing
        [L.Conv2D(3, 1), L.Rescaling(1 / 255)],  # too late to be of pixels
        [L.BatchNormalization()],
    ],
)
def test_what_nothing_tells_is_assumed_and_said(first):
    found = find_preprocessing(functional(*first), {})
    assert found.preprocessing == MODES["unit"]
    assert not found.is_known
    assert found.words == "RGB values divided by 255"


def test_an_architectures_names_tell_its_preprocessing():
    resnet = APPLICATIONS.ResNet50(weights=None, input_shape=(32, 32, 3), classes=3)
    found = find_preprocessing(resnet, {})
    assert (found.preprocessing, found.is_known) == (MODES["caffe"], True)
    assert "ResNet of keras.applications" in found.words
    # With a head of one's own it may have been trained on anything.
    x = L.Dense(2, "softmax")(resnet.layers[-2].output)
    for model in (
        keras.Model(resnet.input, x),
        sequential(keras.Model(resnet.input, resnet.layers[-2].output), L.Dense(2)),
    ):
        found = find_preprocessing(model, {})
        assert (found.preprocessing, found.is_known) == (MODES["unit"], False)
        assert '"caffe"' in found.words


def test_teachable_machines_names_tell_its_preprocessing():
    base = APPLICATIONS.MobileNetV2(
        (32, 32, 3), alpha=0.35, include_top=False, weights=None
    )
    features = sequential(base, L.GlobalAveragePooling2D())
    head = keras.Sequential(
        [
            keras.Input((1280,)),
            L.Dense(100, "relu", name="dense_Dense1"),
            L.Dense(2, "softmax", use_bias=False, name="dense_Dense2"),
        ]
    )
    found = find_preprocessing(keras.Sequential([features, head]), {})
    assert found.preprocessing == MODES["minus-one-to-one"]
    assert "of Teachable Machine" in found.words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "side", "mode"),
    [
        ("Xception", 71, "minus-one-to-one"),
        ("VGG16", 32, "caffe"),
        ("VGG19", 32, "caffe"),
        ("ResNet101", 32, "caffe"),
        ("ResNet50V2", 32, "minus-one-to-one"),
        ("InceptionV3", 75, "minus-one-to-one"),
        ("InceptionResNetV2", 75, "minus-one-to-one"),
        ("MobileNet", 32, "minus-one-to-one"),
        ("MobileNetV2", 32, "minus-one-to-one"),
        ("MobileNetV3Small", 32, "raw"),
        ("DenseNet121", 32, "torch"),
        ("NASNetMobile", 32, "minus-one-to-one"),
        ("EfficientNetB0", 32, "raw"),
        ("EfficientNetV2B0", 32, "raw"),
        ("ConvNeXtTiny", 32, "raw"),
    ],
)
def test_each_architecture_expects_what_its_module_documents(name, side, mode):
    build = getattr(APPLICATIONS, name)
    model = build(weights=None, input_shape=(side, side, 3), classes=2)
    assert find_preprocessing(model, {}).preprocessing == MODES[mode]


def test_a_networks_own_names_are_no_architecture_of_keras(resnet50):
    assert architecture_of(resnet50) == (None, None)


def test_what_a_person_says_decides(tiny_model):
    metadata = with_preprocessing({"preprocessing": MODES["unit"]}, "raw")
    image = np.full((1, 32, 32, 3), 200, np.uint8)
    assert (Classifier(tiny_model, metadata).preprocess(image) == 200).all()
    assert with_preprocessing({}, None) == {}


# Each as `keras.applications.imagenet_utils.preprocess_input` computes it.
@pytest.mark.parametrize(
    ("mode", "theirs"),
    [("minus-one-to-one", "tf"), ("caffe", "caffe"), ("torch", "torch")],
)
def test_modes_equal_those_of_keras(tiny_model, mode, theirs):
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    expected = APPLICATIONS.imagenet_utils.preprocess_input(
        image.astype(np.float32), mode=theirs
    )
    found = Classifier(tiny_model, with_preprocessing({}, mode)).preprocess(image)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_whole_model_gives_its_preprocessing_to_who_starts_from_it(tmp_path):
    model = APPLICATIONS.ResNet50(weights=None, input_shape=(32, 32, 3), classes=3)
    model.save(tmp_path / "resnet.keras")
    metadata = weights.read_weights(tmp_path / "resnet.keras").metadata
    assert metadata["preprocessing"] == MODES["caffe"]
