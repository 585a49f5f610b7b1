"""Weight files as people have them, read into one order and one layout.

Arrays come in Keras' order and layout: kernel (height, width, in, out) and bias; or
gamma, beta, moving mean and moving variance. Nothing in a file is run, and sizes are
checked before they are believed. What a file is, its content says, not its suffix.
"""

import pickle
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from resnet_keras.errors import InputError, check_is_file
from resnet_keras.family import CIFAR_WIDTHS, DEPTHS, VARIANTS
from resnet_keras.files import check_not_placeholder, kind_of
from resnet_keras.files.safety import check_archive, check_h5_weights, naming_damage
from resnet_keras.weights import ordering
from resnet_keras.weights.naming import HEAD, ORIGINS, Position, position_of, scheme_of

_WANTED = (
    "a whole model or weights: .h5 or .keras of Keras, .safetensors, or a PyTorch "
    "state dictionary (.pth, .pt, .bin, .tar)"
)


@dataclass
class Weights:
    """What a file of weights holds.

    `variants` are the names, in `family.VARIANTS`, of the networks it can have been
    trained for, the likeliest first; none where the file says nothing of it. Where the
    file holds a whole model, `variant` says it instead.
    """

    path: str
    scheme: str
    arrays: dict  # Position: list of arrays
    names: dict  # Position: the layer's name in the file
    left_over: list = field(default_factory=list)  # names that have no position
    other_head: list = field(default_factory=list)  # of several dense layers
    variants: tuple = ()
    variant: tuple | None = None
    metadata: dict = field(default_factory=dict)

    @property
    def depth(self):
        """The number of layers with weights, shortcuts not counted."""
        return sum(p.kind == "conv" and p.part != "1" for p in self.arrays) + 1

    @property
    def network(self):
        """The network of the family that has these kernels, or None.

        A plain network, and one of another shortcut option, goes by the same name.
        """
        kernels = {
            position: arrays[0].shape
            for position, arrays in self.arrays.items()
            if position.kind == "conv" and position.part != "1"
        }
        stem = kernels.get(Position(1, 1, "", "conv"), ())
        if self.depth % 6 == 2 and stem[:2] + stem[3:] == (3, 3, CIFAR_WIDTHS[0]):
            return f"ResNetCIFAR{self.depth}"
        if self.depth not in DEPTHS:
            return None
        wanted = {
            p: each for p, each in ordering.convolutions(self.depth) if p.part != "1"
        }
        is_it = kernels.keys() == wanted.keys() and all(
            ordering.fits(kernels[position], wanted[position]) for position in wanted
        )
        return f"ResNet{self.depth}" if is_it else None

    @property
    def classes(self):
        """The number of classes; None without a head."""
        return self.arrays[HEAD][0].shape[-1] if HEAD in self.arrays else None

    def likeliest_variant(self):
        """Return the `family.Variant` to build for these weights.

        Raises:
            InputError: the file does not say which.
        """
        if self.variant:
            return self.variant
        if not self.variants:
            raise InputError(
                f"{self.path}: does not say which network it was trained for; give "
                f"variant, one of {', '.join(VARIANTS)}. train makes the course's."
            )
        return VARIANTS[self.variants[0]]


def holds_weights(path):
    """Say whether a file is for `read`: weights alone, not a whole model.

    Raises:
        InputError: it is a pointer to a file, a web page, or empty.
    """
    path = Path(path)
    if not path.is_file():
        return False
    check_not_placeholder(path)
    kind = kind_of(path)
    if kind == "keras":
        return False
    if kind == "hdf5":
        with naming_damage(path), h5py.File(path) as file:
            return "layer_names" in file.attrs or "layers" in file
    return kind in _READERS or path.suffix in (".safetensors", *_TORCH_SUFFIXES)


