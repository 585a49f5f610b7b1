"""The graph that a learner's function built, read by what its steps do.

Which class does it is no matter: `Activation("relu")`, `layers.ReLU()` and
`ops.maximum(X, 0)` are one kind, as are `Add()` and `+`.
"""

import inspect
from dataclasses import dataclass, field

import keras
import numpy as np
from keras import layers, ops

from resnet_keras.check.tracing import Line

_POOLS = {
    layers.MaxPooling2D: "max pooling",
    layers.AveragePooling2D: "average pooling",
    layers.GlobalAveragePooling2D: "global average pooling",
    layers.ZeroPadding2D: "zero padding",
    layers.Flatten: "flatten",
    layers.Dense: "dense",
    layers.Dropout: "dropout",
    layers.SpatialDropout2D: "dropout",
}


@dataclass(eq=False)
class Step:
    """A node of the graph: what it does, to what, and which line made it."""

    kind: str
    inputs: list
    settings: dict = field(default_factory=dict)
    operation: object = None
    line: Line = None
    outer: Line = None  # the line of the traced function itself
    training: object = None  # the argument, if it was given
    shape: tuple = ()

    @property
    def is_join(self):
        """Whether several tensors meet here."""
        return len(self.inputs) > 1

    @property
    def name(self):
        """What it is called: its function's name, or its kind."""
        return self.settings.get("name", self.kind)


def graph_of(result, tensor=None):
    """Return the last `Step` of a trace; the others hang on its inputs.

    Args:
        result: `Trace` with a tensor.
        tensor: where to end, by default the output.

    Returns:
        `Step`.
    """
    return _step(result.output if tensor is None else tensor, result, {})


def _step(tensor, result, known):
    if id(tensor) in known:
        return known[id(tensor)]
    history = getattr(tensor, "_keras_history", None)
    if history is None or history.operation is None:
        step = Step("input", [], shape=tuple(tensor.shape))
    else:
        operation = history.operation
        node = operation._inbound_nodes[history.node_index]
        if isinstance(operation, keras.Model):
            step = _inside(operation, node, result, known)
        else:
            inputs = [_step(each, result, known) for each in node.input_tensors]
            step = _read(operation, node, inputs, tensor, result)
    known[id(tensor)] = step
    return step


def _inside(model, node, result, known):
    """Follow a graph into a model that is used as a layer."""
    inner = getattr(model, "_functional", None) or model
    for outside, inside in zip(node.input_tensors, inner.inputs, strict=True):
        known[id(inside)] = _step(outside, result, known)
    step = _step(inner.outputs[0], result, known)
    line = result.lines.get(id(model))
    stack = [step]
    while stack:  # a layer made before the call shows its own line
        each = stack.pop()
        if each.line is None and each.operation is not None:
            each.line = line
            stack.extend(each.inputs)
    return step


def _read(operation, node, inputs, tensor, result):
    """Return what an operation does, by its class or by trying it."""
    if isinstance(operation, layers.InputLayer):
        return Step("input", [], shape=tuple(tensor.shape))
    common = {
        "operation": operation,
        "line": result.lines.get(id(operation)),
        "outer": result.outer_lines.get(id(operation)),
        "shape": tuple(tensor.shape),
    }
    if type(operation) is layers.Conv2D:
        step = Step("conv", inputs, conv_settings(operation), **common)
        return _activated(_with_padding(step), operation, common)
    if type(operation) is layers.BatchNormalization:
        step = Step("bn", inputs, bn_settings(operation, len(tensor.shape)), **common)
        step.training = _training_argument(operation, node)
        return step
    for kind, name in _POOLS.items():
        if isinstance(operation, kind):
            step = Step(name, inputs, _pool_settings(operation), **common)
            return _activated(step, operation, common)
    kind = None if _stops_gradient(operation) else _tried(operation, node)
    if kind == "identity":
        return inputs[0]
    if kind == "relu" and inputs[0].kind == "relu":  # a second one changes nothing
        return inputs[0]
    if kind:
        return Step(kind, inputs, **common)
    kind = "join" if len(inputs) > 1 else "other"
    step = Step(kind, inputs, {"name": _name(operation)}, **common)
    if isinstance(operation, layers.Activation) or _is_activation(operation):
        step.kind = "activation"
    return step


def _activated(step, operation, common):
    """Split the activation off a layer that has one."""
    activation = getattr(operation, "activation", None)
    if activation is None or activation is keras.activations.linear:
        return step
    x = np.linspace(-3, 8, 24, dtype="float32").reshape(2, 12)
    kind = _does(x, ops.convert_to_numpy(activation(x))) or "activation"
    name = getattr(activation, "__name__", "activation")
    return Step(kind, [step], {"name": name}, **common)


def _does(x, y):
    """Return which of the known functions of one tensor gives y for x, or None."""
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    known = {
        "identity": x,
        "relu": np.maximum(x, 0),
        "softmax": exponentials / exponentials.sum(axis=-1, keepdims=True),
    }
    return _matching(y, known)


def _matching(found, known):
    """Return the key of the array that another equals, or None."""
    for kind, expected in known.items():
        if found.shape == expected.shape and np.allclose(found, expected, atol=1e-5):
            return kind
    return None


