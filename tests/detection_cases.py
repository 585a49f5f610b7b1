"""Small annotated picture sets that the tests of detection share."""

import json

import numpy as np
from PIL import Image

from resnet_keras.detection.annotations import Annotated, Annotations
from resnet_keras.detection.dataset import Pictures

SIZES = [(120, 80), (64, 64), (50, 133), (200, 90), (31, 47), (99, 100)]


def painted(size, boxes, path, **options):
    """Write a dark picture with white boxes, (x_min, y_min, x_max, y_max)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((size[1], size[0], 3), 20, np.uint8)
    for left, top, right, bottom in boxes:
        image[int(top) : int(bottom), int(left) : int(right)] = 250
    Image.fromarray(image).save(path, **options)
    return path


def annotated(folder, parts=("train",) * 4 + ("test",) * 2, seed=0):
    """Write pictures of many sizes, and return them with random boxes, some none."""
    rng, pictures = np.random.default_rng(seed), []
    for index, (part, size) in enumerate(zip(parts, SIZES, strict=True)):
        number = (2, 0, 3, 1, 1, 2)[index]
        low = rng.uniform(0, 0.6, (number, 2))
        high = low + rng.uniform(0.1, 0.4, (number, 2))
        boxes = np.concatenate([low, high], axis=1) * [*size, *size]
        labels = rng.integers(0, 2, number)
        path = painted(size, boxes, folder / f"picture {index}.png")
        pictures.append(Annotated(path, part, size, boxes, labels))
    return Annotations(pictures, ["left hand", "right"])


def pictures(*objects, size=100, own=None):
    """Return `Pictures` of lists of (box, label), each of `own` pixels a side."""
    return Pictures(
        np.zeros((len(objects), size, size, 3), np.uint8),
        tuple(
            np.array([box for box, _ in each], np.float32).reshape(-1, 4)
            for each in objects
        ),
        tuple(np.array([label for _, label in each], np.int64) for each in objects),
        tuple(f"{index}.png" for index in range(len(objects))),
        np.full((len(objects), 2), own or size),
    )


def coco_of_one(folder, boxes, categories=("cat", "dog"), crowds=(), size=(100, 80)):
    """Write a picture, b.png, and COCO's JSON of its boxes, (category id, bbox)."""
    painted(size, [], folder / "b.png")
    rows = [(1, category, bbox) for category, bbox in boxes]
    path = coco(folder / "x.json", [("b.png", *size)], rows, categories)
    content = json.loads(path.read_text())
    for index in crowds:
        content["annotations"][index]["iscrowd"] = 1
    path.write_text(json.dumps(content))
    return path


def coco(path, images, boxes=(), categories=("cat", "dog"), **changes):
    """Write COCO's JSON.

    Args:
        images: list of (file name, width, height); ids count from 1.
        boxes: list of (image id, category id, bbox); ids count from 1.
    """
    content = {
        "images": [
            {"id": index + 1, "file_name": name, "width": width, "height": height}
            for index, (name, width, height) in enumerate(images)
        ],
        "annotations": [
            {"id": index + 1, "image_id": image, "category_id": number, "bbox": box}
            for index, (image, number, box) in enumerate(boxes)
        ],
        "categories": [
            {"id": index + 1, "name": name} for index, name in enumerate(categories)
        ],
    } | changes
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def voc(path, filename, size, objects):
    """Write VOC's XML; objects are (name, xmin, ymin, xmax, ymax)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(
        f"<object><name>{name}</name><difficult>0</difficult><bndbox><xmin>{a}</xmin>"
        f"<ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for name, a, b, c, d in objects
    )
    path.write_text(
        f"<annotation><filename>{filename}</filename><size><width>{size[0]}</width>"
        f"<height>{size[1]}</height></size>{text}</annotation>"
    )
    return path


def yolo(root, labels, names="[cat, dog]", size=(100, 50), part="train"):
    """Write data.yaml, and a picture with a file of labels for each of `labels`."""
    for index, text in enumerate(labels):
        path = root / "images" / part / f"{index}.png"
        painted(size, [(index, 0, index + 9, 9)], path)
        file = root / "labels" / part / f"{index}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            file.write_text(text)
    yaml = root / "data.yaml"
    yaml.write_text(f"train: images/train\nnames: {names}\n")
    return root
