"""Finding: photographs of a data set laid on canvases, found there, and named.

Where the objects are is known, so that a classifier's data set measures a detector, and
what a classifier gains from one.
"""

from typing import NamedTuple

import numpy as np

from resnet_keras import plots
from resnet_keras.data import load_dataset
from resnet_keras.data.images import fit
from resnet_keras.detection import name_found, open_finder
from resnet_keras.experiments.report import Report
from resnet_keras.inference import align_classes, open_classifier

_CANVAS, _SIZES = 128, (44, 64)  # pixels of a canvas, and of the photographs on it
_PICTURE, _PART = (240, 320), 0.2  # a larger picture, and a photograph's part of it
_EDGE = 1 / 8  # of a photograph's side is blended with the canvas
_KINDS = {"one colour": False, "the wall's colour": True}
_LARGER = "larger, the wall's colour"
_MIDDLE, _FIND = "classifier, the middle", "classifier, --find"
_SHOWN = 4  # of each kind


class Canvas(NamedTuple):
    """A picture with photographs laid on it."""

    image: np.ndarray  # uint8 (height, width, 3)
    tiles: np.ndarray  # int64 (num_tiles, 4): x_min, y_min, x_max, y_max in pixels
    labels: np.ndarray  # int64 (num_tiles,), of the data set


def run(source, detector, out, classifier=None, seed=0, quick=False):
    """Find the test photographs of a data set on canvases, and name them.

    Args:
        source: photographs of one object each, as `load_dataset` reads them; the test
            part is used.
        detector: a detector's file.
        out: directory for `finding.csv`, `.png` and `.txt`.
        classifier: a classifier's file. With one, larger pictures are named by it with
            and without the detector.
        seed: of the choice of photographs, of their sizes and places.
        quick: whether to take seconds, to see that it works.

    Returns:
        `(rows, verdict)`: a row per kind of picture and way to name what it shows, and
        words.

    Raises:
        InputError: a file or the source cannot be used, or they have other classes.
    """
    number = 12 if quick else 300
    dataset = load_dataset(source, _SIZES[1], needs_train=False)
    finder = open_finder(detector)
    labels_of = align_classes(
        finder.class_names, False, dataset.class_names, detector, source
    ).positions
    if classifier is not None:
        classifier = open_classifier(classifier)
    report = Report(
        "finding",
        out,
        f"{number} pictures of each kind, with {len(dataset.test)} test photographs of "
        f"{dataset.name}, seed {seed}, threshold {finder.threshold:.2f}.",
        len(_KINDS) + (classifier is not None),
    )
    rows, shown = [], []
    for kind, is_blended in _KINDS.items():
        report.begin(kind)
        rng = np.random.default_rng(seed)
        canvases = [_canvas(dataset.test, is_blended, rng) for _ in range(number)]
        found = finder.find([each.image for each in canvases])
        rows.append(_row(kind, "detector", canvases, found, labels_of))
        shown += zip(canvases, found, [kind] * _SHOWN, strict=False)
        last = rows[-1]
        report.end(f"{last['found']:.1%} found, {last['named']:.1%} named")
    if classifier is not None:
        report.begin(_LARGER)
        rng = np.random.default_rng(seed)
        canvases = [_larger(dataset.test, rng) for _ in range(number)]
        found = finder.find([each.image for each in canvases])
        rows.append(_row(_LARGER, "detector", canvases, found, labels_of))
        ways, titles = _by_classifier(classifier, finder, canvases, dataset, source)
        rows += ways
        shown += zip(canvases, found, titles[:_SHOWN], strict=False)
        middle, find = (row["named"] for row in ways)
        report.end(f"{middle:.1%} named by the middle, {find:.1%} with --find")
    return report.finish(rows, figure(shown, finder.class_names), verdict(rows))


def _canvas(photographs, is_blended, rng):
    """Return a canvas with one to four photographs, each in a quarter of its own."""
    number = rng.integers(1, 5)
    chosen = rng.integers(len(photographs), size=number)
    sizes = rng.integers(_SIZES[0], _SIZES[1] + 1, number)
    quarter = _CANVAS // 2
    corners = [
        quarter * np.array(divmod(place, 2)) + rng.integers(quarter - size + 1, size=2)
        for place, size in zip(rng.permutation(4), sizes, strict=False)
    ]
    colour = None if is_blended else rng.integers(256, size=3)
    return lay(photographs, chosen, sizes, corners, (_CANVAS, _CANVAS), colour)


def _larger(photographs, rng):
    """Return a picture with one photograph, which does not reach its middle."""
    size = round((_PART * _PICTURE[0] * _PICTURE[1]) ** 0.5)
    middle = np.array(_PICTURE) / 2
    while True:
        corner = rng.integers(np.array(_PICTURE) - size + 1)
        if (np.abs(corner + size / 2 - middle) > size / 2).any():
            break
    return lay(
        photographs, [rng.integers(len(photographs))], [size], [corner], _PICTURE
    )