def read(path):
    """Read a file of weights without a network, in any naming scheme.

    Args:
        path: weights of old or new Keras (HDF5), `.safetensors`, or a PyTorch state
            dictionary.

    Returns:
        `Weights`.

    Raises:
        InputError: the file is missing, damaged, could do harm, needs a package that
            is not installed, or holds no residual network's weights.
    """
    path = Path(path)
    check_is_file(path, _WANTED)
    check_not_placeholder(path)
    kind = kind_of(path)
    if kind not in _READERS:
        kind = path.suffix  # damaged, perhaps: let its reader say how
    if kind not in _READERS:
        raise InputError(f"{path}: holds no weights known here; expected {_WANTED}.")
    layers, num_padding, says_whose = _READERS[kind](path)
    weights = arranged(path, layers)
    scheme = weights.scheme
    if scheme == ordering.SCHEME:
        if _READERS[kind] is not _read_h5:
            raise InputError(
                f"{path}: holds no weights of a residual network under names of "
                f"torchvision; it holds {', '.join(list(layers)[:4])}."
            )
        scheme = _ORIGINS_BY_PADDING.get(num_padding)
    elif scheme == "course" and not says_whose and num_padding != 1:
        return weights  # of this package: all variants but the course's pad more
    weights.variants, preprocessing = ORIGINS.get(scheme, ((), None))
    if weights.classes in (None, 1000):
        # Published for ImageNet; unnamed layers are the course's, on pixels over 255.
        if preprocessing and weights.scheme != ordering.SCHEME:
            weights.metadata["preprocessing"] = preprocessing
    elif scheme in _USUAL_MODES:
        weights.metadata.setdefault("notes", []).append(
            f"weights under names of {scheme} often expect --preprocessing "
            f"{_USUAL_MODES[scheme]}, but the file does not say it."
        )
    return weights


# Where names say nothing: how many layers pad, and whose network that is
_ORIGINS_BY_PADDING = {1: "course", 2: "keras.applications"}
_USUAL_MODES = {"keras.applications": "caffe", "torchvision": "torch"}


def arranged(path, layers):
    """Return `Weights` of layers by name, each a list of arrays in Keras' order.

    Args:
        path: for messages.
        layers: dictionary from name to arrays, in the network's order.

    Raises:
        InputError: they are not a residual network's.
    """
    shapes = {name: [each.shape for each in layers[name]] for name in layers}
    try:
        found, scheme = positions_of(shapes)
    except ordering.NoMatch as error:
        some = ", ".join(list(layers)[:4]) or "nothing"
        raise InputError(
            f"{path}: holds no weights of a residual network under names of the "
            f"course, keras.applications or torchvision, nor in their order ({error}); "
            f"it holds {some}."
        ) from error
    names = {position: name for name, position in found.items()}
    arrays = {position: layers[names[position]] for position in sorted(names)}
    if HEAD in arrays and arrays[HEAD][0].ndim != 2:
        raise InputError(
            f"{path}: {names[HEAD]} has weights of shape {arrays[HEAD][0].shape}; "
            "expected a matrix, features by classes."
        )
    left_over = [name for name in layers if name not in found]
    dense = [name for name in left_over if layers[name][0].ndim == 2]
    left_over = [name for name in left_over if name not in dense]
    weights = Weights(str(path), scheme, arrays, names, left_over, dense)
    if scheme == ordering.SCHEME:
        weights.metadata["notes"] = [
            f"the names of its layers say nothing ({next(iter(layers))}, ...), so "
            f"{len(layers)} layers were matched by order and shape."
        ]
    return weights


def positions_of(shapes):
    """Find the positions of layers by their names, or else by order and shapes.

    Args:
        shapes: as in `ordering.positions_by_order`.

    Returns:
        `(positions, scheme)`: a dictionary from name to `Position`, without the names
        that have none, and the naming scheme.

    Raises:
        ordering.NoMatch: neither names nor shapes are a residual network's.
    """
    found = {name: position_of(name) for name in shapes if position_of(name)}
    schemes = [scheme_of(name) for name in found if scheme_of(name)]
    if schemes:
        if HEAD not in found.values():  # a head of one's own on a network of others
            rest = [name for name in shapes if name not in found]
            if len(rest) == 1 and len(shapes[rest[0]][0]) == 2:
                found[rest[0]] = HEAD
        return found, schemes[0]
    return ordering.positions_by_order(shapes), ordering.SCHEME


