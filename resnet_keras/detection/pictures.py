"""What a model finds in picture files, in the pixels of each."""

from resnet_keras.data.images import read_image
from resnet_keras.detection.annotations import shown_size
from resnet_keras.detection.coco import as_coco
from resnet_keras.detection.letterboxing import read_letterboxed
from resnet_keras.inference.pictures import read_together

WHOLE_AT_ONCE = 8  # pictures in memory, each as large as it is
_AT_ONCE = 32  # at the model's size; as many as it takes at once


def find_in_files(finder, paths, threshold, report):
    """Yield a path, its picture's size and what is found, for each picture file.

    The pictures come in the order of their paths. They are read as those to train on,
    32 at a time, and only as large as the model takes them.

    Args:
        finder: `Finder`.
        paths: list of picture files.
        threshold: least score of a box; None for the model's own.
        report: as in `read_together`.

    Yields:
        The path; (width, height) of the picture, turned as the camera was held; and
        `Found`, boxes in pixels of that.
    """

    def read(path):
        # Where the size is not known, reading tells why.
        return read_letterboxed(path, shown_size(path) or (64, 64), finder.image_size)

    for pairs in read_together(paths, read, report, _AT_ONCE):
        names, placed = zip(*pairs, strict=True)
        found = finder.find_placed(placed, len(paths), threshold)
        for path, (_, placement), one in zip(names, placed, found, strict=True):
            yield path, (placement.width, placement.height), one


def read_whole(path):
    """Read a picture in its own size, turned as the camera was held.

    Args:
        path: as in `data.images.read_image`.

    Returns:
        uint8 (height, width, 3).

    Raises:
        InputError: as `read_image` does.
    """
    # Where the size is not known, reading tells why.
    width, height = shown_size(path) or (64, 64)
    return read_image(path, (height, width))


def read_scaled(path, longer, box=None):
    """Read a picture at another size, with a box in it.

    Args:
        path: as in `data.images.read_image`.
        longer: pixels of the longer side.
        box: (4,), in pixels of the picture; or None.

    Returns:
        uint8 (height, width, 3), and the box in pixels of it, or None.
    """
    square, placement = read_letterboxed(path, shown_size(path) or (64, 64), longer)
    left, top, right, bottom = placement.window
    if box is not None:
        box = placement.to_square(box)[0] - (left, top, left, top)
    return square[top:bottom, left:right], box


def as_dict(path, size, found, class_names):
    """Return what is found in a picture as JSON takes it, best first.

    Args:
        path, size, found: as `find_in_files` yields them.
        class_names: list of str.

    Returns:
        Dictionary of "image", "width", "height" and "found", a list of dictionaries of
        "class", "score" and "box": x_min, y_min, x_max, y_max in pixels.
    """
    width, height = size
    rows = zip(found.boxes, found.labels, found.scores.tolist(), strict=True)
    return {
        "image": path,
        "width": width,
        "height": height,
        "found": [
            {
                "class": class_names[label],
                "score": score,
                "box": rounded(box),
            }
            for box, label, score in rows
        ],
    }


def rounded(box):
    """Return a box's sides as numbers with two decimals, for JSON."""
    return [round(float(side), 2) for side in box]


def as_line(row):
    """Return a picture's line of text from its `as_dict`.

    Example:

    >>> cat = {"class": "cat", "score": 0.9, "box": [10, 20.4, 30, 60]}
    >>> as_line({"image": "a.jpg", "found": [cat]})
    'a.jpg: cat (0.900) at 10 20 30 60'
    """
    named = [
        f"{each['class']} ({each['score']:.3f}) at "
        + " ".join(f"{side:.0f}" for side in each["box"])
        for each in row["found"]
    ]
    return f"{row['image']}: {'; '.join(named) or 'nothing found'}"


def coco_of(rows, class_names):
    """Return a list of `as_dict` as the object that COCO's JSON holds, with scores."""
    found = [row["found"] for row in rows]
    return as_coco(
        [(row["width"], row["height"]) for row in rows],
        [row["image"] for row in rows],
        [[each["box"] for each in some] for some in found],
        [[class_names.index(each["class"]) for each in some] for some in found],
        class_names,
        [[each["score"] for each in some] for some in found],
    )
