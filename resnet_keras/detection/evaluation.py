"""How good found boxes are: COCO's figures, and what was missed or taken for what."""

import contextlib
import io
from dataclasses import replace

import numpy as np

from resnet_keras.detection.boxes import covered, overlaps
from resnet_keras.detection.coco import as_coco
from resnet_keras.detection.dataset import joined
from resnet_keras.errors import InputError
from resnet_keras.inference.aligning import align_classes

# COCO's twelve, in the order that pycocotools returns them in.
FIGURES = (
    *("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large"),
    *("AR1", "AR10", "AR100", "AR_small", "AR_medium", "AR_large"),
)
LEAST_SCORE = 0.05  # of found boxes; precision of the rest adds nothing to AP
LEAST_OVERLAP = 0.5  # with which a found box counts as the object's


def evaluate_detections(pictures, found, class_names, threshold=None):
    """Score what a model found in pictures.

    Args:
        pictures: `Pictures`, with the true boxes.
        found: for each picture boxes (num_found, 4) in pixels of `pictures.images`,
            labels (num_found,) and scores (num_found,), as `Found` has them. All that
            the model found, also with low scores: average precision needs them.
        class_names: list of str.
        threshold: score from which a found box counts for the confusion, the misses and
            the false alarms; by default that of the best F1 on these pictures.

    Returns:
        Dictionary of
            AP ... AR_large: COCO's twelve figures, measured in the pictures' own
                pixels; None where there is no object of that size.
            AP_per_class, AP50_per_class: dictionaries, None for a class without object.
            recall, precision: float (101,) and (num_classes, 101), the curves at an
                overlap of 0.5; NaN for a class without object.
            threshold, F1: the score from which boxes count, and the mean over all
                objects that it reaches at an overlap of 0.5.
            confusion: int (num_classes + 1, num_classes + 1), true by found class at an
                overlap of 0.5; the last row holds false alarms, the last column misses.
            misses: (picture, object) of objects with no box, the largest first.
            false_alarms: (picture, found) of boxes with no object, or one of another
                class, best score first.

    Raises:
        InputError: pycocotools is not installed.

    A found box of which half lies in an ignored box of its class, and which is no
    object, does not count (for COCO's figures: as much of it as the overlap asked for).

    Source: Lin et al. 2014, "Microsoft COCO", as pycocotools computes it.
    """
    result = _coco_figures(pictures, found, class_names)
    if threshold is None:
        threshold, best = best_threshold(pictures, found)
    else:
        best = _f1(*_hits(pictures, found), threshold)
    result |= {"threshold": threshold, "F1": best}
    return result | _compared(pictures, found, len(class_names), threshold)


def evaluate_part(finder, dataset, part="test", data="the data"):
    """Score a model on a part of a data set, whose classes are matched by name.

    Args:
        finder: `Finder`.
        dataset: `DetectionDataset`, at the finder's size.
        part: "test", "train" or "all".
        data: what to call the data in messages.

    Returns:
        The part's `Pictures`, labels in the model's order; for each the `Found`; and
        the dictionary of `evaluate_detections`, at the finder's own threshold.

    Raises:
        InputError: the data have a class that the model does not know, or the part has
            no picture.
    """
    pictures = {"train": dataset.train, "test": dataset.test}.get(part)
    if pictures is None:
        pictures = joined(dataset.train, dataset.test)
    if not len(pictures):
        raise InputError(
            f"{dataset.source}: has no {part} picture. Pictures that the model never "
            "saw score it with --part all."
        )
    positions = align_classes(
        finder.class_names, False, dataset.class_names, finder.name, data
    ).positions
    labels = tuple(positions[each] for each in pictures.labels)
    ignored = tuple(
        np.column_stack([each[:, :4], positions[each[:, 4].astype(int)]])
        for each in pictures.ignored
    )
    pictures = replace(pictures, labels=labels, ignored=ignored)
    found = finder.find(pictures.images, threshold=LEAST_SCORE)
    result = evaluate_detections(pictures, found, finder.class_names, finder.threshold)
    return pictures, found, result


def best_threshold(pictures, found):
    """Return the score from which found boxes have the best F1, and that F1.

    Args:
        pictures, found: as `evaluate_detections` takes them.

    Returns:
        Two numbers; 0.5 and 0.0 where nothing is found rightly.
    """
    scores, is_hit, num_objects = _hits(pictures, found)
    order = np.argsort(-scores, kind="stable")
    scores, is_hit = scores[order], is_hit[order]
    f1 = 2 * np.cumsum(is_hit) / (np.arange(1, len(scores) + 1) + num_objects)
    # Of equal scores all count or none.
    is_last = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
    f1 = np.where(is_last, f1, 0)
    if not is_hit.any():
        return 0.5, 0.0
    return float(scores[f1.argmax()]), float(f1.max())


def _f1(scores, is_hit, num_objects, threshold):
    counts = scores >= threshold
    return float(2 * is_hit[counts].sum() / max(counts.sum() + num_objects, 1))


