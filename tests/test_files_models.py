"""Models come back as they were saved, and damage is named."""

from functools import partial

import h5py
import keras
import numpy as np
import pytest

from resnet_keras import ResNet18, ResNetCIFAR, fold_batch_norm, load_model, save_model
from resnet_keras.errors import InputError
from resnet_keras.files.models import load_optimizer
from tests.conftest import python, refusing

METADATA = {"class_names": ["cat", "dog", "ox"], "provenance": {"data": "pets"}}


@pytest.fixture(params=[".h5", ".keras"])
def saved(request, tmp_path, tiny_model):
    path = tmp_path / f"model{request.param}"
    save_model(tiny_model, path, METADATA)
    return path


def images():
    return np.random.default_rng(0).random((2, 32, 32, 3), np.float32)


def test_model_and_card_come_back(saved, tiny_model):
    model, metadata = load_model(saved)
    np.testing.assert_array_equal(model(images()), tiny_model(images()))
    assert metadata["class_names"] == METADATA["class_names"]
    assert metadata["provenance"] == {"data": "pets"}
    assert metadata["input_size"] == [32, 32, 3]
    assert "preprocessing" not in metadata  # nobody said what it is
    assert metadata["versions"]["keras"] == keras.__version__


def test_plain_keras_opens_the_files_without_this_package(tiny_model, tmp_path):
    padded = ResNetCIFAR(8, (32, 32, 3), 3)  # shortcuts of option A, padded with zeros
    models = {"a.h5": tiny_model, "a.keras": tiny_model, "padded.h5": padded}
    for name, model in models.items():
        save_model(model, tmp_path / name)
    np.save(tmp_path / "images.npy", images())
    code = (
        "import sys, keras, numpy as np\n"
        "for name in sys.argv[1:]:\n"
        "    model = keras.models.load_model(name)\n"
        "    np.save(name, model.predict(np.load('images.npy')))\n"
        "assert 'resnet_keras' not in sys.modules\n"
    )
    python(code, *models, cwd=tmp_path)
    for name, model in models.items():
        answer = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_allclose(answer, model(images()), atol=1e-6, err_msg=name)


def test_model_without_card_has_an_empty_one(tiny_model, tmp_path):
    tiny_model.save(tmp_path / "plain.keras")
    assert load_model(tmp_path / "plain.keras")[1] == {}


def test_saving_h5_does_not_frighten(tiny_model, tmp_path, caplog, capsys):
    save_model(tiny_model, tmp_path / "model.h5")
    load_model(tmp_path / "model.h5")
    assert "legacy" not in caplog.text + "".join(capsys.readouterr())


def test_optimizer_state_comes_back(tiny_model, tmp_path):
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build(tiny_model.trainable_variables)
    rng = np.random.default_rng(0)
    for variable in optimizer.variables:
        variable.assign(rng.integers(1, 9, variable.shape).astype(variable.dtype))
    save_model(tiny_model, tmp_path / "model.h5", METADATA, optimizer=optimizer)
    other = keras.optimizers.Adam(0.1)
    other.build(tiny_model.trainable_variables)
    load_optimizer(tmp_path / "model.h5", other)
    for a, b in zip(optimizer.variables, other.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_missing_optimizer_state_is_named(tiny_model, tmp_path):
    save_model(tiny_model, tmp_path / "model.h5", METADATA)
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build(tiny_model.trainable_variables)
    with pytest.raises(InputError, match="0 variables of an optimizer"):
        load_optimizer(tmp_path / "model.h5", optimizer)


# --- what Keras 3 itself saves -------------------------------------------------------


def convolutions(x):
    """Return maps of 6 x 6 x 2."""
    return keras.layers.Conv2D(2, 3)(x)


def nested_in_a_chain():
    inputs = keras.Input((8, 8, 3))
    base = keras.Model(inputs, convolutions(inputs), name="base")
    base.compile("adam", "mse")  # its settings are saved within the outer model
    inner = keras.Sequential([keras.Input((6, 6, 2)), keras.layers.ReLU()])
    return keras.Sequential([keras.Input((8, 8, 3)), base, inner])


def shared_base(inputs):
    base = nested_in_a_chain()
    return base(inputs) + base(inputs[:, ::-1])


def image_of_words(inputs):
    """One-dimensional, recurrent and attention layers."""
    x = keras.layers.Reshape((12, 6))(convolutions(inputs))
    x = keras.layers.Conv1DTranspose(4, 2, padding="same")(x)
    x = keras.layers.TimeDistributed(keras.layers.Dense(4))(x)
    x = keras.layers.MultiHeadAttention(2, 2)(x, x)
    x = keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True))(x)
    return keras.layers.GRU(4)(x)


