"""The residual blocks of the paper's other networks.

`basic_block` has a main path of two fxf convolutions; `padded_block` changes the shape
with a shortcut of no parameters. The course's two blocks are in `resnet_keras.blocks`.
"""

from keras.initializers import GlorotUniform
from keras.layers import (
    Activation,
    Add,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    ZeroPadding2D,
)

from resnet_keras.blocks import check_arguments


def basic_block(
    X, f, filters, stage, block, s=1, use_1x1conv=False, initializer=GlorotUniform
):
    """Residual block of two convolutions, for networks of fewer than 50 layers.

    As in the bottleneck, each convolution is followed by batch normalization, and the
    last ReLU follows the addition.

    Args:
        X: input of shape (batch, height, width, channels). A symbolic Keras tensor,
            or an array: then the block computes at once.
        f: positive odd integer, the kernel size of both convolutions.
        filters: two positive integers, the filters of the two convolutions.
        stage: positive integer, for the layers' names.
        block: letter(s) or digits, unique within the stage, for the layers' names.
        s: positive integer, the stride of the first convolution and the projection.
        use_1x1conv: whether a 1x1 convolution, normalized, stands on the shortcut. It
            must where size or number of channels change.
        initializer: callable that takes `seed` and returns a Keras initializer for
            the kernels.

    Returns:
        The output of the block, of shape (batch, ceil(height / s), ceil(width / s),
        filters[1]).

    Raises:
        ValueError: an argument is not as described, or `X` and F(X) cannot be added.

    Example:

    >>> import numpy as np
    >>> X = np.ones((2, 15, 15, 64), "float32")
    >>> Y = basic_block(X, 3, [128, 128], stage=3, block="a", s=2, use_1x1conv=True)
    >>> tuple(Y.shape)
    (2, 8, 8, 128)

    Source: arXiv 1512.03385, figure 5, left. Textbooks write it with the 1x1
    convolution as an option, some without normalization on the shortcut; the paper's
    networks normalize after each convolution.
    """
    check_arguments(X, f, filters, stage, block, s, num_filters=2)
    _check_odd(f)
    if not use_1x1conv and (s > 1 or X.shape[-1] != filters[-1]):
        raise ValueError(
            f"basic_block adds X to F(X), but X has {X.shape[-1]} channels and F(X) "
            f"has {filters[-1]}, with stride {s}. Set use_1x1conv=True."
        )
    main = _main_path(X, f, filters, stage, block, s, initializer)
    if use_1x1conv:
        name = f"{stage}{block}_branch1"
        X = _conv_bn(X, filters[-1], 1, "res" + name, "bn" + name, initializer, s)
    return Activation("relu")(Add()([main, X]))


def padded_block(X, f, filters, stage, block, s=2, initializer=GlorotUniform):
    """Residual block that changes size or channels with a shortcut of no parameters.

    The shortcut takes every s-th pixel and appends channels of zeros. Use it in place
    of `convolutional_block`, or of `basic_block` with its 1x1 convolution.

    Args:
        X: as in `basic_block`, with at most as many channels as the last of `filters`.
        f: positive odd integer, the kernel size of the convolutions that are not 1x1.
        filters: two positive integers for the basic block's main path, or three for
            the bottleneck's.
        s: positive integer, the stride of the first convolution and the shortcut.
        stage, block, initializer: as in `basic_block`.

    Returns:
        The output of the block, of shape (batch, ceil(height / s), ceil(width / s),
        filters[-1]).

    Raises:
        ValueError: an argument is not as described.

    Example:

    >>> import numpy as np
    >>> X = np.ones((2, 32, 32, 16), "float32")
    >>> tuple(padded_block(X, 3, [32, 32], stage=3, block="a").shape)
    (2, 16, 16, 32)

    Source: arXiv 1512.03385, sections 3.3 and 4.2, shortcut option A.
    """
    is_basic = isinstance(filters, (list, tuple)) and len(filters) == 2
    check_arguments(X, f, filters, stage, block, s, num_filters=2 if is_basic else 3)
    _check_odd(f)
    extra = filters[-1] - X.shape[-1]
    if extra < 0:
        raise ValueError(
            f"padded_block adds channels of zeros, but X has {X.shape[-1]} channels "
            f"and F(X) only {filters[-1]}. End filters in {X.shape[-1]} or more, or "
            "project X with a 1x1 convolution."
        )
    main = _main_path(X, f, filters, stage, block, s, initializer)
    name = f"{stage}{block}_branch1"
    X = AveragePooling2D(1, strides=s, name="pool" + name)(X)  # every s-th pixel
    # "channels_first" makes this plain layer pad the last two axes, width and channels.
    X = ZeroPadding2D(
        ((0, 0), (0, extra)), data_format="channels_first", name="pad" + name
    )(X)
    return Activation("relu")(Add()([main, X]))


def _main_path(X, f, filters, stage, block, s, initializer):
    """F(X) of a basic block or a bottleneck, without the last ReLU."""
    kernel_sizes = (f, f) if len(filters) == 2 else (1, f, 1)
    for part, size, number in zip("abc", kernel_sizes, filters, strict=False):
        name = f"{stage}{block}_branch2{part}"
        if part != "a":
            X = Activation("relu")(X)
            s = 1
        if s > 1 and size > 1:
            # Zeros on both sides centre the kernel on the very pixels that the shortcut
            # takes; "same" would shift it by one where height or width is even.
            X = ZeroPadding2D(size // 2, name="pad" + name)(X)
        X = _conv_bn(X, number, size, "res" + name, "bn" + name, initializer, s)
    return X


def _conv_bn(X, filters, f, conv_name, bn_name, initializer, s=1):
    """CONV2D, then batch normalization over the channels: the step both blocks share.

    "same" padding matters for f > 1 only; for a 1x1 kernel it equals "valid". With a
    stride and a larger kernel, X is padded already.
    """
    X = Conv2D(
        filters,
        kernel_size=f,
        strides=s,
        padding="valid" if f == 1 or s > 1 else "same",
        name=conv_name,
        kernel_initializer=initializer(seed=0),
    )(X)
    return BatchNormalization(axis=3, name=bn_name)(X)


def _check_odd(f):
    # An even kernel has no centre: with a stride, F(X) would be shifted against X.
    if f % 2 == 0:
        raise ValueError(f"f, the kernel size, is {f}; expected an odd integer.")
