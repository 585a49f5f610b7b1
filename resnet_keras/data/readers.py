"""`load_dataset`: which reader a file or folder needs."""

import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from resnet_keras.data.array_files import kind_of
from resnet_keras.data.array_sets import read_arrays
from resnet_keras.data.dataset import say_copies
from resnet_keras.data.drawn import HANDS, drawn_hands
from resnet_keras.data.folders import (
    has_class_folders,
    innermost,
    is_test_labelled,
    part_folders,
    read_class_folders,
    refuse_flat,
)
from resnet_keras.data.images import height_and_width, is_picture
from resnet_keras.data.labels import shown
from resnet_keras.data.shards import is_packed, read_shards, shards_in
from resnet_keras.data.splitting import part_in
from resnet_keras.data.streaming import LARGE_BYTES
from resnet_keras.data.tables import read_table, read_tables, tables_of
from resnet_keras.data.tree import ARRAY_SUFFIXES, is_system, scan
from resnet_keras.errors import InputError

_WANTED = (
    "expected train_*.h5 and test_*.h5, or train/ and test/ with a folder per class, "
    "or a folder per class, or a .csv file of paths and classes, or an .npz file, or "
    "TFRecord shards"
)


@dataclass(frozen=True)
class Options:
    """Arguments of `load_dataset` but the source."""

    image_size: tuple | None  # None: as the pictures are
    split_seed: int = 0
    skip_broken: bool = False
    needs_train: bool = True
    outer_classes: bool = False
    stream: bool | None = False

    def is_streamed(self, num_images):
        """Say whether so many pictures are read as they are used, or all before."""
        if self.stream is None:
            return 3 * math.prod(self.image_size) * num_images > LARGE_BYTES
        return self.stream


def load_dataset(
    source,
    image_size=64,
    split_seed=0,
    *,
    skip_broken=False,
    needs_train=True,
    outer_classes=False,
    stream=False,
):
    """Read labelled images from `source`.

    Args:
        source: "hands", for the built-in hand signs, or the path of one of
            (a) a folder with the course's pair `train_*.h5` and `test_*.h5`, with the
            keys `train_set_x`, `train_set_y`, `test_set_x`, `test_set_y` and
            `list_classes`;
            (b) a folder with `train/` and `test/`, perhaps `val/`, each with a folder
            per class;
            (c) a folder with a folder per class, of which about 20% becomes the test
            part: a file's name, its class and `split_seed` decide, so that a file
            stays in its part when others are added or removed;
            (d) an `.npz` or HDF5 file, or a folder of `.npy` files, with `x_train`,
            `y_train`, `x_test`, `y_test` or other usual names;
            (e) a `.csv` file with columns of paths and classes, perhaps of parts;
            (f) a folder of TFRecord shards of encoded pictures.
            A `Path` is always a path.
        image_size: side in pixels, or (height, width); images of another shape are
            cropped about their centre and resized.
        split_seed: seed of the split where no test part is given.
        skip_broken: whether to leave out broken pictures, rather than refuse them.
        needs_train: whether to refuse a test part alone. With False `train` may have
            no image.
        outer_classes: whether of folders within folders the outer ones are the classes,
            where that is not clear.
        stream: whether pictures of (b), (c), (e) and (f) are read when they
            are used, as `Pictures`, and not all before. None: where they are more than
            4 GiB once decoded.

    Returns:
        A `Dataset`; its `notes` say how the source was read and what was left out.
        Images are uint8; above 512 MiB they are in a temporary file that is mapped into
        memory, so that a source need not fit. Hands are drawn when a part's images or
        labels are first used.

    Raises:
        InputError: something is missing, damaged, ambiguous or does not fit together.
            The message names the file.

    Example:

    >>> print(load_dataset("nowhere"))
    Traceback (most recent call last):
    ...
    resnet_keras.errors.InputError: nowhere: no such file or folder; expected ...
    """
    options = Options(
        height_and_width(image_size),
        split_seed,
        skip_broken,
        needs_train,
        outer_classes,
        stream,
    )
    if not isinstance(source, Path) and str(source) == HANDS:
        if stream:
            raise InputError(
                "hands are drawn into memory and cannot be streamed; expected the "
                "path of pictures or shards, or no --stream."
            )
        return drawn_hands(options.image_size)
    dataset = _read(Path(source), options)
    if dataset.is_streamed:
        return dataset
    if stream:
        raise InputError(
            f"{dataset.source}: arrays of pictures, which cannot be streamed; pack "
            f"them first: python -m resnet_keras.data pack {source} --out DIR."
        )
    return replace(dataset, notes=(*dataset.notes, *say_copies(dataset)))


def read_encoded(source, skip_broken=False):
    """Read a source as its pictures are, of any size and unread where they are files.

    Args:
        source, skip_broken: as in `load_dataset`.

    Returns:
        A `Dataset`; its images are `Pictures`, or arrays at their own size.

    Raises:
        InputError: as `load_dataset`.
    """
    if not isinstance(source, Path) and str(source) == HANDS:
        return load_dataset(source)
    return _read(Path(source), Options(None, skip_broken=skip_broken, stream=True))


def _read(path, options):
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; {_WANTED}.")
    if path.is_dir():
        return _read_folder(path, options)
    if shards_in(path):
        return read_shards(path, options)
    kind = kind_of(path)
    if kind not in _READERS:
        what = "a picture, without a class" if is_picture(path) else "a file"
        raise InputError(
            f"{path}: {what}; expected an .npz, .npy, HDF5 or .csv file, or the folder "
            "in which train_*.h5 and test_*.h5 or the class folders lie."
        )
    return _READERS[kind](path, options)


