"""A folder and all below it: which files are pictures, and what is left out."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from resnet_keras.data.images import HEIF_SUFFIXES, IMAGE_SUFFIXES, is_picture
from resnet_keras.errors import InputError

TABLE_SUFFIXES = {".csv", ".tsv"}
ARRAY_SUFFIXES = {".npz", ".npy", ".h5", ".hdf5", ".hdf"}
_DEEPEST = 8  # folders within folders
# What operating systems, archives and notebooks leave behind, in lower case.
_SYSTEM_NAMES = {
    *("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "#recycle"),
    *("lost+found", "$recycle.bin", "system volume information", "__macosx"),
    "__pycache__",
}


def is_system(name):
    """Say whether a file or folder is hidden, or the system's, by its name."""
    return name.startswith(".") or name.lower() in _SYSTEM_NAMES


@dataclass
class Folder:
    """What a folder holds. `left_out` counts what is not a picture, by kind.

    Of pictures it has the names, for there may be a million.
    """

    path: Path
    names: list = field(default_factory=list)
    tables: list = field(default_factory=list)
    folders: list = field(default_factory=list)
    left_out: Counter = field(default_factory=Counter)
    num_arrays: int = 0  # files of arrays, which are left out, too

    @property
    def pictures(self):
        """The paths of the pictures in this folder itself."""
        return [self.path / name for name in self.names]

    def walk(self):
        """Yield this folder and all below it."""
        yield self
        for folder in self.folders:
            yield from folder.walk()

    def all_pictures(self):
        """Return the pictures of this folder and of all below it."""
        return [path for folder in self.walk() for path in folder.pictures]

    def has_pictures(self):
        """Say whether there is a picture here or below."""
        return any(folder.names for folder in self.walk())

    def num_pictures(self):
        """Return how many pictures are here and below."""
        return sum(len(folder.names) for folder in self.walk())


def scan(path, depth=0, above=()):
    """Return what is in a folder as a `Folder`, in the order of names.

    Raises:
        InputError: it must not be read.
    """
    path = Path(path)
    folder = Folder(path)
    try:
        with os.scandir(path) as listed:
            items = sorted(listed, key=lambda item: item.name)
    except OSError as error:
        raise InputError(f"{path}: cannot be listed ({error.strerror}).") from error
    real = os.path.realpath(path)
    for item in items:
        if is_system(item.name):
            folder.left_out["hidden and system files"] += 1
        elif item.is_dir():
            if depth < _DEEPEST and os.path.realpath(item.path) not in (*above, real):
                below = scan(path / item.name, depth + 1, (*above, real))
                folder.folders.append(below)
            else:
                folder.left_out["folders too deep"] += 1
        else:
            _add_file(folder, item)
    _leave_masks_out(folder)
    return folder


def _add_file(folder, item):
    # A broken link, or a pipe, with the suffix .jpg counts as a broken picture.
    if os.path.splitext(item.name)[1].lower() in IMAGE_SUFFIXES:
        folder.names.append(item.name)
        return
    path = folder.path / item.name
    suffix = path.suffix.lower()
    if item.is_file() and is_picture(path):
        folder.names.append(item.name)
    elif suffix in TABLE_SUFFIXES and item.is_file():
        folder.tables.append(path)
    elif suffix in ARRAY_SUFFIXES:
        folder.num_arrays += 1
        folder.left_out[suffix] += 1
    elif suffix in HEIF_SUFFIXES:
        folder.left_out[f"{suffix}, which pip install pillow-heif reads"] += 1
    elif item.is_file():
        folder.left_out[suffix or "files without suffix"] += 1
    elif item.is_symlink():
        folder.left_out["broken links"] += 1
    else:
        folder.left_out["pipes and devices"] += 1


def _leave_masks_out(folder):
    """Leave out cat_mask.png beside cat.jpg: it is a segmentation, not a picture."""
    if not any("_mask" in name for name in folder.names):
        return
    stems = {Path(name).stem for name in folder.names}
    kept = []
    for name in folder.names:
        stem = Path(name).stem
        base = stem.rstrip("0123456789").rstrip("_")  # a second mask is cat_mask_1
        if base.endswith("_mask") and base.removesuffix("_mask") in stems:
            folder.left_out["masks beside their pictures, ..._mask"] += 1
        else:
            kept.append(name)
    folder.names = kept


def say_left_out(counts):
    """Return a sentence with counts of what was left out, or none."""
    if not counts:
        return []
    parts = [f"{kind} ({number})" for kind, number in counts.most_common()]
    return [f"Left out: {', '.join(parts)}."]
