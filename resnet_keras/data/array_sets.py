"""Files of arrays as a data set: what an array holds, by its name or its shape."""

from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from resnet_keras.data.array_files import kind_of, open_arrays
from resnet_keras.data.arrays import allocate, chunks, fit_all, pixels_of
from resnet_keras.data.dataset import Dataset, Split
from resnet_keras.data.labels import (
    as_text,
    check_names,
    check_no_empty_class,
    read_labels,
    say_no_test,
    settle_classes,
    shown,
)
from resnet_keras.data.splitting import (
    is_for_test,
    part_in,
    say_drawn,
    settle_parts,
    words_of,
)
from resnet_keras.errors import InputError
from resnet_keras.files.safety import naming_damage

_ROLES = {
    "names": "names categories classes",
    "labels": "y label labels target targets lbl class",
    "images": "x image images img imgs data pixels pictures features",
}

_OF_FILES = {"file", "files", "image", "images", "img", "path", "picture", "pictures"}


@dataclass
class _Part:
    images: object = None  # `Entry`
    labels: object = None
    names: object = None


@dataclass
class _Found:
    """What the arrays of a source are: a `_Part` by name, and the arrays not used."""

    parts: dict = field(default_factory=dict)
    others: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def put(self, part, role, entry):
        """Record an array as the images, labels or names of a part."""
        its_part = self.parts.setdefault(part, _Part())
        other = getattr(its_part, role)
        if other is not None:
            raise InputError(
                f'{entry.path}: both "{other.key}" and "{entry.key}" may be the {role} '
                f"of the {part or 'only'} part; expected one of them."
            )
        setattr(its_part, role, entry)


def read_arrays(paths, name, source, options):
    """Read the arrays of one or several files as a `Dataset`.

    Args:
        paths: files, of which each may hold one or several parts.
        name, source: of the `Dataset`.
        options: `Options`.

    Raises:
        InputError: an array is missing, damaged or does not fit the others.
    """
    with ExitStack() as stack:
        entries = []
        for path in paths:
            entries += open_arrays(path, kind_of(path), stack)
        found = _tell_apart(paths, entries)
        return _build(found, paths, name, source, options)


def _tell_apart(paths, entries):
    found = _Found()
    # Where arrays say their part, the file's name ("val_only.npz") does not count.
    only_keys = len(paths) == 1 and any(part_in(entry.key) for entry in entries)
    for entry in entries:
        if entry.array.shape == ():
            found.others.append(entry)
            continue
        words = set(words_of(entry.key))
        roles = [role for role, known in _ROLES.items() if words & {*known.split()}]
        role = roles[0] if roles else None
        part = part_in(entry.key) if only_keys else _part_of(entry)
        is_list = entry.is_text or not part or {"list", "names"} & words
        if role == "names" and words & _OF_FILES:
            role = None  # "file_names", a text per image
        if role == "names" and not is_list:
            role = "labels"  # "train_classes", a number per image
        if role and (role != "images" or len(entry.array.shape) > 1):
            found.put(part, role, entry)
        else:
            found.others.append(entry)
    if not any(part.images and part.labels for part in found.parts.values()):
        _tell_by_shape(paths, entries, found)
    _settle_lone_part(found)
    return found


def _part_of(entry):
    by_key = part_in(entry.key)
    by_file = part_in(entry.path.stem)
    if by_key and by_file and by_key != by_file:
        raise InputError(
            f'{entry.path}: holds "{entry.key}", so it is of the {by_file} part by its '
            f"name and of the {by_key} part by what it holds; expected one of them."
        )
    return by_key or by_file


