"""Variants of an architecture differ in what weights cannot say, and no more."""

import itertools

import numpy as np

from resnet_keras import ResNetCIFAR, family
from resnet_keras.nets.variants import vary
from resnet_keras.weights import variant_of
from tests.conftest import randomize
from tests.weight_files import images, small


def test_variants_predict_differently():
    """So that comparisons of weights between them can fail."""
    predictions = {}
    for name in ("course", "torch", "torch-v1"):  # "keras" has torch-v1's, nearly
        model = randomize(small(name))
        assert variant_of(model) == family.VARIANTS[name]
        predictions[name] = np.asarray(model(images(32)))
    for a, b in itertools.combinations(predictions.values(), 2):
        assert np.abs(a - b).max() > 1e-3 * np.abs(a).max()


def test_stride_moves_to_the_3x3_convolution_with_zeros_on_both_sides():
    course, torch = small("course"), small("torch")
    strides = [
        [model.get_layer(f"res3a_branch2{part}").strides[0] for part in "ab"]
        for model in (course, torch)
    ]
    assert strides == [[2, 1], [1, 2]]
    assert torch.get_layer("pad3a_branch2b").padding == ((1, 1), (1, 1))
    for a, b in zip(course.get_weights(), torch.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)  # also what they begin with


def test_the_courses_variant_is_the_network_itself():
    model = ResNetCIFAR(8)
    assert vary(model, family.VARIANTS["course"]) is model
