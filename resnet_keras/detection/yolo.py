"""YOLO's text files: class, centre and size of a box, in fractions of the picture.

Source: https://docs.ultralytics.com/datasets/detect (data.yaml, images/, labels/).
"""

from pathlib import Path

import numpy as np

from resnet_keras.data.images import IMAGE_SUFFIXES
from resnet_keras.data.splitting import parts_of_folders
from resnet_keras.detection.annotations import Faults, Record, numbers, settled
from resnet_keras.detection.places import copy_pictures, files_below, lines_of, part_of
from resnet_keras.errors import InputError
from resnet_keras.files.writing import write_whole

YAML_SUFFIXES = {".yaml", ".yml"}
NAME_FILES = ("classes.txt", "labels/classes.txt", "obj.names")
FOLDERS = {"train": "train", "validation": "val", "test": "test"}
_KEYS = {
    "train": ("train",),
    "validation": ("val", "valid", "validation"),
    "test": ("test",),
}
_NO_LABELS = {"classes.txt", "notes.txt", "readme.txt"}


def read_yolo(source, skip_broken=False):
    """Read pictures and boxes that a data.yaml describes.

    Args:
        source: a .yaml file, or the folder of one, or a folder of images/, labels/ and
            classes.txt. `names` is a list or a dictionary; `train`, `val` and `test`
            are folders, lists of folders, or text files of paths, relative to `path`
            or to the file, also where it says ../train/images (Roboflow).
        skip_broken: whether to leave bad entries out; by default they are named.

    Returns:
        `Annotations`. The labels of images/a.jpg are in labels/a.txt, or beside it;
        a picture without that file has no object. Polygons become the boxes around
        them; keypoints, where data.yaml has `kpt_shape`, are left out.

    Raises:
        InputError: no picture has a file of labels, or there are bad entries: a line
            that is no box, has no area or lies outside the picture; an unknown class;
            a picture that is missing or listed twice.
    """
    source = Path(source)
    faults = Faults(source, skip_broken)
    file, names, parts, num_values = description(source)
    positions = {number: index for index, number in enumerate(names)}
    records, used, seen = [], set(), {}
    for part, pictures, said in parts:
        if (key := tuple(sorted(pictures))) and key in seen:
            faults.note(f"{said} has the pictures of {seen[key]}, and is left out.")
            continue
        seen[key] = said
        for picture in pictures:
            record = Record(picture, part, file, in_pixels=False)
            labels = _label_file(picture, source)
            if labels:
                used.add(labels.resolve())
                record.file = labels
                _add_boxes(record, labels, positions, names, num_values, faults)
            records.append(record)
    if records and not used:
        example = _candidates(records[0].path, source)[0]
        raise InputError(
            f"{source}: none of {len(records)} pictures has a file of labels; expected "
            f"{example} for {records[0].path.name}."
        )
    _tell_lone_labels(used, faults)
    return settled(records, list(names.values()), faults)


def description(source):
    """Return what a data.yaml says, or what stands for one.

    Returns:
        The file's path; a dictionary of class numbers and names; a list of (part,
        paths of pictures, what to call it); how many numbers of keypoints follow a box.

    Raises:
        InputError: PyYAML is missing, or the file does not describe a data set.
    """
    file = yaml_of(source) if source.is_dir() else source
    if not file:
        return _undescribed(source)
    content = _read_yaml(file)
    names = _names(file, content)
    parts = []
    for part, keys in _KEYS.items():
        key = next((key for key in keys if content.get(key)), None)
        if not key:
            continue
        values = content[key] if isinstance(content[key], list) else [content[key]]
        if not all(isinstance(value, str) for value in values):
            raise InputError(f"{file}: expected {key}: a folder, or a list of them.")
        pictures = []
        for value in values:
            found = _pictures_of(file, content.get("path"), value)
            if found is None and part == "train":
                raise InputError(
                    f"{file}: {key}: {value}: no such folder or list; expected one, "
                    "relative to this file."
                )
            pictures += found or []
        if pictures:
            parts.append((part, pictures, f"{key}: {', '.join(values)}"))
    if not parts:
        raise InputError(
            f"{file}: names no pictures; expected train: and val: or test:, folders of "
            "pictures."
        )
    return file, names, parts, _num_keypoint_values(file, content)