def _hits(pictures, found):
    """Return scores of the found boxes that count, which are hits, and all objects."""
    scores, is_hit = [np.zeros(0, np.float32)], [np.zeros(0, bool)]
    for index, one in enumerate(found):
        hits, counts = _judged(pictures, index, one)
        scores.append(np.asarray(one.scores)[counts])
        is_hit.append(hits[counts])
    num_objects = sum(map(len, pictures.labels))
    return np.concatenate(scores), np.concatenate(is_hit), num_objects


def _judged(pictures, index, one):
    """Return which boxes found in a picture are hits, and which of all count."""
    is_hit = match(pictures.boxes[index], one, pictures.labels[index]) >= 0
    ignored = pictures.ignored[index]
    inside = covered(np.asarray(one.boxes), ignored[:, :4]) >= LEAST_OVERLAP
    inside &= np.asarray(one.labels)[:, None] == ignored[:, 4]
    return is_hit, is_hit | ~inside.any(1)


def match(boxes, found, labels=None):
    """Say which object each found box is: best score first, each object once.

    Args:
        boxes: (num_objects, 4), the true ones.
        found: `Found` of one picture, in the same pixels.
        labels: (num_objects,), where only boxes of one class may match.

    Returns:
        int (num_found,), positions in `boxes`; -1 for none with an overlap of 0.5.
    """
    matched = np.full(len(found.scores), -1)
    shared = overlaps(np.asarray(found.boxes), boxes)
    if labels is not None:
        shared *= np.asarray(found.labels)[:, None] == labels[None]
    for row in np.argsort(-np.asarray(found.scores), kind="stable"):
        if len(boxes) and shared[row].max() >= LEAST_OVERLAP:
            matched[row] = shared[row].argmax()
            shared[:, matched[row]] = 0
    return matched


def _compared(pictures, found, num_classes, threshold):
    """Return the confusion, the misses and the false alarms from a score on."""
    confusion = np.zeros((num_classes + 1, num_classes + 1), int)
    misses, alarms = [], []
    for index, (boxes, labels) in enumerate(
        zip(pictures.boxes, pictures.labels, strict=True)
    ):
        _, counts = _judged(pictures, index, found[index])
        rows = np.flatnonzero(counts & (np.asarray(found[index].scores) >= threshold))
        one = type(found[index])(*(np.asarray(each)[rows] for each in found[index]))
        matched = match(boxes, one)
        for row, label, score, true in zip(
            rows, one.labels, one.scores, matched, strict=True
        ):
            known = labels[true] if true >= 0 else num_classes
            confusion[known, label] += 1
            if known != label:
                alarms.append((float(score), index, int(row)))
        for true in np.setdiff1d(np.arange(len(labels)), matched):
            confusion[labels[true], num_classes] += 1
            sides = boxes[true, 2:] - boxes[true, :2]
            misses.append((float(sides.prod()), index, int(true)))
    return {
        "confusion": confusion,
        "misses": [tuple(place) for _, *place in sorted(misses, reverse=True)],
        "false_alarms": [tuple(place) for _, *place in sorted(alarms, reverse=True)],
    }


def _coco_figures(pictures, found, class_names):
    """Return what pycocotools computes, in the pictures' own pixels."""
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise InputError(
            "scoring boxes takes pycocotools; pip install 'resnet_keras[detection]'."
        ) from error
    own = [pictures.placement(index).to_picture for index in range(len(pictures))]
    true = [back(boxes) for back, boxes in zip(own, pictures.boxes, strict=True)]
    ignored = [
        np.column_stack([back(rows[:, :4]), rows[:, 4]])
        for back, rows in zip(own, pictures.ignored, strict=True)
    ]
    boxes = [back(one.boxes) for back, one in zip(own, found, strict=True)]
    labels, scores = [one.labels for one in found], [one.scores for one in found]
    about = (pictures.sizes, pictures.names)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints as it goes
        known, other = COCO(), COCO()
        known.dataset = as_coco(
            *about, true, pictures.labels, class_names, ignored=ignored
        )
        other.dataset = as_coco(*about, boxes, labels, class_names, scores)
        known.createIndex()
        other.createIndex()
        evaluation = COCOeval(known, other, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    # Overlaps by recalls by classes; of all sizes, with up to 100 boxes a picture.
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    figures = dict(zip(FIGURES, map(_known, evaluation.stats), strict=True))
    figures["AP_per_class"] = _per_class(precision, class_names)
    figures["AP50_per_class"] = _per_class(precision[:1], class_names)
    figures["recall"] = evaluation.params.recThrs
    figures["precision"] = np.where(precision[0] < 0, np.nan, precision[0]).T
    return figures


def _per_class(precision, class_names):
    means = precision.mean(axis=(0, 1))  # -1 throughout where there is no object
    return {name: _known(mean) for name, mean in zip(class_names, means, strict=True)}


def _known(figure):
    return None if figure < 0 else float(figure)
