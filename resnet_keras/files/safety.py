"""What a strange file may hold: checked before Keras or NumPy reads it.

A model's configuration can name layers that run code as they are built, whatever Keras'
`safe_mode` says; an HDF5 file can point at other files; either can claim sizes that
exhaust the memory. Here stands what an image classifier needs. All else is refused.
"""

import contextlib
import io
import json
import stat
import zipfile

import h5py
import numpy as np

from resnet_keras.errors import InputError, check_is_file
from resnet_keras.files.legacy import mended

# What a file may claim to hold in all: this many times its own size, and 64 MiB.
# Weights do not compress; pictures of one colour do.
MAX_EXPANSION = {"model": 10, "data": 100}
_FREE_BYTES = 64 * 2**20
_MAX_CONFIG_BYTES = 64 * 2**20

_LAYERS = """
    Activation Add Average AveragePooling2D AvgPool2D BatchNormalization CenterCrop
    Concatenate Conv2D Convolution2D Cropping2D Dense DepthwiseConv2D Dropout ELU
    Flatten GaussianDropout GaussianNoise GlobalAveragePooling2D GlobalAvgPool2D
    GlobalMaxPooling2D GroupNormalization InputLayer LayerNormalization LeakyReLU
    MaxPooling2D MaxPool2D Maximum Multiply Normalization PReLU Permute RandomBrightness
    RandomContrast RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom
    ReLU Rescaling Reshape Resizing SeparableConv2D Softmax SpatialDropout2D Subtract
    SyncBatchNormalization UpSampling2D ZeroPadding2D
"""
_OTHERS = """
    Functional Model Sequential DTypePolicy Policy
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal
    LecunUniform Ones Orthogonal RandomNormal RandomUniform TruncatedNormal
    VarianceScaling Zeros
    L1 L2 L1L2 MaxNorm MinMaxNorm NonNeg UnitNorm
    __keras_tensor__ __numpy__ __tensor__ __tuple__ TensorShape
"""
_CLASSES = frozenset((_LAYERS + _OTHERS).split())
_ACTIVATIONS = """
    elu exponential gelu hard_sigmoid hard_silu hard_swish leaky_relu linear log_softmax
    mish relu relu6 selu sigmoid silu softmax softplus softsign swish tanh
"""
_FUNCTIONS = frozenset(_ACTIVATIONS.split())
_SIZES = {"filters", "units", "kernel_size"}
_MEMBERS = {
    "config.json",
    "metadata.json",
    "model.weights.h5",
    "resnet_keras_card.json",
    "assets/",
}


def check_h5_model(path, trust=False):
    """Check a whole-model `.h5` file.

    Args:
        path: the file.
        trust: whether the configuration may name any class at all. Links and sizes
            are checked all the same.

    Returns:
        `(config, num_stored)`: the configuration as it is in the file, and how many
        numbers the file's arrays have.

    Raises:
        InputError: the file holds what an image classifier does not need.
    """
    with naming_damage(path), h5py.File(path) as file:
        sides, num_stored = _check_tree(path, file, path.stat().st_size)
        config = _parse(path, file.attrs["model_config"])
        if not trust:
            _check_config(path, mended(config)[0], sides)
    return config, num_stored


def check_keras_model(path, trust=False):
    """Check a `.keras` archive: its members, its configuration and its weights.

    Args:
        path: the file.
        trust: as in `check_h5_model`.

    Returns:
        As `check_h5_model`.

    Raises:
        InputError: the file holds what an image classifier does not need.
    """
    size = path.stat().st_size
    with naming_damage(path), zipfile.ZipFile(path) as archive:
        _check_members(path, archive, size, "model")
        names = archive.namelist()
        for name in names:
            if name not in _MEMBERS:
                raise InputError(
                    f"{path}: holds {name!r}, which no image classifier saved by Keras "
                    f"does; expected {', '.join(sorted(_MEMBERS))}."
                )
        if "model.weights.h5" not in names:
            raise InputError(f"{path}: holds no weights, model.weights.h5.")
        config = _parse(path, archive.read("config.json"))
        # From memory: a member of an archive is slow to jump about in.
        member = io.BytesIO(archive.read("model.weights.h5"))
        with h5py.File(member) as file:
            sides, num_stored = _check_tree(path, file, size)
        if not trust:
            network = config
            if isinstance(config, dict):  # which is loaded without compiling it
                network = {k: v for k, v in config.items() if k != "compile_config"}
            _check_config(path, mended(network)[0], sides)
    return config, num_stored


def check_h5_data(path):
    """Check an `.h5` file of images and labels.

    Raises:
        InputError: it points at other files, or claims absurd sizes.
    """
    check_is_file(path, "images and labels in HDF5")
    with naming_damage(path), h5py.File(path) as file:
        _check_tree(path, file, path.stat().st_size, "data")


def check_h5_weights(path):
    """Check an `.h5` file of weights alone.

    Raises:
        InputError: it points at other files, or claims absurd sizes.
    """
    with naming_damage(path), h5py.File(path) as file:
        _check_tree(path, file, path.stat().st_size)


def check_archive(path):
    """Check the members of a zip archive of weights, if the file is one.

    Raises:
        InputError: a member leads out of it, or claims an absurd size.
    """
    if zipfile.is_zipfile(path):
        with naming_damage(path), zipfile.ZipFile(path) as archive:
            _check_members(path, archive, path.stat().st_size, "model")


