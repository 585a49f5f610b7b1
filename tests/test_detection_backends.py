"""Targets, losses and what is decoded: on JAX as on TensorFlow."""

import keras
import numpy as np
import pytest

from resnet_keras.detection.finder import Finder
from resnet_keras.detection.losses import DetectionLoss
from resnet_keras.detection.network import detector
from resnet_keras.detection.targets import IGNORED, assign, left_open, locations
from tests.conftest import python
from tests.detection_networks import tiny_backbone

THREE_LEVELS = locations((320, 320), [(40, 40), (20, 20), (10, 10)])


def objects():
    """Return three pictures: objects of all levels, ignored boxes, nothing."""
    found = np.full((3, 4, 5), -1, np.float32)
    found[0, :3] = [8, 8, 30, 40, 1], [20, 10, 120, 90, 0], [5, 60, 310, 315, 2]
    found[1, :2] = [40, 50, 90, 99, 2], [30, 30, 200, 250, IGNORED - 1]
    found[1, 2] = 14, 6, 16, 9, IGNORED  # between the centres of locations
    return found


def learned(true, raw):
    """Return what the loss is made of, and its gradient, by name."""
    loss = DetectionLoss(THREE_LEVELS)
    positions, answers = assign(true, THREE_LEVELS)
    found = {"positions": positions, "answers": answers, "loss": loss(true, raw)}
    found["open"] = left_open(true, THREE_LEVELS, 3)
    if keras.backend.backend() == "jax":
        import jax

        found["gradient"] = jax.grad(lambda raw: loss(true, raw))(raw)
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(raw)
            value = loss(true, raw)
        found["gradient"] = tape.gradient(value, raw)
    return found


def numbers():
    """Return what this process's backend computes, by name."""
    rng = np.random.default_rng(0)
    raw = rng.normal(0, 1, (3, len(THREE_LEVELS.centres), 7)).astype(np.float32)
    raw, true = map(keras.ops.convert_to_tensor, (raw, objects()))
    compute = learned
    if keras.backend.backend() == "jax":
        import jax

        compute = jax.jit(learned)  # each operation by itself would take long
    found = {
        key: keras.ops.convert_to_numpy(value)
        for key, value in compute(true, raw).items()
    }
    model = detector(tiny_backbone(), 3, channels=8)
    for weight in model.weights:
        shape = tuple(weight.shape)
        if len(shape) > 1:
            weight.assign(rng.normal(0, 1 / np.prod(shape[:-1]) ** 0.5, shape))
        else:  # biases and statistics, a variance too
            weight.assign(rng.uniform(0.5, 1, shape))
    images = rng.integers(0, 256, (1, 64, 64, 3), np.uint8)
    [boxes] = Finder(model, {}).find(images)
    return found | boxes._asdict()


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="asks TensorFlow")
def test_jax_has_the_numbers_of_tensorflow(tmp_path):
    pytest.importorskip("jax")
    code = (
        "import sys, numpy; from tests.test_detection_backends import numbers; "
        "numpy.savez(sys.argv[1], **numbers())"
    )
    python(code, tmp_path / "jax.npz", KERAS_BACKEND="jax")
    expected = numbers()
    assert np.isfinite(expected["gradient"]).all()
    assert set(expected["answers"].ravel()) == {0, 1}
    assert expected["open"].sum() > 100
    assert len(expected["scores"]) > 3
    with np.load(tmp_path / "jax.npz") as found:
        for key, values in expected.items():
            atol = 1e-4 * np.abs(values).max()
            np.testing.assert_allclose(
                found[key], values, rtol=0, atol=atol, err_msg=key
            )
