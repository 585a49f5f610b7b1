"""Labels that are probably wrong: confident learning on predictions of unseen images.

The predictions are a model's own, or of small networks that saw other pictures only.
"""

import importlib.util
import time

import numpy as np

from resnet_keras.audit.folds import out_of_fold
from resnet_keras.errors import InputError

HEADING = "Labels"
MISSING = (
    "Labels were not examined: cleanlab is not installed; pip install "
    "'resnet_keras[audit]' brings it."
)
_MARGIN = 0.5  # of another class's probability over that of the label
_WEAK = 0.7  # of the predictions right: below, the list holds many hard pictures


def has_cleanlab():
    """Say whether labels can be examined here."""
    return importlib.util.find_spec("cleanlab") is not None


def probable_wrong_labels(labels, probabilities):
    """Find labels that are probably wrong.

    Args:
        labels: int64 (num_images,).
        probabilities: (num_images, num_classes), of a model that did not learn from
            these images.

    Returns:
        int64 rows, the most confident errors first: as many of the lowest margins as
        confident learning says, and all where another class is more probable by 0.5.

    Source: Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in
    Dataset Labels", 2021, as `cleanlab.filter.find_label_issues` has it.
    """
    from cleanlab.filter import find_label_issues

    rows = np.arange(len(labels))
    others = np.array(probabilities)
    others[rows, labels] = 0
    margin = others.max(1) - probabilities[rows, labels]
    # Where the network is often unsure, confident learning alone takes too few.
    confident = find_label_issues(
        labels, probabilities, filter_by="low_normalized_margin", n_jobs=1
    )
    found = np.flatnonzero(confident | (margin > _MARGIN))
    return found[np.argsort(-margin[found], kind="stable")]


def by_folds(found, report=print):
    """Examine all labels by small networks, each trained on the other folds.

    Args:
        found: `Audit`; gets findings and a section.
        report: called with a sentence before each wait for the next networks.
    """
    pictures, start = found.pictures, time.monotonic()

    def say(number, total):
        text = f"Labels: {number} of {total} small networks trained"
        if number:
            per_network = (time.monotonic() - start) / number
            text += f"; about {per_network * (total - number):.0f} s left"
        report(text)

    try:
        probabilities = out_of_fold(
            pictures.images, pictures.labels, found.groups, report=say
        )
    except InputError as error:
        found.sections[HEADING] = [f"Not examined: {error}"]
        return
    whose = "small networks that had not seen their pictures"
    _add(found, np.arange(len(pictures)), probabilities, whose)


def by_model(found, classifier, metadata):
    """Examine labels by a model: of images that it did not train on, where known.

    Args:
        found: `Audit`; gets findings and a section.
        classifier: `Classifier`.
        metadata: of its file, which say what it trained on.

    Raises:
        InputError: the model has other classes.
    """
    from resnet_keras.inference import align_classes, check_numbers
    from resnet_keras.training import hold_out

    pictures = found.pictures
    dataset, name = pictures.dataset, classifier.name
    positions, _, note = align_classes(
        classifier.class_names,
        classifier.names_are_assumed,
        dataset.class_names,
        name,
        dataset.source,
    )
    rows = np.arange(len(pictures))
    remarks = [f"{note}."] if note else []
    config = (metadata.get("provenance") or {}).get("config") or {}
    if config.get("labels") == dataset.digest():
        labels = dataset.train.labels
        trained, _ = hold_out(labels, config["seed"], dataset.num_validation)
        rows = np.setdiff1d(rows, trained)
        remarks.append(
            f"{name} was trained on these data: the {len(trained)} images that it "
            "learned from are not examined. Without --model all are."
        )
    else:
        remarks.append(
            f"It is not known whether {name} learned from some of these images; "
            "wrong labels that it learned stay hidden."
        )
    probabilities = classifier.probabilities(pictures.images[rows])
    check_numbers(probabilities, name)
    probabilities = probabilities[:, positions]
    probabilities /= np.maximum(probabilities.sum(1, keepdims=True), 1e-12)
    _add(found, rows, probabilities, f"predictions of {name}")
    found.sections[HEADING] += remarks


def _add(found, rows, probabilities, whose):
    pictures, names = found.pictures, found.pictures.dataset.class_names
    labels = pictures.labels[rows]
    predicted = probabilities.argmax(1)
    accuracy = float((predicted == labels).mean())
    wrong = probable_wrong_labels(labels, probabilities)
    for place in wrong:
        given, other = labels[place], predicted[place]
        sure = probabilities[place]
        found.findings.append(
            pictures.finding(
                "wrong label",
                rows[place],
                f"probability {sure[given]:.2f}; of {names[other]} {sure[other]:.2f}",
                score=float(sure[other]),
                suggested=str(names[other]),
            )
        )
    found.sections[HEADING] = [
        f"{len(wrong)} of {len(rows)} labels are probably wrong, by {whose}, which "
        f"agree with {accuracy:.1%} of the labels."
    ]
    found.trusts_predictions = accuracy >= _WEAK
    if not found.trusts_predictions:
        found.sections[HEADING].append(
            "They agree with few, so many of those are hard pictures with right "
            "labels: train a better network on these data and give it as --model."
        )
