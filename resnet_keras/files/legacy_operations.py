"""TensorFlow's operations in the graphs of Keras 2, as operations of Keras 3.

Keras 2 wrote `x / 127.5` as a layer TFOpLambda whose function is "math.truediv".
"""

import json

OLD_OPERATIONS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")
_PREFIXES = ("compat.v1.", "__operators__.", "math.", "nn.", "linalg.", "image.")


def _elementwise(name, module="numpy"):
    return lambda inputs, given: (module, name, {}, inputs)


def _two(name):
    def make(inputs, given):
        second = [_constant(given["y"])] if "y" in given else []
        return "numpy", name, {}, [*inputs, *second]

    return make


def _constant(value):
    """Return a list of numbers as the tensor that Keras 3 takes instead."""
    if isinstance(value, list):
        return {
            "class_name": "__tensor__",
            "config": {"value": value, "dtype": "float32"},
        }
    return value


def _reduction(name):
    def make(inputs, given):
        settings = {"axis": given.get("axis"), "keepdims": bool(given.get("keepdims"))}
        return "numpy", name, settings, inputs

    return make


def _setting(module, name, **names):
    """Take a setting, by the name that it has in Keras 3, from that of TensorFlow."""

    def make(inputs, given):
        settings = {new: given[old] for new, old in names.items() if old in given}
        return module, name, settings, inputs

    return make


def _softmax(name):
    return lambda inputs, given: ("nn", name, {"axis": given.get("axis") or -1}, inputs)


def _getitem(inputs, given):
    return "numpy", "GetItem", {}, [*inputs, given["slice_spec"]]


def _bias_add(inputs, given):
    if given.get("data_format") == "NCHW":
        return None
    return "numpy", "Add", {}, [*inputs, _constant(given["bias"])]


def _normalize(inputs, given):
    smallest = given.get("epsilon", 1e-12) ** 0.5  # TensorFlow's is of the square
    settings = {"axis": given.get("axis"), "order": 2, "epsilon": smallest}
    return "nn", "Normalize", settings, inputs


def _resize(inputs, given):
    if given.get("preserve_aspect_ratio"):
        return None
    settings = {
        "size": given["size"],
        "interpolation": given.get("method") or "bilinear",
        "antialias": bool(given.get("antialias")),
    }
    return "image", "Resize", settings, inputs


_NUMPY = (
    *("Abs", "Ceil", "Cos", "Exp", "Floor", "Log", "Negative", "Sign", "Sin", "Sqrt"),
    *("Square", "Tanh"),
)
_NN = ("Elu", "Relu", "Relu6", "Selu", "Sigmoid", "Silu", "Softplus", "Softsign")
_MAKERS = {
    **{name.lower(): _elementwise(name) for name in _NUMPY},
    **{name.lower(): _elementwise(name, "nn") for name in _NN},
    "swish": _elementwise("Silu", "nn"),
    "rsqrt": _elementwise("Rsqrt", "math"),
    "identity": _elementwise("StopGradient", "core"),
    "stop_gradient": _elementwise("StopGradient", "core"),
    "add": _two("Add"),
    "divide": _two("TrueDivide"),
    "floordiv": _two("FloorDivide"),
    "maximum": _two("Maximum"),
    "minimum": _two("Minimum"),
    "multiply": _two("Multiply"),
    "pow": _two("Power"),
    "realdiv": _two("TrueDivide"),
    "subtract": _two("Subtract"),
    "truediv": _two("TrueDivide"),
    "reduce_max": _reduction("Max"),
    "reduce_mean": _reduction("Mean"),
    "reduce_min": _reduction("Min"),
    "reduce_sum": _reduction("Sum"),
    "bias_add": _bias_add,
    "getitem": _getitem,
    "l2_normalize": _normalize,
    "resize": _resize,
    "softmax": _softmax("Softmax"),
    "log_softmax": _softmax("LogSoftmax"),
    "gelu": _setting("nn", "Gelu", approximate="approximate"),
    "cast": _setting("core", "Cast", dtype="dtype"),
    "clip_by_value": _setting(
        "numpy", "Clip", x_min="clip_value_min", x_max="clip_value_max"
    ),
    "concat": _setting("numpy", "Concatenate", axis="axis"),
    "stack": _setting("numpy", "Stack", axis="axis"),
    "expand_dims": _setting("numpy", "ExpandDims", axis="axis"),
    "squeeze": _setting("numpy", "Squeeze", axis="axis"),
    "reshape": _setting("numpy", "Reshape", newshape="shape"),
    "transpose": _setting("numpy", "Transpose", axes="perm"),
}
# As TF 2.0 to 2.3 wrote them, by the names of their kernels.
_KERNELS = {
    "Add": "add",
    "AddV2": "add",
    "BiasAdd": "add",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "Mul": "multiply",
    "Neg": "negative",
    "RealDiv": "truediv",
    "Relu": "relu",
    "Relu6": "relu6",
    "Sigmoid": "sigmoid",
    "Softmax": "softmax",
    "Sub": "subtract",
    "Tanh": "tanh",
}


def operation(layer, calls):
    """Return the layer of an old operation as an operation of Keras 3.

    Args:
        layer: its dictionary in the configuration.
        calls: its calls, as Keras 3 writes them.

    Returns:
        Such a dictionary; `layer` with these calls where it is not known here.
    """
    unknown = {**layer, "inbound_nodes": calls}
    config = layer.get("config")
    if not isinstance(config, dict):
        return unknown
    nodes = []
    for call in calls:
        made = _kernel(config, call) if "node_def" in config else _op(config, call)
        if made is None:
            return unknown
        module, name, settings, args = made
        nodes.append({"args": args, "kwargs": {}})
    return {
        "module": f"keras.src.ops.{module}",
        "class_name": name,
        "config": {"name": layer["name"], **settings},
        "registered_name": None,
        "name": layer["name"],
        "inbound_nodes": nodes,
    }


def _op(config, call):
    name = config.get("function")
    if not isinstance(name, str):
        return None
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    maker = _MAKERS.get(name)
    given = {k: v for k, v in call["kwargs"].items() if v is not None}
    return maker(call["args"], given) if maker else None


def _kernel(config, call):
    node = config["node_def"]
    if isinstance(node, str):
        try:
            node = json.loads(node)
        except ValueError:
            return None
    maker = _MAKERS.get(_KERNELS.get(node.get("op")))
    inputs = call["args"][0]
    inputs = list(inputs) if isinstance(inputs, list) else [inputs]
    constants = config.get("constants") or {}
    for index in sorted(constants, key=int):
        inputs.insert(int(index), _constant(constants[index]))
    return maker(inputs, {}) if maker else None
