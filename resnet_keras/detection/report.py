"""What an evaluation of found boxes leaves: figures, a dictionary for JSON, text."""

import numpy as np

from resnet_keras.detection.evaluation import FIGURES
from resnet_keras.tables import table


def figures(pictures, found, result, class_names):
    """Return the figures of an evaluation, by their names, `settings.FIGURE_FILES`.

    Args:
        pictures, found, class_names: as `evaluate_detections` takes them.
        result: what it returned.
    """
    from resnet_keras import plots

    true = list(zip(pictures.boxes, pictures.labels, strict=True))
    counted = [above(one, result["threshold"]) for one in found]
    images = pictures.images
    return {
        "detections.png": plots.detections(
            images, true, counted, class_names, ignored=pictures.ignored
        ),
        "precision_recall.png": plots.precision_recall(
            result["recall"], result["precision"], class_names, result["AP50_per_class"]
        ),
        "confusion.png": plots.found_confusion(
            result["confusion"], class_names, result["threshold"]
        ),
        "misses.png": plots.misses(images, true, result["misses"], class_names),
        "false_alarms.png": plots.false_alarms(
            images, true, found, result["false_alarms"], class_names
        ),
    }


def above(found, threshold):
    """Return the `Found` of one picture with a score of `threshold` or more."""
    rows = np.flatnonzero(np.asarray(found.scores) >= threshold)
    return type(found)(*(np.asarray(each)[rows] for each in found))


def as_metrics(pictures, result, class_names):
    """Return an evaluation as JSON takes it; misses and alarms are counted.

    Args:
        pictures, class_names: as `evaluate_detections` takes them.
        result: what it returned.
    """
    counts = pictures.counts(len(class_names)).tolist()
    return {
        **{name: result[name] for name in FIGURES},
        "AP_per_class": result["AP_per_class"],
        "AP50_per_class": result["AP50_per_class"],
        "threshold": result["threshold"],
        "F1": result["F1"],
        "num_pictures": len(pictures),
        "num_pictures_without_objects": pictures.num_empty,
        "num_objects_per_class": dict(zip(class_names, counts, strict=True)),
        "num_misses": len(result["misses"]),
        "num_false_alarms": len(result["false_alarms"]),
        "class_names": list(class_names),
        "confusion": result["confusion"].tolist(),
    }


def as_text(pictures, result, class_names):
    """Return the table of an evaluation, and what it comes to.

    Args:
        pictures, class_names: as `evaluate_detections` takes them.
        result: what it returned.
    """
    counts = pictures.counts(len(class_names))
    rows = [
        (
            name,
            _figure(result["AP_per_class"][name]),
            _figure(result["AP50_per_class"][name]),
            count,
        )
        for name, count in zip(class_names, counts, strict=True)
    ]
    total, missed = int(counts.sum()), len(result["misses"])
    alarms = len(result["false_alarms"])
    return "\n".join(
        [
            table(("class", "AP", "AP50", "objects"), rows),
            f"From a score of {result['threshold']:.2f} on, "
            f"{total - missed} of {total} objects are found, "
            f"{int(result['confusion'].trace())} of them rightly named; "
            f"{alarms} boxes are false alarms or wrongly named",
            f"AP {_figure(result['AP'])}, AP50 {_figure(result['AP50'])}, "
            f"AP75 {_figure(result['AP75'])}",
        ]
    )


def _figure(value):
    return "-" if value is None else f"{value:.3f}"
