"""ONNX, for its runtime and many others."""

import json

import numpy as np

from resnet_keras.accelerate.runtimes import open_onnx
from resnet_keras.export.converting import converting

_PRODUCTS = {"Conv", "Gemm", "MatMul"}


def write(model, metadata, path, calibration):
    """Write the graph, with metadata in its properties."""
    # A model of any size is called at one; its file still takes any.
    sides = zip(model.input_shape, [1, *metadata["input_size"]], strict=False)
    with converting("onnx"):
        model(np.zeros([side or told for side, told in sides], np.float32))
        model.export(str(path), format="onnx", verbose=False)
        if calibration is not None:
            _quantize(path, calibration)
        add_metadata(path, metadata)


def _quantize(path, calibration):
    import onnx
    from onnxruntime import InferenceSession, quantization

    name = InferenceSession(path).get_inputs()[0].name
    nodes = onnx.load(path).graph.node
    products = [i for i, node in enumerate(nodes) if node.op_type in _PRODUCTS]

    class Reader(quantization.CalibrationDataReader):
        images = ({name: image[None]} for image in calibration)

        def get_next(self):
            return next(self.images, None)

    quantization.quantize_static(
        path,
        path,
        Reader(),
        per_channel=True,
        # The last layer and its softmax: in steps of 1/255 the sum is no longer 1.
        nodes_to_exclude=[node.name for node in nodes[max(products, default=0) :]],
        # Symmetric int8 throughout, one scale for each filter
        activation_type=quantization.QuantType.QInt8,
        weight_type=quantization.QuantType.QInt8,
    )


def add_metadata(path, entries):
    """Add entries to the file's properties."""
    import onnx

    graph = onnx.load(path)
    for key, value in entries.items():
        entry = graph.metadata_props.add()
        entry.key, entry.value = key, json.dumps(value)
    onnx.save(graph, path)


def read(path, model):
    """Return ONNX Runtime's function."""
    return open_onnx(path)[0]
