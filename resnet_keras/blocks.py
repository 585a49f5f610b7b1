"""The two blocks of the course's residual network, step by step.

Both compute ``Y = relu(F(X) + shortcut)``. ``F`` is the main path: three
convolutions, 1x1, fxf and 1x1, each followed by batch normalization. The blocks
differ in their shortcut: `identity_block` adds ``X`` as it is,
`convolutional_block` first projects it to the shape of ``F(X)``.

Source: He et al., "Deep Residual Learning for Image Recognition" (2015),
arXiv 1512.03385, section 3 and figure 5. The names, the order of the layers and the
seed 0 are those of the course "Residual Networks", so that files trained there load.
"""

from keras.initializers import GlorotUniform
from keras.layers import Activation, Add, BatchNormalization, Conv2D


def identity_block(X, f, filters, stage, block, initializer=GlorotUniform):
    """Residual block for an input that already has the shape of the output.

    Use it for the second and later blocks of a stage; where a stage begins, and
    size or channels change, use `convolutional_block`.

    Args:
        X: input of shape (batch, height, width, channels) with as many channels as
            the last of `filters`. A symbolic Keras tensor, or an array: then the
            block computes at once.
        f: positive integer, the kernel size of the middle convolution.
        filters: three positive integers, the filters of the three convolutions.
        stage: positive integer, for the layers' names.
        block: letter(s) or digits, unique within the stage, for the layers' names.
        initializer: callable that takes `seed` and returns a Keras initializer for
            the kernels.

    Returns:
        The output of the block, of the shape of `X`.

    Raises:
        ValueError: an argument is not as described, or `X` and F(X) cannot be added.

    Example:

    >>> import numpy as np
    >>> X = np.ones((2, 8, 8, 256), "float32")
    >>> tuple(identity_block(X, 3, [64, 64, 256], stage=2, block="b").shape)
    (2, 8, 8, 256)

    Source: arXiv 1512.03385, equation 1, with the bottleneck of figure 5.
    """
    check_arguments(X, f, filters, stage, block, adds_input=True)
    conv_name_base = "res" + str(stage) + block + "_branch"
    bn_name_base = "bn" + str(stage) + block + "_branch"
    F1, F2, F3 = filters

    # Save the input: it is added back at the end
    X_shortcut = X  # (batch, height, width, F3)

    # First component of the main path
    X = Conv2D(
        F1,
        kernel_size=1,
        strides=1,
        padding="valid",
        name=conv_name_base + "2a",
        kernel_initializer=initializer(seed=0),
    )(X)  # (batch, height, width, F1)
    X = BatchNormalization(axis=3, name=bn_name_base + "2a")(X)
    X = Activation("relu")(X)

    # Second component of the main path
    X = Conv2D(
        F2,
        kernel_size=f,
        strides=1,
        padding="same",
        name=conv_name_base + "2b",
        kernel_initializer=initializer(seed=0),
    )(X)  # (batch, height, width, F2)
    X = BatchNormalization(axis=3, name=bn_name_base + "2b")(X)
    X = Activation("relu")(X)

    # Third component of the main path: its ReLU follows the addition
    X = Conv2D(
        F3,
        kernel_size=1,
        strides=1,
        padding="valid",
        name=conv_name_base + "2c",
        kernel_initializer=initializer(seed=0),
    )(X)  # (batch, height, width, F3)
    X = BatchNormalization(axis=3, name=bn_name_base + "2c")(X)

    # Y = F(X) + X
    X = Add()([X, X_shortcut])
    X = Activation("relu")(X)
    return X


