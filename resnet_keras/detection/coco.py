"""COCO's JSON: boxes are x, y, width, height in pixels, from the corner at 0, 0.

Source: Lin et al. 2014, "Microsoft COCO", and https://cocodataset.org/#format-data.
"""

import json
import textwrap
from pathlib import Path

from resnet_keras.data.splitting import part_in
from resnet_keras.detection.annotations import Faults, Record, numbers, settled
from resnet_keras.detection.places import (
    PictureFiles,
    copy_pictures,
    files_below,
    part_of,
)
from resnet_keras.errors import InputError
from resnet_keras.files.writing import write_json

FILE = "_annotations.coco.json"  # beside its pictures, as Roboflow has it
FOLDERS = {"train": "train", "validation": "valid", "test": "test"}
_LISTS = ("images", "annotations", "categories")


def read_coco(source, skip_broken=False):
    """Read pictures and boxes of a COCO file, or of a folder with one file per part.

    Args:
        source: a .json file, or a folder: train/_annotations.coco.json with pictures
            beside it (Roboflow), annotations/instances_train2017.json with pictures in
            train2017/ (COCO) or images/ (CVAT), or one .json file in whose folder, or
            images/ there, the pictures are.
        skip_broken: whether to leave bad entries out; by default they are named.

    Returns:
        `Annotations`, classes in the order of their ids. Crowds are their `ignored`.

    Raises:
        InputError: the file is not COCO's, or there are bad entries: a box that is not
            four numbers, has no area or lies outside its picture; an unknown class or
            picture; a picture that is missing or listed twice; an id given twice.
    """
    source = Path(source)
    faults, records, class_names = Faults(source, skip_broken), [], []
    for path, root in annotation_files(source):
        content = _content(path)
        names = _class_names(content, path, faults)
        ordered = dict.fromkeys(names[number] for number in sorted(names))
        class_names += [name for name in ordered if name not in class_names]
        ids = {number: class_names.index(name) for number, name in names.items()}
        part = _part(path, source) if source.is_dir() else "train"
        records += _records(content, path, root, part, ids, faults)
    return settled(records, class_names, faults)


def annotation_files(source):
    """Return (path, folder that holds all) of the COCO files of a source, one a part.

    Raises:
        InputError: two files may be the same part.
    """
    source = Path(source)
    if not source.is_dir():
        folder = source.parent
        return [(source, folder.parent if folder.name == "annotations" else folder)]
    paths = files_below(source, {".json"})
    # Beside instances_train2017.json lie captions_train2017.json and others.
    instances = [path for path in paths if path.name.startswith("instances")]
    paths = instances or [path for path in paths if _looks_like_coco(path)]
    parts = {}
    for path in paths:
        part = _part(path, source)
        if part in parts:
            raise InputError(
                f"{source}: both {parts[part]} and {path} may be the {part} part; "
                "expected one. Give the file itself, or move the other elsewhere."
            )
        parts[part] = path
    return [(path, source) for path in parts.values()]


def _part(path, root):
    """Return the part of a file in train/, or of one called instances_train2017."""
    return part_of(path, root) or part_in(path.stem) or "train"


