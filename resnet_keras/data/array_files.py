"""Files of arrays (.npz, .npy, HDF5), opened so that no array need fit in memory."""

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from resnet_keras.errors import InputError, check_is_file
from resnet_keras.files import content
from resnet_keras.files.safety import (
    check_h5_data,
    check_npz,
    naming_damage,
    npy_header,
)

_BY_SUFFIX = {".npz": "npz", ".npy": "npy", ".h5": "h5", ".hdf5": "h5"}
_BY_SUFFIX |= {".csv": "csv", ".tsv": "csv"}
_BY_CONTENT = {"npy": "npy", "hdf5": "h5", "npz": "npz"}
_NOT_READ = {  # by `content.kind_of`
    "lfs": "a Git LFS pointer; git lfs pull fetches the file",
    "annex": "a git-annex pointer; git annex get fetches the file",
    "html": "a web page, saved in the place of the file; download it again",
    "zip": "a zip archive; unpack it first",
    "keras": "a Keras model; expected images and labels",
    "torch": "a file of PyTorch, which could run code; save its arrays with np.savez",
    "pickle": "a Python pickle, which could run code; save its arrays with np.savez",
    "matlab": "a MATLAB file; save it as .npz with scipy.io.loadmat and np.savez",
    "gzip": "packed by gzip; unpack it first",
    "bzip2": "packed by bzip2; unpack it first",
    "xz": "packed by xz; unpack it first",
    "rar": "a RAR archive; unpack it first",
    "7z": "a 7z archive; unpack it first",
}


def kind_of(path):
    """Return "h5", "npz", "npy", "csv" or None: what a file is by its content.

    Raises:
        InputError: it is of a kind that people have data in, but which is not read;
            the message says what to do.
    """
    path = Path(path)
    check_is_file(path, "a file of images and labels")
    by_suffix = _BY_SUFFIX.get(path.suffix.lower())
    with naming_damage(path):
        kind = content.kind_of(path)
    if kind in _NOT_READ and (kind, by_suffix) != ("zip", "npz"):
        raise InputError(f"{path}: {_NOT_READ[kind]}.")
    # Whoever opens a damaged one says so.
    return _BY_CONTENT.get(kind, by_suffix)


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
        shape, dtype, _ = npy_header(file)
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
            self.shape, self.dtype, self._is_fortran = npy_header(member)

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
        npy_header(self._member)
        self._row = 0

    def _take(self, num_rows):
        num_bytes = num_rows * math.prod(self.shape[1:]) * self.dtype.itemsize
        taken = self._member.read(num_bytes)
        if len(taken) != num_bytes:
            raise EOFError(f"{self._name} ends early")
        self._row += num_rows
        return taken
