"""Weight files as people have them, read into one order and under one set of names.

| dialect | a convolution | its normalization | head |
| --- | --- | --- | --- |
| course, fchollet 2017 | `res3a_branch2a` | `bn3a_branch2a` | `fc1000` |
| keras.applications | `conv3_block1_1_conv` | `conv3_block1_1_bn` | `predictions` |
| torchvision, timm | `layer2.0.conv1` | `layer2.0.bn1` | `fc` |

A `Place` says where in the network a layer stands, whatever it is called. Arrays come
in Keras' order and layout: kernel (height, width, in, out) and bias; or gamma, beta,
moving mean and moving variance. Nothing in a file is run, and sizes are checked before
they are believed.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from resnet_keras.errors import InputError
from resnet_keras.safety import check_archive, check_h5_weights, naming_damage

# What to do with a uint8 RGB picture; `mean` and `std` are those of ImageNet's, in the
# order of the channels. BGR without scaling is how Caffe read pictures in 2015.
BGR_LESS_MEAN = {
    "scale": 1.0,
    "channel_order": "bgr",
    "mean": [103.939, 116.779, 123.68],
    "resize": "crop",
}
RGB_STANDARDIZED = {
    "scale": 1 / 255,
    "channel_order": "rgb",
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "resize": "crop",
}
TORCH_SUFFIXES = (".pth", ".pt", ".bin", ".tar")
SUFFIXES = (".h5", ".hdf5", ".safetensors", *TORCH_SUFFIXES)


class Place(NamedTuple):
    """Where a layer stands: (3, 1, "2a", "conv") is the first of stage 3.

    Places sort in the order of the network.
    """

    stage: int
    block: int
    part: str  # "2a", "2b", "2c"; "1" on the shortcut; "" in the stem and the head
    kind: str  # "conv", "norm" or "dense"


HEAD = Place(99, 1, "", "dense")
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
_PARTS = {"0": "1", "1": "2a", "2": "2b", "3": "2c"}  # keras.applications' and torch's
_NUMBERS = {part: number for number, part in _PARTS.items()}


@dataclass
class Weights:
    """What a file of weights holds.

    `variants` are the names, in `family.VARIANTS`, of the networks it can have been
    trained for, the likeliest first; none where the file says nothing of it. Where the
    file holds a whole model, `traits` says it instead.
    """

    path: str
    dialect: str
    arrays: dict  # Place: list of arrays
    names: dict  # Place: the layer's name in the file
    left_over: list = field(default_factory=list)  # names that have no place
    variants: tuple = ()
    traits: tuple | None = None
    card: dict = field(default_factory=dict)

    @property
    def depth(self):
        """The number of layers with weights, shortcuts not counted."""
        return sum(p.kind == "conv" and p.part != "1" for p in self.arrays) + 1

    @property
    def classes(self):
        """The number of classes; None without a head."""
        return self.arrays[HEAD][0].shape[-1] if HEAD in self.arrays else None


def place_of(name):
    """Return the `Place` of a layer by its name in any dialect, or None.

    Example:

    >>> place_of("res4b22_branch2c") == place_of("layer3.22.conv3")
    True
    """
    if name in _STEM:
        return Place(1, 1, "", _STEM[name])
    if name == "predictions" or re.fullmatch(r"fc\d*", name):
        return HEAD
    if match := _COURSE.fullmatch(name):
        kind, stage, letter, number, part = match.groups()
        block = int(number) + 1 if number else ord(letter) - ord("a") + 1
        return Place(int(stage), block, part, "conv" if kind == "res" else "norm")
    if match := _KERAS.fullmatch(name):
        stage, block, number, kind = match.groups()
        kind = "conv" if kind == "conv" else "norm"
        return Place(int(stage), int(block), _PARTS[number], kind)
    if match := _TORCH.fullmatch(name):
        stage, block, kind, number, down = match.groups()
        part = _PARTS[number] if number else "1"
        kind = "conv" if (kind or ("conv", "bn")[int(down)]) == "conv" else "norm"
        return Place(int(stage) + 1, int(block) + 1, part, kind)
    return None


def keras_name(place):
    """Return what keras.applications calls the layer at a place."""
    if place == HEAD:
        return "predictions"
    suffix = {"conv": "conv", "norm": "bn"}[place.kind]
    if place.stage == 1:
        return f"conv1_{suffix}"
    number = _NUMBERS[place.part]
    return f"conv{place.stage}_block{place.block}_{number}_{suffix}"


def torch_name(place):
    """Return what torchvision calls the layer at a place."""
    if place == HEAD:
        return "fc"
    number, kind = _NUMBERS.get(place.part), {"conv": "conv", "norm": "bn"}[place.kind]
    if place.stage == 1:
        return f"{kind}1"
    block = f"layer{place.stage - 1}.{place.block - 1}"
    if place.part == "1":
        return f"{block}.downsample.{int(place.kind == 'norm')}"
    return f"{block}.{kind}{number}"


def holds_weights(path):
    """Say whether a file is for `read`: weights alone, not a whole model."""
    if path.suffix in (".safetensors", *TORCH_SUFFIXES):
        return True
    if path.suffix not in (".h5", ".hdf5") or not path.is_file():
        return False
    if not h5py.is_hdf5(path):
        return False
    with naming_damage(path), h5py.File(path) as file:
        return "layer_names" in file.attrs or "layers" in file


def read(path):
    """Read a file of weights without a network, in whatever dialect.

    Args:
        path: `.h5` (weights of old or new Keras), `.safetensors`, or a PyTorch state
            dictionary, `.pth`, `.pt`, `.bin` or `.tar`.

    Returns:
        `Weights`.

    Raises:
        InputError: the file is missing, damaged, could do harm, needs a package that
            is not installed, or holds no residual network's weights.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; expected weights, {', '.join(SUFFIXES)}, or a "
            "whole model."
        )
    says_whose = True
    if path.suffix in (".h5", ".hdf5"):
        layers, says_whose = _read_h5(path)
    elif path.suffix == ".safetensors":
        layers = _from_torch(path, _read_safetensors(path))
    elif path.suffix in TORCH_SUFFIXES:
        layers = _from_torch(path, _read_torch(path))
    else:
        raise InputError(
            f'{path}: the suffix is "{path.suffix}"; expected weights, '
            f"{', '.join(SUFFIXES)}."
        )
    weights = arranged(path, layers)
    if weights.dialect == "course" and not says_whose:
        return weights
    weights.variants, preprocessing = _ORIGINS[weights.dialect]
    if weights.dialect == "course" and weights.classes not in (None, 1000):
        preprocessing = {}  # trained in the course, on pixels over 255: the default
    weights.card = {"preprocessing": preprocessing} if preprocessing else {}
    return weights


