"""How a learner's function wants to be called: the three signatures of the course."""

import inspect
from dataclasses import dataclass

from resnet_keras.errors import InputError

KINDS = ("identity_block", "convolutional_block", "ResNet50")
BLOCK_NAMES = (*KINDS[:2], "conv_block", "convolution_block")
NAMES = (*BLOCK_NAMES, "ResNet50", "resnet50", "ResNet_50")
_ALIASES = {  # other courses' and files' names of the same
    "X": ("x", "X_input", "input_tensor", "inputs", "input"),
    "f": ("kernel_size", "kernel", "k"),
    "filters": ("F", "num_filters"),
    "s": ("stride", "strides"),
    "training": ("is_training",),
    "initializer": ("kernel_initializer",),
    "stage": (),
    "block": (),
}
_EXPECTED = (
    "expected (X, f, filters, stage, block), (X, f, filters, training, initializer) "
    "or (X, f, filters, initializer), and s in a convolutional block"
)


@dataclass(frozen=True)
class Signature:
    """Which arguments a block takes: the course's name -> the learner's."""

    names: dict
    defaults: dict

    def takes(self, *names):
        """Say whether it takes arguments, by the course's names.

        Blocks of 2017 take "stage" and "block", of 2021 "training", and all from then
        on "initializer".
        """
        return all(name in self.names for name in names)

    def arguments(self, **values):
        """Return keyword arguments for the learner's function, of those it takes."""
        return {
            self.names[key]: value for key, value in values.items() if key in self.names
        }


def kind_of(function, name=None):
    """Return which of `KINDS` a function is to be, by its name or its arguments."""
    name = name or getattr(function, "__name__", "")
    lowered = name.lower().replace("_", "")
    for part, kind in (
        ("identity", KINDS[0]),
        ("conv", KINDS[1]),
        ("resnet", KINDS[2]),
    ):
        if part in lowered:
            return kind
    parameters = inspect.signature(function).parameters
    if any("classes" in each or "shape" in each for each in parameters):
        return KINDS[2]
    names = ("s", *_ALIASES["s"])
    return KINDS[1] if any(each in parameters for each in names) else KINDS[0]


def signature_of(function, kind):
    """Return a block's `Signature`.

    Raises:
        InputError: it takes none of the course's three.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise InputError(f"{function!r} is no function; {_EXPECTED}.") from None
    known = {
        each: name for name, aliases in _ALIASES.items() for each in (name, *aliases)
    }
    names, defaults = {}, {}
    for index, parameter in enumerate(parameters):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        name = known.get(parameter.name)
        if name is None and index < 3:
            name = ("X", "f", "filters")[index]
        if name is None or name in names:
            if parameter.default is parameter.empty:
                raise InputError(
                    f"{kind}: does not know what to give for its argument "
                    f"{parameter.name}; {_EXPECTED}."
                )
            continue
        names[name] = parameter.name
        if parameter.default is not parameter.empty:
            defaults[name] = parameter.default
    lacking = [name for name in ("X", "f", "filters") if name not in names]
    if lacking:
        raise InputError(f"{kind}: has no argument {lacking[0]}; {_EXPECTED}.")
    return Signature(names, defaults)
