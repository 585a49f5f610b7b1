"""A table (.csv, .tsv) of picture files and their classes, with or without parts."""

import csv
import io
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from resnet_keras.data.file_sets import LabelledFile, read_labelled_files
from resnet_keras.data.labels import shown
from resnet_keras.data.splitting import num_common, part_in, words_of
from resnet_keras.data.tree import say_left_out, scan
from resnet_keras.errors import InputError

# In the order of preference; words of a header, so that "Image Name" is "image_name".
_FILE_COLUMNS = (
    *("filename", "file_name", "file", "filepath", "file_path", "path", "image_path"),
    *("img_path", "image_file", "image_filename", "image_name", "img_name", "image"),
    *("img", "image_id", "img_id", "picture", "photo", "id", "name"),
)
_LABEL_COLUMNS = (
    *("class_name", "label_name", "category_name", "label", "labels", "class"),
    *("classes", "category", "target", "class_id", "label_id", "category_id", "y"),
    *("species", "breed", "diagnosis", "dx"),
)
_PART_COLUMNS = (
    *("split", "part", "subset", "partition", "set", "data_set", "dataset", "fold"),
    "usage",
)
_MOST_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Table:
    """The rows of a table that name a picture and its class, and perhaps its part."""

    path: Path
    rows: list  # of (file, class, part), as text
    columns: tuple  # names of those


def read_table(path):
    """Return a table of pictures and classes as a `Table`, or None if it is not one.

    Raises:
        InputError: it cannot be read, or two columns may be the class.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path}: more than {_MOST_BYTES // 2**20} MiB of text.")
        text = _text(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    names = next(csv.reader([text.split("\n", 1)[0]], delimiter=_delimiter(text)), [])
    header = _header(names)
    is_list = len(header) == 2 and "." in "".join(names)
    if not set(header) & set(_FILE_COLUMNS) and not is_list:
        return None  # before a table of millions of numbers is read
    try:
        rows = _rows_of(path, text)
    except InputError:
        if not _label_columns(header, names) and not is_list:
            return None  # descriptions, perhaps, beside folders of pictures
        raise
    if not rows:
        return None
    header = _header(rows[0])
    files = [header.index(name) for name in _FILE_COLUMNS if name in header]
    labels = _label_columns(header, rows[0])
    body = [row for row in rows[1:] if len(row) == len(header)]
    parts = [header.index(name) for name in _PART_COLUMNS if name in header]
    if len(body) != len(rows) - 1:
        wrong = next(i for i, row in enumerate(rows) if len(row) != len(header))
        if files and labels:
            raise InputError(
                f"{path}: row {wrong + 1} has {len(rows[wrong])} cells, the header "
                f"{len(header)}; expected as many."
            )
        return None
    if not files and not labels and len(header) == 2 and "." in rows[0][0]:
        columns = ("the first", "the second", "")
        return _checked(Table(path, [(*row, "") for row in rows], columns))
    if not files:
        return None
    are_numbered = len(labels) > 1 and len({header[n] for n in labels}) == 1
    if not labels or are_numbered:
        one_hot = _one_hot(rows[0], body, files[0], parts)
        if one_hot:
            return _checked(Table(path, one_hot, (rows[0][files[0]], "one-hot", "")))
        if not labels:
            return None
    label = _one_of(path, rows[0], labels, body)
    # Folds by number are for --groups.
    parts = [n for n in parts if header[n] != "fold" or not _are_numbers(body, n)]
    names, *taken = (
        (row[files[0]], row[label], row[parts[0]] if parts else "")
        for row in (rows[0], *body)
    )
    return _checked(Table(path, taken, names))


def read_column(path, name):
    """Return what a column of a table of pictures holds, by the pictures' paths.

    Args:
        path: of the .csv file.
        name: of the column, as its header has it.

    Returns:
        Dictionary from `Path` to str.

    Raises:
        InputError: it is no table of pictures, or has no such column.
    """
    table = read_table(path)
    header, *rows = _rows_of(path, _text(path)) if table else [[]]
    if name not in header:
        has = f"has the columns {shown(header)}" if header else "is no such table"
        raise InputError(f"{path}: {has}; expected a column {name!r}.")
    index = _index(scan(path.parent))
    file_column, column = header.index(table.columns[0]), header.index(name)
    files = [_find(index, table, row[file_column].strip(), None) for row in rows]
    return {
        file[0].path / file[1]: row[column].strip()
        for file, row in zip(files, rows, strict=True)
        if file
    }


def _text(path):
    # Names of files need not be UTF-8.
    return path.read_text("utf-8-sig", errors="surrogateescape")


def _rows_of(path, text):
    """Return the rows of a table's text that are not empty, as lists of str."""
    csv.field_size_limit(_MOST_BYTES)  # a cell may hold a small picture as text
    # Strict, for a quote that nothing closes would hide all rows behind it.
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text), strict=True)
    rows = []
    try:
        rows.extend(reader)
    except csv.Error as error:
        raise InputError(
            f"{path}: row {len(rows) + 1} cannot be read ({error}); expected quotes "
            "that are closed."
        ) from error
    return [row for row in rows if row]


