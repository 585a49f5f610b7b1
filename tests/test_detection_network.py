"""Detectors and localizers on the networks of the family, and their files."""

from functools import partial

import keras
import numpy as np
import pytest

from resnet_keras import ResNetCIFAR, feature_maps
from resnet_keras.detection.losses import DetectionLoss
from resnet_keras.detection.network import detector, localizer
from resnet_keras.detection.targets import flat, of_model
from resnet_keras.errors import InputError
from resnet_keras.models import build
from tests.conftest import assert_same_weights
from tests.detection_networks import tiny_backbone

SMALL_DETECTOR = partial(detector, channels=8)


@pytest.fixture(scope="module")
def backbone():
    keras.utils.set_random_seed(0)
    return tiny_backbone()


def pictures(size, number=2):
    return np.random.default_rng(0).random((number, size, size, 3), np.float32)


def test_one_prediction_at_every_eighth_pixel(backbone):
    model = detector(backbone, classes=3)
    assert model.output_shape == (None, 8, 8, 7)
    assert model.input_shape == (None, 64, 64, 3)


def test_it_begins_with_a_hundredth_for_each_class_and_boxes_of_four_strides(backbone):
    model = detector(backbone, classes=3)
    box, classes = model.get_layer("box"), model.get_layer("class")
    chance = 1 / (1 + np.exp(-classes.get_weights()[1]))
    np.testing.assert_allclose(chance, 0.01, rtol=1e-6)
    np.testing.assert_allclose(np.exp(box.get_weights()[1]), 2, rtol=1e-6)


def test_large_pictures_have_three_levels_that_share_convolutions(backbone):
    model = detector(backbone, classes=3, input_shape=(320, 320, 3))
    assert model.output_shape == [
        (None, 40, 40, 7), (None, 20, 20, 7), (None, 10, 10, 7),
    ]  # fmt: skip
    small = detector(backbone, classes=3)
    convolutions = [
        {layer.name for layer in net.layers if layer.name.split("_")[0] in kinds}
        for net in (model, small)
        for kinds in [("box", "class")]
    ]
    assert convolutions[0] == convolutions[1] != set()
    normalizations = [
        layer.name for layer in model.layers if "bn_box_tower1" in layer.name
    ]
    assert normalizations == [f"bn_box_tower1_{number}" for number in range(3)]


def test_three_levels_train_as_one_list_of_locations(backbone):
    model = detector(backbone, 3, (320, 320, 3), channels=8)
    places, one = of_model(model), flat(model)
    assert one.output_shape == (None, 40 * 40 + 20 * 20 + 10 * 10, 7)
    assert places.centres.shape == (2100, 2)
    images = pictures(320, 1)
    fine, middle, coarse = map(keras.ops.convert_to_numpy, model(images))
    raw = keras.ops.convert_to_numpy(one(images))[0]
    np.testing.assert_array_equal(raw[1600 + 20 * 3 + 7], middle[0, 3, 7])
    assert places.centres[1600 + 20 * 3 + 7].tolist() == [7.5 * 16, 3.5 * 16]
    np.testing.assert_array_equal(raw[:1600].reshape(fine.shape), fine)
    np.testing.assert_array_equal(raw[2000:].reshape(coarse.shape), coarse)
    objects = np.float32([[[10, 10, 40, 40, 0], [0, 0, 300, 300, 2]]])
    assert np.isfinite(float(DetectionLoss(places)(objects, raw[None])))


@pytest.mark.parametrize("size", [72, 100, 127])
def test_sides_that_do_not_halve_evenly(backbone, size):
    model = detector(backbone, classes=1, input_shape=(size, size, 3))
    # 72, 100, 127 -> conv1 36, 50, 64 -> pooled 17, 24, 31 -> C3
    assert model.output_shape[1] == {72: 9, 100: 12, 127: 16}[size]


