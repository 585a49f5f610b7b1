"""What a file from others may hold: checked before Keras or NumPy reads it.

An HDF5 file can point at other files; it or an archive can claim sizes that exhaust the
memory. What its configuration may name stands in `resnet_keras.files.allowed`.
"""

import contextlib
import errno
import functools
import io
import json
import math
import mmap
import os
import re
import stat
import zipfile
from pathlib import Path

import h5py
import numpy as np

from resnet_keras.errors import InputError, check_is_file
from resnet_keras.files.configuration import dictionaries
from resnet_keras.files.metadata import MAX_TEXT_BYTES, NAME, OLD_NAME

# What a file may claim to hold in all: this many times its own size, and 64 MiB.
# Weights do not compress; pictures of one colour do.
MAX_EXPANSION = {"model": 10, "data": 100}
_FREE_BYTES = 64 * 2**20
# An attribute of texts may claim so many times the longest: 1,000 names of layers
# beside a configuration of 1 MB come to a half of it.
_MAX_ATTRIBUTE_BYTES = 2**31

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
    with naming_damage(path):
        sides, num_stored = _check_file(path)
        with h5py.File(path) as file:
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
        data = archive.read("model.weights.h5")
        with h5py.File(io.BytesIO(data)) as file:
            sides, num_stored = _check_tree(path, file, data, size)
    return config, sides, num_stored


def check_sides(path, config, sides):
    """Refuse a layer that is wider than any array stored, by its configuration alone.

    Raises:
        InputError: there is one.
    """
    for each in dictionaries(config):
        for key in _SIZES & each.keys():
            _check_stored(path, key, each[key], sides)


def check_h5_data(path):
    """Check an `.h5` file of images and labels.

    Raises:
        InputError: it points at other files, or claims absurd sizes.
    """
    check_is_file(path, "images and labels in HDF5")
    with naming_damage(path):
        _check_file(Path(path), "data")


def check_h5_weights(path):
    """Check an `.h5` file of weights alone.

    Raises:
        InputError: it points at other files, or claims absurd sizes.
    """
    with naming_damage(path):
        _check_file(Path(path))


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
                shape, dtype, _ = npy_header(member)
            claimed += _num_bytes(shape, dtype)
            if dtype.hasobject:
                raise InputError(
                    f"{path}: {name!r} holds Python objects, which could run code; "
                    "expected numbers or text."
                )
        _check_size(path, claimed, size, "data")


def npy_header(file):
    """Return what the header of an `.npy` file says: (shape, dtype, is_fortran).

    Args:
        file: open to read bytes, at its beginning; it is left where the numbers begin.
    """
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_2_0
    if version == (1, 0):
        read = np.lib.format.read_array_header_1_0
    shape, is_fortran, dtype = read(file)
    return shape, dtype, is_fortran


@contextlib.contextmanager
def naming_damage(path):
    """Turn an error of h5py, zipfile or NumPy in reading a file into one line."""
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(
            f"{path}: this machine has not enough memory to read it. Close other "
            "programs, or use a machine with more."
        ) from error
    except Exception as error:
        reason = str(error).strip().split("\n")[0][:300]
        if system := _system_error(error):
            raise InputError(
                f"{path}: could not be read ({system}). See that you may read it, and "
                "that its disk or network answers."
            ) from error
        raise InputError(
            f"{path}: damaged or cut short ({type(error).__name__}: {reason}). "
            "Copy or save it again."
        ) from error


def _system_error(error):
    """Return in words what of the disk, network or rights failed, or None."""
    if not isinstance(error, OSError):
        return None
    if isinstance(error, TimeoutError):
        return str(error) or "timed out"
    number = error.errno  # h5py has it in its text alone
    if found := re.search(r"errno = (\d+)", str(error)):
        number = int(found[1])
    # A damaged offset, outside of the file, is an invalid argument.
    if number in (None, 0, errno.EINVAL, errno.EOVERFLOW):
        return None
    return os.strerror(number)


def _parse(path, text):
    if not isinstance(text, (str, bytes)) or len(text) > MAX_TEXT_BYTES:
        raise InputError(
            f"{path}: its configuration is not a text of at most "
            f"{MAX_TEXT_BYTES // 2**20} MiB."
        )
    return json.loads(text)


def _check_stored(path, key, value, sides):
    for number in value if isinstance(value, list) else [value]:
        if isinstance(number, (int, float)) and number not in sides:
            raise InputError(
                f"{path}: its configuration has a layer with {key} {value}, but no "
                "weights of that size are in the file."
            )


def _check_tree(path, file, data, file_size, kind="model"):
    """Visit every object of an HDF5 file once, following nothing that leads out.

    Returns:
        All lengths of sides of its arrays, a set; and how many numbers they have.
    """
    largest_heap = functools.cache(functools.partial(_largest_heap, data))
    claimed, num_stored, sides, seen, pending = 0, 0, set(), set(), [file]
    while pending:
        group = pending.pop()
        claimed += _attribute_bytes(path, group, largest_heap)
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
                claimed += _attribute_bytes(path, item, largest_heap)
                claimed += _dataset_bytes(path, item)
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
    """Return how long texts of any length are: many may be one text in the file."""
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


def _attribute_bytes(path, item, largest_heap):
    claimed = 0
    for name in item.attrs:
        attribute = item.attrs.get_id(name)
        number = _num_bytes(attribute.shape, attribute.dtype)
        if attribute.dtype.hasobject and attribute.shape:
            # Each can be the same long text, and all are read at once.
            texts = number // attribute.dtype.itemsize * largest_heap()
            if texts > _MAX_ATTRIBUTE_BYTES:
                raise InputError(
                    f"{path}: {name} claims to hold texts of {texts:,} bytes; expected "
                    f"at most {_MAX_ATTRIBUTE_BYTES:,}."
                )
        claimed += number
    return claimed


def _largest_heap(data):
    """Return the bytes of an HDF5 file's largest heap of texts: none is longer."""
    sizes = (
        int.from_bytes(data[found.start() + 8 : found.start() + 16], "little")
        for found in re.finditer(b"GCOL\x01", data)
    )
    return min(max(sizes, default=0), len(data))


def _check_file(path, kind="model"):
    """Check an HDF5 file that is not in an archive, as `_check_tree` does."""
    with (
        h5py.File(path) as file,
        path.open("rb") as raw,
        mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        return _check_tree(path, file, data, path.stat().st_size, kind)


def _num_bytes(shape, dtype):
    # Python's own integers do not overflow.
    return math.prod(map(int, shape or ()), start=dtype.itemsize)


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
