import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from resnet_keras import hands, load_dataset
from resnet_keras.audit import audit, folds
from resnet_keras.audit.folds import out_of_fold
from resnet_keras.audit.wrong_labels import by_folds, by_model, probable_wrong_labels
from resnet_keras.data import Dataset, Split
from resnet_keras.errors import InputError
from resnet_keras.training import hold_out
from tests.audit_cases import flip

pytest.importorskip("cleanlab")

SIGNS = Path(__file__).resolve().parents[2] / "shared" / "data" / "signs"


def confident(labels, num_classes, seed=0):
    """Return probabilities of 0.90 to 0.95 for the labels, the rest spread evenly."""
    top = np.random.default_rng(seed).uniform(0.9, 0.95, len(labels))
    found = np.repeat((1 - top)[:, None] / (num_classes - 1), num_classes, 1)
    found[np.arange(len(labels)), labels] = top
    return found


def test_flipped_labels_are_found_the_most_confident_first():
    truth = np.arange(300) % 3
    labels, flipped = flip(truth, 0.05, seed=0)
    probabilities = confident(truth, 3)
    found = probable_wrong_labels(labels, probabilities)
    assert set(found) == set(flipped)
    assert (np.diff(probabilities[found].max(1)) <= 0).all()


def test_a_label_that_is_far_less_probable_than_another_is_found_by_itself():
    """Confident learning compares with the mean of the other class, here 0.9."""
    labels = np.arange(40) % 2
    probabilities = np.eye(2)[labels] * 0.8 + 0.1
    probabilities[0] = 0.2, 0.8
    probabilities[1] = 0.55, 0.45  # too close to say
    assert list(probable_wrong_labels(labels, probabilities)) == [0]


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 0, 1]])
def test_too_few_pictures_for_folds_are_refused(labels):
    with pytest.raises(InputError, match="two of each"):
        out_of_fold(np.zeros((3, 8, 8, 3), np.uint8), np.array(labels), np.arange(3))


@pytest.mark.parametrize(
    ("cores", "epochs", "expected"),
    [
        *[(2, (6, 60), (2, 1)), (16, (6, 60), (5, 1)), (1, (6, 60), (2, 1))],
        (2, (1, 2), (1, None)),  # not worth a process
    ],
)
def test_networks_share_the_cores(cores, epochs, expected, monkeypatch):
    monkeypatch.setattr(folds.workers, "num_cores", lambda: cores)
    monkeypatch.setattr(folds, "_EPOCHS", epochs)
    asked = []

    def results(networks, numbers, num_workers):
        asked.append((num_workers, pickle.loads(pickle.dumps(networks))._num_threads))
        return (np.full((20, 2), 0.25 * number) for number in numbers)

    monkeypatch.setattr(folds.workers, "results", results)
    labels, reports = np.arange(100) % 2, []
    found = out_of_fold(
        np.zeros((100, 8, 8, 3), np.uint8),
        labels,
        np.arange(100),
        report=lambda *progress: reports.append(progress),
    )
    assert asked == [expected]
    assert reports == [(number, 5) for number in range(0, 5, expected[0])]
    assert np.bincount((found[:, 0] * 4).astype(int)).tolist() == [20] * 5


def dataset_of(images, labels, num_test=12):
    parts = (
        Split(images[:-num_test], labels[:-num_test]),
        Split(images[-num_test:], labels[-num_test:]),
    )
    return Dataset("hands", "drawn", [*"012345"], *parts)


class _Known:
    """Stand in for a classifier that knows the true classes, in another order."""

    name, class_names, names_are_assumed = "model.h5", [*"543210"], False

    def __init__(self, images, truth):
        self.truth = {image.tobytes(): label for image, label in zip(images, truth)}  # noqa: B905

    def probabilities(self, images):
        labels = np.array([self.truth[image.tobytes()] for image in images])
        return confident(5 - labels, 6)


@pytest.fixture(scope="module")
def drawn():
    return hands.render(120, 32)


def test_a_models_predictions_find_wrong_labels(drawn):
    labels, flipped = flip(drawn.labels, 0.05, seed=1)
    found = audit(dataset_of(drawn.images, labels))
    by_model(found, _Known(drawn.images, drawn.labels), {})
    wrong = found.of_kind("wrong label")
    assert {each.row for each in wrong} == set(flipped)
    assert all(int(each.suggested) == drawn.labels[each.row] for each in wrong)
    assert "It is not known whether model.h5 learned" in found.sections["Labels"][1]


def test_of_its_own_data_a_model_examines_what_it_did_not_learn(drawn):
    labels, flipped = flip(drawn.labels, 0.2, seed=1)
    dataset = dataset_of(drawn.images, labels)
    found = audit(dataset)
    config = {"labels": dataset.digest(), "seed": 3}
    known = _Known(drawn.images, drawn.labels)
    by_model(found, known, {"provenance": {"config": config}})
    trained, _ = hold_out(dataset.train.labels, 3)
    rows = {each.row for each in found.of_kind("wrong label")}
    assert rows == set(flipped) - set(trained)
    assert len(rows) == 7


def test_other_classes_are_refused(drawn):
    found = audit(dataset_of(drawn.images, drawn.labels))
    model = SimpleNamespace(
        name="model.h5", class_names=["cat", "dog"], names_are_assumed=False
    )
    with pytest.raises(InputError, match="does not know"):
        by_model(found, model, {})


@pytest.mark.slow
@pytest.mark.parametrize(("source", "seeds"), [("signs", [0]), ("hands", [0, 1, 2])])
def test_flipped_labels_are_found_by_small_networks(source, seeds):
    if source == "signs":
        if not SIGNS.exists():
            pytest.skip("no photographs here")
        whole = load_dataset(SIGNS)
        images = np.concatenate([whole.train.images, whole.test.images])
        truth = np.concatenate([whole.train.labels, whole.test.labels])
    else:
        rendered = hands.render(1200, 64)
        images, truth = rendered.images, rendered.labels.astype(np.int64)
    counts = []
    for seed in seeds:
        labels, flipped = flip(truth, 0.05, seed=seed)
        found = audit(dataset_of(images, labels, num_test=120))
        by_folds(found)
        rows = {each.row for each in found.of_kind("wrong label")}
        counts.append((len(flipped), len(rows), len(rows & set(flipped))))
        print(f"{source} {seed}: %d changed, %d found, %d of them right" % counts[-1])
    num_flipped, num_found, hits = np.sum(counts, axis=0)
    assert hits / num_found >= 0.8
    assert hits / num_flipped >= 0.8
