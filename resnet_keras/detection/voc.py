"""Pascal VOC's XML: a file per picture, boxes by the first and last pixel, from 1.

Source: Everingham et al. 2010, "The Pascal Visual Object Classes (VOC) Challenge".
"""

import os
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from resnet_keras.detection.annotations import Faults, Record, numbers, settled
from resnet_keras.detection.places import (
    PictureFiles,
    copy_pictures,
    files_below,
    lines_of,
    part_of,
)
from resnet_keras.errors import InputError
from resnet_keras.files.writing import write_whole

_SIDES = ("xmin", "ymin", "xmax", "ymax")
# What comes later decides: train and val say more than trainval.
_LISTS = {
    **dict.fromkeys(("trainval", "train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def read_voc(source, skip_broken=False):
    """Read pictures and boxes of a folder of Pascal VOC's .xml files.

    Args:
        source: a folder: Annotations/, JPEGImages/ and perhaps ImageSets/Main/ with
            train.txt, val.txt and test.txt (Train.txt, Validation.txt and Test.txt as
            CVAT has them); or train/, valid/ and test/ (Roboflow); or
            pictures with their .xml beside them (LabelImg).
        skip_broken: whether to leave bad entries out; by default they are named.

    Returns:
        `Annotations`, classes in the order of text. A box of VOC's from pixel 1 to 10
        is one from 0 to 10 here: the edges of its pixels. Objects marked as difficult
        are `ignored`.

    Raises:
        InputError: there are bad entries: no XML; a box that is not four numbers, has
            no area or lies outside its picture; an object without a class; a picture
            that is missing or listed twice.
    """
    source = Path(source)
    faults, pictures = Faults(source, skip_broken), PictureFiles(source)
    listed, records = _listed(source), []
    for file in files_below(source, {".xml"}):
        root = _parse(file, faults)
        if root is None:
            continue
        if listed:
            part = listed.get(file.stem)
            if part is None:
                faults.note("Files of no list in ImageSets/Main, left out: {}.")
                continue
        else:
            part = part_of(file, source) or "train"
        try:
            picture = _picture(root, file, pictures)
        except InputError as error:
            faults.add(file, "filename", error)
            continue
        sides = [root.findtext(f"size/{key}") for key in ("width", "height")]
        size = numbers(sides, 2)
        record = Record(picture, part, file, size and tuple(map(round, size)))
        _add_boxes(record, root, faults)
        records.append(record)
    rows = [row for each in records for row in each.boxes + each.ignored]
    class_names = sorted({name for _, name, _ in rows})
    for record in records:
        record.boxes, record.ignored = (
            [(entry, class_names.index(name), box) for entry, name, box in some]
            for some in (record.boxes, record.ignored)
        )
    taken = {record.path.resolve() for record in records}
    if not listed:
        for path in pictures.all:
            if path.resolve() not in taken:
                faults.note("Pictures without an .xml, left out: {}.")
    return settled(records, class_names, faults)


def _listed(source):
    """Return the part of each name in the lists of ImageSets/Main, if there are."""
    files = {}
    for path in files_below(source, {".txt"}):
        if path.parts[-3:-1] == ("ImageSets", "Main"):
            files.setdefault(path.stem.lower(), []).append(path)
    parts = {}
    for name, part in _LISTS.items():
        for path in files.get(name, ()):
            names = (line.rsplit("/", 1)[-1] for line in lines_of(path))
            parts |= dict.fromkeys(names, part)
    return parts


def _parse(file, faults):
    """Return the root of a file's XML, None where it is something else's or bad."""
    try:
        root = ElementTree.parse(file).getroot()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        faults.add(file, "XML", f"cannot be read ({error})")
        return None
    return root if root.tag == "annotation" else None


def _picture(root, file, pictures):
    """Return the path of a file's picture: by the name in it, or by the file's own."""
    folders = [file.parent]
    if "Annotations" in file.parts:
        place = len(file.parts) - 1 - file.parts[::-1].index("Annotations")
        inner = file.parts[place + 1 : -1]
        folders.append(Path(*file.parts[:place], "JPEGImages", *inner))
    name = (root.findtext("filename") or "").strip()
    found = pictures.find(name, *folders) if name else file.parent
    if os.path.isfile(found):
        return found
    return pictures.of_stem(file.stem, *folders) or (
        found if name else file.with_suffix(".jpg")
    )


def _add_boxes(record, root, faults):
    for index, element in enumerate(root.iter("object")):
        name, entry = (element.findtext("name") or "").strip(), f"object {index + 1}"
        sides = [element.findtext(f"bndbox/{side}") for side in _SIDES]
        values = numbers(sides)
        if not name:
            faults.add(record.file, entry, "has no name; expected a class")
        elif values is None:
            found = ", ".join(
                f"{side} {value}" for side, value in zip(_SIDES, sides, strict=True)
            )
            faults.add(record.file, entry, f"{found}; expected four numbers in bndbox")
        else:
            left, top, right, bottom = values
            box = (left - 1, top - 1, right, bottom)
            if right < left or bottom < top:  # which has no pixel, not even one
                box = (left, top, right, bottom)
            if (element.findtext("difficult") or "").strip() == "1":
                faults.note(
                    "Objects marked as difficult, ignored in training and scoring: {}."
                )
                record.ignored.append((entry, name, box))
            else:
                record.boxes.append((entry, name, box))


def write_voc(annotations, directory):
    """Write pictures and boxes as Annotations/, JPEGImages/ and ImageSets/Main/.

    Corners are rounded to whole pixels, as VOC has them; a box of less is one pixel.
    Ignored boxes are marked as difficult.

    Args:
        annotations: `Annotations`.
        directory: an empty folder, or none yet.

    Raises:
        InputError, OSError: as `copy_pictures`.
    """
    directory, pictures = Path(directory), annotations.pictures
    paths = copy_pictures(pictures, directory, lambda part: "JPEGImages")
    lists = {"train": [], "validation": [], "test": []}
    for path, picture in zip(paths, pictures, strict=True):
        lists[picture.part].append(path.stem)
        tree = ElementTree.ElementTree(_element(path, picture, annotations.class_names))
        ElementTree.indent(tree)
        with write_whole(directory / "Annotations" / f"{path.stem}.xml") as temporary:
            tree.write(temporary, encoding="utf-8")
    for part, stems in lists.items():
        name = {"validation": "val"}.get(part, part)
        if stems:
            file = directory / "ImageSets" / "Main" / f"{name}.txt"
            with write_whole(file) as temporary:
                temporary.write_text("".join(f"{stem}\n" for stem in stems))


def _element(path, picture, class_names):
    root = ElementTree.Element("annotation")

    def add(parent, tag, text=None):
        element = ElementTree.SubElement(parent, tag)
        element.text = None if text is None else str(text)
        return element

    add(root, "folder", path.parent.name)
    add(root, "filename", path.name)
    size = add(root, "size")
    add(size, "width", picture.size[0])
    add(size, "height", picture.size[1])
    add(size, "depth", 3)
    corners = np.concatenate([picture.boxes, picture.ignored[:, :4]])
    corners = np.rint(corners).astype(int)
    corners[:, :2] += 1
    # Of a box within half a pixel, the pixel that it lies in.
    corners[:, :2] = np.minimum(corners[:, :2], picture.size)
    corners[:, 2:] = np.maximum(corners[:, 2:], corners[:, :2])
    labels = [*picture.labels, *picture.ignored[:, 4].astype(int)]
    for index, (box, label) in enumerate(zip(corners, labels, strict=True)):
        element = add(root, "object")
        add(element, "name", class_names[label])
        add(element, "difficult", int(index >= len(picture.labels)))
        bounds = add(element, "bndbox")
        for side, value in zip(_SIDES, box, strict=True):
            add(bounds, side, value)
    return root
