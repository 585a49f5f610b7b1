"""`ResNet50`: the blocks put together, stage by stage, as in the course."""

from keras import Input, Model
from keras.initializers import GlorotUniform
from keras.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Flatten,
    MaxPooling2D,
    ZeroPadding2D,
)

from resnet_keras.blocks import convolutional_block, identity_block

# (stage, filters of each block, names of its blocks); arXiv 1512.03385, table 1
STAGES = (
    (2, [64, 64, 256], "abc"),
    (3, [128, 128, 512], "abcd"),
    (4, [256, 256, 1024], "abcdef"),
    (5, [512, 512, 2048], "abc"),
)
MIN_SIZE = 32  # smaller images would reach the last stages as a single pixel


def ResNet50(
    input_shape=(64, 64, 3), classes=6, pool_padding=0, initializer=GlorotUniform
):
    """Build the course's residual network of 50 layers with weights.

    Args:
        input_shape: (height, width, channels); height and width from 32 up,
            channels from 1 up. The network expects float32 in [0, 1].
        classes: number of classes, from 1 up. Two classes are `classes=2`; with one
            the softmax can only answer 1.
        pool_padding: 0, the course's unpadded max pooling (64 -> 32 -> 15), or 1,
            the paper's (224 -> 112 -> 56). No weight depends on it.
        initializer: callable that takes `seed` and returns a Keras initializer for
            the kernels.

    Returns:
        A functional `keras.Model` from (batch, *input_shape) to probabilities of
        shape (batch, classes). At 64x64x3 and six classes it has 177 layers and
        23,600,006 parameters. Only the last layer's weights depend on `classes`, and
        none depends on height and width, so weights move freely between sizes.

    Raises:
        ValueError: an argument is not as described.

    Example:

    >>> model = ResNet50(input_shape=(64, 64, 3), classes=6)
    >>> len(model.layers), model.count_params()
    (177, 23600006)

    Source: the course "Residual Networks"; arXiv 1512.03385, table 1. The paper's
    convolutions have no bias and its max pooling is padded (`pool_padding=1`).
    """
    _check(input_shape, classes, pool_padding)

    X_input = Input(tuple(input_shape))

    # Stage 1
    X = ZeroPadding2D(3)(X_input)
    X = Conv2D(64, 7, strides=2, name="conv1", kernel_initializer=initializer(seed=0))(
        X
    )
    X = BatchNormalization(axis=3, name="bn_conv1")(X)
    X = Activation("relu")(X)
    if pool_padding:  # zeros are harmless to the maximum: nothing is below 0 here
        X = ZeroPadding2D(pool_padding)(X)
    X = MaxPooling2D(3, strides=2)(X)

    # Stages 2 to 5
    for stage, filters, blocks in STAGES:
        s = 1 if stage == 2 else 2
        X = convolutional_block(X, 3, filters, stage, blocks[0], s, initializer)
        for block in blocks[1:]:
            X = identity_block(X, 3, filters, stage, block, initializer)

    # The window is the whole map: 2x2 at 64x64, as in the course, and 7x7 at 224x224.
    X = AveragePooling2D(X.shape[1:3], name="avg_pool")(X)
    X = Flatten()(X)
    X = Dense(
        classes,
        activation="softmax",
        name="fc" + str(classes),
        kernel_initializer=initializer(seed=0),
    )(X)
    return Model(X_input, X, name="ResNet50")


def _check(input_shape, classes, pool_padding):
    wanted = (
        "expected (height, width, channels), three whole numbers, with height and "
        f"width from {MIN_SIZE} and channels from 1, for example (64, 64, 3)."
    )
    if not isinstance(input_shape, (tuple, list)) or len(input_shape) != 3:
        raise ValueError(f"input_shape is {input_shape!r}; {wanted}")
    if not all(_is_integer(number) for number in input_shape):
        raise ValueError(f"input_shape is {input_shape!r}; {wanted}")
    height, width, channels = input_shape
    if height < MIN_SIZE or width < MIN_SIZE or channels < 1:
        raise ValueError(f"input_shape is {tuple(input_shape)}: too small; {wanted}")
    if not _is_integer(classes) or classes < 1:
        raise ValueError(f"classes is {classes!r}; expected a whole number from 1 up.")
    if pool_padding not in (0, 1):
        raise ValueError(
            f"pool_padding is {pool_padding!r}; expected 0 (the course's stem) or 1 "
            "(the paper's)."
        )


def _is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)