def _tell_by_shape(paths, entries, found):
    """Use arrays whose names say nothing, if their shapes have one reading."""
    if any(part.images or part.labels for name, part in found.parts.items() if name):
        return  # some names do say something; what is missing is reported later
    images = [entry for entry in entries if len(entry.array.shape) >= 3]
    labels = [
        entry
        for entry in entries
        if len(entry.array.shape) in (1, 2)
        and any(len(entry.array) == len(each.array) for each in images)
    ]
    listed = shown([f"{entry.key} {entry.array.shape}" for entry in entries])
    wanted = "expected x_train, y_train, x_test and y_test, or images and labels"
    lengths = [len(each.array) for each in images]
    if not images or len(images) != len(labels) or len(images) > 2:
        raise InputError(f"{paths[0]}: holds {listed or 'nothing'}; {wanted}.")
    pairs = [
        [each for each in labels if len(each.array) == length] for length in lengths
    ]
    is_falling = len(lengths) == 1 or lengths[0] > lengths[1]
    if any(len(pair) != 1 for pair in pairs) or not is_falling:
        raise InputError(
            f"{paths[0]}: holds {listed}; which images are for training, and which "
            f"for the test, is not clear; {wanted}."
        )
    found.parts.clear()
    parts = ("train", "test") if len(images) == 2 else (None,)
    for part, each, (its_labels,) in zip(parts, images, pairs, strict=True):
        found.put(part, "images", each)
        found.put(part, "labels", its_labels)
        found.notes.append(
            f'By their shapes, "{each.key}" {each.array.shape} are the '
            f'{f"{part} " if part else ""}images and "{its_labels.key}" their labels.'
        )
    taken = {id(entry) for pair in (images, labels) for entry in pair}
    found.others[:] = [entry for entry in entries if id(entry) not in taken]


def _settle_lone_part(found):
    """Use arrays whose names say no part as the training part."""
    lone = found.parts.pop(None, None)
    if lone is None:
        return
    common = found.parts.setdefault("train", _Part()) if found.parts else None
    if common is None:
        found.parts["train"] = lone
    elif lone.images or lone.labels:
        entry = lone.images or lone.labels
        raise InputError(
            f'{entry.path}: "{entry.key}" says no part, but others do '
            f"({shown(sorted(found.parts))}); expected names like x_train and y_train."
        )
    elif lone.names:
        if common.images is None and common.labels is None and common.names is None:
            del found.parts["train"]
            common = next(iter(found.parts.values()))
        if common.names is None:
            common.names = lone.names


def _build(found, paths, name, source, options):
    parts = {
        part: found.parts[part]
        for part in ("train", "validation", "test")
        if part in found.parts
        and (found.parts[part].images or found.parts[part].labels)
    }
    _check_complete(paths, parts, found, options)
    roles, is_drawn, note = settle_parts(set(parts), options.needs_train)
    notes = [*found.notes, *([note] if note else [])]
    labels = {
        part: read_labels(
            each.labels.path,
            each.labels.key,
            each.labels.read(),
            len(each.images.array),
        )
        for part, each in parts.items()
    }
    has_train = "train" in parts
    class_names = _class_names(found)
    class_names, positions, said = settle_classes(labels, class_names, has_train)
    notes += said
    if not _lists(found) and any("set_y" in each.labels.key for each in parts.values()):
        notes.append(
            f"No class names given (list_classes): they are {shown(class_names)}."
        )
    pixels = {
        part: pixels_of(
            each.images.path, each.images.key, each.images.array, len(positions[part])
        )
        for part, each in parts.items()
    }
    notes += _say_pixels(parts, pixels)
    if found.others:
        listed = shown([f'"{entry.key}"' for entry in found.others])
        notes.append(f"Left out: arrays {listed}.")

    first = next(iter(parts))
    size = options.image_size or pixels[first].size(parts[first].images.array)

    def fitted(rows_of):
        """Return the named parts one after another as a `Split`."""
        total = sum(len(positions[part]) for part in rows_of)
        images, start = allocate(total, size), 0
        for part in rows_of:
            entry, end = parts[part].images, start + len(positions[part])
            with naming_damage(entry.path):
                rows = images[start:end]
                fit_all(entry.array, size, pixels[part], rows)
            start = end
        each = [positions[part] for part in rows_of]
        return Split(images, np.concatenate([np.empty(0, np.int64), *each]))

    trains, validates, tests = (
        [part for part in parts if roles[part] == role]
        for role in ("train", "validation", "test")
    )
    train = fitted(trains + validates)
    num_validation = sum(len(positions[part]) for part in validates)
    if is_drawn:
        train, test, note = _draw(parts["train"].images, train, options.split_seed)
        check_no_empty_class(source, train.labels, class_names)
        notes.append(note)
        notes += say_no_test(test.labels, class_names) if len(test) else []
    else:
        test = fitted(tests)
    return Dataset(name, source, class_names, train, test, tuple(notes), num_validation)


