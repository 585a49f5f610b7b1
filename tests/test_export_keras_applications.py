"""Weights for keras.applications' networks predict the same there."""

import json

import numpy as np
import pytest

from resnet_keras import ResNet50
from resnet_keras.errors import InputError
from resnet_keras.export import keras_applications
from tests.conftest import randomize
from tests.export_runs import NAMES

pytestmark = pytest.mark.usefixtures("short_networks")


def test_keras_applications_answers_the_same(tmp_path):
    model = randomize(ResNet50((32, 32, 3), 3, pool_padding=1))  # epsilon the course's
    metadata = {"class_names": NAMES}
    keras_applications.write(model, metadata, tmp_path / "out.weights.h5", None)
    assert json.loads((tmp_path / "out.json").read_text()) == metadata
    images = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    found = keras_applications.read(tmp_path / "out.weights.h5", model)(images)
    np.testing.assert_allclose(found, model(images), atol=1e-5)


def test_keras_applications_cannot_do_without_padding(resnet50):
    with pytest.raises(InputError, match="would predict wrongly"):
        keras_applications.check(resnet50)
