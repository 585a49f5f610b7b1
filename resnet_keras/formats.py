"""The formats that a model can be exported to: how each is written, opened and run.

What Keras' own `Model.export` offers is used. Every format is opened again by its own
runtime, so that its answers can be compared with the model's.
"""

import contextlib
import importlib.util
import io
import json
import logging
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from resnet_keras import family
from resnet_keras.dialects import HEAD, keras_name, place_of, torch_name
from resnet_keras.errors import InputError
from resnet_keras.files import load_model, save_model
from resnet_keras.runtimes import open_openvino
from resnet_keras.weights import traits, without_biases
from resnet_keras.writing import write_whole, write_whole_folder

_SAVED_MODEL = {  # what TensorFlow puts into its folder
    "assets",
    "assets.extra",
    "fingerprint.pb",
    "saved_model.pb",
    "variables",
}
_TORCH_EPSILON = family.VARIANTS["torch"].epsilon


class Format(NamedTuple):
    """One format: what it is called, what it needs, how it is written and opened.

    `write(model, card, path, calibration)` writes a file; `calibration` is None or
    prepared images, for integers of 8 bits. `open(path, model)` returns a function from
    prepared images to answers.
    """

    suffix: str
    needs: tuple  # packages, all in the extra of the format's name
    write: Callable
    open: Callable
    can_quantize: bool = False
    hint: Callable | None = None  # from a model to what to know for using the file


def check_needs(name, quantize=False):
    """Refuse a format whose packages are not installed, or that cannot quantize.

    Raises:
        InputError: naming them.
    """
    form = FORMATS[name]
    missing = [each for each in form.needs if not importlib.util.find_spec(each)]
    if missing:
        raise InputError(
            f"--format {name}: needs {', '.join(missing)}; pip install "
            f"'resnet_keras[{name}]'."
        )
    if quantize and not form.can_quantize:
        able = ", ".join(key for key, each in FORMATS.items() if each.can_quantize)
        raise InputError(f"--quantize: not for {name}; expected one of {able}.")


def _write_keras(model, card, path, calibration):
    save_model(model, path, card)


def _open_keras(path, model):
    return load_model(path)[0].predict_on_batch


def _write_saved_model(model, card, path, calibration):
    import tensorflow as tf

    with write_whole_folder(path, _SAVED_MODEL) as folder, _quiet():
        try:
            model.export(folder, format="tf_saved_model", verbose=False)
        except tf.errors.OpError as error:  # of a full disk, say
            raise OSError(error.message) from error
        extra = folder / "assets.extra"  # TensorFlow's place for such
        extra.mkdir()
        _write_card(card, extra / "card.json")


def _open_saved_model(path, model):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return lambda images: loaded.serve(tf.constant(images)).numpy()


def _write_onnx(model, card, path, calibration):
    import onnx

    with write_whole(path) as temporary, _quiet():
        model(np.zeros((1, *model.input_shape[1:]), np.float32))  # which Keras wants
        model.export(str(temporary), format="onnx", verbose=False)
        if calibration is not None:
            _quantize_onnx(temporary, calibration)
        graph = onnx.load(temporary)
        for key, value in card.items():
            entry = graph.metadata_props.add()
            entry.key, entry.value = key, json.dumps(value)
        onnx.save(graph, temporary)


def _quantize_onnx(path, calibration):
    from onnxruntime import InferenceSession, quantization

    name = InferenceSession(path).get_inputs()[0].name

    class Reader(quantization.CalibrationDataReader):
        images = ({name: image[None]} for image in calibration)

        def get_next(self):
            return next(self.images, None)

    quantization.quantize_static(
        path,
        path,
        Reader(),
        per_channel=True,
        # Symmetric int8 throughout, one scale for each filter
        activation_type=quantization.QuantType.QInt8,
        weight_type=quantization.QuantType.QInt8,
    )


def _open_onnx(path, model):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


