"""Classifier and scores against small cases worked out by hand."""

import keras
import numpy as np
import pytest
from PIL import Image

from resnet_keras.errors import InputError
from resnet_keras.inference import Classifier
from resnet_keras.inference import classifier as module
from tests.conftest import (
    assert_same_answers,
    coloured_images,
    pooled,
    randomize,
    refusing,
)


def images(number=5):
    return coloured_images(np.arange(number) % 3)


def test_alone_or_in_a_batch_of_any_size_gives_the_same(resnet50):
    classifier = Classifier(resnet50, {})
    pictures = coloured_images([0, 1, 2, 0, 1], size=64)
    alone = np.concatenate(
        [classifier.probabilities(pictures[i : i + 1]) for i in range(5)]
    )
    for batch_size in (2, 5):
        together = classifier.probabilities(pictures, batch_size)
        np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.fixture
def thresholds(monkeypatch):
    """Let 4 images be some and 6 be many, and have no runtime but Keras' own."""
    monkeypatch.setattr(module.runtimes, "has_openvino", lambda: False)
    monkeypatch.setattr(module, "_SOME", 4)
    monkeypatch.setattr(module, "_MANY", 6)


def test_few_some_and_many_images_get_the_same_predictions(tiny_model, thresholds):
    model = randomize(keras.models.clone_model(tiny_model))
    expected = model.predict_on_batch(images(7) / np.float32(255))
    for number in (2, 5, 7):
        found = Classifier(model, {}).probabilities(images(7)[:number])
        assert_same_answers(found, expected[:number], 1e-5)


def test_new_weights_are_used_however_it_predicts(tiny_model, thresholds):
    model = randomize(keras.models.clone_model(tiny_model))
    classifier = Classifier(model, {})
    old = [classifier.probabilities(images(number)) for number in (2, 5, 7)]
    model.set_weights(tiny_model.get_weights())
    classifier.update()
    expected = model.predict_on_batch(images(7) / np.float32(255))
    for before in old:
        number = len(before)
        found = classifier.probabilities(images(number))
        assert_same_answers(found, expected[:number], 1e-5)
        assert not np.allclose(before, found, atol=1e-2)


def folded(monkeypatch):
    """Return a list that has an entry for each network that is folded from here on."""
    ready, fold = [], module._fold
    monkeypatch.setattr(module, "_fold", lambda m: ready.append("fold") or fold(m))
    return ready


def test_what_is_made_ready_is_decided_by_the_number_of_images(
    tiny_model, thresholds, monkeypatch
):
    ready = folded(monkeypatch)
    fastest = module.runtimes.fastest
    monkeypatch.setattr(
        module.runtimes,
        "fastest",
        lambda *arguments: ready.append("runtime") or fastest(*arguments),
    )
    classifier = Classifier(tiny_model, {})
    for number, expected in (
        (3, []),
        (5, ["fold"]),
        (5, ["fold"]),
        (6, ["fold", "runtime"]),
        (7, ["fold", "runtime"]),
    ):
        classifier.probabilities(images(number))
        assert ready == expected
    ready.clear()
    classifier = Classifier(tiny_model, {})
    classifier.prepare(1000)
    classifier.probabilities(images(1))
    assert ready == ["fold", "runtime"]


def test_a_loop_over_single_images_is_compiled_after_a_while(
    tiny_model, thresholds, monkeypatch
):
    ready = folded(monkeypatch)
    classifier = Classifier(tiny_model, {})
    folded_after = []
    found = []
    for _ in range(5):
        found.append(classifier.probabilities(images(1)))
        folded_after.append(len(ready))
    assert folded_after == [0, 0, 0, 1, 1]  # `_SOME` is 4
    np.testing.assert_allclose(found[-1], found[0], atol=1e-5)
    classifier.update()
    classifier.probabilities(images(1))
    assert classifier._function_for(1) == classifier._as_it_is


@pytest.mark.parametrize("shape", [(None, 32, 32, 3), (2, 32, 32, 3)])
def test_bfloat16_predicts_few_and_many_alike_and_nearly_as_float32(
    tiny_model, thresholds, shape
):
    model = tiny_model
    if shape[0]:
        model = pooled(keras.layers.Conv2D(4, 3))
        inputs = keras.Input(batch_shape=shape)
        model = keras.Model(inputs, model(inputs))
    classifier = Classifier(model, {}, precision="bfloat16")
    together = classifier.probabilities(images(7))
    alone = np.concatenate([classifier.probabilities(x[None]) for x in images(7)])
    np.testing.assert_allclose(alone, together, atol=1e-2)
    plain = classifier.in_float32()
    assert plain.precision == "float32"
    np.testing.assert_allclose(plain.probabilities(images(7)), together, atol=0.05)


