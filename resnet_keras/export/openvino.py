"""OpenVINO, Intel's runtime: `.xml` and, beside it, `.bin`."""

from resnet_keras.accelerate.runtimes import open_openvino
from resnet_keras.export.converting import converting, write_metadata


def write(model, metadata, path, calibration):
    """Write the graph and its weights; metadata go to a third file."""
    with converting("openvino"):
        model.export(str(path), format="openvino", verbose=False)
    write_metadata(metadata, path.with_suffix(".json"))


def read(path, model):
    """Return OpenVINO's function, in float32."""
    return open_openvino(path)
