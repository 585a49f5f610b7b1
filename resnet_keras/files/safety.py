"""What a strange file may hold: checked before Keras or NumPy reads it.

An HDF5 file can point at other files; it or an archive can claim sizes that exhaust the
memory. What its configuration may name stands in `resnet_keras.files.allowed`.
"""

import contextlib
import io
import json
import stat
import zipfile

import h5py
import numpy as np

from resnet_keras.errors import InputError, check_is_file
from resnet_keras.files.metadata import NAME, OLD_NAME

# What a file may claim to hold in all: this many times its own size, and 64 MiB.
# Weights do not compress; pictures of one colour do.
MAX_EXPANSION = {"model": 10, "data": 100}
_FREE_BYTES = 64 * 2**20
_MAX_CONFIG_BYTES = 64 * 2**20

_SIZES = {"filters", "units"}
_MEMBERS = {
    "config.json",
    "metadata.json",
    "model.weights.h5",
    NAME + ".json",
    OLD_NAME + ".json",
    "assets/",
}


def check_h5_model(path):
    """Check a whole-model `.h5` file, but for the classes that it names.

    Args:
        path: the file.

    Returns:
        `(config, sides, num_stored)`: the configuration as it is in the file, the
        lengths of sides of its arrays, and how many numbers these have.

    Raises:
        InputError: the file points at other files, or claims absurd sizes.
    """
    with naming_damage(path), h5py.File(path) as file:
        sides, num_stored = _check_tree(path, file, path.stat().st_size)
        return _parse(path, file.attrs["model_config"]), sides, num_stored


def check_keras_model(path):
    """Check the members of a `.keras` archive and its weights.

    Args:
        path: the file.

    Returns:
        As `check_h5_model`.

    Raises:
        InputError: the file holds what no model does, points out of itself, or claims
            absurd sizes.
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
    return config, sides, num_stored


def check_sides(path, config, sides):
    """Refuse a layer that is wider than any array stored, by its configuration alone.

    Raises:
        InputError: there is one.
    """
    pending = [config]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += value
        elif isinstance(value, dict):
            pending += value.values()
            for key in _SIZES & value.keys():
                _check_stored(path, key, value[key], sides)


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
                shape, _, dtype = read_npy_header(member)
            claimed += _num_bytes(shape, dtype)
            if dtype.hasobject:
                raise InputError(
                    f"{path}: {name!r} holds Python objects, which could run code; "
                    "expected numbers or text."
                )
        _check_size(path, claimed, size, "data")


def read_npy_header(member):
    """Return `(shape, is_fortran, dtype)` of an open `.npy` file, without the array."""
    if np.lib.format.read_magic(member) == (1, 0):
        return np.lib.format.read_array_header_1_0(member)
    return np.lib.format.read_array_header_2_0(member)


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


def _check_stored(path, key, value, sides):
    for number in value if isinstance(value, list) else [value]:
        if isinstance(number, (int, float)) and number not in sides:
            raise InputError(
                f"{path}: its configuration has a layer with {key} {value}, but no "
                "weights of that size are in the file."
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
        _check_names(path, group)
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


def _check_names(path, group):
    """Refuse lists that name an array twice: it would be read as often."""
    for key in ("layer_names", "weight_names"):
        names = list(map(str, np.ravel(group.attrs.get(key, ()))))
        if len(set(names)) < len(names):
            raise InputError(f"{path}: {key} names one thing twice.")


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
    if h5py.check_string_dtype(dtype) and dtype.kind == "O":
        return _text_bytes(path, dataset)
    # One number of a chunk is enough to have the whole chunk unpacked.
    shapes = (dataset.shape, dataset.chunks)
    return max(_num_bytes(shape, dtype) for shape in shapes)


def _text_bytes(path, dataset):
    """Return how long texts of any length are: many may share one place in the file."""
    if len(dataset.shape) > 1:
        raise InputError(
            f"{path}: {dataset.name!r} holds texts of shape {dataset.shape}; expected "
            "one dimension."
        )
    if not dataset.shape:
        return len(dataset[()])
    limit, total = MAX_EXPANSION["model"] * path.stat().st_size + _FREE_BYTES, 0
    for start in range(0, len(dataset), 16):
        total += sum(map(len, dataset[start : start + 16]))
        if total > limit:  # as the caller will say
            break
    return total


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
