"""Weights of the course's networks, of every generation, give their predictions."""

import keras
import numpy as np
import pytest

from resnet_keras import family, load_weights
from resnet_keras.errors import InputError
from resnet_keras.models import ResNet
from resnet_keras.training import phases
from resnet_keras.weights import ordering, read_weights
from resnet_keras.weights.naming import Position
from tests import course_networks
from tests.conftest import assert_same_answers, pooled, randomize

pytestmark = pytest.mark.usefixtures("short_networks")
SHAPE = (64, 64, 3)
IMAGES = np.random.default_rng(0).random((3, *SHAPE), np.float32)
IMAGES[1] *= 0.2  # one faint
TOLERANCE = 1e-5  # float32, sums in other orders


def network(library, **settings):
    """Build one after another model, so that numbers do not begin at 0."""
    library.layers.Conv2D(1, 1)(library.layers.Input(SHAPE))
    model = course_networks.build(library, **settings)
    return randomize(model) if library is keras else randomize_keras_2(model)


def randomize_keras_2(model):
    rng = np.random.default_rng(0)
    for layer in model.layers:
        arrays = layer.get_weights()
        if len(arrays) == 4:  # normalization: gamma, beta, mean, variance
            arrays = [rng.uniform(0.5, 1.5, array.shape) for array in arrays]
            layer.set_weights(arrays)
    return model


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Return a function that gives a network of the course and its file."""
    directory, made = tmp_path_factory.mktemp("course"), {}

    def give(library, named, suffix):
        key = (library.__name__, named)
        if key not in made:
            made[key] = network(library, named=named)
        model = made[key]
        path = directory / f"{key[0]}{named}{suffix}"
        write = model.save_weights if "weights" in suffix else model.save
        write(str(path))
        return model, path

    return give


@pytest.fixture(scope="module")
def blank():
    """Return a network of this package, for tests that fill it."""
    return ResNet(14, SHAPE, 6)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("named", [True, False], ids=["2017", "2021"])
@pytest.mark.parametrize(
    ("library", "suffix"),
    [
        ("keras", ".weights.h5"),
        ("keras", ".keras"),
        ("keras", ".h5"),
        ("tf_keras", ".weights.h5"),
        ("tf_keras", "_weights.h5"),  # as Keras 2 writes them
        ("tf_keras", ".h5"),
    ],
)
def test_every_generation_predicts_as_in_the_course(
    course, blank, library, named, suffix
):
    theirs, path = course(pytest.importorskip(library), named, suffix)
    weights = read_weights(path)
    assert (weights.variant or family.VARIANTS[weights.variants[0]])[::2] == (0, "1x1")
    metadata = load_weights(blank, path)
    assert_same_answers(blank(IMAGES), theirs(IMAGES), TOLERANCE)
    by_order = not named or (library, suffix) == ("tf_keras", ".weights.h5")
    assert any("order and shape" in x for x in metadata.get("notes", ())) == by_order


@pytest.mark.parametrize("shortcut_first", [True, False])
def test_projection_of_stage_2_is_told_from_its_twin(shortcut_first, tmp_path):
    """Both kernels are 1 x 1 x 64 x 256; later stages say which comes first."""
    theirs = network(keras, shortcut_first=shortcut_first)
    theirs.save(tmp_path / "model.keras")
    ours = ResNet(14, SHAPE, 6, weights=tmp_path / "model.keras")
    assert_same_answers(ours(IMAGES), theirs(IMAGES), TOLERANCE)


def test_number_of_layers_that_pad_tells_whose_network_it_is(tmp_path):
    pytest.importorskip("tf_keras")
    import tf_keras

    path = str(tmp_path / "a.weights.h5")
    tf_keras.applications.ResNet50(weights=None, include_top=False).save_weights(path)
    found = read_weights(path)  # TF 2 writes no names down
    assert (found.scheme, found.variants) == (ordering.SCHEME, ("keras",))


def test_network_without_names_is_filled_with_named_weights(tmp_path):
    theirs = network(keras, named=True)
    theirs.save_weights(tmp_path / "a.weights.h5")
    ours = course_networks.build(keras)
    load_weights(ours, tmp_path / "a.weights.h5")
    assert_same_answers(ours(IMAGES), theirs(IMAGES), TOLERANCE)


def test_table_says_that_order_decided(tmp_path, capsys, blank):
    network(keras).save_weights(tmp_path / "a.weights.h5")
    load_weights(blank, tmp_path / "a.weights.h5", verbose=True)
    printed = capsys.readouterr().out
    assert "matched by order and shape" in printed
    [row] = [line for line in printed.split("\n") if line.startswith("res2a_branch1")]
    assert "(1, 1, 64, 256) (256,)" in row


def shapes_of(model):
    return {
        layer.name: [tuple(variable.shape) for variable in layer.weights]
        for layer in model.layers
        if layer.weights
    }


@pytest.fixture(scope="module")
def shapes():
    return shapes_of(course_networks.build(keras))


def test_positions_of_the_course(shapes):
    found = ordering.positions_by_order(shapes)
    convs = [name for name in shapes if name.startswith("conv2d")]
    expected = [(1, 1, "")] + [
        (stage, 1, part) for stage in (2, 3, 4, 5) for part in ("2a", "2b", "2c", "1")
    ]
    assert [found[name] for name in convs] == [Position(*e, "conv") for e in expected]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("conv2d", "has a kernel of shape"),
        ("batch_normalization", "16 normalizations for 17 convolutions"),
    ],
)
def test_layer_that_is_missing_is_told(shapes, kind, words):
    names = [name for name in shapes if name.startswith(kind)]
    rest = {name: each for name, each in shapes.items() if name != names[5]}
    with pytest.raises(ordering.NoMatch, match=words):
        ordering.positions_by_order(rest)


def test_two_dense_layers_are_refused(shapes):
    more = shapes | {"dense_77": [(6, 6), (6,)]}
    with pytest.raises(ordering.NoMatch, match="dense_77; expected one"):
        ordering.positions_by_order(more)


def test_any_other_network_is_refused_by_what_differs(tmp_path):
    model = pooled(keras.layers.Conv2D(8, 5), shape=SHAPE)
    model.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(InputError, match=r"kernel of shape \(5, 5, 3, 8\); ResNet18"):
        read_weights(tmp_path / "a.weights.h5")


def test_training_begins_from_weights_without_names(course, monkeypatch, capsys):
    theirs, path = course(pytest.importorskip("tf_keras"), False, "_weights.h5")
    monkeypatch.setitem(family.NETWORKS, "resnet14", (False, 14, True))
    glorot = keras.initializers.GlorotUniform
    ours, _ = phases.network("resnet14", path, SHAPE, 3, glorot, verbose=True)
    kernel = ours.get_layer("res5a_branch2c").get_weights()[0]
    np.testing.assert_array_equal(kernel, theirs.layers[-9].get_weights()[0])
    assert "matched by order and shape" in capsys.readouterr().out
