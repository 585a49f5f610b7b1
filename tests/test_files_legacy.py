"""Whole models of older Keras, made with the real older library, open and answer."""

import importlib.util
import json
import re
import textwrap

import h5py
import keras
import numpy as np
import pytest

from resnet_keras import load_model, save_model
from resnet_keras.errors import InputError
from resnet_keras.files.legacy import converted
from tests.conftest import python

# What tf-keras, the continuation of Keras 2, writes; run in a process of its own, which
# answers for the same images.
MAKE = """
    import numpy as np, tensorflow as tf, tf_keras as old
    images = np.random.default_rng(0).random((4, 16, 16, 3), np.float32)
    answers = {"images": images}

    def network(training=None, initializer="glorot_uniform"):
        old.utils.set_random_seed(0)
        X = inputs = old.Input((16, 16, 3))
        X = old.layers.ZeroPadding2D(1)(X)
        X = old.layers.Conv2D(4, 3, 2, name="conv1", kernel_initializer=initializer)(X)
        X = old.layers.BatchNormalization(axis=3, name="bn_conv1")(X, training=training)
        X = X_shortcut = old.layers.Activation("relu")(X)
        X = old.layers.Conv2D(4, 3, padding="same", name="res2a_branch2a")(X)
        X = old.layers.BatchNormalization(name="bn2a_branch2a")(X, training=training)
        X = old.layers.Add()([X, X_shortcut])
        X = old.layers.Flatten()(X)
        X = old.layers.Dense(3, activation="softmax", name="fc3")(X)
        return old.Model(inputs, X)

    def keep(name, model, optimizer):
        model.compile(optimizer, "categorical_crossentropy", ["accuracy"])
        model.fit(images, np.eye(3)[[0, 1, 2, 0]], epochs=3, verbose=0)
        model.save(name + ".h5")
        plain = model if name != "hard-coded" else network()
        plain.set_weights(model.get_weights())
        answers[name] = plain(images, training=False).numpy()

    adam = old.optimizers.legacy.Adam
    keep("plain", network(), adam(0.002, decay=0.01))
    keep("hard-coded", network(training=True), adam(0.002))
    keep("newest", network(), old.optimizers.SGD(0.1, momentum=0.9))
    first = tf.compat.v1.glorot_uniform_initializer(seed=0)
    keep("initializers", network(initializer=first), adam(0.002))
    chain = old.Sequential([old.layers.Conv2D(4, 3, input_shape=(16, 16, 3)),
        old.layers.BatchNormalization(axis=3), old.layers.Flatten(),
        old.layers.Dense(3, activation="softmax")])
    keep("sequential", chain, adam(0.002))

    # Untrained from here on, in both formats where Keras 2 can write them.
    L = old.layers

    def store(name, model, suffixes=(".h5", ".keras")):
        rng = np.random.default_rng(1)
        model.set_weights([rng.uniform(0.1, 1, w.shape) for w in model.get_weights()])
        answers[name] = model(images, training=False).numpy()
        for suffix in suffixes:
            model.save(name + suffix)

    def head(x):
        return L.Dense(3)(L.GlobalAveragePooling2D()(x))  # no softmax to saturate

    def graph(function):
        inputs = old.Input((16, 16, 3))
        return old.Model(inputs, head(function(inputs)))

    store("layers", old.Sequential([L.InputLayer((16, 16, 3)), L.Rescaling(2.0),
        L.RandomFlip(), L.RandomRotation(0.1), L.RandomZoom(0.1), L.RandomHeight(0.1),
        L.SeparableConv2D(4, 3), L.DepthwiseConv2D(3), L.SpatialDropout2D(0.2),
        L.LeakyReLU(0.2), L.ThresholdedReLU(0.1), L.ReLU(6.0), L.Conv2DTranspose(2, 3),
        L.GlobalAveragePooling2D(), L.Dense(3)]))
    store("words", old.Sequential([L.InputLayer((16, 16, 3)),
        L.TimeDistributed(L.Conv1D(2, 3)), L.TimeDistributed(L.Flatten()),
        L.Bidirectional(L.LSTM(2, return_sequences=True)), L.GRU(2), L.Dense(3)]))
    store("attention", graph(lambda x: L.Reshape((16, 16, 3))(L.MultiHeadAttention(2, 2,
        name="a/b")(*[L.Reshape((256, 3))(x)] * 2))))

    def base(frozen):
        inputs = old.Input((16, 16, 3))
        x = L.BatchNormalization(name="b1")(L.Conv2D(2, 3, name="c1")(inputs))
        x = L.BatchNormalization(name="b2")(L.Conv2D(2, 3, name="c2")(x))
        model = old.Model(inputs, x, name="base")
        for layer in model.layers[:frozen]:
            layer.trainable = False
        return model

    for frozen in (0, 3, 9):
        model = base(frozen)
        store(f"nested{frozen}", graph(lambda x: model(x, training=False)))
    model = base(3)
    last = old.Sequential([L.InputLayer((12, 12, 2)), L.GlobalAveragePooling2D(),
        L.Dense(3)])
    store("chain_of_models", old.Sequential([base(0), last]))
    inputs = old.Input((16, 16, 3))
    store("twice", old.Model(inputs, last(L.Add()([model(inputs), model(-inputs)]))))

    apps = old.applications
    store("prepared_tf", graph(apps.mobilenet_v2.preprocess_input))
    store("prepared_torch", graph(apps.densenet.preprocess_input))
    store("prepared_caffe", graph(apps.resnet50.preprocess_input), (".h5",))

    def arithmetic(x):
        x = -(tf.maximum(1.0 - x, 0.2) * 2 + 1) / (x[:, ::-1] + 1)
        small = tf.image.resize(tf.cast(x, "float32"), (16, 16))
        x = tf.concat([tf.nn.relu6(tf.clip_by_value(x, -9, 9)), small], 3)
        x = x + tf.reduce_mean(x, axis=[1, 2], keepdims=True)[..., :1]
        x = tf.reshape(tf.transpose(x, [0, 2, 1, 3]), (-1, 16, 16, 6))
        x = tf.stack([x, tf.sigmoid(x)], -1)[..., 0] - tf.sqrt(tf.abs(x)) ** 2
        return tf.math.l2_normalize(tf.squeeze(tf.expand_dims(x, 1), 1), axis=-1)

    store("arithmetic", graph(arithmetic), (".h5",))
    store("hard", graph(L.Conv2D(2, 3, activation="hard_sigmoid", name="se")))
    store("unknown", graph(lambda x: tf.math.asinh(x)), (".h5",))
    np.savez("answers.npz", **answers)
"""
NEWER = """
    layers words attention nested0 nested3 nested9 chain_of_models twice prepared_tf
    prepared_torch
"""
FILES = [
    *(f"{name}{suffix}" for name in NEWER.split() for suffix in (".h5", ".keras")),
    *("prepared_caffe.h5", "arithmetic.h5"),
]
NAMES = ["plain", "hard-coded", "newest", "initializers", "sequential"]


