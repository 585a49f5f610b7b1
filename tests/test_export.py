"""Each format is written, opened by its own runtime, and answers the same."""

import importlib.util
import json
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest
import safetensors

from resnet_keras import ResNet50, export, load_model, save_model
from resnet_keras.errors import InputError
from resnet_keras.files import PREPROCESSING
from resnet_keras.formats import FORMATS, check_needs, torch_setup
from resnet_keras.inference import Classifier
from resnet_keras.models import ResNet
from tests.conftest import command, randomize, write_pair

pytestmark = pytest.mark.usefixtures("short_networks")
NAMES = ["0", "1", "2"]
CARD = {"class_names": NAMES, "preprocessing": PREPROCESSING}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return str(write_pair(tmp_path_factory.mktemp("data") / "colours"))


@pytest.fixture(scope="module")
def small_file(tmp_path_factory, tiny_model):
    path = tmp_path_factory.mktemp("model") / "small.h5"
    save_model(tiny_model, path, CARD)
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
    if name in ("openvino", "litert"):  # which have no room for the card
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
def test_onnx_carries_the_card(small_file, source, tmp_path):
    skip_without("onnx")
    import onnx

    run(small_file, "onnx", tmp_path / "out.onnx", source)
    carried = {e.key: e.value for e in onnx.load(tmp_path / "out.onnx").metadata_props}
    assert json.loads(carried["class_names"]) == NAMES
    assert json.loads(carried["preprocessing"])["scale"] == 1 / 255


def test_saved_model_carries_the_card(small_file, source, tmp_path):
    run(small_file, "savedmodel", tmp_path / "out", source)
    card = json.loads((tmp_path / "out/assets.extra/card.json").read_text())
    assert card["class_names"] == NAMES


@pytest.mark.parametrize("name", ["h5", "keras"])
def test_kerass_own_formats_carry_the_card(name, small_file, source, tmp_path):
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
    save_model(model, tmp_path / "model.h5", CARD)
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
    assert torch_setup(model) == "model = torchvision.models.resnet14(num_classes=3)"


def test_keras_applications_answers_the_same(tmp_path):
    model = randomize(ResNet50((32, 32, 3), 3, pool_padding=1))  # epsilon the course's
    form = FORMATS["keras-applications"]
    card = {"class_names": NAMES}
    form.write(model, card, tmp_path / "out.weights.h5", None)
    assert json.loads((tmp_path / "out.json").read_text()) == card
    images = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    found = form.open(tmp_path / "out.weights.h5", model)(images)
    np.testing.assert_allclose(found, model(images), atol=1e-5)


def test_keras_applications_cannot_do_without_padding(resnet50, tmp_path):
    with pytest.raises(InputError, match="would answer wrongly"):
        FORMATS["keras-applications"].write(resnet50, {}, tmp_path / "a", None)


def test_other_libraries_have_no_network_for_other_models(tiny_model, tmp_path):
    with pytest.raises(InputError, match="no ResNet of 18, 34"):
        FORMATS["torchvision"].write(tiny_model, {}, tmp_path / "a", None)


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'resnet_keras\[onnx\]'"):
        check_needs("onnx")


def test_quantizing_is_not_for_all():
    with pytest.raises(InputError, match="expected one of onnx, litert"):
        check_needs("keras", quantize=True)


def test_formats_of_the_command_are_those_there_are():
    assert list(export._FORMATS) == list(FORMATS)


def test_the_model_itself_is_not_written_over(small_file, source):
    with pytest.raises(InputError, match="is the model itself"):
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
    assert export._spread(7, 100).tolist() == list(range(7))
    assert export._spread(1000, 4).tolist() == [0, 333, 666, 999]


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
    run(small_file, name, path, source)
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
        with pytest.raises(InputError, match="answers NaN or infinity"):
            attempt()
