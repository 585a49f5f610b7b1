"""The two blocks of the course's residual network.

Both compute ``Y = relu(F(X) + shortcut)``. ``F`` is the main path: three
convolutions, 1x1, fxf and 1x1, each followed by batch normalization. The blocks
differ in their shortcut: `identity_block` adds ``X`` as it is,
`convolutional_block` first projects it to the shape of ``F(X)``.

Source: He et al., "Deep Residual Learning for Image Recognition" (2015),
arXiv 1512.03385, section 3 and figure 5. The names, the order of the layers and the
seed 0 are those of the course "Residual Networks", so that files trained there load.

Below them stand the blocks of the paper's other networks: `basic_block`, whose main
path is two fxf convolutions, and `padded_block`, whose shortcut has no parameters.
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

_NUMBERS = {2: "two", 3: "three"}


def identity_block(X, f, filters, stage, block, initializer=GlorotUniform):
    """Residual block for an input that already has the shape of the output.

    Use it for the second and later blocks of a stage; where a stage begins, and
    size or channels change, use `convolutional_block`.

    Args:
        X: input of shape (batch, height, width, channels) with as many channels as
            the last of `filters`. A symbolic Keras tensor, or an array: then the
            block computes at once.
        f: positive odd integer, the side of the middle convolution's window.
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
    _check(X, f, filters, stage, block)
    conv_name_base = "res" + str(stage) + block + "_branch"
    bn_name_base = "bn" + str(stage) + block + "_branch"
    F1, F2, F3 = filters
    if X.shape[-1] != F3:
        raise ValueError(
            f"identity_block adds X to F(X), but X has {X.shape[-1]} channels and "
            f"F(X) has {F3}. End filters in {X.shape[-1]}, or project X with "
            "convolutional_block."
        )

    X_shortcut = X

    # First component of the main path
    X = _conv_bn(X, F1, 1, conv_name_base + "2a", bn_name_base + "2a", initializer)
    X = Activation("relu")(X)

    # Second component
    X = _conv_bn(X, F2, f, conv_name_base + "2b", bn_name_base + "2b", initializer)
    X = Activation("relu")(X)

    # Third component: its ReLU waits for the sum
    X = _conv_bn(X, F3, 1, conv_name_base + "2c", bn_name_base + "2c", initializer)

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
        f: positive odd integer, the side of the middle convolution's window.
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
    _check(X, f, filters, stage, block)
    conv_name_base = "res" + str(stage) + block + "_branch"
    bn_name_base = "bn" + str(stage) + block + "_branch"
    F1, F2, F3 = filters
    _check_stride(s)

    X_shortcut = X

    # First component of the main path, with the stride
    X = _conv_bn(X, F1, 1, conv_name_base + "2a", bn_name_base + "2a", initializer, s)
    X = Activation("relu")(X)

    # Second component
    X = _conv_bn(X, F2, f, conv_name_base + "2b", bn_name_base + "2b", initializer)
    X = Activation("relu")(X)

    # Third component: its ReLU waits for the sum
    X = _conv_bn(X, F3, 1, conv_name_base + "2c", bn_name_base + "2c", initializer)

    # Shortcut: a 1x1 convolution gives X the shape of F(X)
    X_shortcut = _conv_bn(
        X_shortcut, F3, 1, conv_name_base + "1", bn_name_base + "1", initializer, s
    )

    # Y = F(X) + W X
    X = Add()([X, X_shortcut])
    X = Activation("relu")(X)
    return X


def basic_block(
    X, f, filters, stage, block, s=1, use_1x1conv=False, initializer=GlorotUniform
):
    """Residual block of two convolutions, for networks of fewer than 50 layers.

    As in the bottleneck, each convolution is followed by batch normalization, and the
    last ReLU waits for the sum.

    Args:
        X: input of shape (batch, height, width, channels). A symbolic Keras tensor,
            or an array: then the block computes at once.
        f: positive odd integer, the side of both convolutions' windows.
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
    _check(X, f, filters, stage, block, [64, 64])
    _check_stride(s)
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
        X: input of shape (batch, height, width, channels), with at most as many
            channels as the last of `filters`. A symbolic Keras tensor, or an array:
            then the block computes at once.
        f: positive odd integer, the side of the windows that are not 1x1.
        filters: two positive integers for the basic block's main path, or three for
            the bottleneck's.
        stage: positive integer, for the layers' names.
        block: letter(s) or digits, unique within the stage, for the layers' names.
        s: positive integer, the stride of the first convolution and the shortcut.
        initializer: callable that takes `seed` and returns a Keras initializer for
            the kernels.

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
    _check(X, f, filters, stage, block, [64, 64] if is_basic else [64, 64, 256])
    _check_stride(s)
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
    windows = (f, f) if len(filters) == 2 else (1, f, 1)
    for part, window, number in zip("abc", windows, filters, strict=False):
        name = f"{stage}{block}_branch2{part}"
        if part != "a":
            X = Activation("relu")(X)
            s = 1
        if s > 1 and window > 1:
            # Zeros on both sides put the windows' centres on the very pixels that the
            # shortcut takes; "same" would shift them by one where the size is even.
            X = ZeroPadding2D(window // 2, name="pad" + name)(X)
        X = _conv_bn(X, number, window, "res" + name, "bn" + name, initializer, s)
    return X


def _conv_bn(X, filters, f, conv_name, bn_name, initializer, s=1):
    """CONV2D, then batch normalization over the channels: the step all blocks share.

    "same" padding matters for f > 1 only; on a 1x1 window it equals "valid". Whoever
    strides with a larger window has padded already.
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


def _check(X, f, filters, stage, block, example=(64, 64, 256)):
    """Refuse, in words, what Keras would refuse with a puzzle or build silently."""
    shape = getattr(X, "shape", None)
    if shape is None or len(shape) != 4 or shape[-1] is None:
        raise ValueError(
            f"X has shape {shape}; expected (batch, height, width, channels), "
            "with a known number of channels."
        )
    # An even window has no centre, so "same" padding would shift F(X) against X.
    if not _is_positive_integer(f) or f % 2 == 0:
        raise ValueError(f"f, the window, is {f!r}; expected a positive odd integer.")
    if not (
        isinstance(filters, (list, tuple))
        and len(filters) == len(example)
        and all(_is_positive_integer(number) for number in filters)
    ):
        raise ValueError(
            f"filters is {filters!r}; expected {_NUMBERS[len(example)]} positive "
            f"integers, for example {list(example)}."
        )
    if not _is_positive_integer(stage):
        raise ValueError(f"stage is {stage!r}; expected a positive integer.")
    if not (isinstance(block, str) and block.isalnum()):
        raise ValueError(
            f'block is {block!r}; expected a letter such as "a", for the layer names.'
        )


def _check_stride(s):
    if not _is_positive_integer(s):
        raise ValueError(f"s, the stride, is {s!r}; expected a positive integer.")


def _is_positive_integer(value):
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
