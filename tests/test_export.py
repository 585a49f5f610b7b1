"""Each format is written, opened by its own runtime, and answers the same."""

import importlib.util
import itertools
import json
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest
import safetensors

from resnet_keras import ResNet50, load_model, save_model
from resnet_keras.errors import InputError
from resnet_keras.export import __main__ as export
from resnet_keras.export import exporting, keras_applications, keras_files
from resnet_keras.export import torchvision as torchvision_format
from resnet_keras.export.formats import FORMATS, check_needs
from resnet_keras.inference import Classifier
from resnet_keras.models import ResNet
from tests.conftest import command, randomize, write_pair

pytestmark = pytest.mark.usefixtures("short_networks")
NAMES = ["0", "1", "2"]
UNIT = {"scale": 1 / 255, "channel_order": "rgb", "resize": "crop"}
METADATA = {"class_names": NAMES, "preprocessing": UNIT}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return str(write_pair(tmp_path_factory.mktemp("data") / "colours"))


@pytest.fixture(scope="module")
def small_file(tmp_path_factory, tiny_model):
    path = tmp_path_factory.mktemp("model") / "small.h5"
    save_model(tiny_model, path, METADATA)
    return path


def run(model, name, out, source, *more):
    """Run the command in this process."""
    line = [model, "--format", name, "--out", out, "--data", source, *more]
    assert export.main([str(word) for word in line]) == 0


def skip_without(name):
    for package in FORMATS[name].needs:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


def difference(printed):
    """Return the difference that the command printed."""
    return float(printed.split("differ by at most ")[1].split()[0])


# Convolutions of other libraries add up in another order: some 1e-7 of a probability.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", ["keras", "h5", "savedmodel", "openvino", "litert"])
def test_export_answers_the_same(name, small_file, source, tmp_path, capsys):
    skip_without(name)
    path = tmp_path / f"out{FORMATS[name].suffix}"
    run(small_file, name, path, source)
    printed = capsys.readouterr().out
    assert difference(printed) < 1e-5
    assert "MB" in printed
    assert path.exists()
    if name in ("openvino", "litert"):  # which have no room for metadata
        assert json.loads((tmp_path / "out.json").read_text())["class_names"] == NAMES


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", ["onnx", "litert"])
def test_quantized_export_says_what_it_costs(
    name, small_file, source, tmp_path, capsys
):
    skip_without(name)
    path = tmp_path / f"out{FORMATS[name].suffix}"
    run(small_file, name, path, source, "--quantize")
    printed = capsys.readouterr().out
    assert 0 < difference(printed) < 0.1
    assert "in float32" in printed
    assert "in 8 bits" in printed


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_onnx_carries_the_metadata(small_file, source, tmp_path):
    skip_without("onnx")
    import onnx

    run(small_file, "onnx", tmp_path / "out.onnx", source)
    carried = {e.key: e.value for e in onnx.load(tmp_path / "out.onnx").metadata_props}
    assert json.loads(carried["class_names"]) == NAMES
    assert json.loads(carried["preprocessing"])["scale"] == 1 / 255


def test_saved_model_carries_the_metadata(small_file, source, tmp_path):
    run(small_file, "savedmodel", tmp_path / "out", source)
    metadata = json.loads((tmp_path / "out/assets.extra/card.json").read_text())
    assert metadata["class_names"] == NAMES


@pytest.mark.parametrize("name", ["h5", "keras"])
def test_kerass_own_formats_carry_the_metadata(name, small_file, source, tmp_path):
    path = tmp_path / f"out.{name}"
    run(small_file, name, path, source)
    assert load_model(path)[1]["class_names"] == NAMES


@pytest.fixture
def torchvision(monkeypatch):
    """Put networks of PyTorch's own layers in the place of torchvision's."""
    pytest.importorskip("torch")
    from tests import torch_resnet

    class Logits(torch_resnet.ResNet):
        def forward(self, x):
            return super().forward(x).log()  # whose softmax are the probabilities

    models = types.SimpleNamespace(
        resnet10=lambda num_classes: Logits(10, num_classes),
        resnet14=lambda num_classes: Logits(14, num_classes),
    )
    module = types.ModuleType("torchvision")
    module.models = models
    module.__spec__ = importlib.util.spec_from_loader("torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision", module)


