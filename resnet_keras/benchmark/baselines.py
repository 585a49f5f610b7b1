"""What is compared: this package, and its peers at their defaults and at their best.

Each has a maker for `interleaved` that takes (network, size, batch_sizes): a name of
the family, the side of the images in pixels, and how many images make a batch, several
numbers. It returns a step for each of these, named by the number. The networks of
keras.applications and PyTorch are ResNet-50 whatever the name; in the quick form, whose
small network is built by this package, only Keras' is compared.
"""

from functools import partial
from importlib.util import find_spec
from typing import NamedTuple

from resnet_keras.accelerate.probe import default_precision
from resnet_keras.benchmark import exported, keras_network, own, pytorch
from resnet_keras.benchmark.common import POLICIES

THIS, LIMIT = "(a) this package", "(e) matrix products"
DEFAULTS = "(b) Keras' defaults"
WITH_XLA, WITHOUT_XLA = "(b) Keras with XLA", "(b) Keras without XLA"
_ON = {"jax": "(c) Keras on JAX", "torch": "(c) Keras on PyTorch"}
_TUNED = "channels last, fused AdamW, keeps freed memory"
_FLOATS, _ONE = ("float32", "bfloat16"), ("float32",)
_PACKAGES = {  # that a name needs
    "JAX": ("jax",),
    "PyTorch": ("torch",),
    "ONNX": ("onnxruntime", "tf2onnx"),
    "(f) OpenVINO": ("openvino",),
}


class Peer(NamedTuple):
    """One setting of one that is compared."""

    name: str
    precision: str  # of its products: "float32", "bfloat16" or "int8"
    settings: str  # in words
    make: object  # for `interleaved`

    @property
    def key(self):
        """What no other is called."""
        return f"{self.name}, {self.precision}"

    def missing(self):
        """Return which packages it needs that are not installed."""
        return [
            package
            for word, packages in _PACKAGES.items()
            for package in packages
            if word in self.name and not find_spec(package)
        ]


def precisions():
    """Return the precisions to train in, the default of this machine first.

    bfloat16 is slower than float32 where the hardware does not multiply it.
    """
    has_bfloat16 = default_precision() == POLICIES["bfloat16"]
    return ("bfloat16", "float32") if has_bfloat16 else ("float32",)


def training(precision):
    """Return the `Peer`s of training in a precision, and the product that limits it."""
    keras, torch = keras_network.trains, pytorch.trains
    rows = [
        (THIS, _FLOATS, "training copy, Muon", own.trains, {}),
        (DEFAULTS, _ONE, "Adam", keras, {}),
        ("(b) Keras", ("bfloat16",), "mixed_bfloat16, Adam", keras, {}),
        *((_ON[x], _FLOATS, "the same", keras, {"backend": x}) for x in _ON),
        ("(d) PyTorch's defaults", _ONE, "AdamW", torch, {"tuned": False}),
        ("(d) PyTorch", _FLOATS, _TUNED, torch, {}),
        ("(d) PyTorch compiled", _FLOATS, _TUNED, torch, {"compiled": True}),
        (LIMIT, _FLOATS, "", own.matrix_products, {}),
    ]
    return _peers(rows, precision)


def prediction(precision, folder):
    """Return the `Peer`s of prediction in a precision, and the product that limits it.

    Args:
        precision: "float32", "bfloat16" or "int8".
        folder: that of `exported.write`, with the files that the runtimes read.
    """
    keras, torch, files = keras_network.predicts, pytorch.predicts, {"folder": folder}
    alone, frozen = {"without": ("openvino",)}, "channels last, frozen weights"
    onnx, openvino = exported.onnx_runtime, exported.openvino
    rows = [
        (THIS, _FLOATS, "the fastest runtime", own.predicts, {}),
        ("(a) TensorFlow alone", _FLOATS, "", own.predicts, alone),
        (DEFAULTS, _ONE, "predict", keras, {"by_predict": True}),
        ("(b) Keras", _FLOATS, "predict_on_batch", keras, {}),
        *((_ON[x], _FLOATS, "predict_on_batch", keras, {"backend": x}) for x in _ON),
        ("(d) PyTorch's defaults", _ONE, "", torch, {"tuned": False}),
        ("(d) PyTorch", _FLOATS, "channels last", torch, {}),
        ("(d) PyTorch compiled", _FLOATS, frozen, torch, {"compiled": True}),
        # It does not multiply bfloat16 on a CPU.
        ("(f) ONNX Runtime", ("float32", "int8"), "", onnx, files),
        ("(f) OpenVINO", (*_FLOATS, "int8"), "", openvino, files),
        (LIMIT, _FLOATS, "", own.matrix_products, {}),
    ]
    return _peers(rows, precision)


def _peers(rows, precision):
    return [
        Peer(name, precision, settings, partial(make, precision=precision, **more))
        for name, precisions, settings, make, more in rows
        if precision in precisions
    ]