def convolutional_block(X, f, filters, stage, block, s=2, initializer=GlorotUniform):
    """Residual block that projects its input to another size or number of channels.

    Use it where a stage begins; for the blocks that follow, use `identity_block`.

    Args:
        X: input of shape (batch, height, width, channels). A symbolic Keras tensor,
            or an array: then the block computes at once.
        f: positive integer, the kernel size of the middle convolution.
        filters: three positive integers, the filters of the three convolutions; the
            projection has as many as the last.
        stage: positive integer, for the layers' names.
        block: letter(s) or digits, unique within the stage, for the layers' names.
        s: positive integer, the stride of the first convolution and the projection.
        initializer: callable that takes `seed` and returns a Keras initializer for
            the kernels.

    Returns:
        The output of the block, of shape (batch, ceil(height / s), ceil(width / s),
        filters[2]).

    Raises:
        ValueError: an argument is not as described.

    Example:

    >>> import numpy as np
    >>> X = np.ones((2, 15, 15, 64), "float32")
    >>> tuple(convolutional_block(X, 3, [128, 128, 512], stage=3, block="a").shape)
    (2, 8, 8, 512)

    Source: arXiv 1512.03385, equation 2 (shortcut option B), with the bottleneck of
    figure 5. The stride lies in the first 1x1 convolution, as in the paper.
    """
    check_arguments(X, f, filters, stage, block, s)
    conv_name_base = "res" + str(stage) + block + "_branch"
    bn_name_base = "bn" + str(stage) + block + "_branch"
    F1, F2, F3 = filters

    # Save the input: it is projected and added back at the end
    X_shortcut = X  # (batch, height, width, channels)

    # First component of the main path, with the stride
    X = Conv2D(
        F1,
        kernel_size=1,
        strides=s,
        padding="valid",
        name=conv_name_base + "2a",
        kernel_initializer=initializer(seed=0),
    )(X)  # (batch, height / s, width / s, F1)
    X = BatchNormalization(axis=3, name=bn_name_base + "2a")(X)
    X = Activation("relu")(X)

    # Second component of the main path
    X = Conv2D(
        F2,
        kernel_size=f,
        strides=1,
        padding="same",
        name=conv_name_base + "2b",
        kernel_initializer=initializer(seed=0),
    )(X)  # (batch, height / s, width / s, F2)
    X = BatchNormalization(axis=3, name=bn_name_base + "2b")(X)
    X = Activation("relu")(X)

    # Third component of the main path: its ReLU follows the addition
    X = Conv2D(
        F3,
        kernel_size=1,
        strides=1,
        padding="valid",
        name=conv_name_base + "2c",
        kernel_initializer=initializer(seed=0),
    )(X)  # (batch, height / s, width / s, F3)
    X = BatchNormalization(axis=3, name=bn_name_base + "2c")(X)

    # Shortcut: a 1x1 convolution gives the input the shape of F(X)
    X_shortcut = Conv2D(
        F3,
        kernel_size=1,
        strides=s,
        padding="valid",
        name=conv_name_base + "1",
        kernel_initializer=initializer(seed=0),
    )(X_shortcut)  # (batch, height / s, width / s, F3)
    X_shortcut = BatchNormalization(axis=3, name=bn_name_base + "1")(X_shortcut)

    # Y = F(X) + W X
    X = Add()([X, X_shortcut])
    X = Activation("relu")(X)
    return X


def check_arguments(X, f, filters, stage, block, s=1, num_filters=3, adds_input=False):
    """Raise a ValueError in words where Keras would raise a puzzle, or none."""
    shape = getattr(X, "shape", None)
    if shape is None or len(shape) != 4 or shape[-1] is None:
        raise ValueError(
            f"X has shape {shape}; expected (batch, height, width, channels), "
            "with a known number of channels."
        )
    if not _is_positive_integer(f):
        raise ValueError(f"f, the kernel size, is {f!r}; expected a positive integer.")
    if not (
        isinstance(filters, (list, tuple))
        and len(filters) == num_filters
        and all(_is_positive_integer(number) for number in filters)
    ):
        raise ValueError(
            f"filters is {filters!r}; expected {'two' if num_filters == 2 else 'three'}"
            f" positive integers, for example {[64, 64, 256][:num_filters]}."
        )
    if not _is_positive_integer(stage):
        raise ValueError(f"stage is {stage!r}; expected a positive integer.")
    if not (isinstance(block, str) and block.isalnum()):
        raise ValueError(
            f'block is {block!r}; expected a letter such as "a", for the layer names.'
        )
    if not _is_positive_integer(s):
        raise ValueError(f"s, the stride, is {s!r}; expected a positive integer.")
    if adds_input and shape[-1] != filters[-1]:
        raise ValueError(
            f"identity_block adds X to F(X), but X has {shape[-1]} channels and F(X) "
            f"has {filters[-1]}. End filters in {shape[-1]}, or project X with "
            "convolutional_block."
        )


def _is_positive_integer(value):
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
