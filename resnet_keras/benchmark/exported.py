"""The exported network in ONNX Runtime and in OpenVINO, as baselines of prediction.

The runtimes' processes read files and import no Keras.
"""

from pathlib import Path

import numpy as np

from resnet_keras.benchmark.common import CLASSES, random_images

_FILES = {"float32": "model.onnx", "int8": "int8.onnx", "openvino": "model.xml"}
_NUM_CALIBRATING = 8  # pictures of noise: speed does not depend on them


def write(network, size, folder):
    """Export a network to `folder` for each runtime that is installed here."""
    from resnet_keras.commands import load_keras

    load_keras()
    from resnet_keras.export.formats import FORMATS, missing
    from resnet_keras.models import build

    model = build(network, (size, size, 3), CLASSES)
    metadata = {"input_size": [size, size, 3]}
    images, _ = random_images(_NUM_CALIBRATING, size)
    for key, name in _FILES.items():
        form = "openvino" if key == "openvino" else "onnx"
        if not missing(form):
            calibration = images if key == "int8" else None
            FORMATS[form].load().write(
                model, metadata, Path(folder) / name, calibration
            )


def onnx_runtime(network, size, batch_sizes, folder, precision="float32"):
    """Return prediction of one batch by ONNX Runtime, for each batch size.

    Args:
        network: ignored; it is the one that `write` was given.
        size: side of the images in pixels.
        batch_sizes: how many images make a batch, several numbers.
        folder: that of `write`.
        precision: "float32" or "int8", a quantized export.
    """
    import onnxruntime

    path = str(Path(folder) / _FILES[precision])
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return _steps(
        lambda images: session.run(None, {name: images})[0], size, batch_sizes
    )


def openvino(network, size, batch_sizes, folder, precision="float32"):
    """Return prediction of one batch by OpenVINO, for each batch size.

    Args:
        network: as in `onnx_runtime`.
        size: as in `onnx_runtime`.
        batch_sizes: as in `onnx_runtime`.
        folder: as in `onnx_runtime`.
        precision: "float32", "bfloat16", or "int8", the quantized ONNX export.
    """
    from resnet_keras.accelerate.runtimes import open_openvino

    is_int8 = precision == "int8"
    path = str(Path(folder) / _FILES["int8" if is_int8 else "openvino"])
    predict = open_openvino(path, "float32" if is_int8 else precision)
    return _steps(predict, size, batch_sizes)


def _steps(predict, size, batch_sizes):
    images, _ = random_images(max(batch_sizes), size)

    def step(number):
        batch = np.ascontiguousarray(images[:number])
        return lambda: predict(batch)

    return {str(number): step(number) for number in batch_sizes}
