"""A network too deep for Python's usual limit is trained, saved, evaluated and used."""

import inspect
import sys

import keras
import numpy as np
import pytest

from resnet_keras import ResNetCIFAR, family, save_model
from resnet_keras.data import Dataset, Split
from resnet_keras.inference import evaluate, open_classifier
from resnet_keras.training import RunConfig, loop
from resnet_keras.training.phases import network
from tests.conftest import coloured_images

DEPTH, FRAMES = 98, 300  # of Python, of which Keras takes one for each layer


@pytest.fixture
def weights(monkeypatch, tmp_path):
    """Return a file of weights; then leave fewer frames than the network has layers."""
    monkeypatch.setitem(family.NETWORKS, "deep", (True, DEPTH, True))
    path = tmp_path / "weights.h5"
    model = ResNetCIFAR(DEPTH, (32, 32, 3), 4)
    assert len(model.layers) > FRAMES
    save_model(model, path)
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + FRAMES)
    yield path
    sys.setrecursionlimit(usual)


def test_head_of_its_own(weights):
    uniform = keras.initializers.GlorotUniform
    model, _ = network("deep", weights, (32, 32, 3), 3, uniform)
    assert model.output_shape == (None, 3)


@pytest.mark.slow  # TensorFlow traces 336 layers four times
def test_whole_run(weights, monkeypatch, tmp_path):
    labels = np.arange(36) % 3
    split = Split(coloured_images(labels, 32), labels)
    dataset = Dataset("colours", "drawn", list("abc"), split, split)
    monkeypatch.setattr(loop, "keep_freed_memory", lambda: None)
    config = RunConfig(model="deep", weights=str(weights), epochs=2)
    metrics = loop.train(dataset, tmp_path / "run", config)
    classifier = open_classifier(tmp_path / "run" / "model.h5")
    result = evaluate(classifier, dataset)  # of so many images that it is folded
    assert result["accuracy"] == metrics["test_accuracy"]
    few = classifier.probabilities(split.images[:2])
    np.testing.assert_allclose(few.sum(axis=1), 1, atol=1e-5)
