"""Heads: what makes a model's output, and how it becomes probabilities."""

import keras
import numpy as np
import pytest

from resnet_keras.errors import InputError
from resnet_keras.inference import Classifier
from resnet_keras.inference.heads import Head, last_activation
from tests.conftest import coloured_images

L = keras.layers


def classifier(*head, name="m.h5"):
    """Return a classifier of the mean colour, and the model without its conversion."""
    keras.utils.set_random_seed(0)
    start = [keras.Input((32, 32, 3)), L.GlobalAveragePooling2D()]
    model = keras.Sequential([*start, *head])
    return Classifier(model, {}, name), model


def outputs(model):
    return np.asarray(model(coloured_images([0, 1, 2]) / np.float32(255)), np.float64)


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def nested(*layers):
    return keras.Sequential([keras.Input((3,)), *layers])


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ([L.Dense(3, "softmax")], lambda x: x),
        ([L.Dense(3), L.Softmax()], lambda x: x),
        ([L.Dense(3), L.Activation("softmax"), L.Reshape((3,))], lambda x: x),
        ([nested(L.Dense(5, "relu"), L.Dense(3, "softmax"))], lambda x: x),
        ([L.Dense(3)], softmax),
        ([L.Dense(3), L.Dropout(0.5), L.Activation("linear")], softmax),
        ([nested(L.Dense(5, "relu"), L.Dense(3))], softmax),
        ([L.Dense(3, "log_softmax")], np.exp),
    ],
)
def test_several_outputs_become_probabilities(head, expected):
    found, model = classifier(*head)
    probabilities = found.probabilities(coloured_images([0, 1, 2]))
    np.testing.assert_allclose(probabilities, expected(outputs(model)), rtol=1e-5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ([L.Dense(1, "sigmoid")], lambda x: x),
        ([L.Dense(1), L.Activation("sigmoid")], lambda x: x),
        ([L.Dense(1)], lambda x: 1 / (1 + np.exp(-x))),
        ([L.Dense(1), L.Dropout(0.5)], lambda x: 1 / (1 + np.exp(-x))),
    ],
)
def test_one_output_tells_two_classes_apart(head, expected):
    found, model = classifier(*head)
    assert found.class_names == ["0", "1"]
    probabilities = found.probabilities(coloured_images([0, 1, 2]))
    of_one = expected(outputs(model))
    np.testing.assert_allclose(probabilities[:, 1:], of_one, rtol=1e-5)
    np.testing.assert_allclose(probabilities[:, :1], 1 - of_one, rtol=1e-5)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (L.Dense(3), "logits"),
        (L.Dense(1), "is a logit, whose sigmoid"),
        (L.Dense(3, "log_softmax"), "logarithms of the probabilities"),
    ],
)
def test_what_is_converted_is_said(layer, words):
    assert any(words in line for line in classifier(layer)[0].remarks())


def test_a_logit_far_from_zero_does_not_overflow():
    found = Head("linear", 1).probabilities(np.float32([[-1000], [0], [1000]]))
    assert found.tolist() == [[1, 0], [0.5, 0.5], [0, 1]]


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ([L.Dense(2, "sigmoid")], "its 2 outputs are sigmoids"),
        ([L.Dense(3, "relu")], "3 outputs are made by the activation relu"),
        ([L.Dense(3), L.ReLU()], "3 outputs are made by the activation relu"),
        ([L.Dense(1, "tanh")], "one output is made by the activation tanh"),
        ([L.Dense(1, "softmax")], "1 for every picture"),
        ([L.Dense(3, "relu"), L.Dropout(0.5)], "relu"),
    ],
)
def test_outputs_that_are_no_probabilities_are_refused(head, words):
    with pytest.raises(InputError, match=f"m.h5: .*{words}"):
        classifier(*head)


def test_an_unknown_last_operation_is_judged_by_what_it_gives():
    found, model = classifier(L.Dense(3), L.UnitNormalization())
    assert last_activation(model) is None
    with pytest.raises(InputError, match=r"m\.h5: gives numbers from .* away from 1"):
        found.probabilities(coloured_images([0, 1, 2]))
    inputs = keras.Input((32, 32, 3))
    exponentials = keras.ops.exp(L.Dense(3)(L.GlobalAveragePooling2D()(inputs)))
    total = keras.ops.sum(exponentials, axis=1, keepdims=True)
    model = keras.Model(inputs, exponentials / total)
    found = Classifier(model, {}).probabilities(coloured_images([0, 1, 2]))
    np.testing.assert_allclose(found, outputs(model), rtol=1e-5)


def test_a_rounding_above_one_is_cut_off():
    found = Head("softmax", 2).probabilities(np.float32([[1.0000001, 0]]))
    assert found.max() == 1


def test_outputs_of_no_number_are_left_to_their_own_check():
    found = Head("linear", 2).probabilities(np.float32([[np.nan, 0], [0, 0]]))
    assert np.isnan(found[0]).any()
    assert found[1].tolist() == [0.5, 0.5]
