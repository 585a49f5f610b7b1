"""The blocks put together, stage by stage: the course's `ResNet50` and its family.

`ResNet50` and its siblings are the networks of 18 to 152 layers; `ResNetCIFAR` builds
those of 6n + 2 layers for small images. Depths and names stand in
`resnet_keras.family`, the blocks in `resnet_keras.blocks` and `resnet_keras.nets`.
"""

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

from resnet_keras import family
from resnet_keras.blocks import convolutional_block, identity_block
from resnet_keras.errors import InputError
from resnet_keras.nets.arguments import check_network, is_integer
from resnet_keras.nets.blocks import basic_block, padded_block
from resnet_keras.nets.graph import deep_recursion, plain_twin
from resnet_keras.nets.variants import vary

MIN_SIZE = 32  # smaller images would reach the last stages as a single pixel
CIFAR_MIN_SIZE = 8  # two halvings leave 2x2


def ResNet50(
    input_shape=(64, 64, 3),
    classes=6,
    pool_padding=None,
    initializer=GlorotUniform,
    weights=None,
    variant=None,
    shortcut="B",
):
    """Build the course's residual network of 50 layers with weights.

    Args:
        input_shape: (height, width, channels); height and width from 32 up,
            channels from 1 up. The network expects float32 in [0, 1].
        classes: number of classes, from 1 up. Two classes are `classes=2`; with one
            the softmax gives only 1.
        pool_padding: 0, the course's unpadded max pooling (64 -> 32 -> 15), or 1,
            which gives the paper's sizes (224 -> 112 -> 56; its authors round up
            instead). No weight depends on it. By default that of the variant.
        initializer: callable that takes `seed` and returns a Keras initializer for
            the kernels.
        weights: None; a file, as `load_weights` takes it; or "imagenet", downloaded
            once and cached, for `classes=1000`. They say what input they expect:
            `save_model` writes it into the metadata.
        variant: None, the network that the weights were trained for, without weights
            the course's; or a name in `family.VARIANTS`: "course", "keras", "torch"
            (v1.5: a stage's stride lies in the 3x3 convolution) or "torch-v1".
        shortcut: where size or channels change, "A" pads with zeros and "B", the
            course's, projects; "C" projects in every block.

    Returns:
        A functional `keras.Model` from (batch, *input_shape) to probabilities of
        shape (batch, classes). At 64x64x3 and six classes it has 177 layers and
        23,600,006 parameters. Only the last layer's weights depend on `classes`, and
        none depends on height and width, so weights move freely between sizes.

    Raises:
        ValueError: an argument is not as described.
        InputError: the weights cannot be used, or belong to another network.

    Example:

    >>> model = ResNet50(input_shape=(64, 64, 3), classes=6)
    >>> len(model.layers), model.count_params()
    (177, 23600006)

    Source: the course "Residual Networks"; arXiv 1512.03385, table 1. The paper's
    convolutions have no bias and its sizes are those of `pool_padding=1`.
    """
    return ResNet(
        50, input_shape, classes, pool_padding, initializer, weights, variant, shortcut
    )