def _num_keypoint_values(file, content):
    """Return how many numbers follow a box, of the keypoints that a file describes."""
    shape = content.get("kpt_shape", ["0", "0"])
    found = numbers(shape, 2) if isinstance(shape, list) else None
    if not found or min(found) < 0:
        raise InputError(f"{file}: expected kpt_shape: two numbers, such as [17, 3].")
    return int(found[0] * found[1])


def yaml_of(folder):
    """Return the .yaml file of a folder that names classes, or None."""
    paths = sorted(
        path for path in folder.iterdir() if path.suffix.lower() in YAML_SUFFIXES
    )
    usual = [path for path in paths if path.stem in ("data", "dataset")]
    for path in usual + paths:
        if "names:" in path.read_text(encoding="utf-8-sig", errors="replace"):
            return path
    return None


def names_file(folder):
    """Return the file of class names beside images/ and labels/, or None."""
    found = (folder / name for name in NAME_FILES)
    return next((path for path in found if path.is_file()), None)


def _undescribed(folder):
    file = names_file(folder)
    if not file:
        raise InputError(
            f"{folder}: expected a data.yaml, or images/, labels/ and classes.txt."
        )
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    lines = text.splitlines()
    names = [line.strip() for line in lines if line.strip()]
    images = folder / "images"
    pictures = files_below(images if images.is_dir() else folder, IMAGE_SUFFIXES)
    outer = [picture.relative_to(folder).parts[0] for picture in pictures]
    by_outer = parts_of_folders({*outer})  # obj_Train_data, ... as CVAT has them
    parts = {}
    for picture, name in zip(pictures, outer, strict=True):
        part = part_of(picture, folder) or by_outer.get(name, "train")
        parts.setdefault(part, []).append(picture)
    parts = [(part, some, f"images of {part}") for part, some in parts.items()]
    return file, dict(enumerate(names)), parts, 0


def _yaml(file):
    """Return PyYAML, or say how to get it."""
    try:
        import yaml
    except ImportError as error:
        raise InputError(
            f"{file}: takes PyYAML; pip install 'resnet_keras[detection]'."
        ) from error
    return yaml


