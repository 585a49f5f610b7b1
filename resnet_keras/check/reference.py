"""The two blocks as the course documents them: a table of steps, and their values.

The table says what a learner's graph is compared with; `compute` what its outputs are
compared with. Neither uses `resnet_keras.blocks`, so that a mistake there shows too.
"""

from dataclasses import dataclass, field

import keras
from keras import ops

COMPONENTS = {
    "2a": "first component",
    "2b": "second component",
    "2c": "third component",
    "1": "shortcut",
}
EPSILON, MOMENTUM = 1e-3, 0.99  # Keras' defaults, which the course keeps


@dataclass(frozen=True)
class Arguments:
    """What a block is called with: the values of f, filters, s, and X's channels."""

    f: int
    filters: tuple
    s: int
    channels: int


@dataclass(frozen=True, eq=False)
class Documented:
    """A documented step: its kind, the component it belongs to, and its settings."""

    kind: str  # "conv", "bn" or "relu"
    part: str  # a key of COMPONENTS, or "end"
    settings: dict = field(default_factory=dict)
    words: str = ""


@dataclass(frozen=True)
class Block:
    """The documented steps of a block by path; the paths meet in an addition."""

    main: tuple
    shortcut: tuple
    end: tuple

    @property
    def parts(self):
        """Component keys that have steps, in order."""
        return list(dict.fromkeys(step.part for step in self.main + self.shortcut))


# part, filters (index), kernel size, stride, padding, and whether a ReLU follows
_MAIN = (
    ("2a", 0, "1", "s", "valid", True),
    ("2b", 1, "f", "1", "same", True),
    ("2c", 2, "1", "1", "valid", False),
)
_SHORTCUT = (("1", 2, "1", "s", "valid", False),)


def block(kind, arguments):
    """Return the documented steps of a block.

    Args:
        kind: "identity_block" or "convolutional_block".
        arguments: `Arguments`; an identity block has no stride.

    Returns:
        `Block`.
    """
    projects = kind == "convolutional_block"
    stride = arguments.s if projects else 1
    name = "s" if projects else "1"
    main = _steps(_MAIN, arguments, stride, name)
    shortcut = _steps(_SHORTCUT, arguments, stride, name) if projects else ()
    return Block(main, shortcut, (Documented("relu", "end", words="ReLU"),))


def _steps(table, arguments, stride, stride_name):
    steps = []
    for part, index, size, s, padding, is_activated in table:
        kernel = arguments.f if size == "f" else 1
        settings = {
            "filters": arguments.filters[index],
            "kernel_size": (kernel, kernel),
            "strides": (stride, stride) if s == "s" else (1, 1),
            "padding": padding,
            "dilation_rate": (1, 1),
            "groups": 1,
            "use_bias": True,
            "data_format": "channels_last",
            "kernel_regularizer": None,
            "trainable": True,
        }
        shown = stride_name if s == "s" else s
        words = f"CONV2D(F{index + 1}, {size}x{size}, stride {shown}, {padding})"
        steps.append(Documented("conv", part, settings, words))
        settings = {
            "axis": 3,
            "epsilon": EPSILON,
            "momentum": MOMENTUM,
            "center": True,
            "scale": True,
            "trainable": True,
        }
        words = "batch normalization over the channels (axis 3)"
        steps.append(Documented("bn", part, settings, words))
        if is_activated:
            steps.append(Documented("relu", part, words="ReLU"))
    return tuple(steps)


def compute(documented, images, layers, training):
    """Return the block's output, computed step by step with the weights of `layers`.

    Args:
        documented: `Block`.
        images: array (batch, height, width, channels).
        layers: dictionary from `Documented` steps, those with weights, to Keras layers.
        training: whether normalization uses the statistics of the batch.

    Returns:
        Array.
    """

    def follow(steps, X):
        for step in steps:
            X = _compute_step(step, X, layers.get(step), training)
        return X

    images = ops.convert_to_tensor(images)
    total = follow(documented.main, images) + follow(documented.shortcut, images)
    return ops.convert_to_numpy(follow(documented.end, total))


def _compute_step(step, X, layer, training):
    if step.kind == "relu":
        return ops.relu(X)
    if step.kind == "conv":
        settings = step.settings
        X = ops.conv(X, layer.kernel, settings["strides"], settings["padding"])
        return X + layer.bias
    mean, variance = layer.moving_mean, layer.moving_variance
    if training:
        mean, variance = ops.moments(X, axes=(0, 1, 2))
    normalized = (X - mean) / ops.sqrt(variance + step.settings["epsilon"])
    return normalized * layer.gamma + layer.beta


class Given(keras.initializers.RandomNormal):
    """The initializer that a check hands to a block with the argument `initializer`.

    It is none of those that the course uses, so that an unused argument shows.
    """
