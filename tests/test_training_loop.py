"""What a run does with its images and where it stops, on tiny networks."""

import json
import shutil

import numpy as np
import pytest

from resnet_keras import load_model, save_model
from resnet_keras.accelerate import probe
from resnet_keras.data import Dataset, Split
from resnet_keras.errors import InputError
from resnet_keras.files.finite import not_finite
from resnet_keras.inference import Classifier, answering
from resnet_keras.training import Batches, Recipe, RunConfig, classification, loop
from resnet_keras.training.checkpoint import RunFiles
from tests.conftest import coloured_images, stopped_after

pytestmark = pytest.mark.usefixtures("smallest_network")


def colours(number=60, names="abc"):
    labels = np.arange(number) % len(names)
    split = Split(coloured_images(labels, 32), labels)
    return Dataset("colours", "drawn", list(names), split, split)


def config(batch_size=18, **changes):
    settings = {"model": "resnet-cifar-8", "epochs": 2, "precision": "float32"}
    recipe = Recipe(batch_size=batch_size, learning_rate=1e-3)
    return RunConfig(**settings | {"recipe": recipe} | changes)


def strict(path):
    """Read JSON as the standard has it, without NaN and Infinity."""

    def refuse(name):
        raise AssertionError(f"{path} holds {name}")

    return json.loads(path.read_text(), parse_constant=refuse)


def test_one_class_is_nothing_to_learn(tmp_path):
    with pytest.raises(InputError, match="drawn: has one class, 'a'"):
        classification.train(colours(names="a"), tmp_path, config())


def test_of_many_images_only_so_many_validate(monkeypatch, tmp_path):
    monkeypatch.setattr(classification, "_MOST_VALIDATING", 3)
    metrics = classification.train(colours(), tmp_path, config(19, epochs=1))
    assert metrics["num_train_images"] == 57  # a tenth would be 6
    assert metrics["num_validation_images"] == 3


def test_a_run_stores_when_to_answer(monkeypatch, tmp_path):
    monkeypatch.setattr(answering, "_LEAST_IMAGES", 6)
    classification.train(colours(), tmp_path, config(epochs=1))
    model, metadata = load_model(tmp_path / "model.h5")
    labels = colours().train.labels
    _, held_out = classification.hold_out(labels, 0)
    classifier = Classifier(model, metadata)
    images = colours().train.images[held_out]
    probabilities, features = classifier.probabilities_and_features(images)
    stored = classifier.answering
    assert stored.threshold == pytest.approx(np.quantile(probabilities.max(1), 0.03))
    scores = stored.virtual_logit.scores(probabilities, features)
    assert stored.virtual_logit.threshold == pytest.approx(
        np.quantile(scores, 0.03), rel=1e-3
    )


def test_an_epoch_of_one_step_has_no_speed(tmp_path):
    metrics = classification.train(colours(12), tmp_path, config(64))
    assert metrics["images_per_second"] is None
    assert strict(tmp_path / "metrics.json") == metrics
    rows = (tmp_path / "history.csv").read_text().splitlines()
    assert "nan" not in "".join(rows)


GET = Batches.__getitem__


def spoil(monkeypatch, epoch, step, what):
    """Let the images or the labels of one step, and only those, be no numbers."""

    def get_spoilt(batches, index):
        images, labels = GET(batches, index)
        if (batches._epoch, index) == (epoch, step):
            spoilt = np.nan * (images if what == "images" else labels)
            return (spoilt, labels) if what == "images" else (images, spoilt)
        return images, labels

    monkeypatch.setattr(Batches, "__getitem__", get_spoilt)


def test_loss_that_is_not_finite_stops_within_the_epoch(monkeypatch, tmp_path):
    spoil(monkeypatch, 1, 1, "labels")  # the second step of three
    words = "loss is nan at step 2. The checkpoint of epoch 1 is kept"
    with pytest.raises(InputError, match=f"in epoch 2 the {words}"):
        classification.train(colours(), tmp_path, config())
    assert {path.name for path in tmp_path.iterdir()} == {
        "config.json",
        "checkpoint.h5",
        "history.csv",
    }
    model, _ = load_model(tmp_path / "checkpoint.h5")
    assert not_finite(model) is None
    strict(tmp_path / "config.json")