def test_int8_needs_the_export_beside_the_models_file(tiny_model, tmp_path):
    pytest.importorskip("onnxruntime")
    name = str(tmp_path / "model.h5")
    with pytest.raises(InputError, match=r"model\.onnx: no such file; .*--quantize"):
        Classifier(tiny_model, {}, name, precision="int8")
    (tmp_path / "model.onnx").write_text("nothing")
    with pytest.raises(InputError, match=r"model\.onnx: cannot be opened"):
        Classifier(tiny_model, {}, name, precision="int8")


def test_model_that_cannot_be_copied_predicts_as_it_is(thresholds):
    # A Lambda's code is not copied: Keras holds that unsafe.
    model = pooled(keras.layers.Lambda(lambda x: x * x))
    expected = model.predict_on_batch(images() / np.float32(255))
    classifier = Classifier(model, {})
    np.testing.assert_allclose(classifier.probabilities(images()), expected, atol=1e-6)
    classifier.update()
    np.testing.assert_allclose(classifier.probabilities(images()), expected, atol=1e-6)
    rounded = Classifier(model, {}, precision="bfloat16")
    with (
        pytest.warns(UserWarning, match="is not used"),
        pytest.raises(InputError, match=r"bfloat16: .* cannot be copied"),
    ):
        rounded.probabilities(images())


def test_card_decides_preprocessing_and_names(tiny_model):
    metadata = {
        "class_names": ["cat", "dog", "ox"],
        "preprocessing": {"scale": 1.0, "channel_order": "bgr", "mean": [1, 2, 3]},
    }
    classifier = Classifier(tiny_model, metadata)
    assert classifier.class_names == ["cat", "dog", "ox"]
    assert classifier.assumptions == []
    expected = images()[..., ::-1] - np.float32([1, 2, 3])
    np.testing.assert_allclose(classifier.preprocess(images()), expected)


def test_without_a_card_what_is_assumed_is_said(tiny_model):
    classifier = Classifier(tiny_model, {})
    np.testing.assert_allclose(classifier.preprocess(images()), images() / 255, 1e-6)
    assert classifier.class_names == ["0", "1", "2"]
    assert classifier.assumptions == [
        "RGB values divided by 255",
        "classes named 0 to 2",
    ]


def test_entries_of_a_card_that_are_null_are_not_said(tiny_model):
    metadata = dict.fromkeys(("class_names", "input_size", "preprocessing"))
    classifier = Classifier(tiny_model, metadata)
    assert classifier.assumptions == Classifier(tiny_model, {}).assumptions


def test_a_model_that_rescales_gets_plain_values():
    model = pooled(keras.layers.Rescaling(1 / 255))
    classifier = Classifier(model, {})
    np.testing.assert_array_equal(classifier.preprocess(images()), images())
    assert "0 to 255" in classifier.assumptions[0]


def test_grey_models_get_pillows_grey():
    expected = np.stack([np.asarray(Image.fromarray(x).convert("L")) for x in images()])
    for shape in ((32, 32, 1), (32, 32)):
        reshape = keras.layers.Reshape((32, 32, 1))
        classifier = Classifier(pooled(reshape, shape=shape), {})
        found = classifier.preprocess(images())
        assert found.shape == (5, *shape)
        expected_values = expected.reshape(found.shape) / 255
        np.testing.assert_allclose(found, expected_values, atol=1 / 255)
        assert classifier.probabilities(images()).shape == (5, 3)


@pytest.mark.parametrize("number", [1, 5, 40])
def test_a_batch_of_fixed_size_is_filled_up(number, thresholds):
    model, free = pooled(batch_size=4), pooled()
    free.set_weights(model.get_weights())
    found = Classifier(model, {}).probabilities(images(number))
    expected = free.predict_on_batch(images(number) / np.float32(255))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("layers", ["called twice", "nested"])
