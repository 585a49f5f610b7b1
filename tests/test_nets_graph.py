"""Surgery on graphs: the plain network, and feature maps."""

import keras
import numpy as np
import pytest

from resnet_keras import ResNetCIFAR, feature_maps, load_model, plain_twin, save_model
from resnet_keras.errors import InputError
from resnet_keras.models import ResNet, build


@pytest.mark.parametrize(
    "model",
    [lambda: ResNetCIFAR(8, (8, 8, 3), 4), lambda: ResNet(18, (32, 32, 3), 4)],
    ids=["cifar", "imagenet"],
)
def test_plain_twin_is_the_network_without_additions(model):
    model = model()
    plain = plain_twin(model)
    on_shortcuts = [layer for layer in model.layers if layer.name.endswith("_branch1")]
    left_out = {id(layer) for layer in on_shortcuts} | {
        id(layer) for layer in model.layers if isinstance(layer, keras.layers.Add)
    }
    kept = [layer for layer in model.layers if id(layer) not in left_out]

    def described(layers):
        return [(type(x).__name__, x.name if x.weights else "") for x in layers]

    assert described(plain.layers) == described(kept)
    assert len(kept) < len(model.layers)
    # The same layers one after the other, with the same (seeded) weights
    x = images = np.random.default_rng(0).random((2, *model.input_shape[1:]), "float32")
    for layer in kept[1:]:
        x = layer(x)
    np.testing.assert_allclose(plain(images), x, atol=1e-6)


def test_plain_twin_keeps_the_initial_kernels():
    draw = iter(range(100))
    model = ResNetCIFAR(
        8,
        (8, 8, 3),
        initializer=lambda seed: keras.initializers.GlorotUniform(next(draw)),
    )
    plain = plain_twin(model)
    for layer in plain.layers:
        for mine, other in zip(
            layer.get_weights(),
            model.get_layer(layer.name).get_weights() if layer.weights else [],
            strict=True,
        ):
            np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize(
    ("name", "size", "channels", "sides"),
    [
        ("resnet18", 64, [64, 128, 256, 512], [15, 8, 4, 2]),
        ("resnet50", 64, [256, 512, 1024, 2048], [15, 8, 4, 2]),
        ("plain34", 64, [64, 128, 256, 512], [15, 8, 4, 2]),
        ("resnet-cifar-20", 32, [16, 32, 64], [32, 16, 8]),
        ("plain-cifar-20", 32, [16, 32, 64], [32, 16, 8]),
    ],
)
def test_feature_maps_of_a_network_and_of_its_file(
    name, size, channels, sides, tmp_path
):
    model = build(name, (size, size, 3), 6)
    save_model(model, tmp_path / "model.h5")
    image = np.random.default_rng(0).random((1, size, size, 3), "float32")
    answers = []
    for one in (model, load_model(tmp_path / "model.h5")[0]):
        maps = feature_maps(one)
        assert list(maps) == [f"C{2 + index}" for index in range(len(sides))]
        found = keras.Model(one.input, maps)(image)
        shapes = [found[key].shape for key in maps]
        assert shapes == [
            (1, side, side, c) for side, c in zip(sides, channels, strict=True)
        ]
        answers.append(found)
    for key in answers[0]:
        np.testing.assert_array_equal(answers[0][key], answers[1][key])
    # The head on the last map is the network's answer; each map is a ReLU's.
    kernel, bias = model.layers[-1].get_weights()
    logits = np.asarray(found[key]).mean((1, 2)) @ kernel + bias
    assert np.argmax(logits) == np.argmax(model(image))
    assert all(np.min(found[key]) >= 0 for key in found)


def test_feature_maps_of_another_network_are_refused():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs), name="other")
    with pytest.raises(InputError, match="other"):
        feature_maps(model)
