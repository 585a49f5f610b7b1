"""The stages of a network as a table: `python -m resnet_keras.summary`."""

import argparse
import math
import re

from resnet_keras.commands import integer_from, load_keras, run


def stage_table(model):
    """Return the stages of a residual network, counted on the built layers.

    Args:
        model: a network of this package, or one with its layers' names.

    Returns:
        A list of dictionaries, one per stage from the input on, with `stage`, `blocks`
        (in words), `size` (height, width), `channels`, `weight_layers` (shortcut
        convolutions are not counted, as in the paper), `parameters` and
        `multiply_adds` (of convolutions and dense layers, for one image).

    Example:

    >>> from resnet_keras import ResNet50
    >>> [row["weight_layers"] for row in stage_table(ResNet50())]
    [0, 1, 0, 9, 12, 18, 9, 1]
    """
    _, height, width, channels = model.input_shape
    rows = [_row("input", "", (height, width), channels)]
    for layer in model.layers[1:]:
        kind, shape = type(layer).__name__, layer.output.shape
        name = _stage_of(layer, rows[-1]["stage"])
        if name != rows[-1]["stage"]:
            rows.append(_row(name))
        row = rows[-1]
        if kind != "ZeroPadding2D":  # padding is not what a stage puts out
            row["size"] = tuple(shape[1:3]) if len(shape) == 4 else (1, 1)
        row["channels"] = shape[-1]
        row["parameters"] += layer.count_params()
        row["layers"].append(layer)
        if kind in ("Conv2D", "Dense"):
            positions = math.prod(row["size"]) if kind == "Conv2D" else 1
            row["multiply_adds"] += math.prod(layer.kernel.shape) * positions
            row["weight_layers"] += not _is_shortcut(layer)
    for row in rows:
        row["blocks"] = _in_words(row.pop("layers"))
    return rows


def _row(stage, blocks="", size=None, channels=None):
    counts = {"weight_layers": 0, "parameters": 0, "multiply_adds": 0}
    return {
        "stage": stage,
        "blocks": blocks,
        "size": size,
        "channels": channels,
        **counts,
        "layers": [],
    }


def _block_of(layer):
    """Return ("3", "a") of `res3a_branch2b` and the like, or None."""
    match = re.match(r"(?:res|bn)(\d+)([^_]+)_branch", layer.name)
    return match and match.groups()


def _is_shortcut(layer):
    return layer.name.endswith("_branch1")


def _stage_of(layer, current):
    block = _block_of(layer)
    if block:
        return "stage " + block[0]
    kind = type(layer).__name__
    if kind == "MaxPooling2D":
        return "max pool"
    if layer.name == "avg_pool":
        return "head"
    # Activations and sums have no name of their own: they belong where they stand.
    return "stem" if current == "input" else current


def _in_words(layers):
    blocks = {}
    for layer in layers:
        if _block_of(layer):
            projects = blocks.get(_block_of(layer), False)
            blocks[_block_of(layer)] = projects or _is_shortcut(layer)
    if blocks:
        projecting = sum(blocks.values())
        return f"{projecting} convolutional, {len(blocks) - projecting} identity"
    words = []
    for layer in layers:
        kind = type(layer).__name__
        if kind == "Conv2D":
            words.append(f"{_window(layer.kernel_size)} convolution")
        elif kind == "MaxPooling2D":
            words.append(f"{_window(layer.pool_size)} pooling")
        elif kind == "AveragePooling2D":
            words.append("average pooling")
        elif kind == "Dense":
            words.append("dense, softmax")
        if kind in ("Conv2D", "MaxPooling2D") and layer.strides == (2, 2):
            words.append("stride 2")
    return ", ".join(words)


def _window(size):
    return f"{size[0]}x{size[1]}"


def summary(model):
    """Return the stage table of `model` as text, with the count of weight layers."""
    rows = stage_table(model)
    header = (
        "",
        "blocks",
        "output",
        "channels",
        "weight layers",
        "parameters",
        "multiply-adds",
    )
    lines = [header]
    for row in rows:
        lines.append(
            (
                row["stage"],
                row["blocks"],
                f"{row['size'][0]} x {row['size'][1]}",
                f"{row['channels']:,}",
                f"{row['weight_layers'] or ''}",
                f"{row['parameters']:,}" if row["parameters"] else "",
                f"{row['multiply_adds']:,}" if row["multiply_adds"] else "",
            )
        )
    total = {
        key: sum(row[key] for row in rows)
        for key in ("weight_layers", "parameters", "multiply_adds")
    }
    lines.append(("total", "", "", "", *(f"{number:,}" for number in total.values())))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    text.insert(1, "-" * len(text[0]))
    text.insert(-1, "-" * len(text[0]))
    count = " + ".join(str(r["weight_layers"]) for r in rows if r["weight_layers"])
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    return "\n".join(
        [
            *text,
            f"{count} = {total['weight_layers']} layers with weights "
            "(shortcut convolutions are not counted)",
            f"{len(model.layers)} Keras layers; {trainable:,} of "
            f"{total['parameters']:,} parameters are trained",
        ]
    )


def main(argv=None):
    """Parse, build, print."""
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.summary",
        description="Print the stages of ResNet-50: sizes, layers, parameters, work.",
    )
    parser.add_argument(
        "--input-size",
        type=integer_from(32, 4096),
        default=64,
        metavar="N",
        help="side of the images in pixels (default: 64)",
    )
    parser.add_argument(
        "--classes", type=integer_from(1), default=6, metavar="N", help="default: 6"
    )
    parser.add_argument(
        "--pool-padding",
        type=integer_from(0, 1),
        default=0,
        metavar="N",
        help="padding of the max pooling: 0 as in the course (default), 1 as in the "
        "paper",
    )
    arguments = parser.parse_args(argv)
    load_keras()
    from resnet_keras.models import ResNet50

    size = arguments.input_size
    model = ResNet50((size, size, 3), arguments.classes, arguments.pool_padding)
    print(f"{model.name} for {size} x {size} pixels, {arguments.classes} classes")
    print(summary(model))
    return 0


if __name__ == "__main__":
    run(main)
