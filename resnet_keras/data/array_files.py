"""Files of arrays (.npz, .npy, HDF5), opened so that no array need fit in memory."""

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from resnet_keras.errors import InputError, check_is_file
from resnet_keras.files.safety import check_h5_data, check_npz, naming_damage

_FIRST_BYTES = {  # what a file begins with, whatever its name ends with
    b"\x89HDF\r\n\x1a\n": "h5",
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "zip",
}
_NO_DATA = {
    b"version https://git-lfs": "a Git LFS pointer; git lfs pull fetches the file",
    b"<!doctype": "a web page, saved in the place of the file; download it again",
    b"<html": "a web page, saved in the place of the file; download it again",
    b"MATLAB 5.0": "a MATLAB file; save it as .npz with scipy.io.loadmat and np.savez",
    b"\x1f\x8b": "packed by gzip; unpack it first",
    b"BZh": "packed by bzip2; unpack it first",
    b"\xfd7zXZ": "packed by xz; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"7z\xbc\xaf": "a 7z archive; unpack it first",
    b"\x80": "a Python pickle, which could run code; save its arrays with np.savez",
}


def kind_of(path):
    """Return "h5", "npz", "npy", "csv" or None: what a file is by its content.

    Raises:
        InputError: it is of a kind that people have data in, but which is not read;
            the message says what to do.
    """
    path = Path(path)
    check_is_file(path, "a file of images and labels")
    with naming_damage(path), path.open("rb") as file:
        start = file.read(64)
    for mark, kind in _FIRST_BYTES.items():
        if start.startswith(mark):
            if kind != "zip":
                return kind
            if path.suffix.lower() == ".npz" or _holds_arrays(path):
                return "npz"
            raise InputError(f"{path}: a zip archive; unpack it first.")
    for mark, what in _NO_DATA.items():
        if start.lstrip().lower().startswith(mark.lower()):
            raise InputError(f"{path}: {what}.")
    if path.suffix.lower() in (".csv", ".tsv"):
        return "csv"
    by_suffix = {".npz": "npz", ".npy": "npy", ".h5": "h5", ".hdf5": "h5"}
    return by_suffix.get(path.suffix.lower())  # and whoever opens it says "damaged"


def _holds_arrays(path):
    with naming_damage(path), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return bool(names) and all(name.endswith(".npy") for name in names)


@dataclass(frozen=True)
class Entry:
    """One array of a file: `array` has shape and dtype, and slices of it are read."""

    path: Path
    key: str
    array: object

    def read(self):
        """Return the whole array."""
        with naming_damage(self.path):
            return self.array[()]

    @property
    def is_text(self):
        """Whether it holds names."""
        return self.array.dtype.kind in "SUO"


def open_arrays(path, kind, stack):
    """Open a file, and return an `Entry` for each of its arrays.

    Args:
        path: the file.
        kind: "npz", "npy" or "h5".
        stack: `contextlib.ExitStack` that will close it.

    Raises:
        InputError: it is damaged, or holds what could run code.
    """
    opened = {"npz": _open_npz, "npy": _open_npy, "h5": _open_h5}[kind](path, stack)
    return [Entry(path, key, array) for key, array in opened.items()]


def _open_h5(path, stack):
    check_h5_data(path)
    with naming_damage(path):
        file = stack.enter_context(h5py.File(path))
        if "model_config" in file.attrs or "layer_names" in file.attrs:
            raise InputError(
                f"{path}: a Keras model or its weights; expected images and labels."
            )
        found = {}

        def add(name, item):
            if isinstance(item, h5py.Dataset) and item.shape is not None:
                found[name] = item

        file.visititems(add)
    return found


def _open_npy(path, stack):
    with naming_damage(path), path.open("rb") as file:
        shape, dtype, _ = _read_header(file)
        if dtype.hasobject:
            raise InputError(
                f"{path}: holds Python objects, which could run code; expected numbers "
                "or text."
            )
        if math.prod(shape) == 0:
            return {path.stem: np.load(path, allow_pickle=False)}
        return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False)}


def _open_npz(path, stack):
    check_npz(path)
    with naming_damage(path):
        archive = stack.enter_context(zipfile.ZipFile(path))
        return {
            name.removesuffix(".npy"): _NpzArray(path, archive, name, stack)
            for name in archive.namelist()
        }


class _NpzArray:
    """An array within an `.npz` file, read row after row without the rest of it."""

    def __init__(self, path, archive, name, stack):
        self._path, self._archive, self._name = path, archive, name
        self._stack, self._member, self._row = stack, None, 0
        with archive.open(name) as member:
            self.shape, self.dtype, self._is_fortran = _read_header(member)

    def __len__(self):
        return self.shape[0]

    @property
    def ndim(self):
        """The number of sides."""
        return len(self.shape)

    def __getitem__(self, rows):
        """Return all with `()`, or some rows; fastest when from first to last."""
        with naming_damage(self._path):
            if rows == () or self._is_fortran:
                with np.load(self._path, allow_pickle=False) as file:
                    return file[self._name.removesuffix(".npy")][rows]
            start, stop, _ = rows.indices(len(self))
            if self._member is None or start < self._row:
                self._rewind()
            self._take(start - self._row)
            taken = self._take(stop - start)
            return np.frombuffer(taken, self.dtype).reshape(-1, *self.shape[1:])

    def _rewind(self):
        if self._member is not None:
            self._member.close()
        self._member = self._stack.enter_context(self._archive.open(self._name))
        _read_header(self._member)
        self._row = 0

    def _take(self, num_rows):
        num_bytes = num_rows * math.prod(self.shape[1:]) * self.dtype.itemsize
        taken = self._member.read(num_bytes)
        if len(taken) != num_bytes:
            raise EOFError(f"{self._name} ends early")
        self._row += num_rows
        return taken


def _read_header(file):
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, is_fortran, dtype = np.lib.format.read_array_header_2_0(file)
    return shape, dtype, is_fortran
