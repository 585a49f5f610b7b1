"""Folders of pictures: a folder per class, in parts or not, wrapped or not."""

import unicodedata
from collections import Counter
from pathlib import Path

from resnet_keras.data.file_sets import LabelledFile, read_labelled_files
from resnet_keras.data.labels import shown
from resnet_keras.data.splitting import parts_of_folders
from resnet_keras.data.tree import say_left_out
from resnet_keras.errors import InputError


def innermost(folder):
    """Return the folder that holds the classes or parts, without those around it."""
    while not folder.names and not folder.tables:
        inside = [below for below in folder.folders if not _is_bare(below)]
        if len(inside) != 1 or not _may_hold_all(inside[0]):
            break
        folder = inside[0]
    return folder


def _is_bare(folder):
    return not any(
        each.names or each.tables or each.num_arrays for each in folder.walk()
    )


def _may_hold_all(folder):
    if parts_of_folders([folder.path.name]):
        return False  # a training part alone does not wrap a data set
    if folder.tables or folder.num_arrays:
        return True
    return not folder.names and _holds_classes(folder)


def has_class_folders(folder):
    """Say whether a folder holds classes, or parts of classes, with pictures."""
    if parts := part_folders(folder):
        return any(_holds_classes(below) for _, below in parts)
    return _holds_classes(folder)


def is_test_labelled(folder):
    """Say whether a folder's test part has a folder of pictures per class."""
    return any(
        part == "test" and _holds_classes(below) for part, below in part_folders(folder)
    )


def _holds_classes(folder):
    return any(below.has_pictures() for below in folder.folders)


def part_folders(folder):
    """Return (part, folder) for each folder that is a part and not a class."""
    parts = parts_of_folders([below.path.name for below in folder.folders])
    found = [
        (parts[below.path.name], below)
        for below in folder.folders
        if below.path.name in parts
    ]
    # "train" beside "bus" and "car" is a class: it holds pictures, not classes.
    are_flat = all(below.names and not below.folders for _, below in found)
    return [] if are_flat and len(found) < 2 else found


def read_class_folders(folder, options):
    """Read a `Folder` of classes, or of parts of classes, as a `Dataset`.

    Args:
        folder: `Folder`.
        options: `Options`.

    Raises:
        InputError: a class is empty, broken or ambiguous.
    """
    notes, left_out = [], Counter(folder.left_out)
    parts = part_folders(folder)
    if parts:
        files = _files_of_parts(folder, parts, notes, left_out, options)
    else:
        _refuse_lone_part(folder)
        part = None
        alone = parts_of_folders([folder.path.resolve().name])
        if {"test", "validation"} & {*alone.values()} and not options.needs_train:
            part = "test"
            notes.append(f"{folder.path} is by its name a test part, all of it.")
        outer = options.outer_classes
        files = _files_of_classes(folder, part, notes, left_out, outer)
    for suffix, number in Counter(path.suffix for path in folder.tables).items():
        left_out[suffix] += number
    if folder.names:
        left_out["pictures beside the folders"] += len(folder.names)
    name = folder.path.resolve().name
    notes += say_left_out(left_out)
    return read_labelled_files(files, name, str(folder.path), options, notes)


def _refuse_lone_part(folder):
    """Refuse a folder called test beside classes: it may be one, or pictures of all."""
    parts = parts_of_folders([below.path.name for below in folder.folders])
    for below in folder.folders:
        if parts.get(below.path.name) in ("test", "validation"):
            raise InputError(
                f"{below.path}: may be a class, or pictures of all classes for the "
                "test; rename it if it is a class, or move it elsewhere."
            )


def _files_of_parts(folder, parts, notes, left_out, options):
    names = {}
    for part, below in parts:
        if part in names:
            raise InputError(
                f"{folder.path}: both {names[part]} and {below.path.name} may be the "
                f"{part} part; expected one. Move the other elsewhere."
            )
        names[part] = below.path.name
    taken = {id(below) for _, below in parts}
    others = [
        each for each in folder.folders if id(each) not in taken and each.has_pictures()
    ]
    if options.needs_train and "train" not in names and others:
        raise InputError(
            f"{folder.path}: {shown(list(names.values()))} is a part by its name, but "
            f"{shown([each.path.name for each in others])} beside it are not; move "
            "them into a folder train/."
        )
    usual = {"train": "train", "validation": "val", "test": "test"}
    if any(name not in (usual[part], part) for part, name in names.items()):
        words = {"train": "training"}
        said = ", ".join(
            f"{name} is the {words.get(part, part)} part"
            for part, name in names.items()
        )
        notes.append(f"By their names {said}.")
    files, class_names = [], None
    order = ["train", "validation", "test"]
    for part, below in sorted(parts, key=lambda pair: order.index(pair[0])):
        while _is_wrapper(below):
            (below,) = below.folders
        if not _holds_classes(below):
            if part == "train" or not below.names:
                raise InputError(
                    f"{below.path}: holds no folders of images; expected one folder of "
                    "images per class."
                )
            left_out[
                f"pictures of {below.path.name}/, which has no folder per class"
            ] += len(below.names)
            continue
        left_out.update(below.left_out)
        if below.names:
            left_out["pictures beside the folders"] += len(below.names)
        outer = options.outer_classes
        found = _files_of_classes(below, part, notes, left_out, outer)
        if class_names is None:
            class_names = sorted({file.class_name for file in found})
        else:
            found = _matched(found, class_names, below, notes)
        files += found
    for other in others:
        number = other.num_pictures()
        left_out[f"pictures of {other.path.name}/, which is not a part"] += number
    return files


