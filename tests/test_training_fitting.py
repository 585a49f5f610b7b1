"""A model is compiled as its recipe says."""

import importlib.util

import keras
import numpy as np
import pytest

from resnet_keras.accelerate.copies import training_copy
from resnet_keras.accelerate.optimizers import Muon
from resnet_keras.errors import InputError
from resnet_keras.training import RECIPES, Recipe, compile_for_training, fit
from resnet_keras.training.fitting import Fits
from tests.conftest import assert_same_weights, coloured_images, python, randomize
from tests.test_training_augmentation import batches


def test_schedule_falls_from_the_rate_to_zero(tiny_model):
    model = keras.models.clone_model(tiny_model)
    compile_for_training(model, Recipe(learning_rate=0.01), 10, 5)
    schedule = model.optimizer.get_config()["learning_rate"]
    schedule = keras.optimizers.schedules.deserialize(schedule)
    rates = [float(schedule(step)) for step in range(51)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[25] == pytest.approx(0.005)
    assert rates[50] == pytest.approx(0, abs=1e-9)
    assert rates == sorted(rates, reverse=True)


def test_course_is_keras_adam_and_nothing_else(tiny_model):
    """Compare three steps with a network compiled as the course does."""
    course = RECIPES["course"]
    model, plain = (keras.models.clone_model(tiny_model) for _ in range(2))
    for one in (model, plain):
        one.set_weights(tiny_model.get_weights())
    compile_for_training(model, course, 10, 5)
    plain.compile(optimizer="adam", loss="categorical_crossentropy", jit_compile=False)
    data = batches(recipe=course)
    for index in (0, 1, 0):
        model.train_on_batch(*data[index])
        plain.train_on_batch(*data[index])
    pairs = zip(model.trainable_variables, plain.trainable_variables, strict=True)
    for a, b in pairs:
        if a.name != "bias":  # a convolution's has no gradient but rounding errors
            np.testing.assert_allclose(a, b, atol=1e-5)
    images = np.concatenate([data[0][0], data[1][0]])
    own = coloured_images(np.arange(10) % 3) / np.float32(255)
    for image in images:  # shuffled, but as they were
        assert np.abs(own - image).max((1, 2, 3)).min() < 1e-6


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_kernels_take_orthogonal_steps_by_products_of_the_networks_precision(
    tiny_model, precision
):
    copy = training_copy(tiny_model, precision)
    compile_for_training(copy, Recipe(), 2, 1)
    assert type(copy.optimizer) is Muon
    assert copy.optimizer.products == precision.removeprefix("mixed_")
    with pytest.raises(KeyError):
        compile_for_training(copy, Recipe(optimizer="Muon"), 2, 1)


def test_the_step_is_traced_once(tiny_model):
    model = keras.models.clone_model(tiny_model)
    compile_for_training(model, Recipe(), 2, 1)
    traces, step = [], model.train_step
    model.train_step = lambda data: traces.append(1) or step(data)
    model.fit(batches(), verbose=0, shuffle=False)
    assert len(traces) == 1


@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="needs JAX")
def test_no_batch_is_asked_for_before_its_epoch_begins_on_jax():
    code = """if True:
        import keras, numpy as np
        from resnet_keras.training import Batches, Recipe, compile_for_training
        asked, begun = [], []
        class Watched(Batches):
            def __getitem__(self, index):
                asked.append(bool(begun))
                return super().__getitem__(index)
        class Begin(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                begun.append(epoch)
        images = np.zeros((16, 8, 8, 3), np.uint8)
        one_hot = np.eye(2, dtype=np.float32)[np.arange(16) % 2]
        batches = Watched(images, one_hot, np.arange(16), 4, Recipe(), 0)
        outputs = keras.layers.Dense(2, "softmax")
        layers = keras.layers.Conv2D(4, 3), keras.layers.Flatten(), outputs
        model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
        compile_for_training(model, Recipe(), len(batches), 1)
        model.fit(batches, shuffle=False, verbose=0, callbacks=[Begin()])
        assert len(asked) == 4 and all(asked), asked"""
    python(code, KERAS_BACKEND="jax")


def test_no_xla_on_a_cpu(tiny_model):
    model = keras.models.clone_model(tiny_model)
    compile_for_training(model, Recipe(), 10, 5)
    assert model.jit_compile is False


def test_training_that_ends_in_weights_that_are_not_finite_is_refused(tiny_model):
    model = keras.models.clone_model(tiny_model)
    data = batches()
    data._one_hot = data._one_hot * np.nan
    with pytest.raises(InputError, match="training: has values that are not finite"):
        fit(model, data, Recipe(), range(1), "float32")


@pytest.mark.parametrize("optimizer", ["muon", "adam"])
def test_each_of_several_trainings_is_as_if_it_were_alone(tiny_model, optimizer):
    recipe = Recipe(optimizer=optimizer, cosine_decay=optimizer == "muon")
    model, start, alone = (keras.models.clone_model(tiny_model) for _ in range(3))
    fits = Fits(model, recipe, len(batches()), 2, "float32")
    for seed in (0, 1):
        randomize(start, seed)
        fits.fit(start, batches())
    alone.set_weights(start.get_weights())
    fit(alone, batches(), recipe, range(2), "float32")
    assert_same_weights(model, alone)
