"""A classifier is opened from a file, with the preprocessing that was named."""

import numpy as np
import pytest

from resnet_keras.errors import InputError
from resnet_keras.inference import open_classifier
from tests.conftest import coloured_images

IMAGES = coloured_images([0, 1, 2])


def test_file_says_names_size_and_preprocessing(small_file, tiny_model):
    classifier = open_classifier(small_file)
    assert list(classifier.class_names) == ["0", "1", "2"]
    assert (classifier.height, classifier.width) == (32, 32)
    assert list(classifier.remarks()) == []
    expected = tiny_model.predict_on_batch(IMAGES / np.float32(255))
    np.testing.assert_allclose(classifier.probabilities(IMAGES), expected, atol=1e-6)


def test_preprocessing_that_was_named_decides(small_file, tiny_model):
    classifier = open_classifier(small_file, preprocessing="raw")
    expected = tiny_model.predict_on_batch(IMAGES.astype("float32"))
    np.testing.assert_allclose(classifier.probabilities(IMAGES), expected, atol=1e-6)


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.h5: no such file"):
        open_classifier(tmp_path / "none.h5")
