"""Positions of layers whose names say nothing, by their order and shapes.

Since 2021 the course gives its layers no names (`conv2d`, `conv2d_1`, ...), and some
files keep no names at all. Keras stores the layers of a graph by their distance from
its end. The projection of a block is as far from it as the block's last convolution,
so it stands right before or after that one, by the order in which the two are added:
the shapes of stages 3 to 5 tell which, and stage 2, where they are equal, follows.
"""

from itertools import takewhile

from resnet_keras import family
from resnet_keras.weights.naming import HEAD, Position, position_of

SCHEME = "order and shape"


class NoMatch(ValueError):
    """The layers are those of no residual network; the message says what differs."""


def positions_by_order(shapes):
    """Find the positions of a residual network's layers without looking at names.

    Args:
        shapes: dictionary, in the network's order for each kind of layer, from a
            layer's name to the shapes of its weights, as Keras orders them.

    Returns:
        Dictionary from name to `Position`.

    Raises:
        NoMatch: the layers are not those of a network in `family.DEPTHS`.

    Example:

    >>> positions_by_order({"conv2d": [(7, 7, 3, 64)], "dense": [(64, 10), (10,)]})
    Traceback (most recent call last):
    resnet_keras.weights.ordering.NoMatch: it has 1 convolutions; ResNet18 has 20
    """
    names = {"conv": [], "norm": [], "dense": []}
    for name, each in shapes.items():
        names[_kind(name, each)].append(name)
    kernels = [tuple(shapes[name][0]) for name in names["conv"]]
    furthest, reason = -1, ""
    for depth in family.DEPTHS:
        for shortcut_last in (True, False):
            wanted = convolutions(depth, shortcut_last)
            number = _num_equal(kernels, [kernel for _, kernel in wanted])
            if number == len(kernels) == len(wanted):
                _check_others(names, shapes, kernels)
                return _positions(names, wanted)
            if number > furthest:
                furthest = number
                reason = _difference(names["conv"], kernels, wanted, depth)
    raise NoMatch(reason)


def _kind(name, shapes):
    sides = [len(shape) for shape in shapes]
    if sides[0] == 4:
        return "conv"
    if sides[0] == 2:
        return "dense"
    if sides == [1, 1, 1, 1]:
        return "norm"
    raise NoMatch(f"{name} has weights of shape {', '.join(map(str, shapes))}")


def convolutions(depth, shortcut_last=True):
    """Return (position, kernel shape) of each convolution; None is any number.

    Projections stand where the shape changes: shortcut option "B" of the paper.
    """
    multiples, numbers = family.DEPTHS[depth]
    found = [(Position(1, 1, "", "conv"), (7, 7, None, family.WIDTHS[0]))]
    channels = family.WIDTHS[0]
    for stage, (width, number) in enumerate(
        zip(family.WIDTHS, numbers, strict=True), 2
    ):
        outputs = width * multiples[-1]
        for block in range(1, number + 1):
            before, block_input = channels, channels
            path = []
            for index, multiple in enumerate(multiples):
                size = 3 if len(multiples) == 2 or index == 1 else 1
                kernel = (size, size, before, width * multiple)
                part = "2" + "abc"[index]
                path.append((Position(stage, block, part, "conv"), kernel))
                before = width * multiple
            if block_input != outputs or (block == 1 and stage > 2):
                at = len(path) if shortcut_last else len(path) - 1
                projection = Position(stage, block, "1", "conv")
                path.insert(at, (projection, (1, 1, block_input, outputs)))
            found += path
            channels = outputs
    return found


def fits(kernel, wanted):
    """Return whether a kernel has the wanted shape, in which None is any number."""
    return all(b in (None, a) for a, b in zip(kernel, wanted, strict=True))


def _num_equal(kernels, wanted):
    """Return how many kernels from the first on have the wanted shapes."""
    pairs = zip(kernels, wanted, strict=False)
    return sum(1 for _ in takewhile(lambda pair: fits(*pair), pairs))


def _difference(names, kernels, wanted, depth):
    index = _num_equal(kernels, [kernel for _, kernel in wanted])
    if index in (len(kernels), len(wanted)):
        return f"it has {len(kernels)} convolutions; ResNet{depth} has {len(wanted)}"
    return (
        f"{names[index]}, its convolution {index + 1}, has a kernel of shape "
        f"{kernels[index]}; ResNet{depth} has "
        f"{str(wanted[index][1]).replace('None', 'any')} there"
    )


def _check_others(names, shapes, kernels):
    """Check that normalizations and head belong to these convolutions."""
    if len(names["norm"]) != len(kernels):
        raise NoMatch(
            f"it has {len(names['norm'])} normalizations for {len(kernels)} "
            "convolutions; a residual network has as many"
        )
    for name, kernel in zip(names["norm"], kernels, strict=True):
        if tuple(shapes[name][0]) != kernel[-1:]:
            raise NoMatch(
                f"{name} normalizes {shapes[name][0][0]} channels; the convolution "
                f"before it has {kernel[-1]}"
            )
    if len(names["dense"]) > 1:
        raise NoMatch(
            f"it has the dense layers {', '.join(names['dense'])}; expected "
            "one, the head"
        )
    for name in names["dense"]:
        if shapes[name][0][0] != kernels[-1][-1]:
            raise NoMatch(
                f"{name} takes {shapes[name][0][0]} features; averaged over the whole "
                f"map there are {kernels[-1][-1]}"
            )


def _positions(names, wanted):
    convs = [position for position, _ in wanted]
    norms = [position._replace(kind="norm") for position in convs]
    found = dict(zip(names["conv"], convs, strict=True))
    found |= dict(zip(names["norm"], norms, strict=True))
    found |= dict.fromkeys(names["dense"], HEAD)
    for name, position in found.items():
        if position_of(name) not in (None, position):
            raise NoMatch(f"{name} is not where its name says")
    return found