# Dialect: (the networks its files were trained for, preprocessing)
_ORIGINS = {
    "course": (("course",), BGR_LESS_MEAN),
    "keras.applications": (("keras",), BGR_LESS_MEAN),
    "torchvision": (("torch", "torch-v1"), RGB_STANDARDIZED),
}


def arranged(path, layers):
    """Return `Weights` of layers by name, each a list of arrays in Keras' order."""
    names = {place_of(name): name for name in layers if place_of(name)}
    arrays = {place: layers[names[place]] for place in sorted(names)}
    if not any(place.part for place in arrays):
        some = ", ".join(list(layers)[:4]) or "nothing"
        raise InputError(
            f"{path}: holds no weights of a residual network under names of the "
            f"course, keras.applications or torchvision; it holds {some}."
        )
    if HEAD in arrays and arrays[HEAD][0].ndim != 2:
        raise InputError(
            f"{path}: {names[HEAD]} has weights of shape {arrays[HEAD][0].shape}; "
            "expected a matrix, features by classes."
        )
    first = next(name for place, name in names.items() if place.part)
    patterns = {"course": _COURSE, "keras.applications": _KERAS, "torchvision": _TORCH}
    dialect = next(name for name, each in patterns.items() if each.fullmatch(first))
    left_over = [name for name in layers if not place_of(name)]
    return Weights(str(path), dialect, arrays, names, left_over)


def _read_h5(path):
    """Return the layers of an HDF5 file by name, and whether their names say whose.

    Names of the course in the newer layout are this package's, whose networks vary.
    """
    with naming_damage(path), h5py.File(path) as file:
        check_h5_weights(path)
        if "layer_names" in file.attrs:  # Keras 1 and 2
            groups = ((name, file[name]) for name in _texts(file.attrs["layer_names"]))
            layers = {
                name: [group[each][()] for each in _texts(group.attrs["weight_names"])]
                for name, group in groups
            }
        elif "layers" in file:  # Keras 3
            layers = {}
            for key, group in file["layers"].items():
                variables = group.get("vars", {})
                numbers = sorted(variables, key=int)
                if numbers:  # early versions of Keras 3 do not say the layer's name
                    name = str(variables.attrs.get("name", key))
                    layers[name] = [variables[number][()] for number in numbers]
        else:
            raise InputError(
                f"{path}: an HDF5 file, but not one of weights (it holds "
                f"{', '.join(list(file)[:5]) or 'nothing'}); expected one that Keras "
                "saved."
            )
        is_old = "layer_names" in file.attrs
    return {name: arrays for name, arrays in layers.items() if arrays}, is_old


def _texts(values):
    return [each.decode() if isinstance(each, bytes) else str(each) for each in values]


def _read_safetensors(path):
    try:
        from safetensors.numpy import load_file
    except ImportError as error:
        raise InputError(
            f"{path}: needs the package safetensors; pip install "
            "'resnet_keras[safetensors]'."
        ) from error
    with naming_damage(path):
        return load_file(path)


def _read_torch(path):
    try:
        import torch
    except ImportError as error:
        raise InputError(
            f"{path}: needs PyTorch; pip install 'resnet_keras[torch]'. A .safetensors "
            "file of the same weights does not."
        ) from error
    check_archive(path)
    with naming_damage(path):
        # Restricted to tensors and plain containers: it runs nothing from the file.
        state = torch.load(path, map_location="cpu", weights_only=True)
        for key in ("state_dict", "model"):  # where training scripts put it
            state = state.get(key, state)
        arrays = {}
        for name, tensor in state.items():
            if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point():
                continue
            tensor = tensor.detach()
            stored = tensor.untyped_storage().nbytes()
            if tensor.numel() * tensor.element_size() > stored:
                raise InputError(f"{path}: {name} claims more numbers than are stored.")
            arrays[name] = tensor.float().numpy()
    return arrays


def _from_torch(path, state):
    """Return the layers of a state dictionary, their arrays as Keras has them."""
    groups = {}
    for name, array in state.items():
        layer, _, part = name.removeprefix("module.").rpartition(".")
        groups.setdefault(layer, {})[part] = array
    layers = {}
    for name, parts in groups.items():
        kernel = parts.get("weight")
        if kernel is None:
            continue
        if "running_mean" in parts:
            keys = ("weight", "bias", "running_mean", "running_var")
            layers[name] = [parts[key] for key in keys if key in parts]
            continue
        if kernel.ndim == 4:  # out, in, height, width
            kernel = kernel.transpose(2, 3, 1, 0)
        layers[name] = [kernel.T if kernel.ndim == 2 else kernel]
        layers[name] += [parts["bias"]] if "bias" in parts else []
    return {
        name: [np.asarray(array, np.float32) for array in arrays]
        for name, arrays in layers.items()
    }