@pytest.fixture(scope="module")
def old_files(tmp_path_factory):
    pytest.importorskip("h5py")
    directory = tmp_path_factory.mktemp("old")
    if not importlib.util.find_spec("tf_keras"):
        pytest.skip("tf-keras is not installed")
    python(textwrap.dedent(MAKE), cwd=directory)
    return directory, np.load(directory / "answers.npz")


@pytest.mark.parametrize("name", NAMES)
def test_old_file_answers_as_it_did(name, old_files):
    directory, answers = old_files
    model, metadata = load_model(directory / f"{name}.h5")
    np.testing.assert_allclose(model(answers["images"]), answers[name], atol=1e-6)
    assert bool(metadata) == (name == "hard-coded")


@pytest.mark.parametrize("name", FILES)
def test_file_of_keras_2_predicts_as_it_did(name, old_files):
    directory, answers = old_files
    model, metadata = load_model(directory / name)
    expected = answers[name.split(".")[0]]
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(model(answers["images"]), expected, rtol=1e-4)
    assert metadata == {}


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_activation_that_has_other_values_now_is_refused(suffix, old_files):
    with pytest.raises(InputError, match="'se' has the activation hard_sigmoid of"):
        load_model(old_files[0] / f"hard{suffix}")


def test_operation_that_is_not_converted_is_named(old_files):
    with pytest.raises(InputError, match=r"TFOpLambda \(math\.asinh\), which is not"):
        load_model(old_files[0] / "unknown.h5")


def edited(old_files, tmp_path, name, change):
    """Return a copy of an old file with its configuration changed as text."""
    path = tmp_path / name
    path.write_bytes((old_files[0] / name).read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = change(file.attrs["model_config"])
    return path


def as_list(text):
    """Write a chain as Keras 2.0 did: a list, the input's size in the first layer."""
    config = json.loads(text)
    first, *layers = config["config"]["layers"]
    layers[0]["config"]["batch_input_shape"] = first["config"]["batch_input_shape"]
    return json.dumps(config | {"config": layers})


def with_floats(text):
    for key in ("filters", "units", "strides"):
        text = re.sub(rf'("{key}": \[?)(\d+)', r"\1\2.0", text)
    return text.replace("[null, 16, 16, 3]", "[null, 16.0, 16.0, 3.0]")


def with_dropout_of_efficientnet(text):
    old = '{"class_name": "FixedDropout", "config": {"noise_shape": [null, 1, 1, 1], '
    return re.sub(r'\{[^{}]*"class_name": "SpatialDropout2D", "config": \{', old, text)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sequential.h5", as_list),
        ("sequential.h5", with_floats),
        ("layers.h5", with_dropout_of_efficientnet),
        ("plain.h5", lambda text: text.replace('"Functional"', '"Model"')),
    ],
)
def test_older_ways_of_writing_a_model(name, change, old_files, tmp_path):
    before = []
    path = edited(
        old_files, tmp_path, name, lambda text: before.append(text) or change(text)
    )
    with h5py.File(path) as file:
        assert file.attrs["model_config"] != before[0]
    answers = old_files[1]
    found = load_model(path)[0](answers["images"])
    np.testing.assert_allclose(found, answers[name.split(".")[0]], rtol=1e-4)