def check_npz(path):
    """Check that an `.npz` file claims no absurd sizes, before NumPy believes them.

    Raises:
        InputError: it does, or it is no archive.
    """
    size = path.stat().st_size
    with naming_damage(path), zipfile.ZipFile(path) as archive:
        _check_members(path, archive, size, "data")
        claimed = 0
        for name in archive.namelist():
            with archive.open(name) as member:
                shape, dtype = _read_npy_header(member)
            claimed += _num_bytes(shape, dtype)
            if dtype.hasobject:
                raise InputError(
                    f"{path}: {name!r} holds Python objects, which could run code; "
                    "expected numbers or text."
                )
        _check_size(path, claimed, size, "data")


def _read_npy_header(member):
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(member)
    return shape, dtype


@contextlib.contextmanager
def naming_damage(path):
    """Turn whatever a broken file sets off in h5py, zipfile or NumPy into one line."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = str(error).strip().split("\n")[0][:300]
        raise InputError(
            f"{path}: damaged or cut short ({type(error).__name__}: {reason}). "
            "Copy or save it again."
        ) from error


def _parse(path, text):
    if not isinstance(text, (str, bytes)) or len(text) > _MAX_CONFIG_BYTES:
        raise InputError(
            f"{path}: its configuration is not a text of at most "
            f"{_MAX_CONFIG_BYTES // 2**20} MiB."
        )
    return json.loads(text)


def _check_config(path, value, sides):
    """Walk a configuration; refuse classes not in the list, and weights not stored.

    Keras makes a layer's weights before it looks for them, so a layer may be only as
    large as a side of some array in the file (`sides`).
    """
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += value
        elif isinstance(value, dict):
            pending += value.values()
            if "class_name" in value:
                _check_class(path, value)
            for key in _SIZES & value.keys():
                _check_stored(path, key, value[key], sides)


def _check_stored(path, key, value, sides):
    for number in value if isinstance(value, list) else [value]:
        if isinstance(number, (int, float)) and number not in sides:
            raise InputError(
                f"{path}: its configuration has a layer with {key} {value}, but no "
                "weights of that size are in the file."
            )


def _check_class(path, value):
    name, module = value["class_name"], value.get("module")
    registered = value.get("registered_name")
    if name == "function":
        name, allowed = value.get("config"), _FUNCTIONS
    else:
        allowed = _CLASSES
    is_known = (
        isinstance(name, str)
        and name in allowed
        and (module is None or module == "builtins" or _is_of_keras(module))
        and registered in (None, "", name)
    )
    if not is_known:
        shown = ".".join(str(part)[:80] for part in (module, name) if part)
        raise InputError(
            f"{path}: its configuration names {shown!r}, which is not among the "
            "classes that an image classifier needs and could run code. If you "
            "trust whoever made the file, open it with --trust (trust=True)."
        )


def _is_of_keras(module):
    return isinstance(module, str) and (
        module == "keras" or module.startswith("keras.")
    )


def _check_tree(path, file, file_size, kind="model"):
    """Visit every object of an HDF5 file once, following nothing that leads out.

    Returns:
        All lengths of sides of its arrays, a set; and how many numbers they have.
    """
    claimed, num_stored, sides, seen, pending = 0, 0, set(), set(), [file]
    while pending:
        group = pending.pop()
        claimed += _attribute_bytes(group)
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise InputError(
                    f"{path}: {name!r} is a link ({type(link).__name__}) to "
                    f"{_target(link)!r}; expected a file that holds all it needs."
                )
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(item, h5py.Group):
                pending.append(item)
            elif isinstance(item, h5py.Dataset):
                claimed += _attribute_bytes(item) + _dataset_bytes(path, item)
                sides.update(item.shape or ())
                num_stored += item.size or 0
            else:
                raise InputError(f"{path}: {name!r} is neither a group nor a data set.")
        _check_size(path, claimed, file_size, kind)
    return sides, num_stored


def _target(link):
    return f"{getattr(link, 'filename', '')}{link.path}"


def _dataset_bytes(path, dataset):
    if dataset.is_virtual or dataset.external:
        raise InputError(
            f"{path}: the data of {dataset.name!r} lie in another file; expected a "
            "file that holds all it needs."
        )
    dtype = dataset.dtype
    if dtype.kind not in "fiubS" and not h5py.check_string_dtype(dtype):
        raise InputError(
            f"{path}: {dataset.name!r} holds {dtype}; expected numbers or text."
        )
    # One number of a chunk is enough to have the whole chunk unpacked.
    shapes = (dataset.shape, dataset.chunks)
    return max(_num_bytes(shape, dtype) for shape in shapes)


def _attribute_bytes(item):
    identifiers = (item.attrs.get_id(name) for name in item.attrs)
    return sum(_num_bytes(each.shape, each.dtype) for each in identifiers)


def _num_bytes(shape, dtype):
    number = dtype.itemsize
    for side in shape or ():
        number *= int(side)  # Python's own integers do not overflow
    return number


def _check_members(path, archive, file_size, kind):
    """Check the members of a zip archive by what its directory says of them."""
    members = archive.infolist()
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise InputError(f"{path}: holds two members of one name.")
    for member in members:
        name = member.filename
        if name.startswith(("/", "\\")) or ".." in name.split("/") or ":" in name:
            raise InputError(f"{path}: {name!r} leads out of the archive.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise InputError(f"{path}: {name!r} is a link; expected a plain member.")
    _check_size(path, sum(member.file_size for member in members), file_size, kind)


def _check_size(path, claimed, file_size, kind):
    limit = MAX_EXPANSION[kind] * file_size + _FREE_BYTES
    if claimed > limit:
        raise InputError(
            f"{path}: has {file_size:,} bytes but claims to hold {claimed:,}; expected "
            f"at most {limit:,}. It could exhaust the memory."
        )