def ResNet(
    depth,
    input_shape=(64, 64, 3),
    classes=6,
    pool_padding=None,
    initializer=GlorotUniform,
    weights=None,
    variant=None,
    shortcut="B",
):
    """Build the paper's network of that many layers with weights.

    Use it where the depth is a variable; `ResNet18`, `ResNet34`, `ResNet50`,
    `ResNet101` and `ResNet152` are this function with their depth.

    Args:
        depth: 18 or 34 (basic blocks), 50, 101 or 152 (bottlenecks).
        weights: as in `ResNet50`; "imagenet" is there for 50, 101 and 152 layers.
        input_shape, classes, pool_padding, initializer, variant, shortcut: as in
            `ResNet50`.

    Returns:
        A functional `keras.Model` from (batch, *input_shape) to probabilities of
        shape (batch, classes), of plain Keras layers named as the course's. Stages
        are 2 to 5; blocks within a stage are named by `family.block_labels`.

    Raises:
        ValueError: an argument is not as described.

    Example:

    >>> ResNet(18).count_params(), ResNet18(classes=10).output_shape
    (11193990, (None, 10))

    Source: arXiv 1512.03385, table 1 and section 3.3. Convolutions have a bias, as in
    the course; a bottleneck's stride lies in its first 1x1 convolution.
    """
    if depth not in family.DEPTHS:
        raise ValueError(
            f"depth is {depth!r}; expected one of {', '.join(map(str, family.DEPTHS))}."
        )
    check_network(input_shape, classes, MIN_SIZE, shortcut)
    if variant not in (None, *family.VARIANTS):
        raise ValueError(
            f"variant is {variant!r}; expected one of {', '.join(family.VARIANTS)}."
        )
    source = _read(weights, depth)
    variant = _variant(source, variant)
    if pool_padding is None:
        pool_padding = variant.pool_padding
    if pool_padding not in (0, 1):
        raise ValueError(
            f"pool_padding is {pool_padding!r}; expected 0 (the course's stem) or 1 "
            "(the paper's)."
        )
    multiples, numbers = family.DEPTHS[depth]

    # Stage 1
    X_input = Input(tuple(input_shape))
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
    X = _stages(X, family.WIDTHS, multiples, numbers, shortcut, initializer)
    X = _head(X, classes, initializer)
    model = vary(Model(X_input, X, name=f"ResNet{depth}"), variant)
    if source:
        from resnet_keras.weights import restore  # reads files: not needed without

        restore(model, source)
        carried = ("class_names", "preprocessing")  # for `save_model`
        model.metadata = {
            key: source.metadata[key] for key in carried if key in source.metadata
        }
    return model


def _of(depth, blocks):
    def network(
        input_shape=(64, 64, 3),
        classes=6,
        pool_padding=None,
        initializer=GlorotUniform,
        weights=None,
        variant=None,
        shortcut="B",
    ):
        more = (pool_padding, initializer, weights, variant, shortcut)
        return ResNet(depth, input_shape, classes, *more)

    network.__name__ = network.__qualname__ = f"ResNet{depth}"
    network.__doc__ = (
        f"Build the paper's network of {depth} layers, of {blocks}; arguments as "
        "`ResNet50`."
    )
    return network


ResNet18 = _of(18, "basic blocks")  # of 11,193,990 parameters with six classes
ResNet34 = _of(34, "basic blocks")  # 21,313,286
ResNet101 = _of(101, "bottlenecks")  # 42,670,470
ResNet152 = _of(152, "bottlenecks")  # 58,383,238