def _check_complete(paths, parts, found, options):
    keys = [
        entry.key
        for each in [*found.parts.values()]
        for entry in (each.images, each.labels, each.names)
        if entry
    ]
    keys = ", ".join(keys + [entry.key for entry in found.others]) or "nothing"
    for part, each in parts.items():
        for role in ("images", "labels"):
            other = each.labels if role == "images" else each.images
            if getattr(each, role) is None:
                raise InputError(
                    f'{other.path}: has no "{_sibling(other.key, role, part)}", the '
                    f"{role} of the {part} part (it holds {keys})."
                )
        for role in ("images", "labels"):
            entry = getattr(each, role)
            if not len(entry.array):
                raise InputError(
                    f'{entry.path}: "{entry.key}" has shape {entry.array.shape}, so '
                    f"the {part} part has no {role}; expected at least one."
                )
    if not parts or (options.needs_train and "train" not in parts):
        only = f"a {shown(list(parts))} part only" if parts else "no images and labels"
        raise InputError(
            f"{paths[0]}: holds {only} ({keys}); expected images and labels to train "
            "on, x_train and y_train."
        )


def _sibling(key, role, part):
    """Return what the array beside "x_train" would be called: "y_train"."""
    swaps = (("x", "y"), ("X", "y"), ("images", "labels"), ("data", "labels"))
    tokens = key.split("_")
    for words in swaps:
        have, want = words if role == "labels" else words[::-1]
        if have in tokens:
            return "_".join(want if token == have else token for token in tokens)
    return f"{'x' if role == 'images' else 'y'}_{part}"


def _lists(found):
    return [part.names for part in found.parts.values() if part.names]


def _class_names(found):
    """Return the class names that the source lists, or None."""
    known, first = None, None
    for entry in _lists(found):
        names = [as_text(name) for name in np.ravel(entry.read())]
        check_names(entry.path, entry.key, names)
        if known is None:
            known, first = names, entry
        elif names != known:
            raise InputError(
                f"{entry.path}: its {entry.key} is {names}, but that of "
                f"{first.path} is {known}; expected the same classes."
            )
    return known


def _say_pixels(parts, pixels):
    """Return a sentence on how numbers became pictures; refuse parts that differ."""
    said, texts = [], {}
    for part, each in parts.items():
        entry, scale = each.images, pixels[part].scale
        said.append(f'"{entry.key}" is {entry.array.dtype} from {scale}')
        if scale != pixels[next(iter(parts))].scale:
            raise InputError(
                f"{entry.path}: {said[-1]}, but {said[0]}; expected one range in all "
                "parts."
            )
        if text := pixels[part].describe(entry.array.dtype):
            texts.setdefault(text, []).append(f'"{entry.key}"')
    return [f"Images {', '.join(keys)}: {text}." for text, keys in texts.items()]


def _draw(entry, whole, seed):
    """Draw the test part by the pixels of each image, so copies share a part."""
    is_test = np.zeros(len(whole), bool)
    with naming_damage(entry.path):
        for start, rows in chunks(entry.array):
            for offset, row in enumerate(rows):
                is_test[start + offset] = is_for_test(row.tobytes(), seed)
    train_rows, test_rows = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    train, test = (
        Split(_rows(whole.images, rows), whole.labels[rows], rows.tolist())
        for rows in (train_rows, test_rows)
    )
    return train, test, say_drawn(len(train), len(test), seed, "its own pixels")


def _rows(images, rows):
    taken = allocate(len(rows), images.shape[1:3])
    return np.take(images, rows, axis=0, out=taken, mode="clip")  # else all in memory