def transposed(inputs):
    x = keras.layers.Conv2DTranspose(4, 3)(convolutions(inputs))
    x = keras.layers.UnitNormalization()(keras.layers.Minimum()([x, inputs[..., :1]]))
    return keras.layers.SpectralNormalization(keras.layers.Conv2D(2, 1))(x)


def operations(inputs):
    x = keras.ops.relu(inputs / 127.5 - 1.0) + 3.0
    x = keras.ops.concatenate([x, keras.ops.hard_silu(x)], axis=-1)
    return 1.0 - keras.ops.mean(x, axis=1, keepdims=True) * keras.ops.sigmoid(x)


def augmented(inputs):
    layers = keras.layers
    x = layers.RandomFlip()(layers.RandomShear(0.1, 0.1)(inputs))
    x = layers.RandomErasing(0.1)(layers.RandomHue(0.1)(layers.AutoContrast()(x)))
    return layers.RandomGaussianBlur()(layers.RandomPerspective()(x))


def layer_scale(inputs):
    from keras.src.applications.convnext import LayerScale

    return LayerScale(0.5, 2)(convolutions(inputs))


def functional(graph):
    inputs = keras.Input((8, 8, 3))
    return keras.Model(inputs, graph(inputs))


def mixed_precision(inputs):
    policy = keras.DTypePolicy("mixed_bfloat16")
    return keras.layers.Conv2D(2, 3, dtype=policy)(inputs)


GRAPHS = [
    shared_base,
    image_of_words,
    transposed,
    operations,
    augmented,
    layer_scale,
    mixed_precision,
]


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize(
    "make",
    [nested_in_a_chain, *[partial(functional, graph) for graph in GRAPHS]],
    ids=["nested_in_a_chain", *[graph.__name__ for graph in GRAPHS]],
)
def test_model_of_keras_opens_and_predicts_the_same(make, suffix, tmp_path):
    model = make()
    save_model(model, tmp_path / f"a{suffix}")
    found, _ = load_model(tmp_path / f"a{suffix}")
    pictures = 255 * np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    predictions = [each(pictures, training=False) for each in (found, model)]
    for a, b in zip(*predictions, strict=True):
        np.testing.assert_array_equal(
            keras.ops.cast(a, "float32"), keras.ops.cast(b, "float32")
        )


def test_several_inputs_and_outputs_come_back_without_a_picture_size(tmp_path):
    inputs = [keras.Input((8, 8, 3)), keras.Input((4,))]
    flat = keras.layers.Concatenate()([keras.layers.Flatten()(inputs[0]), inputs[1]])
    model = keras.Model(inputs, [keras.layers.Dense(n)(flat) for n in (2, 3)])
    save_model(model, tmp_path / "a.keras")
    found, metadata = load_model(tmp_path / "a.keras")
    assert (len(found.inputs), len(found.outputs)) == (2, 2)
    assert "input_size" not in metadata


def test_opened_model_can_be_exported(tmp_path, tiny_model):
    save_model(tiny_model, tmp_path / "a.h5")
    load_model(tmp_path / "a.h5")[0].export(tmp_path / "saved", verbose=False)
    import tensorflow as tf

    saved = tf.saved_model.load(tmp_path / "saved")
    np.testing.assert_allclose(saved.serve(images()), tiny_model(images()), atol=1e-6)


