"""What kind of file this is: told by its first bytes, not by its name."""

import zipfile
from pathlib import Path

import h5py

from resnet_keras.errors import InputError, check_is_file
from resnet_keras.files.safety import naming_damage

_HEAD_BYTES = 512
_BEGINNINGS = {
    b"version https://git-lfs.github.com/spec/": "lfs",
    b"/annex/objects/": "annex",
    b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19": "torch",  # before PyTorch 1.6
    b"PK\x03\x04": "zip",  # which _zip_kind looks into
    b"PK\x05\x06": "zip",  # of no members
    b"\x93NUMPY": "npy",
    b"MATLAB 5.0": "matlab",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"Rar!": "rar",
    b"7z\xbc\xaf": "7z",
    b"\x80\x02": "pickle",
    b"\x80\x03": "pickle",
    b"\x80\x04": "pickle",
    b"\x80\x05": "pickle",
}
# In lower case, after white space. The last three are servers' answers to a request
# for a file that they do not have, or do not give.
_PAGES = (b"<!doctype html", b"<html", b"<!--", b"<?xml", b"<error", b"404: not found")


def kind_of(path):
    """Return what a file holds by its content, not by its suffix.

    Args:
        path: an existing file.

    Returns:
        One of "hdf5", "keras" (a `.keras` archive), "torch" (of `torch.save`), "npz",
        "zip" (any other), "pickle", "safetensors", "tflite", "npy", "matlab"; "gzip",
        "bzip2", "xz", "rar", "7z" (packed); "lfs" or "annex" (a pointer that Git leaves
        in place of a large file), "html" (a web page), "empty", or "unknown".
    """
    path = Path(path)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        return "empty"
    if h5py.is_hdf5(path):
        return "hdf5"
    for beginning, kind in _BEGINNINGS.items():
        if head.startswith(beginning):
            return _zip_kind(path) if kind == "zip" else kind
    if head[4:8] == b"TFL3":
        return "tflite"
    header_bytes = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and header_bytes < path.stat().st_size:
        return "safetensors"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PAGES):
        return "html"
    return "unknown"


def _zip_kind(path):
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "zip"  # cut short: its directory stands at its end
    if "config.json" in names and "metadata.json" in names:
        return "keras"
    if any(name.endswith(("/data.pkl", "/constants.pkl")) for name in names):
        return "torch"
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    return "zip"


_PLACEHOLDERS = {
    "lfs": "is a Git LFS pointer, not the file itself; run git lfs pull in its "
    "repository, or download the file.",
    "annex": "is a git-annex pointer, not the file itself; run git annex get in its "
    "repository, or download the file.",
    "html": "is a web page, not the file itself; download the file again, by the "
    "link that the page gives for it.",
    "empty": "is empty; copy or download it again.",
}


def check_not_placeholder(path):
    """Refuse a file that only stands in the place of another, or is empty.

    Raises:
        InputError: it is a pointer of Git LFS or git-annex, a web page, or empty. The
            message says which, and what to do.
    """
    words = _PLACEHOLDERS.get(kind_of(path))
    if words:
        raise InputError(f"{path}: {words}")


_NOT_MODELS = {
    "torch": "a file of PyTorch, which Keras cannot open as a model",
    "npz": "an archive of arrays (.npz), not a model",
    "npy": "an array (.npy), not a model",
    "matlab": "a file of MATLAB, not a model",
    "pickle": "a Python pickle, which could run code, not a model",
    "safetensors": "holds weights only (safetensors), without the network",
    **{
        kind: f"is packed ({kind}), so it is to be unpacked first"
        for kind in ("gzip", "bzip2", "xz", "rar", "7z")
    },
    "tflite": "a model for LiteRT (.tflite), whose layers cannot be taken out again",
}


def kind_of_model(path):
    """Return "hdf5" or "keras", the kinds of files that models are in.

    Raises:
        InputError: it is anything else; the message says what.
    """
    if path.is_dir():
        if (path / "saved_model.pb").exists():
            raise InputError(
                f"{path}: is a SavedModel, which holds a graph and no layers; expected "
                "a file, .h5 or .keras. Load it with the Keras 2 that made it, "
                'tf_keras.models.load_model(...), and save it with model.save("a.h5").'
            )
        raise InputError(f"{path}: is a directory; expected a file, .h5 or .keras.")
    if not path.exists():
        raise InputError(
            f"{path}: no such file; expected a model, .h5 or .keras, as "
            "python -m resnet_keras.train writes it."
        )
    check_is_file(path, "a model, .h5 or .keras")
    check_not_placeholder(path)
    kind = kind_of(path)
    if kind in ("hdf5", "keras"):
        return kind
    if kind == "zip":
        with naming_damage(path):
            zipfile.ZipFile(path).close()
        raise InputError(
            f"{path}: a zip archive, but not a model (it has no config.json and "
            "metadata.json); expected a model saved by Keras."
        )
    if kind == "unknown":
        found = "not an HDF5 file nor a .keras archive, or its beginning is lost"
    else:
        found = _NOT_MODELS[kind]
    raise InputError(f"{path}: {found}; expected a model saved by Keras.")