@pytest.mark.parametrize("name", ["resnet50", "plain18", "resnet-cifar-20"])
def test_each_network_of_the_family_is_a_backbone(name):
    network = build(name, (64, 64, 3), 6)
    model = detector(network, classes=2, channels=8)
    stride = 4 if "cifar" in name else 8
    assert model.output_shape == (None, 64 // stride, 64 // stride, 6)
    assert localizer(network, 2).output_shape == (None, 7)


def test_the_feature_maps_are_those_of_the_backbone(backbone):
    model = detector(backbone, classes=2)
    last = {layer.name: layer for layer in model.layers}["lateral5"].input
    own = keras.Model(model.input, last)
    its = keras.Model(backbone.input, feature_maps(backbone)["C5"])
    images = pictures(64)
    np.testing.assert_array_equal(own(images), its(images))


def test_the_backbone_is_copied_and_stays_as_it_is(backbone):
    before = backbone.get_weights()
    model = detector(backbone, classes=2)
    model.get_layer("conv1").kernel.assign_add(
        keras.ops.ones_like(model.get_layer("conv1").kernel)
    )
    assert_same_weights(before, backbone)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize(
    ("make", "size"),
    [(SMALL_DETECTOR, 64), (SMALL_DETECTOR, 320), (localizer, 64)],
)
def test_plain_keras_opens_the_file_and_predicts_the_same(
    backbone, tmp_path, suffix, make, size
):
    model = make(backbone, 2, input_shape=(size, size, 3))
    path = tmp_path / f"model{suffix}"
    model.save(path)
    opened = keras.models.load_model(path, compile=False)
    assert {type(layer).__module__.split(".")[0] for layer in opened.layers} == {
        "keras"
    }
    images = pictures(size, 1)
    for own, its in zip(
        keras.tree.flatten(model(images)),
        keras.tree.flatten(opened(images)),
        strict=True,
    ):
        np.testing.assert_array_equal(own, its)


def test_a_loaded_classifier_is_a_backbone_at_another_size(backbone, tmp_path):
    backbone.save(tmp_path / "classifier.h5")
    loaded = keras.models.load_model(tmp_path / "classifier.h5", compile=False)
    model = detector(loaded, 3, (96, 96, 3))
    assert model.output_shape == (None, 12, 12, 7)
    for name in ("conv1", "bn_conv1", "res5a_branch2b"):
        for own, its in zip(
            model.get_layer(name).get_weights(),
            backbone.get_layer(name).get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(own, its)


def test_a_localizer_gives_probabilities_and_fractions(backbone):
    y = keras.ops.convert_to_numpy(localizer(backbone, classes=3)(pictures(64)))
    assert y.shape == (2, 8)
    assert (y >= 0).all()
    assert (y <= 1).all()
    np.testing.assert_allclose(y[:, 5:].sum(1), 1, rtol=1e-5)


def test_a_localizers_centre_is_the_mean_position_of_its_heat(backbone):
    model = localizer(backbone, classes=3, input_shape=(64, 96, 3))  # 8 x 12 cells
    heat = np.zeros((2, 96), np.float32)
    heat[0, 12 * 2 + 5] = 1
    heat[1, [0, 95]] = 0.5
    centres = keras.ops.convert_to_numpy(model.get_layer("centre")(heat))
    np.testing.assert_allclose(centres, [[5.5 / 12, 2.5 / 8], [0.5, 0.5]], rtol=1e-6)
    images = np.random.default_rng(0).random((2, 64, 96, 3), np.float32)
    names = ("attention", "sigmoid", "y")
    layers = [model.get_layer(name).output for name in names]
    outputs = keras.Model(model.input, layers)(images)
    heat, sizes, y = map(keras.ops.convert_to_numpy, outputs)
    means = np.einsum("bn,bns->bs", heat, sizes.reshape(2, 96, 2))
    np.testing.assert_allclose(y[:, 3:5], means, rtol=1e-5)


def test_what_cannot_be_built_is_refused(backbone):
    with pytest.raises(ValueError, match="classes is 0; expected a whole number"):
        detector(backbone, 0)
    inputs = keras.Input((32, 32, 3))
    other = keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs))
    with pytest.raises(InputError, match="no layers named like res2a_branch2a"):
        detector(other, 2)
    sequential = keras.Sequential([keras.layers.Dense(2)], name="dense")
    with pytest.raises(InputError, match="dense: is no functional model"):
        localizer(sequential, 2)


def test_networks_for_small_images_predict_at_every_fourth_pixel():
    model = detector(ResNetCIFAR(8, (32, 32, 3)), classes=2, channels=8)
    assert model.output_shape == (None, 8, 8, 6)
