"""LiteRT, formerly TensorFlow Lite, for phones and small machines."""

import json

from resnet_keras.export.converting import converting, write_metadata


def write(model, metadata, path, calibration):
    """Write the model; metadata go to a file beside it."""
    settings = {}
    if calibration is not None:
        import tensorflow as tf

        settings = {
            "optimizations": [tf.lite.Optimize.DEFAULT],
            "representative_dataset": lambda: ([image[None]] for image in calibration),
        }
    with converting("litert"):
        model.export(str(path), format="litert", verbose=False, **settings)
    write_metadata(metadata, path.with_suffix(".json"))


def add_metadata(path, entries):
    """Add entries to the file beside it."""
    beside = path.with_suffix(".json")
    write_metadata(json.loads(beside.read_text()) | entries, beside)


def read(path, model):
    """Return LiteRT's function."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    [entry], [exit] = interpreter.get_input_details(), interpreter.get_output_details()

    def outputs(images):
        interpreter.resize_tensor_input(entry["index"], images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(entry["index"], images)
        interpreter.invoke()
        return interpreter.get_tensor(exit["index"])

    return outputs