def _is_wrapper(folder):
    return (
        not folder.names
        and len(folder.folders) == 1
        and (
            folder.folders[0].path.name == folder.path.name
            or (not folder.folders[0].names and _holds_classes(folder.folders[0]))
        )
    )


def _plain(name):
    return unicodedata.normalize("NFC", name).strip().casefold()


def _matched(files, class_names, folder, notes):
    """Give the files of a part the names that their classes have in training."""
    plain = Counter(map(_plain, class_names))
    matched = {_plain(name): name for name in class_names if plain[_plain(name)] == 1}
    renamed = {}
    for name in sorted({file.class_name for file in files}):
        if name in class_names:
            continue
        if _plain(name) not in matched:
            raise InputError(
                f"{folder.path / name}: a class in {folder.path.name} that is not in "
                f"train, whose classes are {shown(class_names)}. If its pictures have "
                f"no labels, move {folder.path} elsewhere, and the test part is drawn; "
                "if it is a class, train needs images of it."
            )
        renamed[name] = matched[_plain(name)]
    if renamed:
        said = ", ".join(f"{old!r} is {new!r}" for old, new in renamed.items())
        notes.append(f"Classes of {folder.path.name} by another spelling: {said}.")
    return [
        file._replace(class_name=renamed.get(file.class_name, file.class_name))
        for file in files
    ]


def _files_of_classes(folder, part, notes, left_out, outer_classes):
    if not outer_classes:
        _check_level(folder)
    files, num_below = [], Counter()
    for below in folder.folders:
        name, number = below.path.name, below.num_pictures()
        if not number:
            raise InputError(_empty_class(below))
        num_below[name] = number - len(below.names)
        for each in below.walk():
            # Of a million files, these texts are kept once a folder.
            place = str(each.path)
            inside = Path(name, each.path.relative_to(below.path)).as_posix()
            files += [
                LabelledFile(place, file, name, part, inside) for file in each.names
            ]
        for each in below.walk():
            left_out.update(each.left_out)
            left_out.update(path.suffix for path in each.tables)
    total = num_below.total()
    if total:
        names = shown([name for name, number in num_below.items() if number])
        where = "lie" if total > 1 else "lies"
        notes.append(
            f"{total} of {len(files)} images of {folder.path.name} {where} in folders "
            f"below their class's ({names}); the topmost folder is the class."
        )
    return files


def _check_level(folder):
    """Refuse classes within groups: either could be meant by a class."""
    with_pictures = [below for below in folder.folders if below.has_pictures()]
    if any(below.names for below in with_pictures):
        return
    for below in with_pictures:
        inner = [each.path.name for each in below.folders if each.has_pictures()]
        if len(inner) > 1:
            upper = shown([each.path.name for each in with_pictures])
            raise InputError(
                f"{folder.path}: classes may be {upper}, or the folders in them "
                f"({below.path.name} holds {shown(inner)}). For the first put each "
                "one's images into one folder, or cross-validate with --folds K "
                "--groups 1; for the second move the inner folders up."
                f"{_call_of_parts(inner)}"
            )


def _call_of_parts(names):
    if parts_of_folders(names):
        return " Parts are the outer folders: train/CLASS, not CLASS/train."
    return ""


def _empty_class(folder):
    hint = ""
    reasons = sum((each.left_out for each in folder.walk()), Counter())
    if reasons:
        hint = f" {say_left_out(reasons)[0]}"
    return (
        f"{folder.path}: an empty class; expected images. Put some in, or move the "
        f"folder elsewhere.{hint}"
    )


def refuse_flat(folder):
    """Refuse pictures without a folder per class, and say how to give their classes."""
    pictures = folder.pictures
    stems = {Path(path).stem.rstrip("0123456789").rstrip("._- ()") for path in pictures}
    hint = ""
    if 1 < len(stems) <= max(2, len(pictures) // 2) and "" not in stems:
        hint = f" If names begin with their class ({shown(sorted(stems))}), "
        hint += "make a folder of each."
    raise InputError(
        f"{folder.path}: holds {len(pictures)} pictures without a folder per class; "
        "expected a folder of images per class, or a .csv file beside them with the "
        f"columns filename and label.{hint}"
    )