def _write_litert(model, card, path, calibration):
    settings = {}
    if calibration is not None:
        import tensorflow as tf

        settings = {
            "optimizations": [tf.lite.Optimize.DEFAULT],
            "representative_dataset": lambda: ([image[None]] for image in calibration),
        }
    with write_whole(path) as temporary, _quiet():
        model.export(str(temporary), format="litert", verbose=False, **settings)
    _write_card(card, path.with_suffix(".json"))


def _open_litert(path, model):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    [entry], [exit] = interpreter.get_input_details(), interpreter.get_output_details()

    def answer(images):
        interpreter.resize_tensor_input(entry["index"], images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(entry["index"], images)
        interpreter.invoke()
        return interpreter.get_tensor(exit["index"])

    return answer


def _write_openvino(model, card, path, calibration):
    weights = path.with_suffix(".bin")  # OpenVINO's own name for them
    with (
        write_whole(path) as temporary,
        write_whole(weights) as temporary_weights,
        tempfile.TemporaryDirectory(dir=path.parent) as folder,
        _quiet(),
    ):
        both = Path(folder) / path.name
        model.export(str(both), format="openvino", verbose=False)
        both.replace(temporary)
        both.with_suffix(".bin").replace(temporary_weights)
    _write_card(card, path.with_suffix(".json"))


def _open_openvino(path, model):
    return open_openvino(path)


def _write_torchvision(model, card, path, calibration):
    """Write a state dictionary; its metadata says how to set torchvision's net up."""
    from safetensors.numpy import save_file

    variant, _, arrays = _translatable(model)
    state = {}
    for place, values in without_biases(arrays).items():
        name = torch_name(place)
        if place.kind == "norm":
            gamma, beta, mean, variance = values
            variance = variance + np.float32(variant.epsilon - _TORCH_EPSILON)
            values = (gamma, beta, mean, variance)
            parts = ("weight", "bias", "running_mean", "running_var")
        elif place == HEAD:
            values, parts = (values[0].T, values[1]), ("weight", "bias")
        else:
            values, parts = (values[0].transpose(3, 2, 0, 1),), ("weight",)
        for part, value in zip(parts, values, strict=True):
            state[f"{name}.{part}"] = np.ascontiguousarray(value)
    metadata = {key: json.dumps(value) for key, value in card.items()}
    with write_whole(path) as temporary:
        save_file(state, temporary, {**metadata, "setup": torch_setup(model)})


def _torch_changes(model):
    """Return what differs from torchvision's network: (module, attribute, value)."""
    variant, _, arrays = _translatable(model)
    changes = []
    if variant.pool_padding == 0:
        changes.append(("maxpool", "padding", 0))
    bottlenecks = any(place.part == "2c" for place in arrays)
    if bottlenecks and variant.stride_in == "1x1":
        for stage in (2, 3, 4):
            changes.append((f"layer{stage}.0.conv1", "stride", (2, 2)))
            changes.append((f"layer{stage}.0.conv2", "stride", (1, 1)))
    return changes


def torch_setup(model):
    """Return the Python that makes torchvision's network answer as this one."""
    _, depth, arrays = _translatable(model)
    classes = arrays[HEAD][0].shape[1]
    lines = [f"model = torchvision.models.resnet{depth}(num_classes={classes})"]
    lines += [
        f'setattr(model.get_submodule("{module}"), "{attribute}", {value})'
        for module, attribute, value in _torch_changes(model)
    ]
    return "\n".join(lines)


def _open_torchvision(path, model):
    import torch
    import torchvision
    from safetensors.torch import load_file

    _, depth, arrays = _translatable(model)
    build = getattr(torchvision.models, f"resnet{depth}")
    network = build(num_classes=arrays[HEAD][0].shape[1])
    for module, attribute, value in _torch_changes(model):
        setattr(network.get_submodule(module), attribute, value)
    # PyTorch also counts batches in training, which nothing needs.
    unfilled, _ = network.load_state_dict(load_file(path), strict=False)
    assert all(name.endswith("num_batches_tracked") for name in unfilled)
    network.eval()

    def answer(images):
        with torch.no_grad():
            logits = network(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
            return torch.softmax(logits, 1).numpy()

    return answer


def _write_keras_applications(model, card, path, calibration):
    """Write weights that `keras.applications.ResNet50(weights=path)` takes."""
    network = _keras_applications(model)
    with write_whole(path) as temporary:
        network.save_weights(temporary)
    _write_card(card, path.with_name(path.name.removesuffix(".weights.h5") + ".json"))


def _keras_applications(model, path=None):
    """Build keras.applications' network; from the weights at `path`, or as `model`."""
    variant, depth, arrays = _translatable(model)
    theirs = family.VARIANTS["keras"]
    if depth < 50 or variant.stride_in != theirs.stride_in:
        raise InputError(
            f"--format keras-applications: has no network of {depth} layers with its "
            f"stride in the {variant.stride_in}; expected 50, 101 or 152 and 1x1."
        )
    if variant.pool_padding != theirs.pool_padding:
        raise InputError(
            "--format keras-applications: its networks pad the max pooling by "
            f"{theirs.pool_padding}, this one by {variant.pool_padding}, so it would "
            "answer wrongly. Choose --format keras or torchvision."
        )
    network = getattr(keras.applications, f"ResNet{depth}")(
        weights=str(path) if path else None,
        input_shape=model.input_shape[1:],
        classes=model.output_shape[-1],
    )
    if path:
        return network
    for place, values in arrays.items():
        if place.kind == "norm":  # only the sum of variance and epsilon counts
            more = np.float32(variant.epsilon - theirs.epsilon)
            values = [*values[:3], values[3] + more]
        network.get_layer(keras_name(place)).set_weights(values)
    return network


def _open_keras_applications(path, model):
    return _keras_applications(model, path).predict_on_batch


def _translatable(model):
    """Return variant, depth and weights by place of a network with a head."""
    arrays = {
        place_of(layer.name): layer.get_weights()
        for layer in model.layers
        if layer.weights
    }
    depth = sum(p.kind == "conv" and p.part != "1" for p in arrays if p) + 1
    last = getattr(model.layers[-1], "activation", None)
    is_known = (
        None not in arrays
        and HEAD in arrays
        and depth in family.DEPTHS
        and last is keras.activations.softmax
    )
    if not is_known:
        raise InputError(
            f"{model.name}: is no ResNet of {', '.join(map(str, family.DEPTHS))} "
            "layers, so other libraries have no network for its weights."
        )
    return traits(model), depth, arrays


def _write_card(card, path):
    with write_whole(path) as temporary:
        temporary.write_text(json.dumps(card, indent=2) + "\n")


@contextlib.contextmanager
def _quiet():
    """Keep converters from telling of themselves; their errors still come."""
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


FORMATS = {
    "keras": Format(".keras", (), _write_keras, _open_keras),
    "h5": Format(".h5", (), _write_keras, _open_keras),
    "savedmodel": Format("", ("tensorflow",), _write_saved_model, _open_saved_model),
    "onnx": Format(
        ".onnx", ("onnx", "onnxruntime", "tf2onnx"), _write_onnx, _open_onnx, True
    ),
    "litert": Format(".tflite", ("ai_edge_litert",), _write_litert, _open_litert, True),
    "openvino": Format(".xml", ("openvino",), _write_openvino, _open_openvino),
    "torchvision": Format(
        ".safetensors",
        ("safetensors", "torch", "torchvision"),
        _write_torchvision,
        _open_torchvision,
        hint=torch_setup,
    ),
    "keras-applications": Format(
        ".weights.h5", (), _write_keras_applications, _open_keras_applications
    ),
}
