"""The virtual logit: what it is, how it is stored, and that it decides."""

import keras
import numpy as np
import pytest

from resnet_keras import load_model, save_model
from resnet_keras.errors import InputError
from resnet_keras.export.exporting import export
from resnet_keras.export.formats import FORMATS
from resnet_keras.inference import Answering, Classifier
from resnet_keras.inference.virtual_logit import VirtualLogit, with_features
from tests.conftest import pooled, write_folders

NUM_FEATURES, NUM_CLASSES = 40, 3


def features(number, beside=0.05, seed=0):
    """Return features of three directions, and so much of noise beside these."""
    rng = np.random.default_rng([seed, 1])
    main = np.eye(NUM_FEATURES)[: NUM_CLASSES + 10]
    return rng.random((number, len(main))) @ main + beside * rng.normal(
        size=(number, NUM_FEATURES)
    )


def probabilities(number, seed=0):
    logits = np.random.default_rng(seed).normal(0, 2, (number, NUM_CLASSES))
    powers = np.exp(logits)
    return powers / powers.sum(1, keepdims=True)


@pytest.fixture
def fitted():
    trained = probabilities(500), features(500)
    held_out = probabilities(200, seed=1), features(200, seed=1)
    return VirtualLogit.fit(trained, held_out, 0.97)


def test_images_with_other_features_score_low(fitted):
    usual = fitted.scores(probabilities(300, seed=2), features(300, seed=2))
    strange = fitted.scores(probabilities(300, seed=2), features(300, beside=0.5))
    assert (usual >= fitted.threshold).mean() > 0.93
    assert (strange >= fitted.threshold).mean() < 0.02


def test_score_is_the_logits_less_the_scaled_residual(fitted):
    given, p = features(1, beside=0.3)[0], probabilities(1)[0]
    directions = fitted.directions.astype(float)
    left = given - directions.T @ (directions @ given)
    logits = np.log(p) - np.log(p).mean()
    expected = np.log(np.exp(logits).sum()) - fitted.scale * np.linalg.norm(left)
    assert fitted.scores(p, given) == pytest.approx(expected, abs=0.01)


def test_scale_makes_residuals_as_large_as_the_largest_logits():
    trained = probabilities(500), features(500)
    found = VirtualLogit.fit(trained, trained, 0.97)
    p = np.log(trained[0])
    largest = (p.max(1) - p.mean(1)).mean()
    directions = found.directions.astype(float)
    within = trained[1] @ directions.T @ directions
    residual = np.linalg.norm(trained[1] - within, axis=1).mean()
    assert found.scale * residual == pytest.approx(largest, rel=0.01)


def test_there_is_none_for_too_few_images_or_features():
    few = probabilities(12), features(12)
    assert VirtualLogit.fit(few, few, 0.97) is None
    narrow = probabilities(500), features(500)[:, :13]
    assert VirtualLogit.fit(narrow, narrow, 0.97) is None


def test_it_is_stored_and_read_alike(fitted):
    again = VirtualLogit.of_metadata(fitted.as_metadata())
    assert (again.directions == fitted.directions).all()
    assert (again.scale, again.threshold) == (fitted.scale, fitted.threshold)


@pytest.mark.parametrize(
    "change",
    [
        {"directions": "no base64!"},
        {"directions": "AAAA"},  # no whole row
        {"num_features": 0},
        {"num_features": "many"},
        {"scale": "large"},
        {"threshold": None},
        {"threshold": float("nan")},
        {"directions": np.full((1, 40), np.nan, "<f2").tobytes()},
    ],
)
def test_what_strangers_stored_is_checked(fitted, change):
    values = fitted.as_metadata() | change
    with pytest.raises(InputError, match="its virtual logit"):
        VirtualLogit.of_metadata(values)


def network():
    keras.utils.set_random_seed(0)
    first = keras.layers.Conv2D(NUM_FEATURES, 3, activation="relu")
    return pooled(first, classes=NUM_CLASSES, shape=(8, 8, 3))


def images(number, high=256):
    return np.random.default_rng(0).integers(0, high, (number, 8, 8, 3), np.uint8)


def test_features_stand_behind_the_outputs():
    model = network()
    wide = with_features(model)
    given = images(4) / np.float32(255)
    found = wide(given).numpy()
    assert found.shape == (4, NUM_CLASSES + NUM_FEATURES)
    assert (found[:, :NUM_CLASSES] == model(given).numpy()).all()
    without_last = keras.Model(model.input, model.layers[-2].output)
    assert (found[:, NUM_CLASSES:] == without_last(given).numpy()).all()


def test_there_are_none_without_a_dense_layer_at_the_end():
    inputs = keras.Input((8, 8, 3))
    assert with_features(keras.Model(inputs, keras.layers.Flatten()(inputs))) is None
    assert with_features(keras.Sequential([inputs, network()])) is None


@pytest.mark.parametrize("suffix", ["h5", "keras"])
@pytest.mark.parametrize("number", [3, 40])
def test_classifier_of_a_file_decides_by_the_features(tmp_path, suffix, number):
    model, metadata = network(), {"preprocessing": {"scale": 1 / 255}}
    plain = Classifier(model, metadata)
    given = images(number)
    p, of_images = plain.probabilities_and_features(given)
    directions = np.eye(NUM_FEATURES, dtype=np.float16)[:5]
    free = VirtualLogit(directions, 1.0, 0.0)
    scores = free.scores(p, of_images)
    logit = VirtualLogit(directions, 1.0, float(np.median(scores)))
    metadata |= Answering(1.0, 0.0, logit).as_metadata()
    path = tmp_path / f"model.{suffix}"
    save_model(model, path, metadata)
    classifier = Classifier(*load_model(path), str(path))
    found = classifier.predict(given)
    assert found.is_answer.tolist() == (scores >= np.median(scores)).tolist()
    np.testing.assert_allclose(found.probabilities, plain.probabilities(given), 1e-4)
    np.testing.assert_allclose(classifier.probabilities(given), p, 1e-4)
    assert classifier.metadata()["answering"] == metadata["answering"]


def test_metadata_of_another_network_is_refused(fitted):
    metadata = Answering(1.0, 0.0, fitted).as_metadata()
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    with pytest.raises(InputError, match="theirs: its metadata is of a model with 40"):
        Classifier(model, metadata, "theirs")


@pytest.mark.parametrize(("name", "file"), [("keras", "o.keras"), ("savedmodel", "o")])
def test_only_exports_that_give_features_carry_it(tmp_path, name, file, monkeypatch):
    model = network()
    directions = np.eye(NUM_FEATURES, dtype=np.float16)[:5]
    answering = Answering(2.0, 0.5, VirtualLogit(directions, 1.0, 0.0))
    metadata = {"preprocessing": {"scale": 1 / 255}} | answering.as_metadata()
    classifier = Classifier(model, metadata)
    carried = {}

    def write(model, metadata, path, calibration):
        carried.update(metadata["answering"])
        raise OSError("the disk is full")

    monkeypatch.setattr(FORMATS[name].load(), "write", write)
    data = write_folders(tmp_path / "data", {name: 10 for name in "012"})
    with pytest.raises(OSError, match="the disk is full"):
        export(classifier, {}, name, tmp_path / file, str(data))
    assert (carried["temperature"], carried["threshold"]) == (2.0, 0.5)
    assert ("virtual_logit" in carried) == (name == "keras")
