"""A learner's function called on symbolic tensors: what it made, on which lines."""

import inspect
import linecache
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field

import keras

from resnet_keras.check.foreign import taken_by_tensorflow

_LIBRARIES = ("keras", "tensorflow", "tf_keras", "inspect", "contextlib")


@dataclass(frozen=True)
class Line:
    """A line of the learner's."""

    label: str
    number: int
    text: str

    def __str__(self):
        text = self.text if len(self.text) < 90 else self.text[:86] + " ..."
        return f"{self.label}, line {self.number}: {text}"


@dataclass
class Trace:
    """What a call of the learner's function left behind."""

    output: object = None  # a symbolic tensor, or whatever was returned
    inputs: object = None
    error: Exception = None
    line: Line = None  # of the error
    outer_line: Line = None  # of the traced function itself, on the way to the error
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
            result.line, result.outer_line = error_lines(error, code)
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
    """Return a line of a file, or of what `linecache` holds under that name."""
    text = linecache.getline(filename, number).strip()
    label = filename.rpartition("/")[2]
    if "ipykernel" in filename or filename.startswith("<"):
        label = "this notebook"
    return Line(label, number, text)


def error_lines(error, code=None):
    """Return the learner's innermost line before an error, and that of `code`."""
    inner = outer = None
    step = error.__traceback__
    while step is not None:
        frame = step.tb_frame
        if _is_learners(frame):
            inner = line_at(frame.f_code.co_filename, step.tb_lineno)
            outer = inner if frame.f_code is code else outer
        step = step.tb_next
    return inner, outer
