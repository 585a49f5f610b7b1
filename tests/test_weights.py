"""Weights of every naming scheme, compared with the networks that they come from."""

import hashlib
import itertools
import json
import pickle
import shutil
from functools import cache

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

from resnet_keras import (
    ResNet18,
    ResNet50,
    ResNetCIFAR,
    convolutional_block,
    family,
    load_model,
    load_weights,
    predict,
    save_model,
)
from resnet_keras.errors import InputError
from resnet_keras.models import ResNet
from resnet_keras.nets.variants import vary
from resnet_keras.weights import imagenet as imagenet_files
from resnet_keras.weights import (
    open_model,
    read_weights,
    reading,
    restore,
    variant_of,
)
from resnet_keras.weights.naming import (
    HEAD,
    Position,
    keras_name,
    position_of,
    torch_name,
)
from tests.conftest import coloured_images, randomize

pytestmark = pytest.mark.usefixtures("short_networks")
SHAPE = (64, 64, 3)
# Two float32 networks of the same operations in the same order agree to the last bit;
# with other kernels additions round otherwise, about 1e-7 in each of 50 layers.
RELATIVE = 1e-5


def images(size=64, seed=0):
    rng = np.random.default_rng(seed)
    noise = rng.uniform(-2, 2, (2, size, size, 3))
    return (noise * [[[[0.2]]], [[[2]]]]).astype("float32")  # one faint, one strong


def assert_equal(a, b):
    a, b = np.asarray(a), np.asarray(b)
    tolerance = RELATIVE * np.abs(b).max()
    assert np.ptp(a, axis=0).max() > 100 * tolerance  # the images make a difference
    assert np.abs(a - b).max() <= tolerance


def save_as_keras_2(model, path, head=True):
    """Write weights alone in the layout of Keras 1 and 2, as the published files."""
    layers = [layer for layer in model.layers if layer.weights]
    layers = layers if head else layers[:-1]
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group, names = file.create_group(layer.name), []
            for variable in layer.weights if layer in layers else []:
                names.append(f"{layer.name}/{variable.name}:0")
                group[names[-1]] = np.asarray(variable)
            group.attrs["weight_names"] = [name.encode() for name in names]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return a function that gives a network's file of weights, written once."""
    directory = tmp_path_factory.mktemp("weights")

    @cache
    def written(kind):
        path = directory / f"{kind}.h5"
        if kind == "keras":
            model = keras.applications.ResNet50(
                weights=None, input_shape=SHAPE, classes=5
            )
        else:
            model = ResNet(14, SHAPE, 5)
        randomize(model)
        save_as_keras_2(model, path, head=kind != "notop")
        return path, model

    return written


def positions():
    """Return all positions of the five networks of the family."""
    found = {HEAD}
    for multiples, numbers in family.DEPTHS.values():
        for stage, number in enumerate(numbers, 2):
            parts = ["1", *("2a", "2b", "2c")[: len(multiples)]]
            found |= {
                Position(stage, block, part, kind)
                for block, part, kind in itertools.product(
                    range(1, number + 1), parts, ("conv", "norm")
                )
            }
    return found


def test_every_position_has_one_name_in_each_scheme():
    for name in (torch_name, keras_name):
        names = {name(each): each for each in positions()}
        assert len(names) == len(positions())
        assert all(position_of(name) == each for name, each in names.items())


@pytest.mark.parametrize("depth", [101, 152])
def test_names_of_long_stages_are_the_authors(depth):
    # 101 layers: stage 4 has 23 blocks, a, b1, ..., b22
    label = family.block_labels(family.DEPTHS[depth][1][2])[-1]
    last = family.DEPTHS[depth][1][2]
    assert position_of(f"res4{label}_branch2c") == Position(4, last, "2c", "conv")
    assert keras_name(position_of(f"bn4{label}_branch2c")) == f"conv4_block{last}_3_bn"


def test_keras_applications_to_ours_and_back(files, tmp_path):
    path, theirs = files("keras")
    ours = ResNet50(SHAPE, 5, weights=path)
    assert_equal(ours(images()), theirs(images()))
    assert (
        ours.metadata == {}
    )  # five classes of one's own: nobody says what they expect
    randomize(ours, seed=1)
    save_model(ours, tmp_path / "ours.h5")
    load_weights(theirs, tmp_path / "ours.h5")
    assert_equal(theirs(images()), ours(images()))
    load_weights(theirs, path)  # as the other tests know it


@pytest.mark.slow
@pytest.mark.parametrize("depth", [101, 152])
def test_deep_keras_applications_to_ours(depth, tmp_path):
    build = getattr(keras.applications, f"ResNet{depth}")
    theirs = randomize(build(weights=None, input_shape=SHAPE, classes=5))
    theirs.save_weights(tmp_path / "deep.weights.h5")
    ours = ResNet(depth, SHAPE, 5, weights=tmp_path / "deep.weights.h5")
    assert_equal(ours(images()), theirs(images()))