def lay(photographs, chosen, sizes, corners, shape, colour=None):
    """Lay photographs on a canvas.

    Args:
        photographs: `Split` of a data set.
        chosen: positions of the photographs, (number,).
        sizes: their sides on the canvas in pixels, (number,).
        corners: row and column of each one's upper left pixel, (number, 2).
        shape: (height, width) of the canvas in pixels.
        colour: of the canvas, RGB. None: the median of the photographs' outermost
            pixels; then their edges are blended with it.

    Returns:
        `Canvas`.
    """
    tiles = [
        fit(photographs.images[row], int(size))
        for row, size in zip(chosen, sizes, strict=True)
    ]
    is_blended = colour is None
    if is_blended:
        colour = np.median(np.concatenate([_border(tile) for tile in tiles]), axis=0)
    image = np.full((*shape, 3), colour, np.float32)
    boxes = []
    for tile, (y, x) in zip(tiles, corners, strict=True):
        size = len(tile)
        place = image[y : y + size, x : x + size]
        weight = 1.0
        if is_blended:
            away = np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5
            weight = np.minimum(away / (_EDGE * size), 1)
            weight = np.minimum(weight[:, None], weight)[..., None]
        place += weight * (tile - place)
        boxes.append((x, y, x + size, y + size))
    labels = np.asarray(photographs.labels)[chosen]
    return Canvas(image.round().astype(np.uint8), np.array(boxes), labels)


def _border(tile):
    return np.concatenate([tile[0], tile[-1], tile[:, 0], tile[:, -1]])


def compare(tiles, labels, found):
    """Say which photographs are found, and which of those are named right.

    A photograph is found where the centre of a box lies inside it; the best scored such
    box names it.

    Args:
        tiles: (num_tiles, 4).
        labels: (num_tiles,).
        found: `Found` in the same picture, best first.

    Returns:
        bool (num_tiles,) and bool (num_tiles,).
    """
    centres = (found.boxes[:, None, :2] + found.boxes[:, None, 2:]) / 2
    inside = ((centres >= tiles[:, :2]) & (centres < tiles[:, 2:])).all(axis=2)
    is_found = inside.any(axis=0)
    is_named = is_found.copy()
    for tile in np.flatnonzero(is_found):
        is_named[tile] = found.labels[inside[:, tile].argmax()] == labels[tile]
    return is_found, is_named


def _row(kind, way, canvases, found, labels_of):
    pairs = [
        compare(canvas.tiles, labels_of[canvas.labels], one)
        for canvas, one in zip(canvases, found, strict=True)
    ]
    is_found, is_named = map(np.concatenate, zip(*pairs, strict=True))
    others = sum(len(one.boxes) for one in found) - is_found.sum()
    return {
        "picture": kind,
        "by": way,
        "objects": len(is_found),
        "found": float(is_found.mean()),
        "named": float(is_named.mean()),
        "other_boxes_per_object": float(others / len(is_found)),
    }


def _by_classifier(classifier, finder, canvases, dataset, source):
    """Return the rows of the classifier without and with the detector, and titles."""
    aligned = align_classes(
        classifier.class_names,
        classifier.names_are_assumed,
        dataset.class_names,
        classifier.name,
        source,
    )
    labels = aligned.positions[[canvas.labels[0] for canvas in canvases]]
    images, size = (
        [each.image for each in canvases],
        (classifier.height, classifier.width),
    )
    middle = classifier.probabilities(np.stack([fit(image, size) for image in images]))
    (around, *_), _ = name_found(classifier, finder, images)
    rows, names = [], []
    for way, probabilities in ((_MIDDLE, middle), (_FIND, around)):
        predicted = probabilities.argmax(axis=1)
        accuracy = float((predicted == labels).mean())
        about = {"picture": _LARGER, "by": way, "objects": len(labels), "found": ""}
        rows.append(about | {"named": accuracy, "other_boxes_per_object": ""})
        names.append([aligned.class_names[each] for each in predicted])
    titles = [
        f"by the middle {a}, with --find {b}" for a, b in zip(*names, strict=True)
    ]
    return rows, titles


def verdict(rows):
    """Return in words what `run` measured."""
    sentences = [
        f"On {row['picture']} {row['found']:.1%} of {row['objects']} objects are found "
        f"and {row['named']:.1%} named right, with {row['other_boxes_per_object']:.3f} "
        "other boxes for each."
        for row in rows
        if row["picture"] in _KINDS
    ]
    named = {row["by"]: row["named"] for row in rows}
    if _FIND in named:
        sentences.append(
            f"Of {rows[-1]['objects']} larger pictures with the object beside the "
            f"middle the classifier names {named[_MIDDLE]:.1%} right by the middle and "
            f"{named[_FIND]:.1%} by what the detector finds "
            f"({100 * (named[_FIND] - named[_MIDDLE]):+.1f} points)."
        )
    return " ".join(sentences)


def figure(shown, class_names):
    """Draw some pictures of each kind with the photographs' places and what is found.

    Args:
        shown: list of (`Canvas`, `Found`, title).
        class_names: list of str, the detector's.
    """
    canvases, found, titles = zip(*shown, strict=True)
    result = plots.detections(
        [each.image for each in canvases],
        [(each.tiles, each.labels) for each in canvases],
        found,
        class_names,
    )
    for axes, title in zip(result.axes, titles, strict=False):
        axes.set_title(title, fontsize=9)
    result.suptitle(
        "Dashed: a photograph; coloured: found, with its score", fontsize=10
    )
    return result