def has_course_pair(directory):
    """Say whether `directory` holds `train_*.h5` or `test_*.h5`."""
    directory = Path(directory)
    return any(directory.glob("train_*.h5")) or any(directory.glob("test_*.h5"))


# --- single files --------------------------------------------------------------------


def _read_array_file(path, options):
    beside = _files_by_part(_array_files(path.parent)) if part_in(path.stem) else {}
    if options.needs_train and len(beside) > 1 and part_in(path.stem) in beside:
        names = shown([each.name for paths in beside.values() for each in paths])
        raise InputError(
            f"{path}: one part of several ({names}); give the folder, {path.parent}."
        )
    return read_arrays([path], path.stem, str(path), options)


def _read_npy(path, options):
    paths = [each for each in _array_files(path.parent) if each.suffix == ".npy"]
    source = ", ".join(each.name for each in paths)
    source = f"{path.parent}: {source}"
    return read_arrays(paths, path.resolve().parent.name, source, options)


def _read_table_file(path, options):
    table = read_table(path)
    if table is None:
        raise InputError(
            f"{path}: no table of pictures and classes; expected a header with the "
            "columns filename and label, and the pictures beside it or below."
        )
    # A test part alone is one only where that is enough; else a part is drawn from it.
    part = None if options.needs_train else part_in(path.stem)
    return read_tables({part: table}, scan(path.parent), options)


_READERS = {
    "h5": _read_array_file,
    "npz": _read_array_file,
    "npy": _read_npy,
    "csv": _read_table_file,
}


# --- folders -------------------------------------------------------------------------


def _read_folder(path, options):
    arrays = _array_files(path)
    by_part = _files_by_part(arrays)
    if by_part:  # the pair; what else is in the folder does not matter
        return _read_pair(path, by_part, options)
    if is_packed(path) or shards_in(path):
        return read_shards(path, options)
    folder = scan(path)
    inner = innermost(folder)
    if inner is not folder:
        dataset = _read_folder(inner.path, options)
        note = f"The data set is the folder {inner.path.relative_to(path)} in {path}."
        return replace(dataset, notes=(note, *dataset.notes))
    tables = tables_of(folder, part_folders(folder))
    by_table = tables and len(folder.folders) == 1
    by_table = by_table or (
        {"train", "test"} <= set(tables) and not is_test_labelled(folder)
    )
    if has_class_folders(folder) and not by_table:
        _check_agreement(folder, tables)
        return read_class_folders(folder, options)
    if tables:
        return read_tables(tables, folder, options)
    if arrays:
        return _read_arrays_of_folder(path, arrays, options)
    if folder.names:
        refuse_flat(folder)
    if folder.folders:
        return read_class_folders(folder, options)  # which refuses an empty one
    for each in sorted(each for each in path.iterdir() if each.is_file()):
        kind_of(each)  # which says what to do with an archive or a pickle
    raise InputError(f"{path}: holds no data set; {_WANTED}.")


def _array_files(directory):
    return sorted(
        path
        for path in directory.iterdir()
        if path.suffix.lower() in ARRAY_SUFFIXES and not is_system(path.name)
    )


def _files_by_part(paths):
    """Return files of arrays of several keys, by the part that their names say."""
    found = {}
    for path in paths:
        part = part_in(path.stem)
        if part and path.suffix != ".npy" and not path.is_dir():
            found.setdefault(part, []).append(path)
    return found


def _read_pair(directory, by_part, options):
    for part in ("train", "test"):
        paths = by_part.get(part, [])
        is_wanted = part == "test" and "validation" not in by_part
        is_wanted = is_wanted or (part == "train" and options.needs_train)
        if len(paths) > 1 or (not paths and is_wanted):
            names = ", ".join(path.name for path in paths) or "none"
            raise InputError(
                f"{directory}: found {names} for {part}_*.h5; expected exactly one "
                "file of the pair train_*.h5 and test_*.h5."
            )
    paths = [
        by_part[part][0] for part in ("train", "validation", "test") if part in by_part
    ]
    name = paths[0].stem.removeprefix(f"{part_in(paths[0].stem)}_")
    if part_in(name):
        name = directory.resolve().name
    source = " and ".join([str(paths[0]), *(path.name for path in paths[1:])])
    return read_arrays(paths, name, source, options)


def _read_arrays_of_folder(directory, paths, options):
    single = [path for path in paths if path.suffix != ".npy"]
    if len(single) > 1 or (single and len(paths) > len(single)):
        raise InputError(
            f"{directory}: holds several files of arrays "
            f"({shown([path.name for path in paths])}); give the one that is meant, "
            f"--data {paths[0]}."
        )
    if single:
        return _READERS[kind_of(single[0]) or "h5"](single[0], options)
    return read_arrays(paths, directory.resolve().name, str(directory), options)


def _check_agreement(folder, tables):
    """Refuse a table that gives pictures other classes than their folders do."""
    by_name = {}
    for path in folder.all_pictures():
        by_name.setdefault(path.name, path.parent.name)
        by_name.setdefault(path.stem, path.parent.name)
    for table in tables.values():
        counts = Counter()
        for name, label, _ in table.rows:
            inside = by_name.get(Path(name.replace("\\", "/")).name)
            if inside is not None:
                counts[inside == label.strip()] += 1
        if counts[False] > len(table.rows) / 2:
            raise InputError(
                f"{folder.path}: {table.path.name} gives its pictures other classes "
                f"than their folders do; give --data {table.path} for those of the "
                "table, or move it elsewhere for those of the folders."
            )
