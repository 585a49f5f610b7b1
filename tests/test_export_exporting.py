"""An export is compared with its model, and put into place only if it agrees."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest

from resnet_keras import load_model, save_model
from resnet_keras.errors import InputError
from resnet_keras.export import __main__ as export
from resnet_keras.export import exporting, keras_files
from resnet_keras.export.formats import FORMATS
from tests.conftest import pooled
from tests.export_runs import METADATA, NAMES, UNIT, run, skip_without


def test_the_model_itself_is_not_written_over(small_file, export_source):
    with pytest.raises(InputError, match="is read by this command"):
        run(small_file, "h5", small_file, export_source)
    load_model(small_file)


def test_another_model_is_not_written_over_unless_named(
    export_source, tmp_path, tiny_model
):
    for name in ("model.v2.keras", "model.h5", "model.v2.h5"):
        save_model(tiny_model, tmp_path / name, {"class_names": NAMES})
    line = [tmp_path / "model.v2.keras", "--format", "h5", "--data", export_source]
    line = [str(word) for word in line]
    with pytest.raises(InputError, match=r"model\.v2\.h5: exists"):
        export.main(line)
    assert export.main([*line, "--out", str(tmp_path / "model.v2.h5")]) == 0


def test_images_of_all_classes_are_compared_though_they_are_sorted():
    assert exporting.spread(7, 100).tolist() == list(range(7))
    assert exporting.spread(1000, 4).tolist() == [0, 333, 666, 999]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_accuracy_of_8_bits_is_of_classes_with_the_same_name(
    export_source, tmp_path, capsys, brightest
):
    """The data's classes are 0, 1, 2; the model has them as 2, 0, 1."""
    skip_without("litert")
    save_model(
        brightest, tmp_path / "m.h5", METADATA | {"class_names": ["2", "0", "1"]}
    )
    run(tmp_path / "m.h5", "litert", tmp_path / "m.tflite", export_source, "--quantize")
    assert "Accuracy 1.0000 in float32, 1.0000 in 8 bits" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("names", [["cat", "dog", "owl"], None])
def test_accuracy_on_images_of_other_classes_is_not_known(
    names, export_source, tmp_path, capsys, brightest
):
    skip_without("litert")
    metadata = {"preprocessing": UNIT} | ({"class_names": names} if names else {})
    save_model(brightest, tmp_path / "m.h5", metadata)
    run(tmp_path / "m.h5", "litert", tmp_path / "m.tflite", export_source, "--quantize")
    printed = capsys.readouterr().out
    assert "Accuracy is not known" in printed
    assert "same class for 100.0% of the images" in printed


@pytest.mark.parametrize(
    ("name", "out", "there", "words"),
    [
        ("litert", "out.tflite", "out.json", r"out\.json: exists"),
        ("savedmodel", "out", "out", "out: is a file; expected a folder"),
    ],
)
def test_what_is_in_the_place_of_an_output_is_not_written_over(
    name, out, there, words, small_file, export_source, tmp_path
):
    (tmp_path / there).write_text("mine")
    with pytest.raises((InputError, OSError), match=words):
        run(small_file, name, tmp_path / out, export_source)
    assert (tmp_path / there).read_text() == "mine"


@pytest.mark.parametrize("size", [(8, 8), (24, 40)])
def test_hands_serve_models_of_any_size(size, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(exporting, "_NUM_CALIBRATING", 1)
    save_model(pooled(shape=(*size, 3)), tmp_path / "m.h5", METADATA)
    run(tmp_path / "m.h5", "keras", tmp_path / "m.keras", "hands")
    assert "on 32 images of hands" in capsys.readouterr().out


def test_converter_that_fails_is_told_in_one_line(
    small_file, export_source, tmp_path, monkeypatch
):
    skip_without("onnx")

    def fail(self, path, **_):
        raise NotImplementedError("no such operation\nand a page of more")

    monkeypatch.setattr(keras.Model, "export", fail)
    with pytest.raises(InputError, match=r"onnx: .*no such operation\)") as raised:
        run(small_file, "onnx", tmp_path / "out.onnx", export_source)
    assert "page" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_file_that_predicts_otherwise_is_not_put_into_place(
    small_file, export_source, tmp_path, monkeypatch
):
    out = tmp_path / "out.keras"
    out.write_text("an older export")
    uniform = lambda images: np.full((len(images), 3), 1 / 3)  # noqa: E731
    monkeypatch.setattr(keras_files, "read", lambda path, model: uniform)
    with pytest.raises(InputError, match="not written, for its probabilities differ"):
        run(small_file, "keras", out, export_source)
    assert [each.name for each in tmp_path.iterdir()] == ["out.keras"]
    assert out.read_text() == "an older export"


@pytest.mark.parametrize("name", ["savedmodel", "openvino"])
def test_what_stands_stays_where_an_export_fails(
    name, small_file, export_source, tmp_path, monkeypatch
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
        run(small_file, name, path, export_source)
    assert {each: each.stat().st_mtime_ns for each in tmp_path.rglob("*")} == before


def test_predictions_that_are_no_numbers_are_refused(
    tiny_model, export_source, tmp_path
):
    from resnet_keras import evaluate, predict

    model = keras.models.clone_model(tiny_model)
    # Finite weights with which the activations are not.
    for variable in model.get_layer("bn2a_branch1").trainable_variables:
        variable.assign(np.full(variable.shape, 3e38))
    path, picture = str(tmp_path / "model.h5"), str(tmp_path / "picture.png")
    save_model(model, path, {"class_names": NAMES})
    keras.utils.save_img(picture, np.full((32, 32, 3), 255))
    for attempt in (
        lambda: run(path, "keras", tmp_path / "out.keras", export_source),
        lambda: evaluate.main([path, "--data", export_source]),
        lambda: predict.main([path, picture]),
    ):
        with pytest.raises(InputError, match="predicts NaN or infinity"):
            attempt()


@pytest.fixture(scope="module")
def brightest():
    """Return a model whose outputs are blue, red, green: the means of channels."""
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(3, 1, use_bias=False)(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Softmax()(x))
    model.layers[1].set_weights([np.roll(np.eye(3), 1, axis=1)[None, None] * 9])
    return model


def test_preprocessing_that_is_named_is_carried(export_source, tmp_path, brightest):
    save_model(brightest, tmp_path / "m.h5")
    more = ("--preprocessing", "minus-one-to-one")
    run(tmp_path / "m.h5", "keras", tmp_path / "m.keras", export_source, *more)
    metadata = load_model(tmp_path / "m.keras")[1]
    assert metadata["preprocessing"]["scale"] == 1 / 127.5
