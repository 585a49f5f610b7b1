"""A classifier is opened from a file, with the preprocessing that was named."""

import numpy as np
import pytest

from resnet_keras import save_model
from resnet_keras.errors import InputError
from resnet_keras.inference import open_classifier
from tests.conftest import coloured_images

IMAGES = coloured_images([0, 1, 2])


@pytest.fixture
def path(tiny_model, tmp_path):
    metadata = {
        "class_names": ["red", "green", "blue"],
        "preprocessing": {"scale": 1 / 255, "channel_order": "rgb"},
    }
    save_model(tiny_model, tmp_path / "model.h5", metadata)
    return tmp_path / "model.h5"


def test_file_says_names_size_and_preprocessing(path, tiny_model):
    classifier = open_classifier(path)
    assert list(classifier.class_names) == ["red", "green", "blue"]
    assert (classifier.height, classifier.width) == (32, 32)
    assert list(classifier.remarks()) == []
    expected = tiny_model.predict_on_batch(IMAGES / np.float32(255))
    np.testing.assert_allclose(classifier.probabilities(IMAGES), expected, atol=1e-6)


def test_preprocessing_that_was_named_decides(path, tiny_model):
    classifier = open_classifier(path, preprocessing="raw")
    expected = tiny_model.predict_on_batch(IMAGES.astype("float32"))
    np.testing.assert_allclose(classifier.probabilities(IMAGES), expected, atol=1e-6)


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.h5: no such file"):
        open_classifier(tmp_path / "none.h5")
