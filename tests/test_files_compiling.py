"""Optimizers and losses of a file are made again, and only those of Keras."""

import keras
import pytest

from resnet_keras.files.allowed import allowed
from resnet_keras.files.compiling import compile_as_saved


def compiled(optimizer):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    saved = {"optimizer_config": optimizer, "loss": "mse"}
    return model, compile_as_saved(model, saved)


def test_lr_of_keras_2_2_is_the_learning_rate():
    config = {"lr": 0.25, "decay": 0.0, "beta_1": 0.8, "amsgrad": False}
    model, notes = compiled({"class_name": "Adam", "config": config})
    assert float(model.optimizer.learning_rate) == 0.25
    assert (model.optimizer.beta_1, notes) == (0.8, [])


def test_unknown_optimizer_leaves_its_learning_rate_and_a_note():
    model, notes = compiled({"class_name": "TFOptimizer", "config": {"lr": 0.25}})
    assert float(model.optimizer.learning_rate) == 0.25
    assert "TFOptimizer, could not be rebuilt" in notes[0]
    assert "learning rate 0.25" in notes[0]


@pytest.mark.parametrize("name", ["LossScaleOptimizer", "MultiOptimizer", "Optimizer"])
def test_optimizer_around_another_is_not_made(name):
    config = {"inner_optimizer": {"class_name": "Adam", "config": {}}, "lr": 0.25}
    model, notes = compiled({"class_name": name, "config": config})
    assert type(model.optimizer) is keras.optimizers.Adam
    assert f"{name}, could not be rebuilt (expected one of " in notes[0]


def test_the_rule_for_training_leaves_whole_classes_of_keras():
    kinds = {kind: allowed()[kind] for kind in ("optimizer", "schedule", "loss")}
    assert {"Adam", "AdamW", "SGD", "RMSprop", "Muon"} <= kinds["optimizer"].keys()
    assert {"CosineDecay", "InverseTimeDecay"} <= kinds["schedule"].keys()
    assert "CategoricalCrossentropy" in kinds["loss"]
    for found in kinds.values():
        assert not found.keys() & {"Optimizer", "LearningRateSchedule", "Loss"}
        assert not found.keys() & {"LossScaleOptimizer", "MultiOptimizer"}
