"""Phases of a run, and fine-tuning: a new head, frozen stages.

First only the new head is trained; all else is frozen, its normalization statistics
included. Then the stages that are not to stay frozen are trained too, at a lower rate.
"""

from typing import NamedTuple

import keras

from resnet_keras import family
from resnet_keras.errors import InputError
from resnet_keras.models import ResNet, build
from resnet_keras.nets.graph import deep_recursion
from resnet_keras.weights import read_weights, restore, table
from resnet_keras.weights.naming import HEAD, position_of

_HEAD_FRACTION = 0.2  # of the epochs
_LOWER_RATE = 0.3  # of the learning rate, once more than the head is trained


class Phase(NamedTuple):
    """A part of a training run, over epochs `first` to `end` - 1."""

    first: int
    end: int
    frozen_until: int  # the last frozen stage; 0 is none
    learning_rate: float


def phases(epochs, learning_rate, is_pretrained=False, frozen_until=0):
    """Return the phases of a run: one from scratch, two from weights.

    Example:

    >>> [(phase.first, phase.end) for phase in phases(10, 1e-3, is_pretrained=True)]
    [(0, 2), (2, 10)]
    """
    if not is_pretrained:
        return [Phase(0, epochs, 0, learning_rate)]
    middle = max(1, round(_HEAD_FRACTION * epochs))
    head = Phase(0, middle, HEAD.stage - 1, learning_rate)
    rest = Phase(middle, epochs, frozen_until, _LOWER_RATE * learning_rate)
    return [head, rest] if middle < epochs else [head]


def network(name, weights, input_shape, classes, initializer, verbose=False):
    """Build the network that weights were trained for, with a head of its own.

    Args:
        name: a key of `family.NETWORKS`.
        weights: a file, as `load_weights` takes it, or "imagenet".
        input_shape: (height, width, channels).
        classes: number of classes of the new head.
        initializer: of the head, as in `ResNet50`.
        verbose: whether to print what was mapped to what.

    Returns:
        `(model, preprocessing)`; the latter None where the weights do not say.

    Raises:
        InputError: the weights cannot be used, or are of another network or a detector.
    """
    small, depth, is_residual = family.NETWORKS[family.check_name(name)]
    source = read_weights(weights, depth)
    if source.metadata.get("task") == "detector":
        raise InputError(
            f"{weights}: is a detector; expected a classifier, or weights of one."
        )
    other_head, source.other_head = source.other_head, []
    if small or not is_residual:
        model = build(name, input_shape, classes, initializer=initializer)
        restore(model, source, new_head=True)
    else:
        old_head = source.classes or classes
        model = ResNet(
            depth, input_shape, old_head, initializer=initializer, weights=source
        )
    if source.classes:
        model = _with_new_head(model, classes, initializer)
        del source.arrays[HEAD]  # so that it counts as left over
    source.other_head = other_head
    if verbose:
        print(table(model, source))
    return model, source.metadata.get("preprocessing")


def _with_new_head(model, classes, initializer):
    head = keras.layers.Dense(
        classes,
        activation="softmax",
        name=f"fc{classes}",
        kernel_initializer=initializer(seed=0),
    )
    outputs = head(model.layers[-2].output)
    with deep_recursion():
        return keras.Model(model.input, outputs, name=model.name)


def freeze(model, until):
    """Freeze the stages up to `until`, and make all others trainable.

    A frozen normalization uses its moving averages and leaves them as they are.

    Args:
        model: a network with names of any known scheme.
        until: the last frozen stage; 1 is the stem, 0 freezes nothing.
    """
    for layer in model.layers:
        position = position_of(layer.name)
        layer.trainable = position is None or position.stage > until
