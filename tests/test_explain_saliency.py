"""The three maps against what they must be, and the command."""

import csv
import re

import keras
import numpy as np
import pytest
from PIL import Image

from resnet_keras import ResNetCIFAR, explain, feature_maps, save_model
from resnet_keras.errors import InputError
from resnet_keras.inference import Classifier
from tests.conftest import assert_refused


@pytest.fixture(scope="module")
def model():
    return ResNetCIFAR(8, (16, 16, 3), 4)


def random_image(dtype=np.float32):
    image = np.random.default_rng(0).random((16, 16, 3), np.float32)
    return image if dtype is np.float32 else (255 * image).astype(dtype)


def test_grad_cam_is_the_class_activation_map_under_average_pooling(model):
    image = random_image()
    maps = keras.Model(model.input, feature_maps(model)["C4"])(image[None])
    kernel = np.asarray(model.layers[-1].kernel)
    for label in range(4):
        # Zhou et al. (2016): maps weighed by the dense layer; 16 cells are averaged
        expected = np.maximum(np.asarray(maps)[0] @ kernel[:, label] / 16, 0)
        found = explain.grad_cam(model, image, label)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert found.shape == (4, 4)


def test_input_gradient_points_at_the_pixel_that_matters(model):
    inputs = keras.Input((4, 5, 3))
    x = keras.layers.Conv2D(1, 1, use_bias=False)(inputs)
    x = keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(x))
    small = keras.Model(inputs, x)
    weights = np.zeros((20, 2), np.float32)
    weights[2 * 5 + 3, 1] = 2  # only row 2, column 3 counts
    kernel = np.array([[[[1], [-3], [2]]]], np.float32)
    small.set_weights([kernel, weights, np.zeros(2)])
    found = explain.input_gradient(small, np.zeros((4, 5, 3), np.float32), 1)
    expected = np.zeros((4, 5))
    expected[2, 3] = 2 * 3
    np.testing.assert_allclose(found, expected)


class Corner:
    """Stands for a classifier that sees the brightness of one corner only."""

    def probabilities(self, images):
        share = images[:, :4, :4].mean((1, 2, 3)) / 255
        return np.stack([1 - share, share], axis=1)


def test_occlusion_finds_what_is_looked_at():
    image = np.zeros((16, 16, 3), np.uint8)
    image[:4, :4] = 255
    found = explain.occlusion(Corner(), image, 1, patch=4)
    # Covered with the mean, 255 / 16, the corner keeps a sixteenth of its brightness.
    assert found.max() == found[0, 0] == pytest.approx(1 - 15 / 255, abs=1e-3)
    assert (found[:4, :4] > 0).all()
    assert (found[6:] == 0).all()
    assert (found[:, 6:] == 0).all()
    np.testing.assert_allclose(explain.occlusion(Corner(), image, 0, patch=4), -found)


@pytest.mark.parametrize("shape", [(16, 16), (17, 23)])
def test_occlusion_covers_every_pixel(shape):
    image = np.full((*shape, 3), 200, np.uint8)
    assert np.isfinite(explain.occlusion(Corner(), image, 1, patch=6)).all()


def test_cells_lie_where_their_windows_are_centred(resnet50, model):
    # conv1: window 7, stride 2, padding 3: centred on 2i. Max pooling: window 3, stride
    # 2: on 2i + 1 of these, so 4i + 2. Three times every second: 32i + 2.
    rows, columns = explain.cell_centres(resnet50, np.zeros((64, 64, 3), np.float32))
    assert list(rows) == list(columns) == [2, 34]
    # Padded windows of 3 are centred on every second pixel, twice.
    assert list(explain.cell_centres(model, random_image())[0]) == [0, 4, 8, 12]


def test_cells_after_same_padding_and_unknown_layers():
    inputs = keras.Input((8, 9, 3))
    x = keras.layers.Conv2D(2, 3, strides=2, padding="same")(inputs)
    image = np.zeros((8, 9, 3), np.float32)
    rows, columns = explain.cell_centres(keras.Model(inputs, x), image)
    # TensorFlow pads 8 by one, after the end; and 9 by one on both sides.
    assert list(rows) == [1, 3, 5, 7]
    assert list(columns) == [0, 2, 4, 6, 8]
    x = keras.layers.Conv2D(2, 1)(keras.layers.Cropping2D(2)(inputs))
    rows, _ = explain.cell_centres(keras.Model(inputs, x), image)
    assert list(rows) == [0.5, 2.5, 4.5, 6.5]


def test_explain_takes_the_likeliest_class(model):
    classifier = Classifier(model, {"class_names": list("abcd")})
    image = random_image(np.uint8)
    label, probability, maps = explain.explain(classifier, image)
    probabilities = classifier.probabilities(image[None])[0]
    assert (label, probability) == (
        probabilities.argmax(),
        pytest.approx(probabilities.max()),
    )
    assert {values.shape for values in maps.values()} == {(16, 16)}
    cells = explain.grad_cam(model, image / np.float32(255), label)
    assert cells.max() > 0
    centres = explain.cell_centres(model, image / np.float32(255))
    at_pixels = maps["grad_cam"][np.ix_(*(np.array(x, int) for x in centres))]
    np.testing.assert_allclose(at_pixels, cells, rtol=1e-5)