def _read_yaml(file):
    yaml = _yaml(file)
    try:
        # Texts, lists and dictionaries only: a class called "no" is no False.
        content = yaml.load(file.read_text(encoding="utf-8-sig"), yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{file}: is no YAML ({reason}).") from error
    if not isinstance(content, dict):
        raise InputError(f"{file}: expected names: and train:, and found none.")
    return {str(key).lower(): value for key, value in content.items()}


def _names(file, content):
    names = content.get("names")
    if isinstance(names, list):
        names = dict(enumerate(names))
    # A name of lists that name each other could grow without end when printed.
    is_good = isinstance(names, dict) and all(
        str(key).isdecimal() and isinstance(name, str) for key, name in names.items()
    )
    if not names or not is_good:
        raise InputError(
            f"{file}: expected names: a list of class names, or a dictionary of "
            "numbers and names."
        )
    names = {int(key): name for key, name in names.items()}
    names = dict(sorted(names.items()))
    number = content.get("nc", str(len(names)))
    if number != str(len(names)):
        raise InputError(
            f"{file}: says nc: {number} and has {len(names)} names; expected as many."
        )
    if len({*names.values()}) < len(names):
        raise InputError(f"{file}: two classes have one name, {[*names.values()]}.")
    return names


def _pictures_of(file, path, value):
    """Return the pictures of a folder or list that a data.yaml names, or None."""
    roots = [file.parent / path] if path else []
    inner = value
    while inner.startswith("../"):
        inner = inner[3:]
    for place in [*(root / value for root in roots), file.parent / value]:
        if place.exists():
            break
    else:
        place = file.parent / inner
    if place.is_dir():
        return files_below(place, IMAGE_SUFFIXES)
    if not place.is_file():
        return None
    bases = [place.parent, *roots, file.parent]
    return [
        next((base / line for base in bases if (base / line).exists()), bases[0] / line)
        for line in lines_of(place)
    ]


def _candidates(picture, source):
    """Return where the labels of a picture may be, the usual place first."""
    parts = list(picture.parts)
    beside = picture.with_suffix(".txt")
    if "images" not in parts[:-1]:
        return [picture.parent / "labels" / beside.name, beside]
    place = len(parts) - 1 - parts[::-1].index("images")
    return [Path(*parts[:place], "labels", *parts[place + 1 : -1], beside.name), beside]


def _label_file(picture, source):
    return next((x for x in _candidates(picture, source) if x.is_file()), None)


def _add_boxes(record, file, positions, names, num_values, faults):
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    for index, line in enumerate(text.splitlines()):
        values, entry = line.split(), f"line {index + 1}"
        if not values:
            continue
        found = numbers(values, len(values))
        if num_values and len(values) == 5 + num_values:
            faults.note("Boxes with keypoints, which are left out: {}.")
            values = values[:5]
            found = found and found[:5]
        is_polygon = len(values) >= 7 and len(values) % 2 == 1
        if found is None or not (len(values) == 5 or is_polygon):
            faults.add(
                file, entry, f"{line.strip()[:60]!r}; expected a class and four numbers"
            )
        elif found[0] not in positions:
            known = ", ".join(f"{key} {name}" for key, name in [*names.items()][:6])
            more = ", ..." if len(names) > 6 else ""
            faults.add(
                file, entry, f"the unknown class {values[0]}; known are {known}{more}"
            )
        elif max(map(abs, found[1:])) > 2:
            faults.add(
                file,
                entry,
                f"{line.strip()[:60]!r} are no fractions of the picture, 0 to 1",
            )
        else:
            if is_polygon:
                faults.note("Polygons, of which the boxes around them are taken: {}.")
            box = _polygon_box(found[1:]) if is_polygon else _box(*found[1:])
            record.boxes.append((entry, positions[found[0]], box))


def _box(x, y, width, height):
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _polygon_box(values):
    points = np.reshape(values, (-1, 2))
    return (*points.min(0), *points.max(0))


def _tell_lone_labels(used, faults):
    """Note files of labels whose pictures are missing."""
    for folder in sorted({path.parent for path in used}):
        if "labels" not in folder.parts:
            continue
        for path in sorted(folder.glob("*.txt")):
            if path not in used and path.name.lower() not in _NO_LABELS:
                faults.add(path, "its picture", "is missing")


def write_yolo(annotations, directory):
    """Write pictures and boxes as data.yaml, images/ and labels/.

    Ignored boxes are left out, for YOLO has no mark for them; who reads the files
    learns them as background.

    Args:
        annotations: `Annotations`.
        directory: an empty folder, or none yet; gets images/train/a.jpg,
            labels/train/a.txt, and so on.

    Raises:
        InputError, OSError: as `copy_pictures`.
    """
    pictures, directory = annotations.pictures, Path(directory)
    yaml = _yaml(directory / "data.yaml")
    paths = copy_pictures(pictures, directory, lambda part: f"images/{FOLDERS[part]}")
    for path, picture in zip(paths, pictures, strict=True):
        file = directory / "labels" / path.parent.name / f"{path.stem}.txt"
        scaled = picture.boxes / [*picture.size, *picture.size]
        centres = (scaled[:, :2] + scaled[:, 2:]) / 2
        values = np.concatenate([centres, scaled[:, 2:] - scaled[:, :2]], axis=1)
        lines = [
            " ".join([str(label), *(f"{value:.6f}" for value in row)])
            for label, row in zip(picture.labels, values, strict=True)
        ]
        with write_whole(file) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in lines))
    present = {picture.part for picture in pictures}
    folders = [folder for part, folder in FOLDERS.items() if part in present]
    content = {folder: f"images/{folder}" for folder in folders}
    content["names"] = dict(enumerate(annotations.class_names))
    with write_whole(directory / "data.yaml") as temporary:
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        temporary.write_text(text, encoding="utf-8")