@pytest.mark.parametrize("depth", [10, 14])  # of basic blocks, of bottlenecks
def test_torchvision_answers_the_same(depth, torchvision, source, tmp_path, capsys):
    # The course's: padding, epsilon, biases and the bottlenecks' strides are its own.
    model = randomize(ResNet(depth, (32, 32, 3), 3))
    save_model(model, tmp_path / "model.h5", METADATA)
    run(tmp_path / "model.h5", "torchvision", tmp_path / "o.safetensors", source)
    printed = capsys.readouterr().out
    assert difference(printed) < 1e-5
    assert 'get_submodule("maxpool"), "padding", 0)' in printed
    with safetensors.safe_open(tmp_path / "o.safetensors", "numpy") as file:
        carried = file.metadata()
    assert json.loads(carried["class_names"]) == NAMES
    assert json.loads(carried["preprocessing"])["scale"] == 1 / 255
    assert carried["setup"].splitlines()[0] in printed


def test_setup_of_torchvisions_own_network_changes_nothing():
    model = ResNet(14, (32, 32, 3), 3, variant="torch")
    assert (
        torchvision_format.hint(model)
        == "model = torchvision.models.resnet14(num_classes=3)"
    )


def test_keras_applications_answers_the_same(tmp_path):
    model = randomize(ResNet50((32, 32, 3), 3, pool_padding=1))  # epsilon the course's
    metadata = {"class_names": NAMES}
    keras_applications.write(model, metadata, tmp_path / "out.weights.h5", None)
    assert json.loads((tmp_path / "out.json").read_text()) == metadata
    images = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    found = keras_applications.read(tmp_path / "out.weights.h5", model)(images)
    np.testing.assert_allclose(found, model(images), atol=1e-5)


def test_keras_applications_cannot_do_without_padding(resnet50):
    with pytest.raises(InputError, match="would predict wrongly"):
        keras_applications.check(resnet50)


def test_other_libraries_have_no_network_for_other_models(tiny_model):
    with pytest.raises(InputError, match="expected a ResNet of 18, 34"):
        torchvision_format.check(tiny_model)


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'resnet_keras\[onnx\]'"):
        check_needs("onnx")


def test_quantizing_is_not_for_all():
    with pytest.raises(InputError, match="expected one of onnx, litert"):
        check_needs("keras", quantize=True)


def test_the_model_itself_is_not_written_over(small_file, source):
    with pytest.raises(InputError, match="is read by this command"):
        run(small_file, "h5", small_file, source)
    load_model(small_file)


def test_another_model_is_not_written_over_unless_named(source, tmp_path, tiny_model):
    for name in ("model.v2.keras", "model.h5", "model.v2.h5"):
        save_model(tiny_model, tmp_path / name, {"class_names": NAMES})
    line = [tmp_path / "model.v2.keras", "--format", "h5", "--data", source]
    line = [str(word) for word in line]
    with pytest.raises(InputError, match=r"model\.v2\.h5: exists"):
        export.main(line)
    assert export.main([*line, "--out", str(tmp_path / "model.v2.h5")]) == 0


def test_images_of_all_classes_are_compared_though_they_are_sorted():
    assert exporting.spread(7, 100).tolist() == list(range(7))
    assert exporting.spread(1000, 4).tolist() == [0, 333, 666, 999]


