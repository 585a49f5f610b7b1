"""The recipes for millions of pictures, on a hundred: they train, resume and score."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

from resnet_keras import family, load_model
from resnet_keras.data import Dataset, Split
from resnet_keras.inference import Classifier, scores
from resnet_keras.training import RECIPES, Batches, Recipe, RunConfig, fit, train
from resnet_keras.training.fitting import network_in_training
from resnet_keras.training.start import initial_network
from tests.conftest import assert_same_weights, coloured_images, stopped_after
from tests.test_training_augmentation import STILL

TINY = "resnet-cifar-8"
pytestmark = pytest.mark.usefixtures("smallest_network")


def colours(number=132, size=32):
    labels = np.arange(number) % 3
    train, test = (
        Split(coloured_images(labels, size, seed), labels) for seed in (0, 1)
    )
    return Dataset("colours", "drawn", ["r", "g", "b"], train, test)


# Stopped in the middle, and where only the scores are left to do.
@pytest.mark.parametrize(
    ("name", "stop"),
    [pytest.param("imagenet-90", 4, marks=pytest.mark.slow), ("imagenet-a3", 2)],
)
def test_a_run_learns_resumes_and_saves_what_it_scored(name, stop, tmp_path):
    recipe = replace(RECIPES[name], batch_size=10, rate_batch=0, averaging=0.2)
    if name == "imagenet-90":
        recipe = replace(recipe, learning_rate=0.03)
    config = RunConfig(
        model=TINY, recipe=recipe, epochs=4, precision="float32", accumulate=2
    )
    data, whole = colours(), tmp_path / "whole"
    metrics = train(data, whole, config)
    keys, *rows = (
        line.split(",") for line in (whole / "history.csv").read_text().splitlines()
    )
    losses = [float(row[keys.index("loss")]) for row in rows]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    model, metadata = load_model(whole / "model.h5")
    assert metadata["input_size"] == [32, 32, 3]
    assert model.layers[-1].activation is keras.activations.softmax
    probabilities = Classifier(model, metadata).probabilities(data.test.images)
    found = scores(probabilities, data.test.labels)
    assert found["loss"] == pytest.approx(metrics["test_loss"], rel=1e-4)
    assert f"recipe={recipe!r}" in (whole / "model_card.md").read_text()
    out = tmp_path / "stopped"
    with stopped_after(stop):
        train(data, out, config)
    train(data, out, config)
    resumed, _ = load_model(out / "model.h5")
    assert_same_weights(resumed, model)
    assert json.loads((whole / "config.json").read_text())["accumulate"] == 2


def test_averages_are_saved_not_the_last_weights(tmp_path):
    recipe = replace(Recipe(), batch_size=20, **{key: 0.0 for key in ("flip", "shift")})
    found = []
    for averaging in (0.0, 0.5):
        config = RunConfig(
            model=TINY,
            recipe=replace(recipe, averaging=averaging),
            epochs=2,
            precision="float32",
        )
        train(colours(), tmp_path / str(averaging), config)
        model, _ = load_model(tmp_path / str(averaging) / "model.h5")
        found.append(model)
    start = initial_network(TINY, (32, 32, 3), 3, recipe, 0)
    for name in ("conv1", "res3a_branch2a", "fc3"):
        last, average = (
            np.linalg.norm(model.get_layer(name).kernel - start.get_layer(name).kernel)
            for model in found
        )
        assert 0.2 * last < average < 0.95 * last  # the averages lag behind


def test_it_trains_at_a_smaller_size_than_it_tests():
    recipe = RECIPES["imagenet-a3"]
    model = initial_network("resnet18", (64, 64, 3), 3, recipe, 0)
    trained = network_in_training(model, recipe)
    assert trained.input_shape == (None, 46, 46, 3)
    expected = initial_network("resnet18", (46, 46, 3), 3, recipe, 0)
    expected.set_weights(model.get_weights())
    expected.layers[-1].activation = keras.activations.sigmoid
    images = np.random.default_rng(0).random((2, 46, 46, 3), np.float32)
    np.testing.assert_allclose(trained(images), expected(images), atol=1e-5)
    assert network_in_training(model, RECIPES["imagenet-90"]) is model


def test_fit_leaves_the_averages_in_a_network_that_predicts():
    recipe = replace(RECIPES["imagenet-a3"], batch_size=12, averaging=0.2)
    model = initial_network(TINY, (16, 16, 3), 3, recipe, 0)
    before = model.get_weights()
    data = colours(48, size=16)
    targets = np.eye(3, dtype=np.float32)[data.train.labels]
    batches = Batches(data.train.images, targets, np.arange(48), 12, recipe, 0)
    fit(model, batches, recipe, range(2), "float32")
    assert not np.array_equal(model.get_weights()[0], before[0])
    outputs = model.predict(data.test.images[:4] / np.float32(255), verbose=0)
    np.testing.assert_allclose(outputs.sum(1), 1, rtol=1e-5)


@pytest.mark.usefixtures("short_networks")
def test_networks_begin_as_torchvisions(monkeypatch):
    monkeypatch.setitem(family.NETWORKS, "resnet14", (False, 14, True))
    recipe = RECIPES["imagenet-90"]
    model = initial_network("resnet14", (224, 224, 3), 10, recipe, 0)
    assert model.get_layer("res3a_branch2a").strides == (1, 1)
    assert model.get_layer("res3a_branch2b").strides == (2, 2)
    assert model.get_layer("bn_conv1").epsilon == 1e-5
    assert model.get_layer("avg_pool").pool_size == (7, 7)
    for name, gamma in (("bn2a_branch2c", 0), ("bn2a_branch2b", 1)):
        np.testing.assert_array_equal(model.get_layer(name).gamma, gamma)


def test_small_batches_hold_the_images_of_large_ones():
    images = coloured_images(np.arange(50) % 3, 8)
    one_hot = np.eye(50, dtype=np.float32)
    rows = np.arange(50)
    large = Batches(images, one_hot, rows, 20, STILL, 0)
    small = Batches(images, one_hot, rows, 5, STILL, 0, accumulate=4)
    assert (len(large), len(small)) == (2, 8)
    for index in range(2):
        parts = [small[4 * index + part] for part in range(4)]
        for which in (0, 1):
            together = np.concatenate([part[which] for part in parts])
            np.testing.assert_array_equal(together, large[index][which])


def test_fewer_images_than_a_step_make_smaller_batches():
    images, one_hot = np.zeros((10, 8, 8, 3), np.uint8), np.eye(10, dtype=np.float32)
    batches = Batches(images, one_hot, np.arange(10), 64, STILL, 0, accumulate=4)
    assert len(batches) == 4
    assert batches[0][0].shape == (2, 8, 8, 3)


def test_a_recipe_brings_its_epochs_and_its_size():
    config = RunConfig.of_options({"recipe": "imagenet-a3"})
    assert config.image_size == 224
    assert config.recipe.training_side(config.image_size) == 160
    split = Split(coloured_images([0] * 100, 32), [0] * 100)
    data = Dataset("colours", "drawn", ["a"], split, split)
    assert replace(config, precision="float32").resolved(data).epochs == 100
    small = RunConfig.of_options({"recipe": "imagenet-a3", "image_size": 64})
    assert small.image_size == 64
    assert RunConfig.of_options({}).image_size == 64
