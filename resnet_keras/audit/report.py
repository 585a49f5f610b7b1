"""What an audit leaves: a report in words, tables of findings and of files to keep."""

import csv
from collections import defaultdict
from pathlib import Path

from resnet_keras.audit.findings import KINDS
from resnet_keras.errors import InputError
from resnet_keras.files.writing import write_whole
from resnet_keras.tables import table

_COLUMNS = (
    *("picture", "part", "class", "reason", "detail", "other", "suggested", "score"),
    "group",
)
_PARTS = {"train": "train", "validation": "val", "test": "test"}


def in_words(found):
    """Return an `Audit` as text."""
    dataset = found.pictures.dataset
    lines = [str(dataset)]
    for heading, sentences in found.sections.items():
        lines += ["", f"{heading}:", *(f"  {sentence}" for sentence in sentences)]
    counts = [
        (kind, len(found.of_kind(kind)), meaning)
        for kind, meaning in KINDS.items()
        if found.of_kind(kind)
    ]
    if counts:
        lines += ["", table(("reason", "findings", "what it means"), counts, "<><")]
    return "\n".join(lines)


def write_table(found, path):
    """Write a CSV file with a row for each reason to look at a picture."""
    names = found.pictures.names
    with write_whole(path) as temporary, _open(temporary) as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for each in in_order(found):
            writer.writerow(
                (
                    each.name,
                    each.part,
                    each.class_name,
                    each.kind,
                    each.detail,
                    "" if each.other is None else names[each.other],
                    each.suggested,
                    "" if each.score is None else f"{each.score:.4f}",
                    "" if each.row is None else found.groups[each.row],
                )
            )


def in_order(found):
    """Return the findings by kind; each most confident first, as they came."""
    order = list(KINDS)
    return sorted(found.findings, key=lambda finding: order.index(finding.kind))


def clean(found):
    """Return the rows of the pictures to keep, sorted.

    Blank pictures go, and copies, exact and near: of each group a test image stays, or
    else a validation image, or else the first. A group with two labels goes whole. Of
    labels that are probably wrong those go that are trained on: a test without its
    hard pictures would be too easy. Of weak predictions none go.

    Args:
        found: `Audit`.
    """
    pictures = found.pictures
    members = defaultdict(list)
    for row, group in enumerate(found.groups.tolist()):
        members[group].append(row)
    kept = set()
    for rows in members.values():
        if len({*pictures.labels[rows].tolist()}) == 1:
            order = ["test", "validation", "train"]
            kept.add(min(rows, key=lambda row: order.index(pictures.parts[row])))
    kept -= {finding.row for finding in found.of_kind("blank")}
    kept -= {
        finding.row
        for finding in found.of_kind("wrong label")
        if finding.part == "train" and found.trusts_predictions
    }
    return sorted(kept)


def check_list(path, source, dataset=None):
    """Refuse a place for the list of files to keep from where they are not found.

    Args:
        path: of the list.
        source: of the data set.
        dataset: `Dataset`, once it is read.

    Raises:
        InputError: the source holds arrays, or the list would not lie above its files.
    """
    folder = Path(source).resolve()
    folder = folder if folder.is_dir() else folder.parent
    here = Path(path).resolve().parent
    if Path(path).suffix.lower() not in (".csv", ".tsv"):
        raise InputError(f"{path}: a list of files to keep; expected a name in .csv.")
    if dataset is not None and not dataset.has_paths:
        raise InputError(
            f"{source}: holds arrays, no files to list; expected a folder of pictures "
            "or a table of them. The findings name the rows to leave out."
        )
    if here != folder and here not in folder.parents:
        raise InputError(
            f"{path}: its pictures would not be found from there, which are named by "
            f"their place below the list; expected a place such as "
            f"{Path(source) / 'clean.csv'}."
        )


def write_clean(found, path):
    """Write a CSV file of the pictures to keep, their classes and parts.

    `load_dataset` reads it.

    Args:
        found: `Audit` of a source of files.
        path: as `check_list` accepts.

    Returns:
        How many pictures are kept.
    """
    pictures, folder = found.pictures, Path(path).resolve().parent
    rows = clean(found)
    with write_whole(path) as temporary, _open(temporary) as file:
        writer = csv.writer(file)
        writer.writerow(("filename", "label", "part"))
        for row in rows:
            name = pictures.paths[row].resolve().relative_to(folder).as_posix()
            part = _PARTS[str(pictures.parts[row])]
            writer.writerow((name, pictures.class_name(row), part))
    return len(rows)


def _open(path):
    return path.open("w", newline="", encoding="utf-8", errors="backslashreplace")
