"""Cross-validation, its groups, and scores that small or uneven sets need."""

import json
import shutil
from dataclasses import replace
from unittest.mock import Mock

import keras
import numpy as np
import pytest

from resnet_keras import train, training
from resnet_keras.audit import group_images
from resnet_keras.data import Dataset, Split, load_dataset
from resnet_keras.errors import InputError
from resnet_keras.inference.metrics import (
    never_predicted,
    scores,
    scores_of_confusion,
    wilson,
)
from resnet_keras.training import RECIPES, Batches, RunConfig
from resnet_keras.training import folds as folds_module
from resnet_keras.training.classification import balanced_weights, hold_out
from resnet_keras.training.directory import cross_validate_in
from resnet_keras.training.folds import cross_validate, divide
from resnet_keras.training.model_card import command, write_model_card
from tests.conftest import coloured_images, write_folders

sklearn_metrics = pytest.importorskip("sklearn.metrics")
TINY = ["--model", "resnet-cifar-20", "--image-size", "32", "--epochs", "1"]


def test_folds_keep_groups_together_and_cover_all():
    labels = np.arange(60) % 3
    groups = np.arange(60) // 6  # with classes mixed
    seen = []
    for rows, held_out in divide(labels, groups, 5):
        assert not {*groups[rows]} & {*groups[held_out]}
        assert {*labels[rows]} == {0, 1, 2}
        seen += held_out.tolist()
    assert sorted(seen) == list(range(60))


def test_more_folds_than_groups_of_a_class_are_refused():
    with pytest.raises(InputError, match="a class has 2 pictures or groups"):
        divide(np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 2, 3, 4]), 3)


# Agresti & Coull 1998, and by hand: 0 of 10 is from 0 to z²/(10 + z²).
@pytest.mark.parametrize(
    ("hits", "number", "low", "high"),
    [(0, 10, 0, 0.2775), (10, 10, 0.7225, 1), (5, 10, 0.2366, 0.7634)],
)
def test_interval_is_wilsons(hits, number, low, high):
    assert wilson(hits, number) == pytest.approx((low, high), abs=1e-4)


def test_scores_of_uneven_classes_are_scikit_learns():
    rng = np.random.default_rng(0)
    labels = rng.choice(4, 200, p=[0.7, 0.2, 0.07, 0.03])
    probabilities = rng.dirichlet(np.ones(4), 200)
    probabilities[np.arange(200), labels] += 0.3
    probabilities[:, 3] = 0  # never predicted
    found, guessed = scores(probabilities, labels), probabilities.argmax(1)
    balanced = sklearn_metrics.balanced_accuracy_score(labels, guessed)
    assert found["balanced_accuracy"] == pytest.approx(balanced)
    f1 = sklearn_metrics.f1_score(labels, guessed, average="macro")
    assert found["macro_f1"] == pytest.approx(f1)
    [sentence] = never_predicted(found, list("abcd"))
    assert f"taken for d, though {(labels == 3).sum()} are" in sentence