DEEP = [
    pytest.param(*case, marks=pytest.mark.slow)
    for case in ((18, "3x3"), (34, "3x3"), (50, "3x3"), (50, "1x1"), (101, "3x3"))
]


@pytest.mark.parametrize(
    ("depth", "stride_in"), [(10, "3x3"), (14, "3x3"), (14, "1x1"), *DEEP]
)
def test_pytorch_to_ours(depth, stride_in, tmp_path):
    torch = pytest.importorskip("torch")
    from tests import torch_resnet

    theirs = torch_resnet.build(depth, 5, stride_in)
    path = tmp_path / "theirs.pth"
    torch.save({"state_dict": theirs.state_dict(), "epoch": 3}, path)
    variant = "torch-v1" if stride_in == "1x1" else None
    ours = ResNet(depth, SHAPE, 5, weights=path, variant=variant)
    assert_equal(ours(images()), torch_resnet.answers(theirs, images()))
    notes = read_weights(path).metadata["notes"]
    assert "--preprocessing torch" in notes[0]


def test_safetensors_of_pytorch_at_an_odd_size(tmp_path):
    pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    from tests import torch_resnet

    theirs = torch_resnet.build(10, 5)
    safetensors.save_file(theirs.state_dict(), tmp_path / "theirs.safetensors")
    ours = ResNet(10, (77, 77, 3), 5, weights=tmp_path / "theirs.safetensors")
    assert_equal(ours(images(77)), torch_resnet.answers(theirs, images(77)))


def small(variant):
    """Return a stem and one bottleneck of stage 3, in a variant."""
    variant_row = family.VARIANTS[variant]
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(8, 3, name="conv1")(inputs)
    x = keras.layers.BatchNormalization(name="bn_conv1")(x)
    x = keras.layers.ZeroPadding2D(variant_row.pool_padding)(x) if variant_row[0] else x
    x = keras.layers.MaxPooling2D(3, 2)(x)
    x = convolutional_block(x, 3, [4, 4, 8], 3, "a")
    x = keras.layers.GlobalAveragePooling2D()(x)
    return vary(keras.Model(inputs, x), variant_row)


def test_variants_answer_differently():
    """So that the comparisons above can fail."""
    answers = {}
    for name in ("course", "torch", "torch-v1"):  # "keras" has torch-v1's, nearly
        model = randomize(small(name))
        assert variant_of(model) == family.VARIANTS[name]
        answers[name] = np.asarray(model(images(32)))
    for a, b in itertools.combinations(answers.values(), 2):
        assert np.abs(a - b).max() > 100 * RELATIVE * np.abs(a).max()


@pytest.fixture(scope="module")
def blank():
    """Return a network of the course's, for tests that fill it."""
    return ResNet(14, SHAPE, 5)