def test_in_the_first_epoch_nothing_is_kept(monkeypatch, tmp_path):
    spoil(monkeypatch, 0, 0, "labels")
    with pytest.raises(InputError, match=r"No epoch was finished.*below 0\.001"):
        classification.train(colours(), tmp_path, config())
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.parametrize("steps_per_look", [2, 100])  # within the epoch, at its end
def test_weights_that_are_not_finite_are_not_kept(
    steps_per_look, monkeypatch, tmp_path
):
    """The loss of images that are no numbers may be one: a ReLU makes 0 of NaN."""
    spoil(monkeypatch, 0, 0, "images")
    monkeypatch.setattr(loop, "_STEPS_PER_LOOK", steps_per_look)
    words = r"not finite in the kernel of layer conv1\. No epoch was finished"
    with pytest.raises(InputError, match=words):
        classification.train(colours(), tmp_path, config())
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_scores_that_are_not_finite_are_not_written(monkeypatch, tmp_path):
    scores = classification.scores

    def spoilt(probabilities, labels):
        is_test = len(labels) == 60
        return scores(probabilities, labels) | ({"loss": np.nan} if is_test else {})

    monkeypatch.setattr(classification, "scores", spoilt)
    with pytest.raises(InputError, match="loss on the test images is nan; the checkp"):
        classification.train(colours(), tmp_path, config(epochs=1))
    assert (tmp_path / "checkpoint.h5").exists()
    assert not (tmp_path / "metrics.json").exists()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Return the directory of a run that was stopped after its first epoch."""
    directory = tmp_path_factory.mktemp("stopped")
    with stopped_after(1):
        classification.train(colours(), directory, config())
    return directory


@pytest.fixture
def interrupted(stopped, tmp_path):
    """Return a copy of such a directory."""
    return shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)


def test_earlier_run_is_whole_until_the_new_one_has_an_epoch(monkeypatch, tmp_path):
    outdated = [tmp_path / name for name in ("config.json", "model.h5", "metrics.json")]
    for path in outdated:
        path.write_text("old")
    spoil(monkeypatch, 0, 1, "labels")
    with pytest.raises(InputError, match="No epoch was finished"):
        classification.train(colours(), tmp_path, config(), outdated=outdated)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        path.name: "old" for path in outdated
    }
    spoil(monkeypatch, 1, 1, "labels")
    with pytest.raises(InputError, match="checkpoint of epoch 1 is kept"):
        classification.train(colours(), tmp_path, config(), outdated=outdated)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"config.json", "checkpoint.h5", "history.csv"}


def test_a_run_of_another_recipe_does_not_go_on(interrupted):
    other = config(recipe=Recipe(batch_size=18, learning_rate=1e-3, rotation=7.0))
    with pytest.raises(InputError, match=r"another recipe: rotation 5.0, now 7.0, or"):
        classification.train(colours(), interrupted, other)


def test_precision_that_was_left_open_is_the_runs_own(interrupted, monkeypatch):
    """Whatever the machine would choose now."""
    monkeypatch.setattr(probe, "default_precision", lambda: "mixed_bfloat16")
    written = RunConfig.read(interrupted / "config.json")
    assert written.precision == "float32"
    metrics = classification.train(colours(), interrupted, written)
    assert metrics["epochs"] == 2
    assert RunConfig.read(interrupted / "config.json") == written


def test_spoilt_checkpoint_is_refused(interrupted):
    (interrupted / "checkpoint.h5").write_bytes(b"\x89HDF\r\n\x1a\nspoilt")
    with pytest.raises(InputError, match=r"checkpoint\.h5: "):
        classification.train(colours(), interrupted, config())


def test_checkpoint_with_weights_that_are_not_finite_is_refused(interrupted):
    """Version 0.1 wrote such."""
    path = interrupted / "checkpoint.h5"
    model, metadata = load_model(path)
    bias = model.get_layer("fc3").bias
    bias.assign(bias * np.nan)
    save_model(model, path, metadata)
    with pytest.raises(
        InputError, match=r"checkpoint\.h5: has values that are not fin"
    ):
        classification.train(colours(), interrupted, config())


def test_speed_of_a_run_of_version_0_1_that_is_no_number_is_none(
    interrupted, monkeypatch
):
    path = interrupted / "checkpoint.h5"
    model, metadata = load_model(path)
    metadata["provenance"]["history"][0]["images_per_second"] = float("nan")
    save_model(model, path, metadata)
    files = RunFiles(interrupted, colours(), config().resolved(colours()), {})
    [row] = files.begin(model)
    assert row["images_per_second"] is None


def test_validation_part_of_the_source_validates():
    labels = np.arange(12) % 3
    rows, held_out = classification.hold_out(labels, seed=0, num_validation=4)
    assert (rows.tolist(), held_out.tolist()) == ([*range(8)], [8, 9, 10, 11])


def test_run_without_test_images_has_no_test_accuracy(tmp_path):
    labels = np.arange(12) % 3
    split = Split(coloured_images(labels, 32), labels)
    empty = Split(split.images[:0], labels[:0])
    dataset = Dataset("colours", "drawn", ["a", "b", "c"], split, empty)
    recipe = Recipe(batch_size=6)
    config = RunConfig(model="resnet-cifar-8", recipe=recipe, epochs=1)
    metrics = classification.train(dataset, tmp_path, config)
    assert metrics["test_accuracy"] is metrics["test_loss"] is None
    # After one step it guesses one of the three classes.
    no_test, learned_nothing = metrics["warnings"]
    assert no_test == "There is no test image, so no test accuracy."
    assert "where guessing has 0.333" in learned_nothing
    assert (tmp_path / "model.h5").exists()
    assert not (tmp_path / "confusion.png").exists()