def _delimiter(text):
    return max(",;\t", key=text.split("\n", 1)[0].count)


def _label_columns(header, names):
    """Return which columns may be the class: of each name the one without a number.

    Where all have numbers, such as class_0 and class_1, it is all of them.
    """
    found = []
    for wanted in _LABEL_COLUMNS:
        same = [n for n, name in enumerate(header) if name == wanted]
        plain = [n for n in same if not any(map(str.isdecimal, names[n]))]
        found += plain[:1] or same
    return found


def _checked(table):
    """Return a table, unless its classes are in another encoding than UTF-8."""
    for name in {row[1] for row in table.rows}:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"{table.path}: is not UTF-8, as the class "
                f"{name.encode(errors='surrogateescape')} shows; save it as CSV UTF-8."
            ) from error
    return table


def _header(row):
    return ["_".join(words_of(cell)) for cell in row]


def _one_of(path, header, labels, body):
    """Choose among columns that may be the class, which must agree."""
    first = labels[0]
    for other in labels[1:]:
        pairs = {(row[first], row[other]) for row in body}
        if not len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}):
            raise InputError(
                f"{path}: both {header[first]!r} and {header[other]!r} may be the "
                "class, and they differ; expected one. Remove or rename the other."
            )
    texts = [n for n in labels if not _are_numbers(body, n)]
    return (texts or labels)[0]


def _are_numbers(body, column):
    return all(row[column].strip().isdecimal() for row in body)


def _one_hot(header, body, file, parts):
    """Return rows of a table with a column of 0 and 1 for each class, or None."""
    columns = [n for n in range(len(header)) if n != file and n not in parts]
    if len(columns) < 2 or not body:
        return None
    rows = []
    for row in body:
        try:
            values = [float(row[n]) for n in columns]
        except ValueError:
            return None
        if sorted(values) != [0.0] * (len(values) - 1) + [1.0]:
            return None
        name = header[columns[values.index(1.0)]].strip()
        rows.append((row[file], name, row[parts[0]] if parts else ""))
    return rows


def tables_of(folder, part_folders=()):
    """Return the tables of pictures directly in a `Folder`, by part.

    Without one, those directly in the folders of its parts. Example submissions to
    Kaggle, whose classes are invented, are left out.

    Raises:
        InputError: there are several and it is not clear which is meant.
    """
    found = {}
    paths = [(part_in(path.stem), path) for path in folder.tables]
    if not paths:
        paths = [(part, path) for part, each in part_folders for path in each.tables]
    for part, path in paths:
        table = None if "submission" in words_of(path.stem) else read_table(path)
        if table is None:
            continue
        if part in found:
            raise InputError(
                f"{folder.path}: both {found[part].path.name} and {path.name} name "
                f"pictures and classes; give the one that is meant, --data {path}."
            )
        found[part] = table
    if None in found and len(found) > 1:
        given = {part: table for part, table in found.items() if part}
        if "train" not in given:
            return {None: found[None]}
        if "test" in given:
            return given
        raise InputError(
            f"{folder.path}: {found[None].path.name} names pictures and classes, and "
            f"so does {given['train'].path.name}; give the one that is meant, --data "
            f"{found[None].path}."
        )
    return found