def ResNetCIFAR(
    depth,
    input_shape=(32, 32, 3),
    classes=10,
    shortcut="A",
    initializer=GlorotUniform,
):
    """Build the paper's network of 6n + 2 layers, for small images.

    A 3x3 convolution, three stages of n basic blocks with 16, 32 and 64 filters, and
    the head. Deep yet small, so it is the one to watch what depth does.

    Args:
        depth: 8, 14, 20, ...; the paper has 20, 32, 44, 56, 110 and 1202.
        input_shape: (height, width, channels); height and width from 8 up, channels
            from 1 up. The network expects float32 in [0, 1].
        classes: number of classes, from 1 up.
        shortcut: as in `ResNet`. The paper uses "A" here, so that a network and its
            plain twin have the same parameters.
        initializer: as in `ResNet`.

    Returns:
        A functional `keras.Model` from (batch, *input_shape) to probabilities of
        shape (batch, classes), of plain Keras layers. Stages are 2 to 4.

    Raises:
        ValueError: an argument is not as described.

    Example:

    >>> ResNetCIFAR(20).count_params()
    271786

    Source: arXiv 1512.03385, section 4.2. Convolutions have a bias here.
    """
    if not is_integer(depth) or depth < 8 or depth % 6 != 2:
        raise ValueError(
            f"depth is {depth!r}; expected 6n + 2 for a whole n from 1 up, for example "
            "20, 32, 44, 56 or 110."
        )
    check_network(input_shape, classes, CIFAR_MIN_SIZE, shortcut)
    numbers = [depth // 6] * len(family.CIFAR_WIDTHS)

    X_input = Input(tuple(input_shape))
    X = Conv2D(
        family.CIFAR_WIDTHS[0],
        3,
        padding="same",
        name="conv1",
        kernel_initializer=initializer(seed=0),
    )(X_input)
    X = BatchNormalization(axis=3, name="bn_conv1")(X)
    X = Activation("relu")(X)
    X = _stages(X, family.CIFAR_WIDTHS, (1, 1), numbers, shortcut, initializer)
    X = _head(X, classes, initializer)
    with deep_recursion():
        return Model(X_input, X, name=f"ResNetCIFAR{depth}")


def build(name, input_shape, classes, pool_padding=None, initializer=GlorotUniform):
    """Build a network of the family by name, for commands.

    Args:
        name: a key of `family.NETWORKS`, such as "resnet50" or "plain-cifar-20".
        input_shape: (height, width, channels), as the network's own function takes it.
        classes: number of classes, from 1 up.
        pool_padding: as in `ResNet50`; the networks for small images do not pool.
        initializer: as in `ResNet`.

    Returns:
        `keras.Model`.

    Raises:
        InputError: there is no network of that name, and the message lists those there
            are; or `pool_padding` is for a network that does not pool.
        ValueError: the network refuses an argument.

    Example:

    >>> build("plain18", (64, 64, 3), 6).name
    'Plain18'
    """
    small, depth, is_residual = family.NETWORKS[family.check_name(name)]
    if not small:
        model = ResNet(
            depth, input_shape, classes, pool_padding, initializer=initializer
        )
    elif pool_padding:
        raise InputError(
            f"{name}: has no max pooling; expected pool_padding 0, not {pool_padding}."
        )
    else:
        model = ResNetCIFAR(depth, input_shape, classes, initializer=initializer)
    return model if is_residual else plain_twin(model)


def _read(weights, depth):
    """Return weights that are read already, or those of a file; None without any."""
    if weights is None or hasattr(weights, "arrays"):
        return weights
    from resnet_keras.weights import advice, read_weights

    source, name = read_weights(weights, depth), f"ResNet{depth}"
    if source.network not in (None, name):
        raise InputError(f"{source.path}: {advice(source, name)}")
    return source


def _variant(source, variant):
    """Return what is to be built: as asked, as the weights need it, or the course's."""
    if variant:
        return family.VARIANTS[variant]
    return source.likeliest_variant() if source else family.VARIANTS["course"]


def _stages(X, widths, multiples, numbers, shortcut, initializer):
    for stage, (width, number) in enumerate(zip(widths, numbers, strict=True), 2):
        filters = [width * multiple for multiple in multiples]
        for block in family.block_labels(number):
            s = 2 if block == "a" and stage > 2 else 1
            X = _block(X, filters, stage, block, s, shortcut, initializer)
    return X


def _block(X, filters, stage, block, s, shortcut, initializer):
    """The shape and the shortcut option decide which block it is."""
    changes = s > 1 or X.shape[-1] != filters[-1]
    if changes and shortcut == "A":
        return padded_block(X, 3, filters, stage, block, s, initializer)
    projects = changes or shortcut == "C"
    if len(filters) == 2:
        return basic_block(X, 3, filters, stage, block, s, projects, initializer)
    if projects:
        return convolutional_block(X, 3, filters, stage, block, s, initializer)
    return identity_block(X, 3, filters, stage, block, initializer)


def _head(X, classes, initializer):
    # Pool the whole feature map: 2x2 at 64x64, as in the course, and 7x7 at 224x224.
    X = AveragePooling2D(X.shape[1:3], name="avg_pool")(X)
    X = Flatten()(X)
    return Dense(
        classes,
        activation="softmax",
        name="fc" + str(classes),
        kernel_initializer=initializer(seed=0),
    )(X)
