"""A model is run operation by operation, models within it included."""

import keras
import numpy as np
import pytest
from keras import layers

from resnet_keras.inference import graph


@pytest.fixture
def model():
    """Return a model with another within it, a shared layer and two outputs."""
    inner_inputs = keras.Input((4,), name="inner_input")
    inner = keras.Model(
        inner_inputs, layers.Dense(4, name="dense")(inner_inputs), name="inner"
    )
    inputs = keras.Input((4,), name="outer_input")
    shared = layers.Activation("relu", name="shared")
    x = shared(inner(inputs))
    x = layers.Dropout(0.5, name="dropout")(shared(x) + inputs)
    return keras.Model(inputs, [layers.Dense(2, name="head")(x), x])


def test_every_operation_gives_what_keras_gives(model):
    seen = []

    def call(operation, entering, arguments, keywords):
        seen.append(operation.name)
        return graph.compute(operation, arguments, keywords)

    values = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    found = graph.run(model, [keras.ops.convert_to_tensor(values)], call)
    for mine, expected in zip(found, model.predict_on_batch(values), strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-6)
    assert seen.count("shared") == 2
    assert seen[0] == "dense"


def test_what_is_not_computed_stays_so(model):
    def call(operation, entering, arguments, keywords):
        return graph.NOT_COMPUTED

    found = graph.run(model, [np.zeros((3, 4))], call)
    assert all(each is graph.NOT_COMPUTED for each in found)


def test_layers_within_layers_are_named(model):
    names = list(graph.layer_names(model))
    assert {"inner", "dense", "shared", "head"} <= set(names)


def test_backwards_goes_through_inner_models_up_to_where_paths_meet(model):
    names = [operation.name for operation in graph.backwards(model)]
    assert names[:2] == ["head", "dropout"]
    assert len(names) == 3  # and the addition, which has two inputs
    inner = keras.Sequential([keras.Input((4,)), model.get_layer("inner")])
    assert [each.name for each in graph.backwards(inner)] == ["dense"]