def test_file_of_keras_1_is_called_one(old_files, tmp_path):
    def change(text):
        return text.replace('"filters"', '"nb_filter"')

    with pytest.raises(InputError, match=r"is of Keras 1; expected .* Keras 2\.2\.4"):
        load_model(edited(old_files, tmp_path, "sequential.h5", change))


def test_operations_of_tf_2_0(old_files, tmp_path):
    """TF 2.0 to 2.3 wrote x / 127.5 as a TensorFlowOpLayer, its constant by index."""

    def change(text):
        config = json.loads(text)
        for layer in config["config"]["layers"]:
            if layer["class_name"] == "TFOpLambda":
                [call] = layer["inbound_nodes"]
                number = call.pop()["y"]
                layer["inbound_nodes"] = [[[*call, {}]]]
                kernel = {"math.truediv": "RealDiv", "math.subtract": "Sub"}
                node = {"op": kernel[layer["config"]["function"]], "name": "x"}
                layer["config"] = {"node_def": json.dumps(node), "name": layer["name"]}
                layer["config"]["constants"] = {"1": number}
                layer["class_name"] = "TensorFlowOpLayer"
        return json.dumps(config)

    path = edited(old_files, tmp_path, "prepared_tf.h5", change)
    found = load_model(path)[0](old_files[1]["images"])
    np.testing.assert_allclose(found, old_files[1]["prepared_tf"], rtol=1e-4)


def test_hard_coded_training_is_removed_and_told(old_files):
    directory, answers = old_files
    path = directory / "hard-coded.h5"
    batch = keras.models.load_model(path, compile=False)([answers["images"]])[0]
    assert (
        np.abs(batch - answers["hard-coded"]).max() > 1e-3
    )  # what Keras alone makes of it
    _, metadata = load_model(path)
    assert "training=True was hard-coded in 2 layers (bn_conv1" in metadata["notes"][0]


def test_chain_without_an_input_layer_gets_one():
    config = {"name": "fc", "units": 3, "batch_input_shape": [None, 2]}
    dense = {"class_name": "Dense", "config": config}
    chain, _ = converted({"class_name": "Sequential", "config": {"layers": [dense]}})
    first, second = chain["config"]["layers"]
    assert first["config"] == {"batch_shape": [None, 2], "name": "fc_input"}
    assert second["config"] == {"name": "fc", "units": 3}


def test_names_of_tf_1_and_keras_2_2():
    zeros = {"class_name": "Zeros", "config": {"dtype": "float32"}}
    old = {
        "class_name": "BatchNormalizationV1",
        "config": {"axis": [3], "fused": True, "beta_initializer": zeros},
    }
    model, notes = converted({"class_name": "Model", "config": {"layers": [old]}})
    assert model["class_name"] == "Functional"
    [layer] = model["config"]["layers"]
    assert layer["class_name"] == "BatchNormalization"
    beta = {"class_name": "Zeros", "config": {}}
    assert layer["config"] == {"axis": 3, "fused": True, "beta_initializer": beta}
    assert notes == []


def test_training_hard_coded_in_a_newer_file(tmp_path, tiny_model):
    def call(layer, *inputs, **settings):
        if isinstance(layer, keras.layers.BatchNormalization):
            settings["training"] = True
        return layer(*inputs, **settings)

    hard_coded = keras.models.clone_model(tiny_model, call_function=call)
    hard_coded.set_weights(tiny_model.get_weights())
    images = np.random.default_rng(0).random((3, 32, 32, 3), np.float32)
    for suffix in (".keras", ".h5"):
        save_model(hard_coded, tmp_path / f"hard-coded{suffix}")
        model, metadata = load_model(tmp_path / f"hard-coded{suffix}")
        np.testing.assert_allclose(model(images), tiny_model(images), atol=1e-6)
        assert "hard-coded in 7 layers" in metadata["notes"][0]  # 4 + 3 convolutions


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("RandomFlip", None),
        ("Dropout", "drop values at random"),
        ("BatchNormalization", "depended on its batch"),
    ],
)
def test_hard_coded_training_is_told_by_what_it_does(kind, words):
    node = {"args": [], "kwargs": {"training": True}}
    layer = {"class_name": kind, "name": "x", "config": {}, "inbound_nodes": [node]}
    found, notes = converted(layer)
    assert "training" not in found["inbound_nodes"][0]["kwargs"]
    assert [words in note for note in notes] == ([True] if words else [])
