"""A classifier is scored on the part named, by class names."""

import numpy as np
import pytest

from resnet_keras.data import Dataset, Split
from resnet_keras.errors import InputError
from resnet_keras.inference import Prediction
from resnet_keras.inference.evaluation import evaluate


class Brightness:
    """Says "dark" of images below 128 and "light" of the others."""

    class_names, names_are_assumed, name = ["dark", "light"], False, "m.h5"
    answering, precision = None, "float32"

    def predict(self, images):
        is_light = images.mean((1, 2, 3)) >= 128
        probabilities = np.where(is_light[:, None], [0.2, 0.8], [0.8, 0.2])
        return Prediction(probabilities, probabilities, np.ones(len(images), bool))


def split(levels, labels):
    images = np.ones((1, 4, 4, 3), np.uint8) * np.reshape(levels, (-1, 1, 1, 1))
    return Split(images.astype(np.uint8), np.array(labels, int))


def dataset(test=((10, 200, 250), (0, 1, 0)), names=("dark", "light")):
    return Dataset("d", "d.npz", list(names), split([200], [1]), split(*test))


def test_the_part_named_is_scored():
    found = {part: evaluate(Brightness(), dataset(), part) for part in ("train", "all")}
    assert found["train"]["accuracy"] == 1
    assert found["all"]["accuracy"] == 3 / 4
    assert found["all"]["labels"].tolist() == [1, 0, 1, 0]
    test = evaluate(Brightness(), dataset())
    assert test["accuracy"] == pytest.approx(2 / 3)
    # -log 0.8 twice, and -log 0.2 for the light image that is called dark
    assert test["loss"] == pytest.approx(-(2 * np.log(0.8) + np.log(0.2)) / 3)
    assert test["confusion"].tolist() == [[1, 1], [0, 1]]
    assert test["note"] == ""


def test_labels_become_positions_in_the_models_names():
    result = evaluate(Brightness(), dataset(names=("light", "dark")))
    assert result["labels"].tolist() == [1, 0, 1]
    assert result["class_names"] == ["dark", "light"]
    assert result["accuracy"] == pytest.approx(1 / 3)


def test_a_part_without_images_is_refused():
    with pytest.raises(InputError, match=r"d\.npz: has no test image.*--part all"):
        evaluate(Brightness(), dataset(test=((), ())))