def test_model_that_is_refused_leaves_no_memory_to_take(tmp_path):
    inputs = keras.Input((8, 8, 3))
    flat = keras.layers.Flatten()(keras.layers.UpSampling2D(4)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(8)(flat))
    save_model(model, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        text = file.attrs["model_config"].replace("[4, 4]", "[999, 999]")
        file.attrs["model_config"] = text
    # (8 x 999) x (8 x 999) x 3 inputs to 8 units are 1.5e9 weights, 6 GB.
    with pytest.raises(InputError, match=r"asks for 1,532,\d+,\d+ parameters"):
        load_model(tmp_path / "a.h5")
    with keras.StatelessScope():
        pass  # as it ends, Keras makes whatever variables still wait


# --- by content, not by name ---------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "name"),
    [
        *[(".h5", f"a{x}") for x in (".keras", ".model", ".hdf5", "", ".weights.h5")],
        *[(".keras", f"a{x}") for x in (".h5", ".zip", "")],
    ],
)
def test_file_opens_by_any_name(written, name, tmp_path, tiny_model):
    save_model(tiny_model, tmp_path / f"model{written}", METADATA)
    (tmp_path / f"model{written}").rename(tmp_path / name)
    model, metadata = load_model(tmp_path / name)
    np.testing.assert_array_equal(model(images()), tiny_model(images()))
    assert metadata["class_names"] == METADATA["class_names"]


def test_save_with_other_suffix(tiny_model, tmp_path):
    with pytest.raises(InputError, match=r"expected \.h5 or \.keras"):
        save_model(tiny_model, tmp_path / "model.pt")


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"preprocessing": "unit"}, "preprocessing in its metadata is unit"),
        ({"class_names": "ab"}, "class_names in its metadata is ab"),
        ({"class_names": np.array(["a"])}, "ndarray is not JSON serializable"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(
    metadata, words, tiny_model, tmp_path
):
    with refusing(words):
        save_model(tiny_model, tmp_path / "a.h5", metadata)
    assert not [*tmp_path.iterdir()]


def test_network_that_ends_in_logits_as_readme_has_it(tmp_path):
    model = ResNetCIFAR(8, classes=2)
    model.layers[-1].activation = keras.activations.linear
    save_model(model, tmp_path / "a.h5")
    opened, _ = load_model(tmp_path / "a.h5")
    image = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)
    found = opened.predict_on_batch(image)
    np.testing.assert_allclose(found, model.predict_on_batch(image), rtol=1e-5)
    assert abs(found.sum() - 1) > 1e-3


def test_what_a_file_told_is_written_again_without_being_passed_along(
    tmp_path, tiny_model
):
    told = {
        "class_names": ["cat", "dog", "ox"],
        "preprocessing": {"scale": 1.0, "channel_order": "bgr", "mean": [1, 2, 3]},
    }
    save_model(tiny_model, tmp_path / "first.keras", told)
    model, _ = load_model(tmp_path / "first.keras")
    for copy in (model, fold_batch_norm(model)):
        save_model(copy, tmp_path / "again.h5")
        metadata = load_model(tmp_path / "again.h5")[1]
        assert {key: metadata[key] for key in told} == told


def test_network_built_from_weights_keeps_what_they_expect_but_its_own_size(tmp_path):
    metadata = {"class_names": ["a", "b"], "provenance": {"data": "d"}}
    save_model(ResNet18((32, 32, 3), 2), tmp_path / "old.h5", metadata)
    model = ResNet18((48, 48, 3), 2, weights=str(tmp_path / "old.h5"))
    save_model(model, tmp_path / "new.h5")
    metadata = load_model(tmp_path / "new.h5")[1]
    assert (metadata["input_size"], metadata["class_names"]) == (
        [48, 48, 3],
        ["a", "b"],
    )
    assert "provenance" not in metadata


def test_full_disk_leaves_the_old_models(tmp_path):
    # A limit on file size stands in for a full disk: writing fails in the same places.
    code = (
        "import resource, resnet_keras, sys\n"
        "from pathlib import Path\n"
        "models = resnet_keras.ResNet50((32, 32, 3), 2), resnet_keras.ResNetCIFAR(20)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))\n"
        "for name in sys.argv[1:]:\n"
        "    Path(name).write_text('old')\n"
        "    try:\n"
        "        resnet_keras.save_model(models['small' in name], name)\n"
        "    except OSError as error:\n"
        "        print(error)\n"
    )
    # Of small variables HDF5 learns at the end that there is no room, and crashed.
    names = ["model.h5", "model.keras", "small.h5", "small.keras"]
    said = python(code, *names, cwd=tmp_path).splitlines()
    for name, words in zip(names, said, strict=True):
        assert f"{name}: could not be written" in words
    assert {x.name: x.read_text() for x in tmp_path.iterdir()} == dict.fromkeys(
        names, "old"
    )
