"""Further training images of another source: which, how often, and where not."""

import json

import numpy as np
import pytest

from resnet_keras import train, training
from resnet_keras.data import Dataset, Split
from resnet_keras.data.arrays import Joined
from resnet_keras.errors import InputError
from resnet_keras.inference import Classifier
from resnet_keras.training import RunConfig, classification
from tests.conftest import coloured_images, write_folders
from tests.test_train import stopping

TINY = {"model": "resnet-cifar-20", "image_size": 32, "precision": "float32"}


def dataset(number=30, num_extra=60):
    """Return a data set whose own images are dark and whose extra ones are bright."""
    labels, more = np.arange(number) % 3, np.arange(num_extra) % 3
    own = Split(coloured_images(labels, 32) // 4, labels)
    extra = Split(coloured_images(more, 32) // 4 + 190, more)
    return Dataset("colours", "drawn", list("abc"), own, own, extra=extra)


@pytest.mark.parametrize(
    ("number", "num_extra", "weight", "times"),
    [(30, 60, 1.0, 2), (30, 60, 2.0, 1), (30, 60, 100, 1), (30, 600, 2.5, 8)],
)
def test_own_images_are_repeated_by_the_rule(number, num_extra, weight, times):
    data = dataset(number, num_extra)
    config = RunConfig(data="x", extra="y", extra_weight=weight, **TINY)
    assert config.repeats(data) == times
    task = classification.Classification(data, config.resolved(data))
    shown = task._shown()
    own = shown[shown < number]
    held_out = set(range(number)) - set(own.tolist())
    assert len(held_out) == 3  # a tenth of each class validates, and is not shown
    assert np.bincount(own)[sorted(set(own.tolist()))].tolist() == [times] * 27
    assert sorted(shown[shown >= number]) == list(range(number, number + num_extra))


def test_batches_hold_both_kinds_with_their_labels():
    data = dataset()
    config = RunConfig(data="x", extra="y", extra_weight=1.0, **TINY).resolved(data)
    batches = classification.Classification(data, config).batches
    is_bright, colours = [], []
    for index in range(len(batches)):
        images, one_hot = batches[index]
        is_bright += (images.mean((1, 2, 3)) > 0.5).tolist()
        colours += (images.mean((1, 2)).argmax(1) == one_hot.argmax(1)).tolist()
    assert len(batches[0][0]) == 64
    # 54 dark and 60 bright ones make an epoch, of which one batch of 64 is seen.
    assert 0.3 < np.mean(is_bright) < 0.75
    assert np.mean(colours) > 0.95


def test_joined_images_are_those_of_both():
    first, second = coloured_images([0, 1, 2], 8), coloured_images([2, 1], 8, seed=1)
    joined, whole = Joined(first, second), np.concatenate([first, second])
    assert len(joined) == 5
    for index in (0, 2, 3, -1, slice(1, 4), np.array([4, 0, 3])):
        np.testing.assert_array_equal(joined[index], whole[index])


def test_extra_images_neither_validate_nor_test(
    smallest_network, tmp_path, monkeypatch
):
    scored = []
    see = Classifier.probabilities_and_features

    def look(classifier, images):
        scored.append(images.mean())
        return see(classifier, images)

    monkeypatch.setattr(Classifier, "probabilities_and_features", look)
    config = TINY | {"model": "resnet-cifar-8", "epochs": 1}
    config = RunConfig(data="x", extra="y", **config)
    metrics = training.train(dataset(), tmp_path, config)
    assert len(scored) == 2  # a sample of what was trained on, and validation
    assert max(scored) < 100  # all dark
    assert (metrics["num_extra_images"], metrics["num_train_images"]) == (60, 27)
    assert metrics["num_test_images"] == 30
    stored = json.loads((tmp_path / "config.json").read_text())
    assert (stored["extra"], stored["extra_weight"]) == ("y", 2.5)
    assert stored["labels"] == dataset().digest()
    assert stored["labels"] != dataset(num_extra=61).digest()


def sources(tmp_path):
    write_folders(tmp_path / "own", {"red": 12, "green": 12, "blue": 12})
    write_folders(tmp_path / "more", {"blue": 8, "red": 8})
    return ["--data", str(tmp_path / "own"), "--extra", str(tmp_path / "more")]


def test_classes_go_by_their_names(tmp_path, monkeypatch, capsys):
    seen = stopping(monkeypatch)
    line = [*sources(tmp_path), "--out", str(tmp_path / "run"), "--image-size", "32"]
    with pytest.raises(InputError, match="stopped"):
        train.main(line)
    [(found, _)] = seen
    assert found.class_names == ["blue", "green", "red"]
    assert set(found.extra.labels) == {0, 2}
    assert "Further training images: " in capsys.readouterr().out
    assert "none of them validates or tests" in found.notes[-1]


def test_unknown_class_is_refused(tmp_path):
    line = sources(tmp_path)
    write_folders(tmp_path / "more", {"pink": 8})
    with pytest.raises(InputError, match=r"more.*pink"):
        train.main([*line, "--out", str(tmp_path / "run")])


def test_two_kinds_are_shown_twice_as_long():
    config = RunConfig(data="x", extra="y", extra_weight=1.0)
    assert config.resolved(dataset(300, 600)).epochs == round(40_000 / 1200)
