"""How many parameters a configuration asks for, counted before anything is built.

Keras makes a layer's weights before it looks whether the file has them, and a false
picture size can make a dense layer of any size. Here the shapes are followed through
the configuration alone.
"""

import math

import keras

from resnet_keras.errors import InputError

_FREE_PARAMETERS = 16 * 2**20  # 64 MiB of float32
_MAX_PIXELS = 2**24  # 4096 x 4096
_MAX_NUMBERS = 2**28  # of one map of one picture: 64 channels of 2048 x 2048, 1 GiB


def check_size(path, config, num_stored):
    """Refuse a model that asks for more parameters than the file has numbers.

    Args:
        path: of the file, for the message.
        config: of the whole model, as `legacy.mended` returns it.
        num_stored: how many numbers the file's arrays have.

    Raises:
        InputError: it asks for more, or for huge pictures, or cannot be followed.
    """
    try:
        shapes = {}
        total = _model(config, None, shapes)
    except Exception as error:
        raise InputError(
            f"{path}: its layers do not fit together ({type(error).__name__}: "
            f"{str(error).strip().splitlines()[0][:200] if str(error) else ''})."
        ) from error
    limit = num_stored + _FREE_PARAMETERS
    if total > limit:
        raise InputError(
            f"{path}: asks for {total:,} parameters but stores {num_stored:,} numbers; "
            f"expected at most {limit:,}. It could exhaust the memory."
        )


def _model(entry, shape, outputs):
    """Return the number of parameters; put the shape that comes out into `outputs`.

    `shape` is that of the input of a model within a model, None otherwise.
    """
    config = entry["config"]
    if entry["class_name"] == "Sequential":
        return _sequential(config, shape, outputs)
    made, total = {}, 0  # layer name: shapes of its calls' outputs
    waiting = list(config["layers"])
    while waiting:
        left = []
        for layer in waiting:
            nodes = [_sources(node) for node in layer["inbound_nodes"]]
            if all(name in made for node in nodes for name, _ in node):
                inputs = [
                    [
                        made[name][min(index, len(made[name]) - 1)]
                        for name, index in node
                    ]
                    for node in nodes
                ] or [[shape]]
                made[layer["name"]], number = _called(layer, inputs)
                total += number
            else:
                left.append(layer)
        if len(left) == len(waiting):
            raise ValueError("a layer's input is missing")
        waiting = left
    outputs["last"] = made[_first_name(config["output_layers"])][-1]
    return total


def _output(shapes, call):
    return shapes[min(call, len(shapes) - 1)]


def _first_name(value):
    while not isinstance(value, str):
        value = value[0]
    return value


def _sequential(config, shape, outputs):
    layers = config["layers"] if isinstance(config, dict) else config
    total = 0
    for layer in layers:
        given = layer["config"].get("batch_input_shape")
        shape = tuple(given) if given and shape is None else shape
        [shape], number = _called(layer, [[shape]])
        total += number
    outputs["last"] = shape
    return total


def _sources(node):
    """Return (layer name, call) of each tensor that a call takes in, new or old."""
    if isinstance(node, dict):
        found, pending = [], [node["args"], node.get("kwargs")]
        while pending:
            value = pending.pop(0)
            if isinstance(value, dict):
                history = value.get("keras_history")
                if history:
                    found.append((history[0], history[1]))
                pending += value.values()
            elif isinstance(value, list):
                pending += value
        return found
    return [(each[0], each[1]) for each in node]


def _called(layer, calls):
    """Return the shapes that a layer's calls put out, and how many weights it has."""
    kind, config = layer["class_name"], dict(layer["config"])
    if kind == "InputLayer":
        shape = tuple(
            config.get("batch_shape")
            or config.get("batch_input_shape")
            or config.get("shape")
        )
        if math.prod(side or 1 for side in shape[1:3]) > _MAX_PIXELS:
            raise ValueError(f"pictures of {shape[1]} x {shape[2]} pixels")
        return [shape], 0
    if kind in ("Functional", "Sequential"):
        outputs = {}
        total = _model(layer, calls[0][0], outputs)
        return [outputs["last"]] * (len(calls) + 1), total
    config.pop("batch_input_shape", None)
    built = getattr(keras.layers, kind).from_config(config)
    shapes = []
    for inputs in calls:
        shape = inputs if len(inputs) > 1 else inputs[0]
        shapes.append(tuple(built.compute_output_shape(shape)))
        if math.prod(side or 1 for side in shapes[-1][1:]) > _MAX_NUMBERS:
            raise ValueError(f"{kind} makes maps of {shapes[-1][1:]}")
    # Keras 3 also notes the shape for which it built the layer, and builds it so.
    noted = layer.get("build_config") or {}
    inputs = [inputs[0] for inputs in calls]
    inputs += [shape for shape in noted.values() if isinstance(shape, list) and shape]
    return shapes, max(_parameters(kind, config, shape) for shape in inputs)


def _parameters(kind, config, shape):
    """Return how many weights a layer makes for an input of this shape, but biases."""
    first = config.get("data_format") == "channels_first"
    channels = (shape[1] if first else shape[-1]) or 0
    window = math.prod(config.get("kernel_size") or (1,))
    multiplier = config.get("depth_multiplier") or 1
    if kind == "Dense":
        return channels * config["units"]
    if kind in ("Conv2D", "Convolution2D"):
        return window * channels * config["filters"] // (config.get("groups") or 1)
    if kind == "DepthwiseConv2D":
        return window * channels * multiplier
    if kind == "SeparableConv2D":
        return channels * multiplier * (window + config["filters"])
    axes = config.get("axis", range(1, len(shape)))
    if kind == "PReLU":
        shared = config.get("shared_axes") or ()
        axes = [axis for axis in range(1, len(shape)) if axis not in shared]
    elif "Normalization" not in kind:
        return 0
    axes = [axes] if isinstance(axes, int) else axes or range(1, len(shape))
    return 4 * math.prod(shape[axis] or 1 for axis in axes)
