"""The family of networks as one table: what there is, before anything is built.

It needs no Keras, so a command can name the networks, or refuse a name, at once.
`resnet_keras.models` builds what stands here. A new depth is a new row.
"""

from typing import NamedTuple

from resnet_keras.errors import InputError


class Variant(NamedTuple):
    """What networks whose weights have the same shapes can still differ in."""

    pool_padding: int  # of the stem's max pooling
    epsilon: float  # added to the variance by each normalization
    stride_in: str  # the convolution of a bottleneck that halves the size


# Name: of whom. "torch" is torchvision's and timm's network, also called v1.5.
VARIANTS = {
    "course": Variant(0, 1e-3, "1x1"),
    "keras": Variant(1, 1.001e-5, "1x1"),
    "torch": Variant(1, 1e-5, "3x3"),
    "torch-v1": Variant(1, 1e-5, "1x1"),
}

# Depth, counted in layers with weights: (the filters of a block's convolutions, as
# multiples of its stage's width, and the blocks of each stage). Two convolutions are
# the basic block, three the bottleneck. arXiv 1512.03385, table 1.
DEPTHS = {
    18: ((1, 1), (2, 2, 2, 2)),
    34: ((1, 1), (3, 4, 6, 3)),
    50: ((1, 1, 4), (3, 4, 6, 3)),
    101: ((1, 1, 4), (3, 4, 23, 3)),
    152: ((1, 1, 4), (3, 8, 36, 3)),
}
WIDTHS = (64, 128, 256, 512)  # of stages 2 to 5

# 6n + 2 layers for small images: three stages of n basic blocks; the same, section 4.2
CIFAR_DEPTHS = (20, 32, 44, 56, 110, 1202)
CIFAR_WIDTHS = (16, 32, 64)  # of stages 2 to 4

# Name: (for small images?, depth, residual?)
NETWORKS = {
    f"{kind}{infix}{depth}": (small, depth, kind == "resnet")
    for kind in ("resnet", "plain")
    for small, infix, depths in (
        (False, "", DEPTHS),
        (True, "-cifar-", CIFAR_DEPTHS),
    )
    for depth in depths
}


def check_name(name):
    """Return `name` if it is a network's.

    Raises:
        InputError: it is not; the message lists those that are.

    Example:

    >>> check_name("plain34")
    'plain34'
    """
    if name not in NETWORKS:
        raise InputError(
            f"{name!r} names no network; expected one of {', '.join(NETWORKS)}."
        )
    return name


def block_labels(number):
    """Return the names of a stage's blocks, in order.

    Up to six blocks, the course's most, are letters: a, b, c, d, e, f. Longer stages
    count on from the second block, as the authors' own files for 101 and 152 layers
    do: a, b1, b2, b3, ...

    Args:
        number: how many blocks the stage has, from 1 up.

    Example:

    >>> block_labels(3), block_labels(23)[-1]
    (['a', 'b', 'c'], 'b22')
    """
    if number <= 6:
        return list("abcdef"[:number])
    return ["a", *(f"b{index}" for index in range(1, number))]
