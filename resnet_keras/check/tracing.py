"""A learner's function called on symbolic tensors, and the graph that it built.

The graph is read by what steps do, not by which class does them: `Activation("relu")`,
`layers.ReLU()`, `ops.maximum(X, 0)` are one kind, as are `Add()` and `+`.
"""

import inspect
import linecache
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field

import keras
import numpy as np
from keras import layers, ops

from resnet_keras.check.foreign import taken_by_tensorflow

_LIBRARIES = ("keras", "tensorflow", "tf_keras", "inspect", "contextlib")
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


@dataclass(frozen=True)
class Line:
    """A line of the learner's."""

    label: str
    number: int
    text: str

    def __str__(self):
        text = self.text if len(self.text) < 90 else self.text[:86] + " ..."
        return f"{self.label}, line {self.number}: {text}"


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


@dataclass
class Trace:
    """What a call of the learner's function left behind."""

    output: object = None  # a symbolic tensor, or whatever was returned
    inputs: object = None
    error: Exception = None
    line: Line = None  # of the error
    operations: list = field(default_factory=list)  # in the order of their making
    lines: dict = field(default_factory=dict)  # id(operation) -> Line
    outer_lines: dict = field(default_factory=dict)

    @property
    def is_graph(self):
        """Whether a tensor came out."""
        return self.error is None and isinstance(self.output, keras.KerasTensor)


def trace(function, inputs, arguments):
    """Call a function on symbolic tensors and record what it makes, line by line.

    Args:
        function: of the learner.
        inputs: what the graph is fed with, kept in the `Trace`.
        arguments: dictionary of keyword arguments.

    Returns:
        `Trace`; an exception of the function is in it.
    """
    result = Trace(inputs=inputs)
    code = getattr(inspect.unwrap(function), "__code__", None)
    with _recorded(result, code), taken_by_tensorflow():
        try:
            result.output = function(**arguments)
        except Exception as error:
            result.error = error
            result.line = error_line(error)
    return result


@contextmanager
def _recorded(result, code):
    """Note each operation that is made, and from where, with Python's own profiler.

    So nothing in Keras is replaced. Every layer and operation comes into being in
    `Operation.__new__`.
    """
    maker = keras.Operation.__new__.__code__

    def note(frame, event, value):
        if event == "return" and frame.f_code is maker and value is not None:
            result.operations.append(value)
            lines = _lines_of(frame, code)
            result.lines[id(value)], result.outer_lines[id(value)] = lines

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)


def _lines_of(frame, code):
    """Return the learner's innermost line, and that of the traced function itself."""
    inner = outer = None
    while frame is not None and frame.f_code is not trace.__code__:
        if _is_learners(frame):
            inner = inner or line_at(frame.f_code.co_filename, frame.f_lineno)
            if frame.f_code is code:
                outer = line_at(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return inner, outer


def _is_learners(frame):
    module = frame.f_globals.get("__name__") or ""
    return module.split(".")[0] not in _LIBRARIES and not module.startswith(
        "resnet_keras.check"
    )


def line_at(filename, number):
    text = linecache.getline(filename, number).strip()
    label = filename.rpartition("/")[2]
    if "ipykernel" in filename or filename.startswith("<"):
        label = "this notebook"
    return Line(label, number, text)


def error_line(error):
    """Return the learner's innermost line on the way to an error."""
    found, step = None, error.__traceback__
    while step is not None:
        if _is_learners(step.tb_frame):
            found = line_at(step.tb_frame.f_code.co_filename, step.tb_lineno)
        step = step.tb_next
    return found


def graph(result, tensor=None):
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
    kind = _tried(operation, node)
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
    for kind, expected in known.items():
        if y.shape == x.shape and np.allclose(y, expected, atol=1e-5):
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
    """Return the settings of a convolution that the documented steps speak of."""
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


def bn_settings(operation, rank=4):
    """Return the settings of a normalization that the documented steps speak of."""
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
    for kind, expected in wanted.items():
        if found.shape == expected.shape and np.allclose(found, expected, atol=1e-5):
            return kind
    return None


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
