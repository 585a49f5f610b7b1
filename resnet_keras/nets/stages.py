"""Tables of a network's stages and blocks, counted on its layers."""

import math
import re

from resnet_keras.tables import table

# What stands on the shortcut of a block; a plain network's blocks have none.
KINDS = ("convolutional", "padded", "identity", "plain")


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
    blocks = block_table(model)
    for row in rows:
        kinds = [
            block["kind"]
            for block in blocks
            if f"stage {block['stage']}" == row["stage"]
        ]
        row["blocks"] = _in_words(row.pop("layers"), kinds)
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


def block_table(model):
    """Return the blocks of a residual network, or of a plain one, as they are built.

    Args:
        model: a network of this package, or one with its layers' names.

    Returns:
        A list of dictionaries, one per block from the input on, with `stage` (int),
        `block` (its label), `kind` (one of `KINDS`), `kernel_sizes` and `filters` of
        the main path's convolutions, `stride`, and the shapes `before` and `after` it,
        (height, width, channels).

    Example:

    >>> from resnet_keras import ResNet50
    >>> block = block_table(ResNet50())[3]
    >>> block["kind"], block["kernel_sizes"], block["before"], block["after"]
    ('convolutional', [1, 3, 1], (15, 15, 256), (8, 8, 512))
    """
    has_additions = any(type(layer).__name__ == "Add" for layer in model.layers)
    parts = {}
    for layer in model.layers:
        if _block_of(layer):
            part = layer.name.split("_branch")
            parts.setdefault(_block_of(layer), {})[part[0][:3] + part[1]] = layer
    rows = []
    for (stage, block), layers in parts.items():
        main = [layers[key] for key in ("res2a", "res2b", "res2c") if key in layers]
        if not main:
            continue
        kind = "identity" if has_additions else "plain"
        if "res1" in layers:
            kind = "convolutional"
        if "pad1" in layers:
            kind = "padded"
        entry = layers.get("pad2a", main[0])
        rows.append(
            {
                "stage": int(stage),
                "block": block,
                "kind": kind,
                "kernel_sizes": [conv.kernel_size[0] for conv in main],
                "filters": [conv.filters for conv in main],
                "strides": [conv.strides[0] for conv in main],
                "stride": math.prod(conv.strides[0] for conv in main),
                "before": tuple(entry.input.shape[1:]),
                "after": tuple(main[-1].output.shape[1:]),
            }
        )
    return rows


def shape_changes(model):
    """Return where size or channels of the feature maps change, from the input on.

    Args:
        model: a network of this package, or one with its layers' names.

    Returns:
        A list of (where, shape before, shape after, what does it), the shapes without
        the batch.

    Example:

    >>> from resnet_keras import ResNet50
    >>> shape_changes(ResNet50())[2]
    ('block 2a', (15, 15, 64), (15, 15, 256), 'convolutional')
    """
    blocks = {(str(row["stage"]), row["block"]): row for row in block_table(model)}
    names = {"MaxPooling2D": "max pool", "Flatten": "avg_pool"}
    changes, before, entered = [], tuple(model.input_shape[1:]), set()
    for layer in model.layers[1:]:
        kind, key = type(layer).__name__, _block_of(layer)
        if key in entered:
            continue
        after = tuple(layer.output.shape[1:])
        if key:
            entered.add(key)
            where, after = f"block {''.join(key)}", blocks[key]["after"]
            words = blocks[key]["kind"] + _stride_in_words(blocks[key]["stride"])
        elif kind in ("Conv2D", "MaxPooling2D", "Flatten", "Dense"):
            where = names.get(kind, layer.name)
            words = _in_words([layer], []) or "average of each channel"
        else:  # normalization and ReLU change no shape; padding is the next layer's
            continue
        if after != before:
            changes.append((where, before, after, words))
        before = after
    return changes


def _stride_in_words(stride):
    return "" if stride == 1 else f", stride {stride}"


def _block_of(layer):
    """Return ("3", "a") of `res3a_branch2b` and the like, or None."""
    match = re.match(r"(?:res|bn|pool|pad)(\d+)([^_]+)_branch", layer.name)
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
    # Activation and Add layers have no name of their own: their position decides.
    return "stem" if current == "input" else current


def _in_words(layers, kinds):
    if kinds:
        return ", ".join(
            f"{kinds.count(kind)} {kind}" for kind in KINDS if kind in kinds
        )
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
    counts = ("weight_layers", "parameters", "multiply_adds")
    lines = [
        (
            row["stage"],
            row["blocks"],
            f"{row['size'][0]} x {row['size'][1]}",
            f"{row['channels']:,}",
            *(f"{row[key]:,}" if row[key] else "" for key in counts),
        )
        for row in rows
    ]
    total = {key: sum(row[key] for row in rows) for key in counts}
    lines.append(("total", "", "", "", *(f"{number:,}" for number in total.values())))
    header = ("", "blocks", "output", "channels")
    header += ("weight layers", "parameters", "multiply-adds")
    text = table(header, lines, "<<>>>>>").splitlines()
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
            "",
            "Where the shape changes:",
            *(
                f"  {where:<9} {_shape(before):>15} -> {_shape(after):<15} {words}"
                for where, before, after, words in shape_changes(model)
            ),
        ]
    )


def _shape(shape):
    return " x ".join(map(str, shape))
