"""Each format is written, opened by its own runtime, and answers the same."""

import contextlib
import io
import itertools
import json
from functools import cache

import keras
import numpy as np
import pytest

from resnet_keras import load_dataset, load_model, save_model
from resnet_keras.accelerate.runtimes import open_onnx
from resnet_keras.errors import InputError
from resnet_keras.export.formats import FORMATS
from resnet_keras.inference import Classifier, open_classifier
from tests.conftest import pooled
from tests.export_runs import METADATA, NAMES, difference, run, skip_without

pytestmark = [
    pytest.mark.usefixtures("short_networks"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def exported(small_file, export_source, tmp_path_factory):
    """Return a function that exports to a format once: the path, and what is said."""

    @cache
    def export(name):
        skip_without(name)
        path = tmp_path_factory.mktemp(name) / f"out{FORMATS[name].suffix}"
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            run(small_file, name, path, export_source)
        return path, printed.getvalue()

    return export


# Convolutions of other libraries add up in another order: some 1e-7 of a probability.
@pytest.mark.parametrize("name", ["keras", "h5", "savedmodel", "openvino", "litert"])
def test_export_answers_the_same(name, exported):
    path, printed = exported(name)
    assert difference(printed) < 1e-5
    assert "MB" in printed
    assert path.exists()
    if name in ("openvino", "litert"):  # which have no room for metadata
        metadata = json.loads((path.parent / "out.json").read_text())
        assert metadata["class_names"] == NAMES


@pytest.mark.parametrize("name", ["onnx", "litert"])
def test_quantized_export_says_what_it_costs(
    name, small_file, export_source, tmp_path, capsys
):
    skip_without(name)
    path = tmp_path / f"out{FORMATS[name].suffix}"
    run(small_file, name, path, export_source, "--quantize")
    printed = capsys.readouterr().out
    assert 0 < difference(printed) < 0.1
    assert "in float32" in printed
    assert "in 8 bits" in printed
    if name == "litert":
        metadata = json.loads((tmp_path / "out.json").read_text())
        assert metadata["class_names"] == NAMES
        assert metadata["quantized"]["difference"] == pytest.approx(
            difference(printed), rel=0.1
        )


def test_quantized_export_beside_a_model_predicts_for_it(
    small_file, export_source, tmp_path, tiny_model
):
    skip_without("onnx")
    path = tmp_path / "small.h5"
    path.write_bytes(small_file.read_bytes())
    out = path.with_suffix(".onnx")
    run(path, "onnx", out, export_source)
    with pytest.raises(InputError, match="does not say that it is quantized"):
        open_classifier(str(path), precision="int8")
    run(path, "onnx", out, export_source, "--quantize")
    classifier = open_classifier(str(path), precision="int8")
    images = load_dataset(export_source, (32, 32)).test.images
    difference = np.abs(
        classifier.probabilities(images) - classifier.in_float32().probabilities(images)
    )
    predict, carried = open_onnx(out)
    np.testing.assert_allclose(predict(images / np.float32(255)).sum(1), 1, atol=1e-5)
    entry = json.loads(carried["quantized"])
    # Kernels of other sizes of batch may round otherwise.
    assert 0 < difference.max() == pytest.approx(entry["difference"], abs=1e-3)
    assert 0 <= entry["agreement"] <= 1
    assert entry["num_images"] == len(images)
    other = keras.models.clone_model(tiny_model)
    with pytest.raises(InputError, match="was made of another model"):
        Classifier(other, METADATA, str(path), "int8")


def test_onnx_carries_the_metadata(exported):
    path, _ = exported("onnx")
    import onnx

    carried = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert json.loads(carried["class_names"]) == NAMES
    assert json.loads(carried["preprocessing"])["scale"] == 1 / 255


def test_saved_model_carries_the_metadata(exported):
    path, _ = exported("savedmodel")
    metadata = json.loads((path / "assets.extra/card.json").read_text())
    assert metadata["class_names"] == NAMES


@pytest.mark.parametrize("name", ["h5", "keras"])
def test_kerass_own_formats_carry_the_metadata(name, exported):
    assert load_model(exported(name)[0])[1]["class_names"] == NAMES


def test_export_of_a_grey_model_that_rescales_answers_the_same(export_source, tmp_path):
    inputs = keras.Input((32, 32, 1))
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(flat))
    model.save(tmp_path / "grey.keras")
    run(tmp_path / "grey.keras", "h5", tmp_path / "grey.h5", export_source)
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    answers = [
        Classifier(*load_model(tmp_path / name)).probabilities(images)
        for name in ("grey.keras", "grey.h5")
    ]
    np.testing.assert_allclose(*answers, atol=1e-6)


def any_size():
    return pooled(keras.layers.Conv2D(4, 3, activation="relu"), shape=(None, None, 3))


def nested_in_sequential():
    base = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(4, 3)])
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            base,
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, "softmax"),
        ]
    )


def half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return any_size()
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    ("name", "build"),
    [
        *itertools.product(["savedmodel", "onnx", "openvino", "litert"], [any_size]),
        *itertools.product(["savedmodel", "onnx"], [nested_in_sequential]),
        ("onnx", half_precision),
    ],
)
def test_other_kinds_of_models(name, build, export_source, tmp_path, capsys):
    skip_without(name)
    metadata = METADATA | {"input_size": [32, 32, 3]}
    save_model(build(), tmp_path / "model.keras", metadata)
    path = tmp_path / f"out{FORMATS[name].suffix}"
    run(tmp_path / "model.keras", name, path, export_source)
    # Half precision keeps three digits.
    limit = 2e-3 if build is half_precision else 1e-5
    assert difference(capsys.readouterr().out) < limit


def test_file_that_its_runtime_cannot_run_is_not_put_into_place(
    export_source, tmp_path
):
    """LiteRT has no convolution in half precision without TensorFlow beside it."""
    skip_without("litert")
    metadata = METADATA | {"input_size": [32, 32, 3]}
    save_model(half_precision(), tmp_path / "model.keras", metadata)
    with pytest.raises(InputError, match="its own runtime cannot run it here"):
        run(tmp_path / "model.keras", "litert", tmp_path / "out.tflite", export_source)
    assert [each.name for each in tmp_path.iterdir()] == ["model.keras"]


def test_model_of_two_heads_is_refused_in_words(export_source, tmp_path):
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    heads = [keras.layers.Dense(number, "softmax")(x) for number in (2, 3)]
    keras.Model(inputs, heads).save(tmp_path / "two.keras")
    with pytest.raises(InputError, match=r"two\.keras: "):
        run(tmp_path / "two.keras", "h5", tmp_path / "two.h5", export_source)
