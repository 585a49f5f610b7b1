"""A model's quantized export, an ONNX file that stands beside it."""

import hashlib
import importlib.util
import json
import warnings
from pathlib import Path

from resnet_keras.accelerate import runtimes
from resnet_keras.errors import InputError

# In the metadata of a quantized export: what it differs by, and whose it is.
QUANTIZED, DIGEST = "quantized", "weights"


def digest(model):
    """Return a hash of a model's weights, as text."""
    found = hashlib.blake2b(digest_size=16)
    for weights in model.get_weights():
        found.update(weights.tobytes())
    return found.hexdigest()


def open_quantized(name, model):
    """Open the quantized export of a model, to predict with integers of 8 bits.

    Args:
        name: path of the model's file; the export has the same with .onnx behind it, as
            `resnet_keras.export` names it.
        model: `keras.Model` in that file.

    Returns:
        Function from prepared images to a NumPy array.

    Raises:
        InputError: there is no such file, it is not quantized, or it is of another
            model; or no runtime for it is installed.
    """
    path = Path(name).with_suffix(".onnx")
    make = (
        f"make it with python -m resnet_keras.export {name} --format onnx --quantize "
        f"--out {path} --data FOLDER"
    )
    if not importlib.util.find_spec("onnxruntime"):
        raise InputError(
            "precision int8: needs onnxruntime; pip install 'resnet_keras[onnx]'."
        )
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; expected the quantized export of {name}: {make}."
        )
    try:
        predict, metadata = runtimes.open_onnx(path)
        entry = json.loads(metadata.get(QUANTIZED, "null"))
    except Exception as error:  # the runtime has its own kinds
        reason = (str(error).strip().splitlines() or [""])[0][:200]
        raise InputError(f"{path}: cannot be opened ({reason}); {make}.") from error
    if not isinstance(entry, dict):
        raise InputError(f"{path}: does not say that it is quantized; {make}.")
    if entry.get(DIGEST) != digest(model):
        raise InputError(f"{path}: was made of another model than {name}; {make}.")
    if runtimes.has_openvino():  # three times as fast
        try:
            return runtimes.open_openvino(str(path))
        except Exception as error:  # it has its own kinds, too
            reason = f"{type(error).__name__}: {error}".split("\n")[0][:200]
            warnings.warn(f"OpenVINO is not used: {reason}", stacklevel=2)
    return predict
