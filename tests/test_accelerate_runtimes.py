"""Faster runtimes answer as Keras does, or are not used."""

import signal

import keras
import numpy as np
import pytest

from resnet_keras.accelerate import runtimes
from tests.conftest import assert_same_answers, assert_same_weights, randomize


@pytest.fixture(scope="module")
def model(tiny_model):
    model = randomize(keras.models.clone_model(tiny_model))
    model.compile(jit_compile=False)
    return model


def images(number):
    """Return noise, ever stronger."""
    noise = np.random.default_rng(number).random((number, 32, 32, 3), np.float32)
    return noise * np.arange(1, number + 1, dtype=np.float32)[:, None, None, None]


@pytest.mark.parametrize("way", [runtimes.with_constants, runtimes.with_openvino])
def test_answers_are_the_models_for_any_number_of_images(model, way):
    if way is runtimes.with_openvino:
        pytest.importorskip("openvino")
    function = way(model)
    for number in (3, 5, 2):
        found = function(images(number))
        assert isinstance(found, np.ndarray)
        expected = model.predict_on_batch(images(number))
        assert_same_answers(found, expected, 1e-5)
    found, expected = function(images(1)), model.predict_on_batch(images(1))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("way", [runtimes.with_constants, runtimes.with_openvino])
def test_answers_in_bfloat16_are_the_models_to_two_digits(model, way):
    if way is runtimes.with_openvino:
        pytest.importorskip("openvino")
    function = way(model, "bfloat16")
    found, expected = function(images(5)), model.predict_on_batch(images(5))
    assert found.dtype == np.float32
    assert 0 < np.abs(found - expected).max() < 0.05


def test_ctrl_c_counts_when_networks_in_openvino_have_come_and_gone(
    model, handlers, tmp_path
):
    """Signals need a stack, which a core of OpenVINO takes with it when it goes."""
    pytest.importorskip("openvino")
    path = str(tmp_path / "model.xml")
    model.export(path, format="openvino", verbose=False)
    first, last = runtimes.open_openvino(path), runtimes.open_openvino(path)
    del first, last
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)  # a segmentation fault, else


def test_copy_in_bfloat16_keeps_weights_and_its_last_layer_in_float32(model):
    copy = runtimes.in_bfloat16(model)
    assert_same_weights(copy, model)
    kinds = [layer.compute_dtype for layer in copy.layers if layer.weights]
    assert set(kinds[:-1]) == {"bfloat16"}
    assert kinds[-1] == "float32"


def test_without_a_runtime_bfloat16_is_that_of_keras(model, monkeypatch):
    monkeypatch.setattr(runtimes, "_ways", list)
    found = runtimes.fastest(model, images(2), "bfloat16")(images(2))
    difference = np.abs(found - model.predict_on_batch(images(2))).max()
    assert 0 < difference < 0.05


def test_constants_stay_what_they_were(model):
    model = keras.models.clone_model(model)
    function = runtimes.with_constants(model)
    before = function(images(2))
    model.set_weights([0 * weights for weights in model.get_weights()])
    np.testing.assert_array_equal(function(images(2)), before)


def wrong(model, precision):
    return lambda images: model.predict_on_batch(images) + 2e-4


def wrong_one_by_one(model, precision):
    return lambda images: model.predict_on_batch(images) + 2e-4 * (len(images) == 1)


def broken(model, precision):
    raise RuntimeError("no such operation\nand much more")


def right(model, precision):
    return lambda images: model.predict_on_batch(images) + 5e-5


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        (wrong, "differ by 2.0e-04"),
        (wrong_one_by_one, "differ by 2.0e-04"),
        (broken, "RuntimeError: no such operation$"),
    ],
)
def test_what_fails_or_differs_is_named_and_the_next_taken(
    model, monkeypatch, way, reason
):
    monkeypatch.setattr(runtimes, "_ways", lambda: [way, right])
    with pytest.warns(UserWarning, match=f"{way.__name__} is not used: .*{reason}"):
        function = runtimes.fastest(model, images(2))
    expected = model.predict_on_batch(images(2)) + 5e-5
    np.testing.assert_array_equal(function(images(2)), expected)


def test_without_any_it_is_keras(model, monkeypatch):
    monkeypatch.setattr(runtimes, "_ways", list)
    assert runtimes.fastest(model, images(2)) == model.predict_on_batch
