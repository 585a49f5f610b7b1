"""A detector's run: what it trains on, what it leaves, and that it can be resumed."""

import json
from dataclasses import replace
from functools import partial

import keras
import numpy as np
import pytest

from resnet_keras import load_model
from resnet_keras.accelerate.copies import training_copy
from resnet_keras.detection import training
from resnet_keras.detection.batches import LocatedBatches, ObjectBatches
from resnet_keras.detection.dataset import DetectionDataset, Pictures
from resnet_keras.detection.decoding import localized
from resnet_keras.detection.finder import Finder
from resnet_keras.detection.network import detector
from resnet_keras.detection.targets import IGNORED
from resnet_keras.detection.training import Detection, train_detector
from resnet_keras.errors import InputError
from resnet_keras.files import save_model
from resnet_keras.models import build
from resnet_keras.training import Recipe, RunConfig
from resnet_keras.training.fitting import compile_for_training
from tests.conftest import assert_same_weights, stopped_after

STILL = {"shift": 0.0, "scale": 0.0, "rotation": 0.0, "brightness": 0.0, "colour": 0.0}


@pytest.fixture(scope="module", autouse=True)
def small_detector(smallest_network):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "detector", partial(detector, channels=32))
        yield


def squares(number=40, seed=0, most=2):
    """Return pictures of none to two squares, red or blue, on grey noise."""
    rng = np.random.default_rng(seed)
    images = rng.integers(90, 160, (number, 32, 32, 3)).astype(np.uint8)
    boxes, labels = [], []
    for image in images:
        own = []
        for column in range(rng.integers(0, most + 1)):
            left, top = rng.integers(0, 4) + 16 * column, rng.integers(0, 20)
            side, label = rng.integers(8, 12), rng.integers(2)
            image[top : top + side, left : left + side] = [
                [200, 0, 0],
                [0, 0, 200],
            ][label]
            own.append([left, top, left + side, top + side, label])
        own = np.array(own, np.float32).reshape(-1, 5)
        boxes.append(own[:, :4])
        labels.append(own[:, 4].astype(np.int64))
    names = tuple(f"picture {i}" for i in range(number))
    sizes = np.full((number, 2), 32)
    return Pictures(images, tuple(boxes), tuple(labels), names, sizes)


@pytest.fixture(scope="module")
def dataset():
    return DetectionDataset(
        "squares", "drawn", ["red", "blue"], squares(), squares(10, seed=1)
    )


def config(**changes):
    recipe = Recipe(batch_size=12, learning_rate=2e-3, **STILL)
    settings = {"model": "resnet-cifar-8", "image_size": 32, "epochs": 2}
    return RunConfig(**settings | {"precision": "float32", "recipe": recipe} | changes)


