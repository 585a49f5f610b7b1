"""Gradients against finite differences and against formulas."""

import keras
import numpy as np
import pytest

from resnet_keras import ResNetCIFAR
from resnet_keras.errors import InputError
from resnet_keras.explain import gradients


def tiny(last="softmax", dtype="float64"):
    """Return a small network that computes in double precision."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 4, 2), dtype=dtype)
    x = keras.layers.Conv2D(3, 3, padding="same", name="first", dtype=dtype)(inputs)
    x = keras.layers.BatchNormalization(dtype=dtype)(x)
    x = keras.layers.Activation("tanh", dtype=dtype)(x)
    x = keras.layers.Conv2D(2, 1, name="second", dtype=dtype)(x)
    x = keras.layers.Flatten(dtype=dtype)(x)
    units = 1 if last == "sigmoid" else 3
    x = keras.layers.Dense(units, activation=last, dtype=dtype)(x)
    return keras.Model(inputs, x)


def five():
    """Return five images of three classes, and their labels."""
    return np.random.default_rng(1).normal(size=(5, 4, 4, 2)), np.arange(5) % 3


def nothing(records):
    """Choose no inner maps."""
    return []


def loss(model, images, labels):
    probabilities = np.asarray(model(images, training=True))
    return -np.log(probabilities[np.arange(len(labels)), labels]).mean()


def test_kernel_gradients_equal_finite_differences():
    model, images, labels = tiny(), *five()
    norms = gradients.gradient_norms(model, ["first", "second"])
    _, by_kernel = norms(images, labels)
    step = 1e-6
    for name, found in zip(["first", "second"], by_kernel, strict=True):
        kernel = model.get_layer(name).kernel
        start, differences = np.array(kernel), []
        for index in np.ndindex(start.shape):
            values = []
            for sign in (1, -1):
                moved = start.copy()
                moved[index] += sign * step
                kernel.assign(moved)
                values.append(loss(model, images, labels))
            differences.append((values[0] - values[1]) / (2 * step))
        kernel.assign(start)
        assert found == pytest.approx(np.linalg.norm(differences), rel=1e-5)


def test_output_gradient_of_the_last_convolution_is_the_formulas():
    model, images, labels = tiny(), *five()
    by_output, _ = gradients.gradient_norms(model, ["second"])(images, labels)
    # The loss's gradient by the logits is (p - y) / batch, and by their input W times.
    error = np.asarray(model(images, training=True)) - np.eye(3)[labels]
    expected = error / 5 @ np.asarray(model.layers[-1].kernel).T
    assert by_output[0] == pytest.approx(np.linalg.norm(expected), rel=1e-5)


def test_norm_of_tiny_gradients_does_not_underflow():
    model, images, labels = tiny(), *five()
    head, norms = model.layers[-1], gradients.gradient_norms(model, ["second"])
    kernel = np.asarray(head.kernel)
    head.bias.assign(np.zeros(3))
    for factor in (1e-30, 0.0):  # the square of the first is 0 in float32
        head.kernel.assign(factor * kernel)
        [by_output], _ = norms(images, labels)
        # All classes are equally likely, and by_output is as in the formula above.
        expected = (1 / 3 - np.eye(3)[labels]) / 5 @ kernel.T.astype(np.float64)
        assert by_output / 1e-30 == pytest.approx(
            factor / 1e-30 * np.linalg.norm(expected), rel=1e-4
        )


def score(model, image, label):
    """Return what the gradient is of, worked out from probabilities."""
    probabilities = np.asarray(model(image[None], training=False))[0]
    if model.layers[-1].activation.__name__ == "linear":
        return probabilities[label]
    return np.log(probabilities[0] if label else 1 - probabilities[0])


@pytest.mark.parametrize(("last", "label"), [("linear", 2), ("sigmoid", 0)])
def test_image_gradients_equal_finite_differences(last, label):
    model, rng = tiny(last), np.random.default_rng(2)
    image, direction, step = *rng.normal(size=(2, 4, 4, 2)), 1e-6
    _, (found,) = gradients.score_gradients(model, nothing, image, label)
    high, low = (score(model, image + s * direction, label) for s in (step, -step))
    expected = (high - low) / (2 * step)
    assert np.sum(found * direction) == pytest.approx(expected, rel=1e-5)


def softmax_of_its_own(linear):
    outputs = keras.layers.Softmax(dtype="float64")(linear.output)
    return keras.Model(linear.input, outputs)


@pytest.mark.parametrize("make", [lambda _: tiny("softmax"), softmax_of_its_own])
def test_score_of_a_softmax_is_its_logit(make):
    linear = tiny("linear")
    assert_same_gradient(make(linear), linear)


def assert_same_gradient(model, other):
    image = np.random.default_rng(3).normal(size=(4, 4, 2))
    _, (found,) = gradients.score_gradients(model, nothing, image, 1)
    _, (expected,) = gradients.score_gradients(other, nothing, image, 1)
    np.testing.assert_allclose(found, expected)


def test_inner_maps_come_with_their_gradients():
    model = ResNetCIFAR(8, (8, 8, 3), 4)
    image = np.random.default_rng(0).random((8, 8, 3), np.float32)

    def before_pooling(records):
        [entering] = [x.entering for x in records if x.operation.name == "avg_pool"]
        return entering

    (maps,), (_, gradient) = gradients.score_gradients(model, before_pooling, image, 3)
    assert maps.shape == gradient.shape == (2, 2, 64)
    # The logit is the mean over the map's four cells times the dense kernel.
    kernel = np.asarray(model.layers[-1].kernel)[:, 3] / 4
    np.testing.assert_allclose(gradient, np.tile(kernel, (2, 2, 1)), rtol=1e-5)


def test_model_of_whole_numbers_has_no_gradient():
    inputs = keras.Input((8, 8, 3), dtype="uint8")
    outputs = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, "softmax")(outputs))
    with pytest.raises(InputError, match="no gradient by its input of uint8"):
        gradients.score_gradients(model, nothing, np.zeros((8, 8, 3), np.uint8), 0)


def test_operations_of_a_model_within_the_model_are_traced():
    inner = tiny("softmax")
    wrapped = keras.Sequential([keras.Input((4, 4, 2), dtype="float64"), inner])
    image = np.random.default_rng(3).normal(size=(4, 4, 2))
    names = [record.operation.name for record in gradients.trace(wrapped, image)]
    assert names == [layer.name for layer in inner.layers[1:]]
    assert_same_gradient(wrapped, inner)
