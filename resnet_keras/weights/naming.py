"""The naming schemes that weight files follow, and the positions that names stand for.

| scheme | a convolution | its normalization | head |
| --- | --- | --- | --- |
| course, fchollet 2017 | `res3a_branch2a` | `bn3a_branch2a` | `fc1000` |
| keras.applications | `conv3_block1_1_conv` | `conv3_block1_1_bn` | `predictions` |
| torchvision, timm | `layer2.0.conv1` | `layer2.0.bn1` | `fc` |
| course since 2021 | `conv2d_11` | `batch_normalization_11` | `dense` |

A `Position` says where in the network a layer is, in any naming scheme. The last
scheme's names say nothing; `resnet_keras.weights.ordering` finds their positions.
"""

import re
from typing import NamedTuple

from resnet_keras.files.preprocessing import MODES

# Scheme: (the networks its files were trained for, as in `family.VARIANTS`, the
# likeliest first; preprocessing, where they were trained on ImageNet: those of Caffe,
# which the authors used in 2015, or of PyTorch)
ORIGINS = {
    "course": (("course",), MODES["caffe"]),
    "keras.applications": (("keras",), MODES["caffe"]),
    "torchvision": (("torch", "torch-v1"), MODES["torch"]),
}


class Position(NamedTuple):
    """Where a layer stands: (3, 1, "2a", "conv") is the first of stage 3.

    Positions sort in the order of the network.
    """

    stage: int
    block: int
    part: str  # "2a", "2b", "2c"; "1" on the shortcut; "" in the stem and the head
    kind: str  # "conv", "norm" or "dense"


HEAD = Position(99, 1, "", "dense")
_STEM = {
    "conv1": "conv",  # of the course as of torchvision
    "bn_conv1": "norm",
    "conv1_conv": "conv",
    "conv1_bn": "norm",
    "bn1": "norm",
}
_COURSE = re.compile(r"(res|bn)(\d)([a-z])(\d*)_branch(1|2[abc])")
_KERAS = re.compile(r"conv(\d)_block(\d+)_([0-3])_(conv|bn)")
_TORCH = re.compile(r"layer(\d)\.(\d+)\.(?:(conv|bn)([123])|downsample\.([01]))")
_PATTERNS = {"course": _COURSE, "keras.applications": _KERAS, "torchvision": _TORCH}
_KINDS = {"res": "conv", "conv": "conv", "bn": "norm"}
_PARTS = {"0": "1", "1": "2a", "2": "2b", "3": "2c"}  # keras.applications' and torch's
_NUMBERS = {part: number for number, part in _PARTS.items()}


def position_of(name):
    """Return the `Position` of a layer by its name in any scheme, or None.

    Example:

    >>> position_of("res4b22_branch2c") == position_of("layer3.22.conv3")
    True
    """
    if name in _STEM:
        return Position(1, 1, "", _STEM[name])
    if name == "predictions" or re.fullmatch(r"fc\d*", name):
        return HEAD
    if match := _COURSE.fullmatch(name):
        kind, stage, letter, number, part = match.groups()
        block = int(number) + 1 if number else ord(letter) - ord("a") + 1
        return Position(int(stage), block, part, _KINDS[kind])
    if match := _KERAS.fullmatch(name):
        stage, block, number, kind = match.groups()
        return Position(int(stage), int(block), _PARTS[number], _KINDS[kind])
    if match := _TORCH.fullmatch(name):
        stage, block, kind, number, down = match.groups()
        kind = kind or ("conv", "bn")[int(down)]
        part = _PARTS[number or "0"]
        return Position(int(stage) + 1, int(block) + 1, part, _KINDS[kind])
    return None


def scheme_of(name):
    """Return the naming scheme of a block's layer, or None."""
    return next((key for key, each in _PATTERNS.items() if each.fullmatch(name)), None)


def keras_name(position):
    """Return what keras.applications calls the layer at a position."""
    if position == HEAD:
        return "predictions"
    suffix = {"conv": "conv", "norm": "bn"}[position.kind]
    if position.stage == 1:
        return f"conv1_{suffix}"
    number = _NUMBERS[position.part]
    return f"conv{position.stage}_block{position.block}_{number}_{suffix}"


def torch_name(position):
    """Return what torchvision calls the layer at a position."""
    if position == HEAD:
        return "fc"
    number = _NUMBERS.get(position.part)
    kind = {"conv": "conv", "norm": "bn"}[position.kind]
    if position.stage == 1:
        return f"{kind}1"
    block = f"layer{position.stage - 1}.{position.block - 1}"
    if position.part == "1":
        return f"{block}.downsample.{int(position.kind == 'norm')}"
    return f"{block}.{kind}{number}"
