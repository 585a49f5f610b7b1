"""Variants change what weights cannot say, and nothing else."""

import itertools

import keras
import numpy as np
import pytest

from resnet_keras import ResNet18, ResNet50, family
from resnet_keras.nets.variants import vary
from resnet_keras.weights import variant_of
from tests.conftest import randomize
from tests.weight_files import images, small


@pytest.fixture(scope="module")
def torch():
    return vary(ResNet50((64, 64, 3), 2, pool_padding=1), family.VARIANTS["torch"])


def settings(model, kind, attribute):
    return {
        layer.name: getattr(layer, attribute)
        for layer in model.layers
        if isinstance(layer, kind)
    }


def test_the_courses_own_variant_is_the_model_itself(resnet50):
    assert vary(resnet50, family.VARIANTS["course"]) is resnet50


def test_epsilon_is_that_of_the_variant_everywhere(torch):
    found = settings(torch, keras.layers.BatchNormalization, "epsilon")
    # 1 + 16 * 3 on the main path and 4 on the shortcuts
    assert list(found.values()) == [1e-5] * 53


def test_only_the_first_blocks_of_stages_3_to_5_move_their_stride(torch, resnet50):
    before = settings(resnet50, keras.layers.Conv2D, "strides")
    after = settings(torch, keras.layers.Conv2D, "strides")
    moved = {name for name in before if before[name] != after[name]}
    assert moved == {
        f"res{n}a_branch{part}" for n in (3, 4, 5) for part in ("2a", "2b")
    }
    for stage in (3, 4, 5):
        assert after[f"res{stage}a_branch2a"] == (1, 1)
        assert after[f"res{stage}a_branch2b"] == (2, 2)


def test_weights_keep_their_names_shapes_and_values():
    model = ResNet18((32, 32, 3), 2)
    varied = vary(model, family.VARIANTS["torch"])
    assert [each.path for each in varied.weights] == [
        each.path for each in model.weights
    ]
    varied.set_weights(model.get_weights())
    images = np.random.default_rng(0).random((2, 32, 32, 3), dtype=np.float32)
    # A basic block has no stride to move; only epsilon, beside a variance of 1, differs
    np.testing.assert_allclose(
        varied.predict_on_batch(images), model.predict_on_batch(images), atol=0.05
    )


def test_variants_predict_differently():
    """So that comparisons of weights between them can fail."""
    predictions = {}
    for name in ("course", "torch", "torch-v1"):  # "keras" has torch-v1's, nearly
        model = randomize(small(name))
        assert variant_of(model) == family.VARIANTS[name]
        predictions[name] = np.asarray(model(images(32)))
    for a, b in itertools.combinations(predictions.values(), 2):
        assert np.abs(a - b).max() > 1e-3 * np.abs(a).max()