def test_courses_names_with_top(files, blank):
    path, theirs = files("course")
    metadata = load_weights(blank, path)
    for a, b in zip(blank.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert metadata == {}  # five classes: trained in the course, on values up to 1


def test_courses_names_without_top_leave_the_head(files, blank, capsys):
    path, theirs = files("notop")
    blank.set_weights([np.zeros_like(array) for array in blank.get_weights()])
    metadata = load_weights(blank, path, verbose=True)
    for a, b in zip(blank.weights[:-2], theirs.weights[:-2], strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.any(blank.get_weights()[-2])
    assert metadata["preprocessing"]["mean"] == [103.939, 116.779, 123.68]  # ImageNet's
    printed = capsys.readouterr().out.split("\n")
    assert "Missing, kept as it was: fc5" in printed
    row = next(line for line in printed if line.startswith("bn2a_branch2b"))
    assert row.split()[1] == "bn2a_branch2b"
    assert row.endswith("(64,) (64,) (64,) (64,)")


def test_whole_model_says_what_network_it_is(tmp_path):
    model = randomize(ResNet(10, SHAPE, 2, variant="torch"))
    save_model(model, tmp_path / "model.h5", {"class_names": ["cat", "dog"]})
    again = ResNet(10, SHAPE, 2, weights=tmp_path / "model.h5")
    np.testing.assert_array_equal(again(images()), model(images()))
    assert again.metadata["class_names"] == ["cat", "dog"]


def test_the_position_of_the_stride_is_compared(tmp_path):
    save_model(small("torch"), tmp_path / "model.keras")
    with pytest.raises(InputError, match=r"stride in the 3x3; .* stride in the 1x1"):
        load_weights(small("torch-v1"), tmp_path / "model.keras")


def test_metadata_of_the_weights_is_saved(tmp_path):
    model = small("torch")
    model.metadata = {"class_names": ["cat", "dog"]}
    save_model(model, tmp_path / "model.h5")
    assert load_model(tmp_path / "model.h5")[1]["class_names"] == ["cat", "dog"]


def test_own_weights_of_any_network(tmp_path):
    model = randomize(ResNetCIFAR(8, classes=3))
    model.save_weights(tmp_path / "a.weights.h5")
    other = ResNetCIFAR(8, classes=3)
    load_weights(other, tmp_path / "a.weights.h5")
    np.testing.assert_array_equal(other(images(32)), model(images(32)))


def test_newer_weights_under_the_courses_names_ask_for_the_variant(tmp_path):
    model = ResNet(10, SHAPE, 3, variant="torch")
    model.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(InputError, match="give variant"):
        ResNet(10, SHAPE, 3, weights=tmp_path / "a.weights.h5")
    path = tmp_path / "a.weights.h5"
    again = ResNet(10, SHAPE, 3, weights=path, variant="torch")
    np.testing.assert_array_equal(again(images()), model(images()))


def test_a_misfit_is_refused_and_changes_nothing(files, resnet50):
    read = read_weights(files("keras")[0])
    before = resnet50.get_weights()
    with pytest.raises(InputError, match=r"pool_padding 1, epsilon 1\.001e-05"):
        restore(resnet50, read, new_head=True)
    for a, b in zip(before, resnet50.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_first_layer_that_differs_is_named(files, resnet50):
    path, _ = files("keras")
    with pytest.raises(InputError, match=r"fc6, the first layer .* classes=5"):
        load_weights(resnet50, path)
    with pytest.raises(InputError, match=r"conv1, the first .*\(7, 7, 1, 64\)"):
        load_weights(ResNet(10, (64, 64, 1), 5), path)
    with pytest.raises(InputError, match=r"res2a_branch2a, the first .*ResNet50\("):
        load_weights(ResNet(10, SHAPE, 5), path)


def test_a_layer_too_many_is_named(tmp_path):
    larger = ResNetCIFAR(14)
    larger.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(InputError, match="holds res2b_branch2a, which ResNetCIFAR8"):
        load_weights(ResNetCIFAR(8), tmp_path / "a.weights.h5")


class Trap:
    """An object whose unpickling would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_crafted_pickle_does_not_run(tmp_path):
    pytest.importorskip("torch")
    canary = tmp_path / "canary"
    with (tmp_path / "evil.pth").open("wb") as file:
        pickle.dump({"conv1.weight": Trap(str(canary))}, file)
    with pytest.raises(InputError, match=r"evil\.pth: holds Python objects"):
        reading.read(tmp_path / "evil.pth")
    assert not canary.exists()
    pickle.loads((tmp_path / "evil.pth").read_bytes())["conv1.weight"].close()
    assert canary.exists()  # the pickle is dangerous


def test_tensor_larger_than_its_storage(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"conv1.weight": torch.zeros(1).expand(10**12)}, tmp_path / "big.pth")
    with pytest.raises(InputError, match="more numbers than are stored"):
        reading.read(tmp_path / "big.pth")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere.h5", "no such file"),
        ("a.onnx", "no weights known here"),
        ("junk.h5", "damaged"),
        ("junk.safetensors", "damaged"),
        ("data.h5", "not one of weights"),
    ],
)
def test_files_that_hold_no_weights(name, words, tmp_path):
    if name.endswith("safetensors"):
        pytest.importorskip("safetensors")
    if name == "data.h5":
        with h5py.File(tmp_path / name, "w") as file:
            file["x"] = np.zeros(3)
    elif name != "nowhere.h5":
        (tmp_path / name).write_bytes(b"junk" * 100)
    with pytest.raises(InputError, match=words):
        reading.read(tmp_path / name)


def test_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    (tmp_path / "a.pth").write_bytes(b"x")
    with pytest.raises(InputError, match=r"pip install 'resnet_keras\[torch\]'"):
        reading.read(tmp_path / "a.pth")


@pytest.fixture
def imagenet(files, tmp_path, monkeypatch):
    """Return a cache with a file in place of ImageNet's, of five classes."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    path, index = (
        tmp_path / "models" / name
        for name in (
            "resnet50_weights_tf_dim_ordering_tf_kernels.h5",
            "imagenet_class_index.json",
        )
    )
    path.parent.mkdir()
    shutil.copy(files("keras")[0], path)
    index.write_text(json.dumps({str(i): ["n0", f"thing {i}"] for i in range(5)}))

    def md5(path):
        return hashlib.md5(path.read_bytes()).hexdigest()

    monkeypatch.setitem(imagenet_files._IMAGENET_HASHES, 50, md5(path))
    entry = (imagenet_files._CLASS_INDEX[0], md5(index))
    monkeypatch.setattr(imagenet_files, "_CLASS_INDEX", entry)
    return path


def test_imagenet_comes_from_the_cache_with_its_names(imagenet, files):
    read = read_weights("imagenet", 50)
    _, theirs = files("keras")
    kernel = theirs.get_layer("conv5_block3_2_conv").get_weights()[0]
    np.testing.assert_array_equal(read.arrays[Position(5, 3, "2b", "conv")][0], kernel)
    assert (read.classes, read.variants) == (5, ("keras",))
    assert read.metadata["class_names"][3] == "thing 3"
    assert read.metadata["preprocessing"]["channel_order"] == "bgr"


def test_imagenet_offline_says_what_to_put_where(imagenet, monkeypatch):
    path = imagenet

    def offline(*arguments, **settings):
        raise Exception("URL fetch failure on https://...")

    monkeypatch.setattr(keras.utils, "get_file", offline)
    path.unlink()
    with pytest.raises(InputError, match="could not be downloaded") as raised:
        ResNet50(SHAPE, 1000, weights="imagenet")
    assert str(path) in str(raised.value)
    assert imagenet_files._IMAGENET_HASHES[50] in str(raised.value)


def test_another_file_of_imagenets_name_is_left_alone(imagenet):
    path = imagenet
    path.write_text("an older file")
    with pytest.raises(InputError, match="Two files of ImageNet weights"):
        ResNet50(SHAPE, 1000, weights="imagenet")
    assert path.read_text() == "an older file"


def test_imagenet_has_no_18_layers():
    with pytest.raises(InputError, match="50, 101 and 152"):
        ResNet18(weights="imagenet")


def test_predict_names_things_with_weights_alone(files, tmp_path, capsys):
    path, _ = files("course")
    picture = tmp_path / "photo.png"
    Image.fromarray(coloured_images([0])[0]).save(picture)
    assert predict.main([str(path), str(picture), "--top", "5"]) == 0
    named = capsys.readouterr().out
    assert all(f" {label} (" in named for label in range(5))


def test_predict_with_weights_without_a_head_is_refused(files):
    with pytest.raises(InputError, match="has no head"):
        open_model(files("notop")[0])


def test_head_that_is_no_matrix_is_refused(tmp_path):
    layers = {"res2a_branch2a": [np.zeros((1, 1, 4, 4))], "fc": [np.zeros(())]}
    with pytest.raises(InputError, match=r"fc has weights of shape \(\)"):
        reading.arranged(tmp_path / "a.h5", layers)


@pytest.mark.parametrize("name", ["a.bin", "a.pth", "a.safetensors", "a.h5"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"<!DOCTYPE html><title>Not found</title>", "is a web page"),
    ],
)
def test_placeholders_are_told_for_what_they_are(name, content, words, tmp_path):
    (tmp_path / name).write_bytes(content)
    for attempt in (read_weights, open_model):
        with pytest.raises(InputError, match=words):
            attempt(tmp_path / name)


def test_content_decides_what_a_file_is(tmp_path):
    torch = pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    state = {
        "module.backbone.layer1.0.conv1.weight": torch.zeros(4, 3, 1, 1),
        **{
            f"module.backbone.layer1.0.bn1.{part}": torch.zeros(4)
            for part in ("weight", "bias", "running_mean", "running_var")
        },
    }
    torch.save(state, tmp_path / "a.h5")
    safetensors.save_file(state, tmp_path / "a.bin")
    for name in ("a.h5", "a.bin"):
        found = read_weights(tmp_path / name)  # whoever holds the network is passed by
        assert set(found.names.values()) == {"layer1.0.conv1", "layer1.0.bn1"}
    small("course").save_weights(tmp_path / "a.weights.h5")
    shutil.copy(tmp_path / "a.weights.h5", tmp_path / "a.pth")
    assert read_weights(tmp_path / "a.pth").scheme == "course"


@pytest.mark.parametrize("name", ["a.keras", "a.weights.h5"])
def test_network_within_a_model_with_a_head_of_its_own(name, tmp_path):
    network = randomize(ResNet(10, SHAPE, 3))
    body = keras.Model(network.input, network.get_layer("avg_pool").output)
    head = [keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    theirs = keras.Sequential([keras.Input(SHAPE), body, *head])
    write = theirs.save_weights if "weights" in name else theirs.save
    write(tmp_path / name)
    ours = ResNet(10, SHAPE, 2, weights=tmp_path / name, variant="course")
    assert_equal(ours(images()), theirs(images()))