def read_tables(tables, folder, options):
    """Read tables, and the pictures in or below a `Folder`, as a `Dataset`.

    Args:
        tables: dictionary from a part, or None, to its `Table`.
        folder: `Folder`.
        options: `Options`.

    Raises:
        InputError: a picture is missing, or has two classes.
    """
    index = _index(folder)
    files, unlabelled = {}, Counter()
    missing = []
    for part, table in tables.items():
        for name, label, own_part in table.rows:
            if not name.strip():
                continue
            if not label.strip():
                unlabelled[f"rows of {table.path.name} without a class"] += 1
                continue
            found = _find(index, table, name.strip(), part)
            if found is None:
                missing.append(f"{name.strip()} ({table.path.name})")
                continue
            said = _part_said(table, own_part) or part
            class_name = label.strip()
            place = sys.intern(str(found[0].path))
            file = LabelledFile(place, found[1], class_name, said, class_name)
            before = files.setdefault((place, found[1]), file)
            if (before.class_name, before.part) != (class_name, said):
                raise InputError(
                    f"{table.path}: {name} is {before.class_name!r} in one row and "
                    f"{class_name!r} in another; expected one class and part."
                )
    if missing and not (options.skip_broken and files):
        raise InputError(
            f"{next(iter(tables.values())).path}: names {len(missing)} pictures that "
            f"are not below {folder.path}: {shown(missing)}. Put them there, or go on "
            "without them: --skip-broken (skip_broken=True)."
        )
    notes = []
    for table in tables.values():
        file, label, part = table.columns
        by_part = f", parts from {part!r}" if part else ""
        notes.append(
            f"{table.path.name}: files from {file!r}, classes from {label!r}{by_part}."
        )
    if missing:
        unlabelled[f"pictures not found, {shown(missing, 3)}"] += len(missing)
    if not_named := folder.num_pictures() - len(files):
        unlabelled["pictures that no row names"] += not_named
    for each in folder.walk():
        unlabelled.update(each.left_out)
    name = folder.path.resolve().name
    source = ", ".join(str(table.path) for table in tables.values())
    notes += say_left_out(unlabelled)
    return read_labelled_files([*files.values()], name, source, options, notes)


def _part_said(table, text):
    if not text.strip():
        return None
    part = part_in(text)
    if part is None:
        raise InputError(
            f"{table.path}: {table.columns[2]!r} contains {text!r}; expected train, "
            "val or test."
        )
    return part


def _index(folder):
    """Return where the pictures below a folder are, (`Folder`, name), by their names.

    Each is found by its name, and without its suffix. Of a million pictures almost all
    are the only one of their name, and are not in a list.
    """
    found = {}
    for each in folder.walk():
        for name in each.names:
            place = each, name
            for key in {name, PurePosixPath(name).stem}:
                before = found.setdefault(key, place)
                if isinstance(before, list):
                    before.append(place)
                elif before is not place:
                    found[key] = [before, place]
    return folder.path, found


def _find(index, table, text, part):
    """Return where the picture is that a row means, (`Folder`, name), or None.

    Its path may start at another folder, and lack its suffix.
    """
    root, places = index
    wanted = PurePosixPath(text.replace("\\", "/"))
    found = places.get(wanted.name, [])
    if not isinstance(found, list):
        return found
    if len(found) > 1:
        below = [PurePosixPath(each.path.relative_to(root).as_posix(), name)
                 for each, name in found]  # fmt: skip
        scores = [_likeness(wanted, relative, part) for relative in below]
        best = max(scores)
        found = [
            each for each, score in zip(found, scores, strict=True) if score == best
        ]
    if len(found) > 1:
        first, second = (each.path / name for each, name in found[:2])
        raise InputError(
            f"{table.path}: {text!r} may be {first} or {second}; expected paths that "
            "tell them apart."
        )
    return found[0] if found else None


def _likeness(wanted, relative, part):
    """Return how many folders agree, whether the part does, and the whole name."""
    folders = relative.parts[:-1]
    number = num_common(wanted.parts[-2::-1], folders[::-1])
    is_of_part = part is not None and any(part_in(each) == part for each in folders)
    return number, is_of_part, relative.name == wanted.name
