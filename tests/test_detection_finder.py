"""The finder: pictures of any size in, boxes in their own pixels out."""

import keras
import numpy as np
import pytest

from resnet_keras.detection.decoding import decode
from resnet_keras.detection.finder import Finder
from resnet_keras.detection.letterboxing import letterbox
from resnet_keras.detection.network import detector
from resnet_keras.errors import InputError
from resnet_keras.files import load_model, save_model
from resnet_keras.inference import Classifier
from tests.conftest import randomize
from tests.detection_networks import brightness_detector, tiny_backbone


def test_boxes_come_back_in_the_pictures_own_pixels():
    # 200 x 100 on squares of 64: scaled by 0.32, and 16 pixels further down.
    image = np.zeros((100, 200, 3), np.uint8)
    image[50:75, 100:125] = 255  # pixels 32 to 40 across, 32 to 40 down, of the square
    [found] = Finder(brightness_detector(), {}).find([image])
    # The cell's centre is (36, 36), so the box is 28 to 44, less 16 down, over 0.32.
    np.testing.assert_allclose(
        found.boxes, [[87.5, 37.5, 137.5, 87.5]], rtol=1e-5, atol=1e-3
    )
    assert 0.9 < found.scores[0] < 1  # sigmoid(5), less what scaling blurs


@pytest.fixture(scope="module")
def model():
    model = randomize(detector(tiny_backbone(), 2, channels=8))
    model.get_layer("class").bias.assign([0.0, 0.0])
    return model


def pictures(number):
    return np.random.default_rng(0).integers(0, 256, (number, 64, 64, 3), np.uint8)


def in_order(found):
    """Return rows of label and box, sorted by both."""
    rows = np.column_stack([found.labels, found.boxes])
    return rows[np.lexsort(rows.round(1).T[::-1])]


def test_few_and_many_pictures_have_the_same_found(model):
    images = pictures(40)
    finder = Finder(model, {"class_names": ["cat", "dog"]})
    few, many = finder.find(images[33:36]), finder.find(images)[33:36]
    assert len(few) == 3
    assert sum(len(found.scores) for found in few) > 3
    for own, its in zip(few, many, strict=True):
        np.testing.assert_allclose(own.scores, its.scores, atol=1e-4)
        # Boxes whose scores differ in the last bits may change places.
        own, its = map(in_order, (own, its))
        np.testing.assert_allclose(own, its, atol=0.01)


def test_a_few_of_many_have_what_all_have(model):
    images = pictures(40)
    finder = Finder(model, {})
    placed = [letterbox(image, 64) for image in images[33:36]]
    for own, its in zip(
        finder.find_placed(placed, 40), finder.find(images)[33:36], strict=True
    ):
        assert own.labels.tolist() == its.labels.tolist()
        np.testing.assert_array_equal(own.boxes, its.boxes)


def test_it_decodes_what_the_model_predicts_of_values_over_255(model):
    images = pictures(2)
    raw = keras.ops.convert_to_numpy(model(images.astype(np.float32) / 255))
    wanted = decode(raw, 64, threshold=0.5)
    for own, its in zip(Finder(model, {}).find(images), wanted, strict=True):
        np.testing.assert_allclose(own.boxes, its.boxes, atol=0.01)


def test_threshold_names_and_preprocessing_come_from_the_file(model, tmp_path):
    metadata = {
        "class_names": ["cat", "dog"],
        "threshold": 0.3,
        "preprocessing": {"scale": 1.0, "channel_order": "bgr", "mean": [1.0] * 3},
    }
    save_model(model, tmp_path / "model.h5", metadata)
    finder = Finder(*load_model(tmp_path / "model.h5"), "model.h5")
    assert (finder.class_names, finder.threshold) == (["cat", "dog"], 0.3)
    image = np.uint8([[[[9, 5, 1]]]])
    assert finder.preprocess(image).tolist() == [[[[0, 4, 8]]]]


def test_it_follows_the_models_weights(model):
    finder = Finder(model, {})
    images = pictures(33)
    before = finder.find(images)
    bias = model.get_layer("class").bias
    kept = keras.ops.convert_to_numpy(bias)
    bias.assign([-30.0, -30.0])
    finder.update()
    assert any(len(found.scores) for found in before)
    assert not any(len(found.scores) for found in finder.find(images))
    bias.assign(kept)


def test_a_detector_is_no_classifier(model):
    words = r"a\.h5: is a detector, .* use python -m resnet_keras\.detect\."
    with pytest.raises(InputError, match=words):
        Classifier(model, {"task": "detector"}, "a.h5")


def test_no_pictures_no_found(model):
    assert Finder(model, {}).find([]) == []


def test_what_is_no_detector_is_refused(model):
    with pytest.raises(InputError, match=r"a\.h5: is no detector, its output"):
        Finder(tiny_backbone(), {}, "a.h5")
    with pytest.raises(InputError, match="names 3 classes but the model has 2"):
        Finder(model, {"class_names": list("abc")})
    tall = detector(tiny_backbone(), 2, (64, 32, 3), channels=8)
    with pytest.raises(InputError, match=r"shape \(64, 32, 3\); expected squares"):
        Finder(tall, {})