def _with_padding(step):
    """Take zeros before an unpadded convolution for "same" where they are the same."""
    before, settings = step.inputs[0], step.settings
    if before.kind != "zero padding" or settings["strides"] != (1, 1):
        return step
    wanted = tuple(((size - 1) // 2, size // 2) for size in settings["kernel_size"])
    if before.operation.padding == wanted and settings["padding"] == "valid":
        step.settings["padding"] = "same"
        step.inputs = before.inputs
    return step


def conv_settings(operation):
    """Return the settings of a convolution that the documented steps have."""
    names = ("kernel_size", "strides", "dilation_rate")
    settings = {name: tuple(map(int, getattr(operation, name))) for name in names}
    return {
        **settings,
        "filters": int(operation.filters),
        "padding": operation.padding,
        "groups": operation.groups,
        "use_bias": operation.use_bias,
        "data_format": operation.data_format,
        "kernel_regularizer": operation.kernel_regularizer,
        "trainable": operation.trainable,
    }


def conv_words(settings):
    """Return a convolution in words, such as "CONV2D(64, 3x3, stride 1, same)"."""
    size = "x".join(map(str, settings["kernel_size"]))
    return (
        f"CONV2D({settings['filters']}, {size}, stride {settings['strides'][0]}, "
        f"{settings['padding']})"
    )


def bn_settings(operation, rank=4):
    """Return the settings of a normalization that the documented steps have."""
    axis = operation.axis[0] if isinstance(operation.axis, list) else operation.axis
    return {
        "axis": axis % rank,
        "epsilon": operation.epsilon,
        "momentum": operation.momentum,
        "center": operation.center,
        "scale": operation.scale,
        "trainable": operation.trainable,
    }


def _pool_settings(operation):
    names = ("pool_size", "strides", "padding", "units", "rate")
    return {
        name: getattr(operation, name) for name in names if hasattr(operation, name)
    }


def _training_argument(operation, node):
    arguments = node.arguments
    bound = inspect.signature(operation.call).bind_partial(
        *arguments.args, **arguments.kwargs
    )
    return bound.arguments.get("training")


def _tried(operation, node):
    """Return what an operation does to numbers, or None if it is nothing known."""
    if getattr(operation, "weights", None) or len(node.outputs) != 1:
        return None
    shapes = [tensor.shape for tensor in node.input_tensors]
    if not shapes or len({len(shape) for shape in shapes}) != 1:
        return None
    rng = np.random.default_rng(0)
    size = tuple(dim or 4 for dim in shapes[0])
    values = [(4 * rng.normal(size=size)).astype("float32") for _ in shapes]
    filled = dict(zip(map(id, node.input_tensors), values, strict=True))
    try:
        arguments, options = node.arguments.fill_in(filled)
        found = ops.convert_to_numpy(operation(*arguments, **options))
    except Exception:  # whatever it is, it is not one of these
        return None
    if len(set(filled)) < len(values):  # X + X
        values = [filled[id(tensor)] for tensor in node.input_tensors]
    if len(values) == 1:
        return _does(values[0], found)
    wanted = {"add": sum(values), "concat": np.concatenate(values, axis=-1)}
    return _matching(found, wanted)


def _stops_gradient(operation):
    """Return whether only the gradient, and no output, would show this operation."""
    return _name(operation).replace("_", "").lower() == "stopgradient"


def _is_activation(operation):
    return len(operation._inbound_nodes) == 1 and (
        type(operation).__module__.rpartition(".")[2] == "nn"
        or ".activations." in type(operation).__module__
    )


def _name(operation):
    function = getattr(operation, "activation", getattr(operation, "function", None))
    return getattr(function, "__name__", None) or type(operation).__name__


def steps_of(last):
    """Return all steps that a step depends on, in order of computation."""
    order, seen = [], set()
    stack = [(last, False)]
    while stack:
        step, is_done = stack.pop()
        if is_done:
            order.append(step)
        elif id(step) not in seen:
            seen.add(id(step))
            stack.append((step, True))
            stack.extend((each, False) for each in step.inputs)
    return order


def evaluate(result, images, training):
    """Return the values of a trace's output for an array of images.

    Unlike a `keras.Model`, this takes layers with equal names; and `training` holds for
    all layers, whatever they were given.
    """
    values = {}

    def value(tensor):
        history = getattr(tensor, "_keras_history", None)
        operation = history and history.operation
        if operation is None or isinstance(operation, layers.InputLayer):
            return ops.convert_to_tensor(images)
        if id(tensor) not in values:
            node = operation._inbound_nodes[history.node_index]
            filled = {id(each): value(each) for each in node.input_tensors}
            arguments, options = node.arguments.fill_in(filled)
            if isinstance(operation, layers.Layer):
                signature = inspect.signature(operation.call)
                if "training" in signature.parameters:
                    options = {**options, "training": training}
            outputs = operation(*arguments, **options)
            outputs = keras.tree.flatten(outputs)
            for each, found in zip(node.outputs, outputs, strict=True):
                values[id(each)] = found
        return values[id(tensor)]

    return ops.convert_to_numpy(value(result.output))