def _looks_like_coco(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return "annotation" in path.name  # damaged, which is told when it is read
    return isinstance(content, dict) and "annotations" in content


def _content(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no JSON ({error}).") from error
    is_coco = isinstance(content, dict) and all(
        isinstance(content.get(key), list)
        and all(isinstance(each, dict) for each in content[key])
        for key in _LISTS
    )
    if not is_coco:
        raise InputError(
            f'{path}: is not COCO\'s JSON; expected lists "images", "annotations" and '
            '"categories" in one object.'
        )
    return content


def _class_names(content, path, faults):
    """Return the name of each category's id; two ids may have one name."""
    names = {}
    for index, category in enumerate(content["categories"]):
        number, name = _id(category.get("id")), category.get("name")
        entry = f"category {index if number is None else number}"
        if not isinstance(number, int) or not isinstance(name, str) or not name:
            faults.add(path, entry, "has no number as id, or no name")
        elif names.setdefault(number, name) != name:
            faults.add(path, entry, f"is both {names[number]!r} and {name!r}")
    return names


def _records(content, path, root, part, ids, faults):
    pictures, records = PictureFiles(root), {}
    tail = path.stem.removeprefix("instances_")  # "train2017"
    folders = [path.parent, path.parent / "images", root, root / "images"]
    folders += [root / tail, root / "images" / tail]
    for index, image in enumerate(content["images"]):
        number, name = _id(image.get("id")), image.get("file_name")
        entry = f"image {index if number is None else number}"
        if number is None or not isinstance(name, str) or not name:
            faults.add(path, entry, "has no id or no file_name")
            continue
        if number in records:
            faults.add(path, entry, f"{name} has an id that is given twice")
            continue
        try:
            found = pictures.find(name, *folders)
        except InputError as error:
            faults.add(path, entry, error)
            records[number] = None  # its boxes are no faults of their own
            continue
        size = numbers([image.get("width"), image.get("height")], 2)
        size = size and tuple(map(round, size))
        records[number] = Record(found, part, path, size)
    used = set()
    for index, annotation in enumerate(content["annotations"]):
        number = _id(annotation.get("id"))
        entry = f"annotation {index if number is None else number}"
        if number is not None and number in used:
            faults.add(path, entry, "an id that is given twice")
            continue
        used.add(number)
        _add_box(annotation, path, entry, records, ids, faults)
    return [record for record in records.values() if record]


def _add_box(annotation, path, entry, records, ids, faults):
    image, category = _id(annotation.get("image_id")), annotation.get("category_id")
    label, box = ids.get(_id(category)), annotation.get("bbox")
    if image not in records:
        faults.add(path, entry, f"of image {image}, which is not listed")
    elif label is None:
        known = ", ".join(map(str, sorted(ids)))
        faults.add(
            path, entry, f"of the unknown category {category!r}; known are {known}"
        )
    elif (values := numbers(box if isinstance(box, list) else [])) is None:
        found = textwrap.shorten(repr(box), 60)
        faults.add(path, entry, f"its bbox is {found}; expected four numbers")
    elif records[image]:
        x, y, width, height = values
        row = (entry, label, (x, y, x + width, y + height))
        if annotation.get("iscrowd"):
            faults.note("Boxes around crowds, ignored in training and scoring: {}.")
            records[image].ignored.append(row)
        else:
            records[image].boxes.append(row)


def _id(value):
    """Return an id as a number where it is one, "7" too: tools mix both; else None."""
    if isinstance(value, str):
        return int(value) if value.isdecimal() else value
    return value if isinstance(value, int) else None


def as_coco(sizes, names, boxes, labels, class_names, scores=None, ignored=None):
    """Return pictures and boxes as the object that COCO's JSON holds.

    Args:
        sizes: (width, height) of each picture.
        names: file name of each picture.
        boxes: of each picture (num_objects, 4), corners in pixels.
        labels: of each picture (num_objects,).
        class_names: list of str. Their ids count from 1, and so do pictures and boxes.
        scores: of each picture (num_objects,), where the boxes were found by a model.
        ignored: of each picture (num_ignored, 5), corners and class; they become
            crowds ("iscrowd": 1), which is what COCO ignores.

    Returns:
        Dictionary of "images", "annotations" and "categories".
    """
    images, annotations = [], []
    for index, (size, name) in enumerate(zip(sizes, names, strict=True)):
        width, height = map(int, size)
        image = {"id": index + 1, "file_name": name, "width": width, "height": height}
        images.append(image)
        rows = [(*row, 0) for row in zip(boxes[index], labels[index], strict=True)]
        if ignored is not None:
            rows += [(row[:4], row[4], 1) for row in ignored[index]]
        for row, (box, label, is_crowd) in enumerate(rows):
            left, top, right, bottom = (round(float(value), 3) for value in box)
            sides = (round(right - left, 3), round(bottom - top, 3))
            annotation = {
                "id": len(annotations) + 1,
                "image_id": index + 1,
                "category_id": int(label) + 1,
                "bbox": [left, top, *sides],
                "area": round(sides[0] * sides[1], 3),
                "iscrowd": is_crowd,
            }
            if scores is not None:
                annotation["score"] = float(scores[index][row])
            annotations.append(annotation)
    categories = [
        {"id": index + 1, "name": name} for index, name in enumerate(class_names)
    ]
    return {"images": images, "annotations": annotations, "categories": categories}


def write_coco(annotations, directory):
    """Write pictures and boxes as Roboflow lays COCO out, a folder per part.

    Args:
        annotations: `Annotations`.
        directory: an empty folder, or none yet; gets train/_annotations.coco.json with
            the pictures beside it, and so on.

    Raises:
        InputError, OSError: as `copy_pictures`.
    """
    paths = copy_pictures(annotations.pictures, directory, FOLDERS.get)
    for part, folder in FOLDERS.items():
        rows = [
            (path, picture)
            for path, picture in zip(paths, annotations.pictures, strict=True)
            if picture.part == part
        ]
        if rows:
            content = as_coco(
                [picture.size for _, picture in rows],
                [path.name for path, _ in rows],
                [picture.boxes for _, picture in rows],
                [picture.labels for _, picture in rows],
                annotations.class_names,
                ignored=[picture.ignored for _, picture in rows],
            )
            write_json(Path(directory) / folder / FILE, content)