def numbers(words):
    return re.findall(r"-?\d[\d.]*\d%?|\d%", words)


def test_verdict_follows_the_maps():
    left = np.zeros((16, 16))
    left[:4, :4] = 1
    right = left[::-1, ::-1]
    same = {"grad_cam": left, "input_gradient": left, "occlusion": left / 2}
    words = explain.verdict("two", 0.9, same)
    # The probability; 8 of 256 pixels hold half of each map; the most that a square
    # takes away, in points; the correlation of Grad-CAM and occlusion.
    half = ["3%"] * 3
    assert numbers(words) == ["0.900", *half, "50", "1.00"]
    assert words.count("upper left") == 3
    other = explain.verdict("two", 0.9, same | {"occlusion": right / 1024})
    assert numbers(other) == ["0.900", *half, "-0.07"]  # -1/15
    assert (other.count("upper left"), other.count("lower right")) == (2, 1)
    empty = explain.verdict("two", 0.9, same | {"grad_cam": 0 * left})
    assert numbers(empty) == ["0.900", *half[:2], "50"]


def test_a_model_without_maps_is_refused():
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    dense = keras.Model(inputs, keras.layers.Dense(2)(x), name="dense")
    with pytest.raises(InputError, match="dense: has no feature maps"):
        explain.grad_cam(dense, random_image(), 0)


def test_scores_of_classes_that_come_as_a_map_are_not_feature_maps():
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(5, 3, name="features")(inputs)
    x = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = keras.layers.Flatten()(keras.layers.Conv2D(2, 1)(x))
    found = explain.grad_cam(keras.Model(inputs, x), random_image(), 1)
    assert found.shape == (14, 14)


def wrapped_in_a_sequential(model):
    return keras.Sequential([keras.Input((16, 16, 3)), model])


def wrapped_in_a_functional(model):
    base = keras.Model(model.input, feature_maps(model)["C4"])
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(base(inputs))
    head = keras.layers.Dense(4, "softmax")
    wrapped = keras.Model(inputs, head(x))
    head.set_weights(model.layers[-1].get_weights())
    return wrapped


@pytest.mark.parametrize("wrap", [wrapped_in_a_sequential, wrapped_in_a_functional])
def test_a_model_within_a_model_has_the_maps_of_its_own(model, wrap):
    image = random_image(np.uint8)
    expected = explain.explain(Classifier(model, {}), image)[2]
    found = explain.explain(Classifier(wrap(model), {}), image)[2]
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, atol=1e-5)


@pytest.mark.parametrize("shape", [(None, None, 3), (16, 16, 1), (16, 16), (16, 16, 3)])
@pytest.mark.parametrize("last", ["softmax", None])
def test_any_classifier_of_images_is_explained(shape, last):
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input(shape),
        *([keras.layers.Reshape((16, 16, 1))] if len(shape) == 2 else []),
        keras.layers.Dropout(0.5),
        keras.layers.Conv2D(4, 3),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(2, last),
        *([keras.layers.Dropout(0.5)] if shape == (16, 16, 3) else []),
    ]
    classifier = Classifier(keras.Sequential(layers), {})
    size = (classifier.height, classifier.width)
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    _, _, maps = explain.explain(classifier, image)
    assert {values.shape for values in maps.values()} == {size}
    assert np.isfinite(maps["grad_cam"]).all()
    assert maps["input_gradient"].any()


def test_prediction_that_is_no_number_is_not_explained():
    classifier = Classifier(ResNetCIFAR(8, (16, 16, 3), 4), {})
    kernel, bias = classifier.model.layers[-1].get_weights()
    classifier.model.layers[-1].set_weights([kernel, np.full_like(bias, np.inf)])
    with pytest.raises(InputError, match="predicts NaN or infinity"):
        explain.explain(classifier, random_image(np.uint8))


def test_command_explains_a_file(model, tmp_path, command_here):
    path, picture = tmp_path / "model.h5", tmp_path / "hand.png"
    save_model(model, path, {"class_names": ["cat", "dog", "ox", "yak"]})
    Image.fromarray(random_image(np.uint8)).resize((40, 30)).save(picture)
    out = tmp_path / "out"
    process = command_here("experiments", "explain", path, picture, "--out", out)
    assert (process.returncode, process.stderr) == (0, "")
    words = (out / "explain.txt").read_text().strip()
    assert f"Verdict: {words}" in process.stdout
    assert any(name in words for name in ("cat", "dog", "ox", "yak"))
    assert "untrained" not in words
    with (out / "explain.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 16 * 16
    with Image.open(out / "explain.png") as figure:
        assert figure.size[0] > 1000


def test_command_refuses_a_missing_picture_and_an_unknown_network(
    tmp_path, command_here
):
    process = command_here("experiments", "explain", "resnet18", tmp_path / "no.png")
    assert_refused(process, "no.png")
    assert_refused(command_here("experiments", "explain", "vgg", "no.png"), "vgg")