@pytest.fixture(scope="module")
def finished(dataset, tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    return directory, train_detector(dataset, directory, config())


def test_batches_have_boxes_where_the_squares_are(dataset):
    recipe = Recipe(batch_size=12, flip=0.5, **STILL)
    batches = ObjectBatches(dataset.train, np.arange(40), recipe, 0)
    assert len(batches) == 3
    images, objects = batches[0]
    assert images.dtype == objects.dtype == np.float32
    assert objects.shape == (12, 2, 5)
    for image, own in zip(images, objects, strict=True):
        seen = np.zeros((32, 32), bool)
        for left, top, right, bottom, label in own:
            if label >= 0:
                left, top, right, bottom = map(round, (left, top, right, bottom))
                seen[top:bottom, left:right] = True
                inside = image[top:bottom, left:right].mean((0, 1))
                assert inside.argmax() == [0, 2][int(label)]
        others = image[~seen]
        assert (others.max(1) - others.min(1)).max() < 0.3  # grey noise


def test_a_localizers_targets_are_the_courses_y_of_the_same_boxes(dataset):
    one = squares(most=1)
    recipe = Recipe(batch_size=12, flip=0.5, **STILL)
    _, objects = ObjectBatches(one, np.arange(40), recipe, 0)[0]
    _, y = LocatedBatches(one, np.arange(40), 2, recipe, 0)[0]
    assert y.shape == (12, 7)
    for own, found in zip(objects[:, 0], localized(y, 32), strict=True):
        if own[4] < 0:
            assert len(found.boxes) == 0
        else:
            np.testing.assert_allclose(found.boxes, [own[:4]], atol=1e-4)
            assert found.labels == own[4]
    assert (y[y[:, 0] == 0] == 0).all()


def test_ignored_boxes_are_among_the_targets(dataset):
    rows = np.array([[0, 0, 32, 32, 1]], np.float32)
    pictures = replace(dataset.train, ignored=(rows,) * 40)
    recipe = Recipe(batch_size=12, **STILL)
    own = ObjectBatches(pictures, np.arange(40), recipe, 0)[0]
    plain = ObjectBatches(dataset.train, np.arange(40), recipe, 0)[0]
    np.testing.assert_array_equal(own[0], plain[0])
    for ours, theirs in zip(own[1], plain[1], strict=True):
        number = (theirs[:, 4] >= 0).sum()
        np.testing.assert_array_equal(ours[:number], theirs[:number])
        assert ours[number].tolist() == [0, 0, 32, 32, IGNORED - 1]
        assert (ours[number + 1 :] == -1).all()


def test_a_localizer_learns_nothing_of_a_picture_with_ignored_boxes_alone(dataset):
    one = squares(most=1)
    rows = np.array([[0, 0, 32, 32, 1]], np.float32)
    recipe = Recipe(batch_size=40, **STILL)
    _, y = LocatedBatches(one, np.arange(40), 2, recipe, 0)[0]
    one = replace(one, ignored=(rows,) * 40)
    _, ours = LocatedBatches(one, np.arange(40), 2, recipe, 0)[0]
    assert 0 < len(ours) == y[:, 0].sum()
    assert (ours[:, 0] == 1).all()


def test_pictures_without_objects_are_among_them(dataset):
    batches = ObjectBatches(dataset.train, np.arange(40), Recipe(batch_size=40), 0)
    _, objects = batches[0]
    assert (objects[..., 4] < 0).all(1).any()


def test_a_run_leaves_model_scores_and_figures(finished, dataset):
    directory, metrics = finished
    assert {path.name for path in directory.iterdir()} == {
        *("config.json", "history.csv", "metrics.json", "model.h5", "curves.png"),
        *("detections.png", "precision_recall.png", "confusion.png"),
        *("misses.png", "false_alarms.png"),
    }
    assert json.loads((directory / "metrics.json").read_text()) == metrics
    assert (metrics["num_train_images"], metrics["num_validation_images"]) == (36, 4)
    assert metrics["num_pictures"] == metrics["num_test_images"] == 10
    header = (directory / "history.csv").read_text().splitlines()[0]
    assert "val_AP,val_AP50,val_AP75" in header


def test_the_model_is_a_plain_detector_with_its_metadata(finished):
    directory, metrics = finished
    model, metadata = load_model(directory / "model.h5")
    assert model.output_shape == (None, 8, 8, 6)
    assert metadata["task"] == "detector"
    assert metadata["class_names"] == ["red", "blue"]
    assert metadata["preprocessing"]["resize"] == "letterbox"
    assert metadata["threshold"] == metrics["threshold"]
    assert Finder(model, metadata).threshold == metrics["threshold"]


@pytest.mark.parametrize(
    "precision", ["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)]
)
def test_a_resumed_run_ends_with_the_same_bits(precision, dataset, finished, tmp_path):
    settings, whole = config(precision=precision), finished[0]
    if precision != "float32":  # of `finished`
        whole = tmp_path / "whole"
        train_detector(dataset, whole, settings)
    with stopped_after(1):
        train_detector(dataset, tmp_path / "cut", settings)
    train_detector(dataset, tmp_path / "cut", settings)
    own, other = (load_model(x / "model.h5")[0] for x in (whole, tmp_path / "cut"))
    assert_same_weights(own, other)


def test_it_begins_from_a_classifiers_weights(dataset, tmp_path):
    classifier = build("resnet-cifar-8", (32, 32, 3), 3)
    bgr = {"scale": 1.0, "channel_order": "bgr", "resize": "crop", "mean": [99.0] * 3}
    save_model(classifier, tmp_path / "classifier.h5", {"preprocessing": bgr})
    settings = config(weights=str(tmp_path / "classifier.h5"), epochs=1)
    task = Detection(dataset, settings)
    for layer in task.model.layers:
        if layer.name.startswith(("conv1", "res")):
            np.testing.assert_array_equal(
                layer.get_weights()[0],
                classifier.get_layer(layer.name).get_weights()[0],
            )
    assert task.metadata["preprocessing"] == bgr | {"resize": "letterbox"}
    images, _ = task.batches[0]
    assert images.min() < -50


def test_weights_of_a_detector_are_refused(finished, dataset):
    path = str(finished[0] / "model.h5")
    with pytest.raises(InputError, match=r"model\.h5: is a detector; expected a class"):
        Detection(dataset, config(weights=path))


def test_weights_of_another_network_are_refused(dataset, tmp_path):
    save_model(build("resnet-cifar-20", (32, 32, 3), 3), tmp_path / "other.h5", {})
    with pytest.raises(InputError, match="in a command with --model resnet-cifar-20"):
        Detection(dataset, config(weights=str(tmp_path / "other.h5")))


def test_the_step_is_traced_once(dataset):
    task = Detection(dataset, config())
    copy = training_copy(task.trained, "float32")
    compile_for_training(copy, config().recipe, len(task.batches), 1, task.loss)
    traces, step = [], copy.train_step
    copy.train_step = lambda data: traces.append(1) or step(data)
    copy.fit(task.batches, verbose=0, shuffle=False)
    assert len(traces) == 1


def test_it_learns_to_find_squares(tmp_path):
    data = DetectionDataset(
        "squares", "drawn", ["red", "blue"], squares(200), squares(40, seed=1)
    )
    metrics = train_detector(data, tmp_path, config(epochs=8))
    assert metrics["AP50"] > 0.5


def test_no_object_is_nothing_to_learn(tmp_path):
    empty = squares(most=0)
    data = DetectionDataset("none", "there", ["red", "blue"], empty, empty)
    with pytest.raises(InputError, match="there: 40 training pictures have no object"):
        train_detector(data, tmp_path, config())


def test_pictures_that_never_validate_leave_no_threshold(tmp_path):
    train = squares(6)  # a tenth of which is one
    data = DetectionDataset("few", "there", ["red", "blue"], train, squares(0))
    settings = config(epochs=1, recipe=Recipe(batch_size=2, **STILL))
    metrics = train_detector(data, tmp_path, settings)
    assert metrics["num_test_images"] == 0
    assert "AP" not in metrics
    keras.backend.clear_session()
