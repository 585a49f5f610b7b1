"""The door for pictures with boxes: `load_detection` looks what a source is."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from resnet_keras.data.dataset import say_copies
from resnet_keras.data.splitting import (
    TEST_FRACTION,
    is_for_test,
    parts_of_folders,
    settle_parts,
)
from resnet_keras.data.streaming import decoded
from resnet_keras.data.tree import is_system
from resnet_keras.detection.coco import annotation_files, read_coco
from resnet_keras.detection.dataset import DetectionDataset, Pictures
from resnet_keras.detection.drawn import SCENES, drawn_scenes
from resnet_keras.detection.letterboxing import Placement, read_letterboxed
from resnet_keras.detection.places import files_below
from resnet_keras.detection.voc import read_voc
from resnet_keras.detection.yolo import YAML_SUFFIXES, names_file, read_yolo, yaml_of
from resnet_keras.errors import InputError

_FEW_PIXELS = 4  # of a box's shorter side on the square; less shows hardly anything
_ROBOFLOW = re.compile(r"\.rf\.[0-9a-f]+$")  # ends the names of one picture's variants


def load_detection(
    source=SCENES,
    image_size=128,
    *,
    split_seed=0,
    skip_broken=False,
    needs_train=True,
):
    """Read, or draw, pictures with the boxes of their objects.

    Args:
        source: "scenes", the built-in ones; a folder or .json file of COCO's
            (`read_coco`); a folder or data.yaml of YOLO's (`read_yolo`); or a folder of
            Pascal VOC's .xml files (`read_voc`).
        image_size: side in pixels of the square that each picture is placed on.
        split_seed: draws the test part of a source that has none: a fifth, each picture
            by its own file name.
        skip_broken: whether to leave out bad entries and pictures; by default they are
            named.
        needs_train: whether a test part alone is too little. Of scenes only that is
            drawn without it.

    Returns:
        `DetectionDataset`. Pictures without an object are part of it.

    Raises:
        InputError: there is no such source, or it cannot be used; the message says
            which file and entry.

    Example:

    >>> load_detection("photos")  # doctest: +SKIP
    """
    if source == SCENES:
        return drawn_scenes(image_size, **({} if needs_train else {"num_train": 0}))
    source = _unwrapped(Path(source))
    annotations = _read(source, skip_broken)
    class_names, pictures, notes = _used_classes(annotations)
    groups, said = _split(pictures, source, split_seed, needs_train)
    notes = [*annotations.notes, *notes, *said]
    num_training = len(groups["train"])
    train, kept = _load(
        groups["train"] + groups["validation"], image_size, skip_broken, notes
    )
    test, _ = _load(groups["test"], image_size, skip_broken, notes)
    num_validation = int((kept >= num_training).sum())
    if needs_train:
        trained = train[: len(train) - num_validation]
        notes += _check_trained(trained, class_names, source)
    path = source.resolve()
    dataset = DetectionDataset(
        path.name if path.is_dir() else path.parent.name,
        str(source),
        class_names,
        train,
        test,
        num_validation=num_validation,
    )
    copies = [note.replace("image", "picture") for note in say_copies(dataset)]
    small = _say_small(train.boxes + test.boxes, image_size)
    return replace(dataset, notes=(*notes, *copies, *small))


def _unwrapped(folder):
    """Go down while one folder, no part, is all that a folder holds."""
    while folder.is_dir():
        inside = [path for path in folder.iterdir() if not is_system(path.name)]
        if len(inside) != 1 or not inside[0].is_dir():
            break
        if parts_of_folders([inside[0].name]):
            break
        folder = inside[0]
    return folder


def _read(source, skip_broken):
    """Return the `Annotations` of a source, whatever its format."""
    if source.is_file():
        suffix = source.suffix.lower()
        if suffix == ".json":
            return read_coco(source, skip_broken)
        if suffix in YAML_SUFFIXES:
            return read_yolo(source, skip_broken)
        raise InputError(
            f"{source}: expected COCO's .json, YOLO's data.yaml, or a folder."
        )
    if not source.is_dir():
        raise InputError(
            f"{source}: no such file or folder; expected {SCENES!r}, a folder of "
            "pictures with boxes, COCO's .json or YOLO's data.yaml."
        )
    if yaml_of(source) or names_file(source):
        return read_yolo(source, skip_broken)
    if annotation_files(source):
        return read_coco(source, skip_broken)
    if files_below(source, {".xml"}):
        return read_voc(source, skip_broken)
    raise InputError(
        f"{source}: holds no boxes that can be read; expected COCO's .json, YOLO's "
        "data.yaml with images/ and labels/, or Pascal VOC's .xml files."
    )


def _used_classes(annotations):
    """Leave out classes without a box; return names, pictures renumbered, and notes."""
    names = annotations.class_names
    counts = Counter(label for each in annotations.pictures for label in each.labels)
    used = [label for label in range(len(names)) if counts[label]]
    if not used:
        marked = any(len(each.ignored) for each in annotations.pictures)
        raise InputError(
            f"{annotations.pictures[0].path.parent}: none of "
            f"{len(annotations.pictures)} pictures has a box"
            f"{' that is not marked to be ignored' if marked else ''}; expected some "
            "objects."
        )
    place = np.full(len(names), -1)
    place[used] = np.arange(len(used))
    pictures = [
        replace(each, labels=place[each.labels], ignored=_renumbered(each, place))
        for each in annotations.pictures
    ]
    notes = []
    if unused := [name for name in names if name not in {names[x] for x in used}]:
        notes = [f"Classes without a box, left out: {', '.join(unused)}."]
    return [names[label] for label in used], pictures, notes


def _renumbered(picture, place):
    """Return the ignored boxes whose class has a place, with that as their class."""
    boxes, labels = np.split(picture.ignored, [4], axis=1)
    rows = np.concatenate([boxes, place[labels.astype(int)]], axis=1)
    return rows[rows[:, 4] >= 0]


def _split(pictures, source, seed, needs_train):
    """Return the pictures of each part, a dictionary, and notes."""
    present = {each.part for each in pictures}
    if needs_train and "train" not in present:
        raise InputError(
            f"{source}: holds {' and '.join(sorted(present))} pictures only; expected "
            "a part to train on."
        )
    roles, is_drawn, note = settle_parts(present, needs_train)
    groups = {"train": [], "validation": [], "test": []}
    for each in pictures:
        role = roles[each.part]
        if is_drawn and is_for_test(_ROBOFLOW.sub("", each.path.stem), seed):
            role = "test"
        groups[role].append(each)
    notes = [note.replace("image", "picture")] if note else []
    if is_drawn and groups["test"]:
        notes.append(
            f"No test part given: some {TEST_FRACTION:.0%} of the pictures, drawn by "
            f"file name with seed {seed}, are kept for the test."
        )
    elif is_drawn:
        notes.append(
            f"No test part given, and none of the {len(pictures)} pictures falls to "
            "it: a picture's part is drawn by its name alone, so that it never "
            "changes. More pictures will bring some, or give a test part of your own."
        )
    return groups, notes


def _load(group, image_size, skip_broken, notes):
    """Read `Annotated` and place them on squares.

    Returns:
        `Pictures`, and the positions in `group` of those in it.
    """

    def write(images, row):
        path, size = group[row].path, group[row].size
        images[row], _ = read_letterboxed(path, size, image_size)

    images, is_read, errors = decoded(len(group), (image_size, image_size), write)
    if found := [*errors.values()]:
        if not skip_broken:
            more = f" In all {len(found)} pictures." if len(found) > 1 else ""
            raise InputError(
                f"{found[0]}{more} Or go on without: --skip-broken (skip_broken=True)."
            )
        notes.append(f"Left out, as asked, {len(found)} broken pictures: {found[0]}")
    kept = np.flatnonzero(is_read)
    group = [group[row] for row in kept]
    pictures = Pictures(
        images,
        tuple(_on_square(each.boxes, each.size, image_size) for each in group),
        tuple(each.labels for each in group),
        tuple(str(each.path) for each in group),
        np.array([each.size for each in group], np.int64).reshape(-1, 2),
        tuple(_on_square(each.ignored, each.size, image_size) for each in group),
    )
    return pictures, kept


def _on_square(rows, size, image_size):
    """Place rows that begin with a box, and return them as float32."""
    boxes = Placement(*size, image_size).to_square(rows[:, :4])
    rows = np.concatenate([np.clip(boxes, 0, image_size), rows[:, 4:]], axis=1)
    return rows.astype(np.float32)


def _check_trained(train, class_names, source):
    """Return a sentence about classes that no training picture shows, or none."""
    if not len(train):
        raise InputError(
            f"{source}: no picture is left to train on. A picture's part is drawn by "
            "its name alone; add pictures, or give parts of your own."
        )
    counts = train.counts(len(class_names))
    missing = [name for name, n in zip(class_names, counts, strict=True) if not n]
    if not missing:
        return []
    return [f"Shown by no training picture, so not learned: {', '.join(missing)}."]


def _say_small(boxes, image_size):
    boxes = np.concatenate([np.zeros((0, 4)), *boxes])
    shorter = (boxes[:, 2:] - boxes[:, :2]).min(axis=1)
    number = int((shorter < _FEW_PIXELS).sum())
    if not number:
        return []
    return [
        f"{number} of {len(boxes)} boxes are narrower than {_FEW_PIXELS} pixels on "
        f"squares of {image_size}; a larger --image-size shows more of them."
    ]
