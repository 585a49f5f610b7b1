"""Which output of a model stands for which class of a data set, by name."""

from typing import NamedTuple

import numpy as np

from resnet_keras.errors import InputError

_MOST_NAMED = 10  # classes that a message names


class Alignment(NamedTuple):
    """Where the classes of a data set stand among a model's.

    Attributes:
        positions: int64 (classes of the data,): the model's output for each class of
            the data; `positions[labels]` are labels in the model's order.
        class_names: list of str, a name for each output of the model.
        note: a sentence to print where the order was assumed, or "".
    """

    positions: np.ndarray
    class_names: list
    note: str


def align_classes(
    model_names, names_are_assumed, data_names, model="the model", data="the data"
):
    """Find each class of a data set among a model's, by name, or refuse.

    Every score goes through this function. The classes of a model that names none are
    assumed to be the data's: by name where those are the numbers 0, 1, 2, ... too, else
    in the data's order; `note` says which.

    Args:
        model_names: list of str, in the order of the model's outputs.
        names_are_assumed: whether they are 0, 1, 2, ... only because the model names
            none.
        data_names: list of str, in the order of the data's labels.
        model: what to call the model in messages.
        data: what to call the data in messages.

    Returns:
        `Alignment`.

    Raises:
        InputError: a class of the data is not among the model's, or is more than once,
            or they differ in upper and lower case only; or the model names no classes
            and has another number of them.

    Example:

    >>> align_classes(["cat", "dog"], False, ["dog", "cat"]).positions.tolist()
    [1, 0]
    >>> align_classes(["0", "1"], True, ["cat", "dog"]).note
    'classes by position: 0 = cat, 1 = dog (assumed)'
    """
    model_names, data_names = list(map(str, model_names)), list(map(str, data_names))
    if names_are_assumed:
        return _align_assumed(model_names, data_names, model, data)
    for name in data_names:
        if model_names.count(name) > 1:
            raise InputError(
                f"{model}: has more than one class named {name!r}, which {data} has, "
                "too; expected to know which is meant."
            )
        if name not in model_names:
            raise InputError(_why_unknown(name, model_names, model, data))
    positions = [model_names.index(name) for name in data_names]
    return Alignment(np.array(positions, np.int64), model_names, "")


def _align_assumed(model_names, data_names, model, data):
    """Align the classes of a model that names none."""
    if len(model_names) != len(data_names):
        raise InputError(
            f"{model}: names none of its {len(model_names)} classes, and {data} has "
            f"{len(data_names)} ({_listed(data_names)}); expected as many, or a model "
            "that names its classes."
        )
    if set(model_names) == set(data_names):
        positions = [model_names.index(name) for name in data_names]
        note = f"classes by name: 0 to {len(model_names) - 1} (assumed)"
    else:
        positions = range(len(data_names))
        pairs = [f"{position} = {name}" for position, name in enumerate(data_names)]
        note = f"classes by position: {_listed(pairs)} (assumed)"
        model_names = data_names
    return Alignment(np.array(positions, np.int64), model_names, note)


def _why_unknown(name, model_names, model, data):
    alike = [x for x in model_names if x.strip().casefold() == name.strip().casefold()]
    if alike:
        return (
            f"{data}: has the class {name!r} where {model} has {alike[0]!r}; expected "
            "the same name, in upper and lower case and spaces, too. Rename the one."
        )
    return (
        f"{data}: has the class {name!r}, which {model} does not know; its "
        f"{len(model_names)} classes are {_listed(model_names)}."
    )


def _listed(words):
    more = len(words) - _MOST_NAMED
    return ", ".join(words[:_MOST_NAMED]) + (f", and {more} more" if more > 0 else "")