def test_odd_graphs_get_the_same_predictions_folded(layers, thresholds):
    convolution = keras.layers.Conv2D(3, 3, padding="same")
    normalization = keras.layers.BatchNormalization()
    if layers == "nested":
        inputs = keras.Input((32, 32, 3))
        inner = keras.Model(inputs, normalization(convolution(inputs)))
        extra = [inner, inner]
    else:
        extra = [convolution, normalization, convolution, normalization]
    model = pooled(*extra)
    model.layers[1].trainable_variables[0].assign_add(np.ones((3, 3, 3, 3)))
    expected = model.predict_on_batch(images() / np.float32(255))
    found = Classifier(model, {}).probabilities(images())
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_only_what_is_known_is_metadata(tiny_model):
    assert Classifier(tiny_model, {}).metadata() == {"input_size": [32, 32, 3]}
    said = {
        "class_names": ["cat", "dog", "ox"],
        "preprocessing": {"scale": 1.0, "channel_order": "bgr", "resize": "crop"},
    }
    found = Classifier(tiny_model, said).metadata()
    assert found == {"input_size": [32, 32, 3], **said}
    rescaling = Classifier(pooled(keras.layers.Rescaling(1 / 255)), {})
    assert rescaling.metadata()["preprocessing"]["scale"] == 1


def test_remarks_say_what_is_assumed_and_what_to_do(tiny_model):
    lines = Classifier(tiny_model, {"notes": ["changed"]}, "m.h5").remarks()
    assert lines == [
        "Note on m.h5: changed",
        "Assumed, for m.h5 does not say: RGB values divided by 255.",
        "Assumed, for m.h5 does not say: classes named 0 to 2.",
        "If it was trained on other values, name them: --preprocessing.",
    ]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((3, 32, 32), "channels last: this one has them first"),
        ((32, 32, 4), "a fourth channel, of transparency, is not read"),
        ((100, 13), r"its input has shape \(None, 100, 13\); expected images"),
        ((8, 8, 8, 3), "expected images"),
        ((7,), r"its input has shape \(None, 7\)"),
    ],
)
def test_inputs_that_are_no_pictures_are_refused(shape, words):
    inputs = keras.Input(shape)
    outputs = keras.layers.Dense(3, "softmax")(keras.layers.Flatten()(inputs))
    with pytest.raises(InputError, match=f"m.h5: .*{words}"):
        Classifier(keras.Model(inputs, outputs), {}, "m.h5")


def test_several_inputs_or_outputs_are_refused():
    inputs = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    flat = [keras.layers.Flatten()(x) for x in inputs]
    heads = [keras.layers.Dense(3, "softmax")(x) for x in flat]
    with pytest.raises(InputError, match="has 2 outputs; expected one"):
        Classifier(keras.Model(inputs[0], [heads[0], heads[0]]), {}, "m.h5")
    both = keras.layers.Average()(heads)
    with pytest.raises(InputError, match="has 2 inputs; expected one"):
        Classifier(keras.Model(inputs, both), {}, "m.h5")


def test_a_model_without_a_graph_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(InputError, match="a Own that is not a graph of layers"):
        Classifier(Own(), {}, "m.h5")


def test_open_size_is_assumed():
    classifier = Classifier(pooled(shape=(None, None, 3)), {})
    assert (classifier.height, classifier.width) == (64, 64)
    assert "64 x 64" in classifier.assumptions[0]


def test_card_fills_in_a_size_left_open_and_may_not_contradict_one(tiny_model):
    metadata = {"input_size": [48, 40, 3]}
    classifier = Classifier(pooled(shape=(None, None, 3)), metadata)
    assert (classifier.height, classifier.width) == (48, 40)
    with pytest.raises(InputError, match=r"48 x 40 pixels .* takes 32 x 32"):
        Classifier(tiny_model, metadata, "m.h5")


def test_no_classifier_is_refused():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 3)(inputs))
    with pytest.raises(InputError, match="its output has shape"):
        Classifier(model, {}, "m.h5")


def test_card_with_too_few_names_is_refused(tiny_model):
    with pytest.raises(InputError, match="names 2 classes but the model has 3"):
        Classifier(tiny_model, {"class_names": ["a", "b"]}, "m.h5")


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((3, 64, 64, 3), np.uint8), "uint8 of shape (3, 64, 64, 3)"),
        (np.zeros((32, 32, 3), np.uint8), "of shape (32, 32, 3)"),
        (np.zeros((2, 32, 32, 1), np.uint8), "expected uint8 (num_images, 32, 32, 3)"),
        (np.zeros((2, 32, 32, 3), np.float32), "float32 of shape"),
        (np.zeros((0, 32, 32, 3), np.uint8), "there are none"),
    ],
)
def test_images_that_do_not_fit_are_one_line(images, words, tiny_model):
    classifier = Classifier(tiny_model, {})
    for function in (classifier.probabilities, classifier.predict):
        with refusing(words):
            function(images)