def test_export_of_a_grey_model_that_rescales_answers_the_same(source, tmp_path):
    inputs = keras.Input((32, 32, 1))
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(flat))
    model.save(tmp_path / "grey.keras")
    run(tmp_path / "grey.keras", "h5", tmp_path / "grey.h5", source)
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    answers = [
        Classifier(*load_model(tmp_path / name)).probabilities(images)
        for name in ("grey.keras", "grey.h5")
    ]
    np.testing.assert_allclose(*answers, atol=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_accuracy_of_8_bits_is_of_classes_with_the_same_name(
    source, tmp_path, capsys, brightest
):
    """The data's classes are 0, 1, 2; the model has them as 2, 0, 1."""
    skip_without("litert")
    save_model(
        brightest, tmp_path / "m.h5", METADATA | {"class_names": ["2", "0", "1"]}
    )
    run(tmp_path / "m.h5", "litert", tmp_path / "m.tflite", source, "--quantize")
    assert "Accuracy 1.0000 in float32, 1.0000 in 8 bits" in capsys.readouterr().out


@pytest.fixture(scope="module")
def brightest():
    """Return a model whose outputs are blue, red, green: the means of channels."""
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(3, 1, use_bias=False)(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Softmax()(x))
    model.layers[1].set_weights([np.roll(np.eye(3), 1, axis=1)[None, None] * 9])
    return model


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("names", [["cat", "dog", "owl"], None])
def test_accuracy_on_images_of_other_classes_is_not_known(
    names, source, tmp_path, capsys, brightest
):
    skip_without("litert")
    metadata = {"preprocessing": UNIT} | ({"class_names": names} if names else {})
    save_model(brightest, tmp_path / "m.h5", metadata)
    run(tmp_path / "m.h5", "litert", tmp_path / "m.tflite", source, "--quantize")
    printed = capsys.readouterr().out
    assert "Accuracy is not known" in printed
    assert "same class for 100.0% of the images" in printed


def test_side_file_of_another_model_is_not_written_over(small_file, source, tmp_path):
    (tmp_path / "out.json").write_text("a model's architecture, perhaps")
    with pytest.raises(InputError, match=r"out\.json: exists"):
        run(small_file, "litert", tmp_path / "out.tflite", source)


@pytest.mark.parametrize("size", [(8, 8), (24, 40)])
def test_hands_serve_models_of_any_size(size, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(exporting, "_NUM_CALIBRATING", 1)
    inputs = keras.Input((*size, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(x))
    save_model(model, tmp_path / "m.h5", METADATA)
    run(tmp_path / "m.h5", "keras", tmp_path / "m.keras", "hands")
    assert "on 32 images of hands" in capsys.readouterr().out


def test_preprocessing_that_is_named_is_carried(source, tmp_path, brightest):
    save_model(brightest, tmp_path / "m.h5")
    more = ("--preprocessing", "minus-one-to-one")
    run(tmp_path / "m.h5", "keras", tmp_path / "m.keras", source, *more)
    metadata = load_model(tmp_path / "m.keras")[1]
    assert metadata["preprocessing"]["scale"] == 1 / 127.5


def any_size():
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(3, "softmax")(x))


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


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    ("name", "build"),
    [
        *itertools.product(["savedmodel", "onnx", "openvino", "litert"], [any_size]),
        *itertools.product(["savedmodel", "onnx"], [nested_in_sequential]),
        ("onnx", half_precision),
    ],
)
def test_other_kinds_of_models(name, build, source, tmp_path, capsys):
    skip_without(name)
    metadata = METADATA | {"input_size": [32, 32, 3]}
    save_model(build(), tmp_path / "model.keras", metadata)
    path = tmp_path / f"out{FORMATS[name].suffix}"
    run(tmp_path / "model.keras", name, path, source)
    # Half precision keeps three digits.
    limit = 2e-3 if build is half_precision else 1e-5
    assert difference(capsys.readouterr().out) < limit


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_file_that_its_runtime_cannot_run_is_not_put_into_place(source, tmp_path):
    """LiteRT has no convolution in half precision without TensorFlow beside it."""
    skip_without("litert")
    metadata = METADATA | {"input_size": [32, 32, 3]}
    save_model(half_precision(), tmp_path / "model.keras", metadata)
    with pytest.raises(InputError, match="its own runtime cannot run it here"):
        run(tmp_path / "model.keras", "litert", tmp_path / "out.tflite", source)
    assert [each.name for each in tmp_path.iterdir()] == ["model.keras"]


def test_model_of_two_heads_is_refused_in_words(source, tmp_path):
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    heads = [keras.layers.Dense(number, "softmax")(x) for number in (2, 3)]
    keras.Model(inputs, heads).save(tmp_path / "two.keras")
    with pytest.raises(InputError, match=r"two\.keras: "):
        run(tmp_path / "two.keras", "onnx", tmp_path / "two.onnx", source)


def test_converter_that_fails_is_told_in_one_line(
    small_file, source, tmp_path, monkeypatch
):
    skip_without("onnx")

    def fail(self, path, **_):
        raise NotImplementedError("no such operation\nand a page of more")

    monkeypatch.setattr(keras.Model, "export", fail)
    with pytest.raises(InputError, match=r"onnx: .*no such operation\)") as raised:
        run(small_file, "onnx", tmp_path / "out.onnx", source)
    assert "page" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_file_that_predicts_otherwise_is_not_put_into_place(
    small_file, source, tmp_path, monkeypatch
):
    out = tmp_path / "out.keras"
    out.write_text("an older export")
    uniform = lambda images: np.full((len(images), 3), 1 / 3)  # noqa: E731
    monkeypatch.setattr(keras_files, "read", lambda path, model: uniform)
    with pytest.raises(InputError, match="not written, for its probabilities differ"):
        run(small_file, "keras", out, source)
    assert [each.name for each in tmp_path.iterdir()] == ["out.keras"]
    assert out.read_text() == "an older export"


def test_scipy_is_among_what_openvino_needs(monkeypatch):
    missing = {"scipy"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in missing else 1
    )
    with pytest.raises(InputError, match=r"needs scipy; pip install"):
        check_needs("openvino")


def test_unknown_format_is_refused(small_file):
    process = command("export", small_file, "--format", "caffe")
    assert process.returncode == 2
    assert "invalid choice" in process.stderr


def test_wrong_suffix_is_refused(small_file, source, tmp_path):
    with pytest.raises(InputError, match=r"ends in \.h5"):
        run(small_file, "h5", tmp_path / "a.keras", source)


@pytest.mark.parametrize("name", ["savedmodel", "openvino"])
def test_what_stands_stays_where_an_export_fails(
    name, small_file, source, tmp_path, monkeypatch
):
    skip_without(name)
    path = tmp_path / f"out{FORMATS[name].suffix}"
    older = [path / "saved_model.pb"]
    if name == "openvino":
        older = FORMATS[name].outputs(path)
    for each in older:
        each.parent.mkdir(exist_ok=True)
        each.write_text("an older export")
    before = {each: each.stat().st_mtime_ns for each in tmp_path.rglob("*")}

    def fail(self, path, **_):
        Path(path).with_suffix(".bin").write_bytes(b"half of it")
        if name == "openvino":
            raise RuntimeError("No space left on device")
        tensorflow = importlib.import_module("tensorflow")
        raise tensorflow.errors.ResourceExhaustedError(None, None, "No space left")

    monkeypatch.setattr(keras.Model, "export", fail)
    with pytest.raises(OSError, match=r"could not be written .No space left"):
        run(small_file, name, path, source)
    assert {each: each.stat().st_mtime_ns for each in tmp_path.rglob("*")} == before


def test_file_in_the_place_of_a_saved_model_is_named(small_file, source, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OSError, match="out: is a file; expected a folder"):
        run(small_file, "savedmodel", tmp_path / "out", source)


def test_answers_that_are_no_numbers_are_refused(tiny_model, source, tmp_path):
    from resnet_keras import evaluate, predict

    model = keras.models.clone_model(tiny_model)
    model.layers[-1].bias.assign([np.nan] * 3)
    path, picture = str(tmp_path / "model.h5"), str(tmp_path / "picture.png")
    save_model(model, path, {"class_names": NAMES})
    keras.utils.save_img(picture, np.zeros((32, 32, 3)))
    for attempt in (
        lambda: run(path, "keras", tmp_path / "out.keras", source),
        lambda: evaluate.main([path, "--data", source]),
        lambda: predict.main([path, picture]),
    ):
        with pytest.raises(InputError, match="predicts NaN or infinity"):
            attempt()