def test_class_without_an_image_counts_nowhere():
    found = scores_of_confusion(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    assert found["balanced_accuracy"] == pytest.approx((3 / 4 + 1) / 2)
    assert never_predicted(found, list("abc")) == []


def uneven(number=192):
    """Return pictures of grey noise: 7 of 8 are of class 0, and nothing tells which."""
    rng = np.random.default_rng(0)
    labels = (np.arange(number) % 8 == 0).astype(np.int64)
    images = rng.integers(100, 150, (number, 32, 32, 3), np.uint8)
    parts = (
        Split(images[: number // 2], labels[: number // 2]),
        Split(images[number // 2 :], labels[number // 2 :]),
    )
    return Dataset("noise", "drawn", ["most", "few"], *parts)


def test_balance_weighs_each_class_alike():
    labels = np.array([0, 0, 0, 1])
    weights = balanced_weights(labels, 3)
    sums = [weights[c] * (labels == c).sum() for c in range(3)]
    assert sums == pytest.approx([2, 2, 0])


def test_balance_reaches_the_loss(tmp_path, monkeypatch):
    config = RunConfig(model="resnet-cifar-20", image_size=32, balance=True)
    given = []

    def fit(model, class_weight=None, **rest):
        given.append(class_weight)
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        training.train(uneven(), tmp_path, config)
    assert json.loads((tmp_path / "config.json").read_text())["balance"] is True
    labels = uneven().train.labels
    trained, _ = hold_out(labels, config.seed)
    assert given == [balanced_weights(labels[trained], 2)]


def test_weights_of_classes_weigh_the_gradient():
    labels = np.array([0, 0, 0, 1])
    images = coloured_images(labels, 32)
    recipe = replace(RECIPES["course"], batch_size=4)
    batches = Batches(
        images, np.eye(2, dtype=np.float32)[labels], range(4), 4, recipe, 0
    )
    layers = [keras.layers.Flatten(), keras.layers.Dense(2, "softmax", name="last")]
    model = keras.Sequential([keras.Input((32, 32, 3)), *layers])
    model.get_layer("last").kernel.assign(np.zeros((3072, 2)))
    model.compile(keras.optimizers.SGD(1.0), "categorical_crossentropy")
    weight = balanced_weights(labels, 2)
    model.fit(batches, class_weight=weight, shuffle=False, verbose=0)
    # Both classes weigh 2, so their pulls on the bias cancel; unweighted it is ±0.25.
    assert np.abs(model.get_layer("last").bias.numpy()).max() < 1e-6


def test_run_of_before_had_no_balance():
    values = RunConfig().as_dict()
    del values["balance"]
    assert RunConfig.from_dict(values) == RunConfig()


@pytest.fixture(scope="module")
def folds(tmp_path_factory):
    """Cross-validate once by the command."""
    directory = tmp_path_factory.mktemp("folds")
    write_folders(directory / "pictures", {"red": 9, "green": 9, "blue": 9})
    line = ["--data", str(directory / "pictures"), "--folds", "3", *TINY]
    assert train.main([*line, "--out", str(directory / "run")]) == 0
    return directory, line


def test_each_image_is_tested_once(folds):
    directory, _ = folds
    found = json.loads((directory / "run" / "folds.json").read_text())
    assert [each["num_test_images"] for each in found["folds"]] == [9, 9, 9]
    assert np.sum(found["confusion"]) == 27
    accuracies = [each["test_accuracy"] for each in found["folds"]]
    assert found["mean"] == pytest.approx(np.mean(accuracies))
    assert found["standard_deviation"] == pytest.approx(np.std(accuracies, ddof=1))
    hits = np.trace(found["confusion"])
    assert found["interval"] == list(wilson(int(hits), 27))
    assert (directory / "run" / "confusion.png").stat().st_size > 1000
    assert (directory / "run" / "fold3" / "model.h5").exists()


def test_finished_folds_are_kept_and_the_rest_goes_on(folds, monkeypatch, capsys):
    directory, line = folds
    before = json.loads((directory / "run" / "folds.json").read_text())
    (directory / "run" / "fold2" / "metrics.json").unlink()
    (directory / "run" / "fold2" / "config.json").unlink()
    started, threads = [], []
    train_fold = training.folds.train

    def counting(dataset, place, *rest):
        started.append(place.name)
        return train_fold(dataset, place, *rest)

    monkeypatch.setattr(training.folds, "train", counting)
    monkeypatch.setattr(training.directory, "load_keras", threads.append)
    line_of_two = ["2" if word == "3" else word for word in line]
    with pytest.raises(InputError, match="this run has num_folds 3, not 2"):
        train.main([*line_of_two, "--out", str(directory / "run"), "--resume"])
    assert train.main([*line, "--out", str(directory / "run"), "--resume"]) == 0
    assert started == ["fold2"]
    begun = json.loads((directory / "run" / "fold1" / "config.json").read_text())
    assert threads == [begun["threads"]]
    after = json.loads((directory / "run" / "folds.json").read_text())
    assert after["confusion"] == before["confusion"]  # the same seed
    with pytest.raises(InputError, match="holds a cross-validation already"):
        train.main([*line, "--out", str(directory / "run")])


def test_folds_of_other_images_are_not_resumed(folds, tmp_path):
    directory, line = folds
    out = tmp_path / "run"
    shutil.copytree(directory / "run", out)
    line = [*line, "--out", str(out), "--resume"]
    settings = json.loads((out / "folds.json").read_text())
    for key in ("digest", "division"):
        (out / "folds.json").write_text(json.dumps(settings | {key: "another"}))
        with pytest.raises(InputError, match="this run began with other images"):
            train.main(line)
    for key in ("digest", "division"):  # as earlier versions wrote it
        del settings[key]
    (out / "folds.json").write_text(json.dumps(settings))
    assert train.main(line) == 0


def test_stopped_folds_say_how_to_go_on(folds, tmp_path, monkeypatch):
    _, line = folds
    stop = Mock(side_effect=KeyboardInterrupt)
    monkeypatch.setattr(training.folds, "cross_validate", stop)
    with pytest.raises(InputError, match=r"train --folds 3 --out .* --resume"):
        train.main([*line, "--out", str(tmp_path / "run")])
    line = [*line, "--skip-broken", "--overwrite"]
    with pytest.raises(InputError, match="train --folds 3 --skip-broken --out"):
        train.main([*line, "--out", str(tmp_path / "run")])


def test_resumed_folds_take_the_data_of_their_run(folds, capsys, monkeypatch):
    directory, _ = folds
    monkeypatch.chdir(directory)  # where no data are, so that hands would be drawn
    run = ["--folds", "3", "--out", str(directory / "run"), "--resume"]
    (directory / "run" / "fold1" / "metrics.json").unlink()
    (directory / "run" / "fold1" / "config.json").unlink()
    assert train.main(run) == 0
    assert "pictures: " in capsys.readouterr().out
    with pytest.raises(InputError, match="this run has epochs 1, not 2"):
        train.main([*run, "--epochs", "2"])
    with pytest.raises(InputError, match=r"expected the folds\.json of a run"):
        train.main([*run[:2], "--out", str(directory), "--resume"])


def test_cross_validation_puts_the_parts_together(tmp_path, monkeypatch):
    labels = np.arange(12) % 2
    images = coloured_images(labels, 32)
    parts = Split(images[:8], labels[:8]), Split(images[8:], labels[8:])
    dataset = Dataset("x", "drawn", ["a", "b"], *parts)
    tested = []

    def look(fold, place, *_):
        tested.append(fold.test.images)
        assert len(fold.train) + len(fold.test) == 12
        confusion = np.diag(np.bincount(fold.test.labels))
        return {"test_confusion": confusion.tolist(), "test_accuracy": 1.0}

    monkeypatch.setattr(training.folds, "train", look)
    divided = divide(labels, np.arange(12), 3)
    result = cross_validate(dataset, tmp_path, RunConfig(), divided)
    assert result["accuracy"] == 1
    assert np.array_equal(
        np.sort(np.concatenate(tested).sum((1, 2, 3))), np.sort(images.sum((1, 2, 3)))
    )


def test_copies_are_one_group():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 32, 32, 3), np.uint8)
    images[5] = images[0, :, ::-1]
    labels = np.arange(6) % 2
    parts = Split(images[:4], labels[:4]), Split(images[4:], labels[4:])
    numbers, sentence = group_images(Dataset("x", "drawn", ["a", "b"], *parts))
    assert numbers[5] == numbers[0]
    assert len(set(numbers.tolist())) == 5
    assert "6 images in 5 groups" in sentence


def test_groups_are_folders_or_a_column(tmp_path):
    write_folders(tmp_path, {"a/anna": 4, "a/ben": 4, "b/anna": 4, "b/carl": 4})
    table = ["file,label,person"]
    table += [
        f"{path.relative_to(tmp_path)},{path.parts[-3]},{path.parent.name}"
        for path in sorted(tmp_path.rglob("*.png"))
    ]
    (tmp_path / "t.csv").write_text("\n".join(table))
    dataset = load_dataset(tmp_path / "t.csv", 32)
    paths = dataset.train.origins + dataset.test.origins
    for by, names in (
        ("1", [path.parent.name for path in paths]),
        ("2", [path.parent.parent.name for path in paths]),
        ("person", [path.parent.name for path in paths]),
    ):
        numbers, _ = group_images(dataset, by)
        pairs = {*zip(numbers.tolist(), names, strict=True)}
        assert len(pairs) == len({*numbers.tolist()}) == len({*names})
    with pytest.raises(InputError, match="expected a column 'nobody'"):
        group_images(dataset, "nobody")
    (tmp_path / "t.csv").unlink()
    for name, rows in (("train", table[1::2]), ("test", table[2::2])):
        (tmp_path / f"{name}.csv").write_text("\n".join([table[0], *rows]))
    dataset = load_dataset(tmp_path, 32)
    assert (len(dataset.train), len(dataset.test)) == (8, 8)
    assert len(set(group_images(dataset, "person")[0].tolist())) == 3


def test_people_within_classes_are_groups(tmp_path, monkeypatch):
    people = ("anna", "ben", "carl", "dora")
    write_folders(tmp_path / "d", {f"{c}/{x}": 4 for c in "ab" for x in people})
    found = []

    def divided(labels, numbers, num_folds, seed):
        found.append((labels, numbers))
        raise InputError("enough")

    monkeypatch.setattr(folds_module, "divide", divided)
    options = {"data": str(tmp_path / "d"), "image_size": 32}
    with pytest.raises(InputError, match="--folds K --groups 1"):
        cross_validate_in(tmp_path / "o", options, 2, None, group_images)
    with pytest.raises(InputError, match="enough"):
        cross_validate_in(tmp_path / "o", options, 2, "1", group_images)
    [(labels, numbers)] = found
    assert len({*numbers.tolist()}) == 4  # each person once, for both classes
    assert all((numbers[labels == c] == n).sum() == 4 for c in (0, 1) for n in range(4))


def test_groups_of_arrays_are_refused():
    with pytest.raises(InputError, match="--groups 1: the images of drawn"):
        group_images(uneven(), "1")


def test_model_card_is_read_by_yaml(folds):
    yaml = pytest.importorskip("yaml")
    directory, _ = folds
    text = (directory / "run" / "fold1" / "model_card.md").read_text()
    _, front, body = text.split("---\n", 2)
    result = yaml.safe_load(front)["model-index"][0]["results"][0]
    metrics = json.loads((directory / "run" / "fold1" / "metrics.json").read_text())
    accuracy = {each["type"]: each["value"] for each in result["metrics"]}["accuracy"]
    assert accuracy == pytest.approx(metrics["test_accuracy"], abs=1e-4)
    assert "blue, green, red" in body
    assert f"{metrics['num_test_images']} test images" in body


def test_model_card_names_what_could_break_its_form(tmp_path):
    dataset = uneven()
    names = ["most", "caf\udce9"]  # of a folder whose name is not UTF-8
    dataset = Dataset('a: "b"', "x", names, dataset.train, dataset.test)
    metrics = dict.fromkeys(
        ("num_train_images", "num_validation_images", "num_test_images", "epochs"), 1
    )
    metrics |= {"num_parameters": 1, "num_train_images_scored": 1, "versions": {}}
    metrics |= {"test_accuracy": 0.5, "test_interval": (0.1, 0.9), "warnings": ["w"]}
    metrics |= {"test_balanced_accuracy": 0.5, "test_macro_f1": 0.5}
    metrics |= {"train_accuracy": 0.5, "train_seconds": 60.0, "answers_all": True}
    write_model_card(tmp_path / "card.md", dataset, RunConfig(data="x y"), metrics)
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert r"caf\udce9" in text
    yaml = pytest.importorskip("yaml")
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["model-index"][0]["name"] == 'resnet50 on a: "b"'
    assert "--data 'x y'" in text
    assert "- w\n" in text


def test_command_of_a_run_is_what_was_typed():
    options = {"data": "x", "recipe": "course", "learning_rate": 0.01, "balance": True}
    line = command(RunConfig.of_options(options))
    assert line == (
        "python -m resnet_keras.train --data x --recipe course --balance "
        "--learning-rate 0.01"
    )


def test_tensorboard_gets_the_validation_scores(tmp_path):
    write_folders(tmp_path / "p", {"a": 12, "b": 12})
    line = ["--data", str(tmp_path / "p"), "--out", str(tmp_path / "run"), *TINY]
    assert train.main([*line, "--tensorboard"]) == 0
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    [start] = (tmp_path / "run" / "tensorboard").iterdir()
    events = EventAccumulator(str(start / "validation"), {"tensors": 0}).Reload()
    assert "epoch_accuracy" in events.Tags()["tensors"]
