"""What a model finds in picture files, in the pixels of each."""

from resnet_keras.data.images import read_image
from resnet_keras.detection.annotations import shown_size
from resnet_keras.detection.coco import as_coco
from resnet_keras.detection.letterbox import letterbox
from resnet_keras.inference.pictures import read_together

AT_ONCE = 8  # pictures in memory, each as large as it is


def find_in_files(finder, paths, threshold, report):
    """Yield a path, its picture and what is found in it, for each picture file.

    Args:
        finder: `Finder`.
        paths: list of picture files.
        threshold: least score of a box; None for the model's own.
        report: function that is called with the `InputError` of each picture that
            cannot be read; the others go on.

    Yields:
        The path; uint8 (height, width, 3), turned as the camera was held; and `Found`,
        boxes in pixels of that.
    """
    for pairs in read_together(paths, read_whole, report, AT_ONCE):
        found = finder.find([image for _, image in pairs], threshold=threshold)
        for (path, image), one in zip(pairs, found, strict=True):
            yield path, image, one


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
    square, placement = letterbox(read_whole(path), longer)
    left, top, right, bottom = placement.window
    if box is not None:
        box = placement.to_square(box)[0] - (left, top, left, top)
    return square[top:bottom, left:right], box


def as_dict(path, image, found, class_names):
    """Return what is found in a picture as JSON takes it, best first.

    Args:
        path, image, found: as `find_in_files` yields them.
        class_names: list of str.

    Returns:
        Dictionary of "image", "width", "height" and "found", a list of dictionaries of
        "class", "score" and "box": x_min, y_min, x_max, y_max in pixels.
    """
    height, width = image.shape[:2]
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