def _read_h5(path):
    """Return the layers of an HDF5 file by name; how many others pad; who named them.

    Names of the course in the newer layout may be this package's.
    """
    with naming_damage(path), h5py.File(path) as file:
        check_h5_weights(path)
        if "layer_names" in file.attrs:  # Keras 1 and 2
            names = _texts(file.attrs["layer_names"])
            layers, says_whose = _read_keras_2(file, names), True
        elif "layers" in file:
            names = []
            file["layers"].visit(names.append)
            layers, says_whose = dict(_read_keras_3(file["layers"])), False
        else:
            raise InputError(
                f"{path}: an HDF5 file, but not one of weights (it holds "
                f"{', '.join(list(file)[:5]) or 'nothing'}); expected one that Keras "
                "saved."
            )
        num_padding = sum(
            name.rsplit("/", 1)[-1].startswith("zero_padding") for name in names
        )
    return layers, num_padding, says_whose


def _read_keras_2(file, names):
    layers = {}
    for layer in names:
        for name in _texts(file[layer].attrs["weight_names"]):
            # A model within a model is one layer; its weights say whose they are.
            is_nested = len(file[layer].attrs["weight_names"]) > 5 and "/" in name
            owner = name.rsplit("/", 2)[-2] if is_nested else layer
            layers.setdefault(owner, []).append(file[layer][name][()])
    return layers


def _read_keras_3(group):
    """Yield (name, arrays) of each layer with weights, in the network's order.

    Keys count the layers of a class, not in the alphabet's order. TF 2 and early
    versions of Keras 3 do not write down a layer's own name.
    """
    for key in sorted(group, key=_number_of):
        variables = group[key].get("vars", {})
        if len(variables):
            numbers = sorted(variables, key=int)
            name = str(variables.attrs.get("name", key))
            yield name, [variables[number][()] for number in numbers]
        elif "layers" in group[key]:  # a model within a model
            yield from _read_keras_3(group[key]["layers"])


def _number_of(key):
    match = re.fullmatch(r"(.*?)_?(\d*)", key)
    return match[1], int(match[2] or 0)


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
        return _from_torch(load_file(path)), None, True


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
        try:
            with warnings.catch_warnings():  # of pickle's versions
                warnings.simplefilter("ignore")
                state = torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            if "Unsupported" not in str(error):
                raise
            raise InputError(
                f"{path}: holds Python objects, which could run code, and not tensors "
                "alone; expected model.state_dict(), saved by torch.save."
            ) from error
        for key in _STATES:
            if isinstance(state, dict) and isinstance(state.get(key), dict):
                state = state[key]
        if not isinstance(state, dict):
            raise InputError(
                f"{path}: holds a {type(state).__name__}; expected "
                "model.state_dict(), saved by torch.save."
            )
        arrays = {}
        for name, tensor in state.items():
            if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point():
                continue
            if not isinstance(name, str):
                continue
            tensor = tensor.detach()
            stored = tensor.untyped_storage().nbytes()
            if tensor.numel() * tensor.element_size() > stored:
                raise InputError(f"{path}: {name} claims more numbers than are stored.")
            arrays[name] = tensor.float().numpy()
    return _from_torch(arrays), None, True


def _from_torch(state):
    """Return the layers of a state dictionary, their arrays as Keras has them."""
    # What holds the network puts its own name first: module., model., backbone.
    while (
        len({name.split(".")[0] for name in state}) == 1
        and all("." in name for name in state)
        and not any(scheme_of(name.rpartition(".")[0]) for name in state)
    ):
        state = {name.partition(".")[2]: array for name, array in state.items()}
    groups = {}
    for name, array in state.items():
        layer, _, part = name.rpartition(".")
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


# Where training scripts put the weights; averages where there is nothing else.
_STATES = (
    *("state_dict", "model", "model_state_dict", "net", "state_dict_ema", "model_ema"),
)
_TORCH_SUFFIXES = (".pth", ".pt", ".bin", ".tar")
_READERS = {  # by content, and where that says nothing, by suffix
    "hdf5": _read_h5,
    "safetensors": _read_safetensors,
    "torch": _read_torch,
    "pickle": _read_torch,
    **dict.fromkeys((".h5", ".hdf5", ".hdf"), _read_h5),
    ".safetensors": _read_safetensors,
    **dict.fromkeys(_TORCH_SUFFIXES, _read_torch),
}
