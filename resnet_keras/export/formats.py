"""The table of formats that a model can be exported to; it needs no Keras.

Each format's module has `write(model, metadata, path, calibration)`, which writes its
files, with `calibration` None or prepared images for integers of 8 bits; and
`read(path, model)`, which opens them by the format's own runtime and returns a
function from prepared images to the network's outputs. It may have `check(model)`,
which refuses what the format cannot hold, and `hint(model)`, what to know for use;
and has `add_metadata(path, entries)` if it can quantize.
"""

import importlib.util
from importlib import import_module
from typing import NamedTuple

from resnet_keras.errors import InputError


class Format(NamedTuple):
    """One format: what its files are called, and what it needs."""

    module: str
    suffix: str  # "" is a folder
    needs: tuple = ()  # packages, all in the extra of the format's name
    beside: tuple = ()  # suffixes of other files that are written along
    can_quantize: bool = False

    def load(self):
        """Return the format's module."""
        return import_module(f"resnet_keras.export.{self.module}")

    def outputs(self, path):
        """Return all paths that an export to `path` writes, `path` first."""
        stem = path.name.removesuffix(self.suffix)
        return [path, *(path.with_name(stem + suffix) for suffix in self.beside)]


FORMATS = {
    "keras": Format("keras_files", ".keras"),
    "h5": Format("keras_files", ".h5"),
    "savedmodel": Format("savedmodel", "", ("tensorflow",)),
    "onnx": Format(
        "onnx", ".onnx", ("onnx", "onnxruntime", "tf2onnx"), can_quantize=True
    ),
    "litert": Format("litert", ".tflite", ("ai_edge_litert",), (".json",), True),
    "openvino": Format(
        "openvino", ".xml", ("openvino", "scipy"), (".bin", ".json")
    ),  # Keras' converter needs SciPy
    "torchvision": Format(
        "torchvision", ".safetensors", ("safetensors", "torch", "torchvision")
    ),
    "keras-applications": Format(
        "keras_applications", ".weights.h5", beside=(".json",)
    ),
}


def missing(name):
    """Return which of the packages that a format needs are not installed."""
    return [each for each in FORMATS[name].needs if not importlib.util.find_spec(each)]


def check_needs(name, quantize=False):
    """Refuse a format whose packages are not installed, or that cannot quantize.

    Raises:
        InputError: naming them.
    """
    if absent := missing(name):
        raise InputError(
            f"--format {name}: needs {', '.join(absent)}; pip install "
            f"'resnet_keras[{name}]'."
        )
    if quantize and not FORMATS[name].can_quantize:
        able = ", ".join(key for key, each in FORMATS.items() if each.can_quantize)
        raise InputError(f"--quantize: not for {name}; expected one of {able}.")
