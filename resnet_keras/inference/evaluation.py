"""Scores of a model on a part of a data set."""

import numpy as np

from resnet_keras.errors import InputError
from resnet_keras.inference.aligning import align_classes
from resnet_keras.inference.answering import calibration_error
from resnet_keras.inference.metrics import check_numbers, scores

_MORE = (
    *("balanced_accuracy", "macro_f1", "calibration_error", "calibration_interval"),
    *("coverage", "answered_accuracy", "precision_of_products", "agreement"),
    "difference",
)


def evaluate(classifier, dataset, part="test", data="the data"):
    """Score a model on images whose classes are known, matched by name.

    Args:
        classifier: `Classifier`.
        dataset: `Dataset`, at the classifier's size.
        part: "test", "train" or "all".
        data: what to call the data in messages.

    Returns:
        The dictionary of `scores`, with `class_names`, of the model's outputs; `note`,
        a sentence where their order was assumed, else ""; `images`, a list of arrays;
        and `labels`, (num_images,), positions in `class_names`; `calibrated`,
        (num_images, num_classes), probabilities as `predict` gives them;
        `calibration_error` and its `calibration_interval`; and, if the model knows
        when not to answer, `coverage`, the share of images that it answers, and
        `answered_accuracy`, how many of those are right. Of a classifier that does not
        predict in float32 also `precision_of_products`; `agreement`, the fraction of
        images for which float32 gives the same class; and `difference`, the largest of
        a probability.

    Raises:
        InputError: model and data do not have the same classes, the part has no image,
            or the model predicts NaN or infinity.
    """
    positions, class_names, note = align_classes(
        classifier.class_names,
        classifier.names_are_assumed,
        dataset.class_names,
        classifier.name,
        data,
    )
    parts = {"train": [dataset.train], "test": [dataset.test]}
    parts["all"] = parts["train"] + parts["test"]
    chosen = [each for each in parts[part] if len(each)]
    if not chosen:
        raise InputError(
            f"{dataset.source}: has no {part} image. Images that the model never saw "
            "score it with --part all."
        )
    images = [each.images for each in chosen]
    labels = np.concatenate([positions[each.labels] for each in chosen])
    parts = [classifier.predict(each) for each in images]
    probabilities, calibrated, answered = map(np.concatenate, zip(*parts, strict=True))
    check_numbers(probabilities, classifier.name)
    result = scores(probabilities, labels)
    if classifier.precision != "float32":
        plain = classifier.in_float32()
        expected = np.concatenate([plain.probabilities(x) for x in images])
        is_same = probabilities.argmax(axis=1) == expected.argmax(axis=1)
        result |= {
            "precision_of_products": classifier.precision,
            "agreement": float(is_same.mean()),
            "difference": float(np.abs(probabilities - expected).max()),
        }
    if classifier.answering:
        is_right = probabilities.argmax(axis=1) == labels
        result["coverage"] = float(answered.mean())
        if answered.any():
            result["answered_accuracy"] = float(is_right[answered].mean())
    error, interval = calibration_error(calibrated, labels)
    result |= {"calibration_error": error, "calibration_interval": interval}
    return result | {
        "calibrated": calibrated,
        "class_names": class_names,
        "note": note,
        "images": images,
        "labels": labels,
    }


def as_metrics(result, part):
    """Return what `evaluate` returned for a part, as JSON takes it, for metrics.json.

    NaN, of a class that was never predicted or has no image, becomes None.
    """
    return {
        "part": part,
        f"{part}_accuracy": result["accuracy"],
        f"{part}_interval": list(result["interval"]),
        f"{part}_loss": result["loss"],
        **{key: result[key] for key in _MORE if key in result},
        f"num_{part}_images": len(result["labels"]),
        "class_names": result["class_names"],
        **{
            key: [float(x) if x == x else None for x in result[key]]
            for key in ("precision", "recall")
        },
        "confusion": result["confusion"].tolist(),
    }
