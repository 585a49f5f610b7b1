"""What a network begins with: scaled branches, patches, weights that vary."""

import keras
import numpy as np
import pytest

from resnet_keras import initialization
from resnet_keras.recipe import RECIPES


@pytest.mark.parametrize("scale", [0.0, 0.2])
def test_scale_of_branches_leaves_the_shortcuts(scale, tiny_model):
    model = keras.models.clone_model(tiny_model)
    initialization.scale_branches(model, scale)
    scales = {
        layer.name: float(layer.gamma[0])
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }
    scaled = [name for name, value in scales.items() if value != 1]
    assert scaled == ["bn2a_branch2c", "bn2b_branch2c"]
    assert all(scales[name] == pytest.approx(scale) for name in scaled)


def test_varied_initializer_gives_each_layer_other_weights():
    first = initialization.varied_initializer(0)
    kernels = [first(seed=0)((3, 3)), first(seed=0)((3, 3))]
    assert not np.array_equal(*kernels)
    again = initialization.varied_initializer(0)
    np.testing.assert_array_equal(again(seed=0)((3, 3)), kernels[0])


def photographs(number=40, size=16):
    """Pictures that differ in brightness most of all, and a little in detail."""
    rng = np.random.default_rng(0)
    brightness = rng.uniform(20, 200, (number, 1, 1, 1))
    return (brightness + rng.uniform(0, 50, (number, size, size, 3))).astype(np.uint8)


def answers_of_first_convolution(model, images):
    conv = next(x for x in model.layers if isinstance(x, keras.layers.Conv2D))
    first = keras.Model(model.input, conv.output)
    answers = np.asarray(first(images / np.float32(255)))[:, 1:-1, 1:-1]  # unpadded
    return answers.reshape(-1, answers.shape[-1])


def built(recipe, seed=0):
    images = photographs()
    shape, name, rows = images.shape[1:], "resnet-cifar-20", np.arange(len(images))
    return initialization.network(name, shape, 3, RECIPES[recipe], seed, images, rows)


def test_first_answers_are_uncorrelated_where_random_kernels_all_say_the_same():
    def correlations(model):
        answers = answers_of_first_convolution(model, photographs())
        return np.abs(np.corrcoef(answers.T))

    found = correlations(built("default"))
    half = len(found) // 2
    np.testing.assert_allclose(found[:half, :half], found[half:, half:], atol=1e-3)
    assert (found[:half, :half] - np.eye(half)).max() < 0.5
    assert np.median(correlations(built("course"))) > 0.6


def test_first_kernels_come_with_both_signs_and_at_their_old_size():
    kernels = built("default").get_weights()[0]
    half = kernels.shape[-1] // 2
    np.testing.assert_array_equal(kernels[..., :half], -kernels[..., half:])
    random = built("course").get_weights()[0]
    assert kernels.std() == pytest.approx(random.std(), rel=0.2)


def test_a_start_depends_on_its_seed_alone():
    first, again, other = built("default"), built("default"), built("default", seed=1)
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_pictures_of_one_tone_do_no_harm(tiny_model):
    model = keras.models.clone_model(tiny_model)
    grey = np.full((4, *model.input_shape[1:]), 128, np.uint8)
    initialization.begin_with_components(model, grey, np.arange(4), seed=0)
    assert all(np.isfinite(weights).all() for weights in model.get_weights())


def test_the_course_begins_as_keras_does():
    first, again = built("course", seed=0), built("course", seed=1)
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
