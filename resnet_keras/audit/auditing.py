"""A whole audit, and the quick part of it that a training run begins with."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from resnet_keras.audit.alike import ALIKE, EXACT, NEAR, find_alike, groups
from resnet_keras.audit.findings import Pictures
from resnet_keras.audit.oddities import find_oddities

_FEW_IMAGES = 20  # of a class to train on
_UNEQUAL = 3  # times as many images in one class as in another
_MOSTLY = 0.3  # of all pictures
_MOST_QUICK = 20_000  # images; they take some 10 s


@dataclass
class Audit:
    """What was found: `findings`, by kind, and `sections`, sentences by heading.

    `groups` numbers each image by its copies, exact and near: equal numbers should
    stay in one part. `trusts_predictions` says whether those that labels were compared
    with are good enough to leave pictures out.
    """

    pictures: Pictures
    findings: list
    sections: dict
    groups: np.ndarray = field(repr=False)
    trusts_predictions: bool = True

    def of_kind(self, *kinds):
        """Return the findings of some kinds."""
        return [finding for finding in self.findings if finding.kind in kinds]


def audit(dataset):
    """Look through a data set: copies, damage, odd pictures, and classes.

    Args:
        dataset: `Dataset`.

    Returns:
        `Audit`. Labels are examined apart: `by_folds` and `by_model` add to it.

    Example:

    >>> from resnet_keras import load_dataset
    >>> print(audit(load_dataset("signs")).sections["Copies"])  # doctest: +SKIP
    """
    pictures = Pictures(dataset)
    oddities, sizes = find_oddities(pictures)
    pairs = find_alike(pictures.images)
    copies = [pair for pair in pairs if pair.kind != ALIKE]
    found = [_of_pair(pictures, pair) for pair in pairs]
    found += [
        _two_labels(pictures, pair) for pair in pairs if _are_disputed(pictures, pair)
    ]
    sections = {
        "Copies": _say_pairs(pictures, pairs),
        "Pictures": sizes + _say_oddities(oddities),
        "Classes": _say_classes(dataset),
    }
    return Audit(pictures, found + oddities, sections, groups(len(pictures), copies))


def quick(dataset):
    """Return sentences on test images that are like training images; [] if none are.

    Exact copies, which `load_dataset` counts, are left out here.

    Args:
        dataset: `Dataset`.

    Example:

    >>> from resnet_keras import load_dataset
    >>> quick(load_dataset("signs"))  # doctest: +SKIP
    """
    number = len(dataset.train) + len(dataset.test)
    if not len(dataset.train) or not len(dataset.test):
        return []
    if number > _MOST_QUICK:
        return [
            f"Among {number} images altered copies were not looked for: python -m "
            "resnet_keras.audit does."
        ]
    pictures = Pictures(dataset)
    is_test = pictures.parts == "test"
    kinds = _kinds_of_test(pictures, find_alike(pictures.images, is_test))
    words = {
        NEAR: "altered copies of images of other parts",
        ALIKE: "very alike (cropped, or moments apart) to images of other parts",
    }
    found = [f"{kinds[kind]} are {words[kind]}" for kind in words if kinds[kind]]
    if not found:
        return []
    return [
        f"Of {is_test.sum()} test images {', and '.join(found)}: the test accuracy is "
        "too high by them. python -m resnet_keras.audit shows them."
    ]


def _kinds_of_test(pictures, pairs):
    """Count test images by the closest kind of pair with an image of another part."""
    kinds = {}
    for pair in pairs:  # the most alike first
        if pictures.parts[pair.first] != "test" == pictures.parts[pair.second]:
            kinds.setdefault(pair.second, pair.kind)
    return Counter(kinds.values())


def _of_pair(pictures, pair):
    words = [pair.how] if pair.how else []
    words += [] if pair.kind == EXACT else [f"similarity {pair.score:.3f}"]
    return pictures.finding(
        pair.kind, pair.second, "; ".join(words), other=pair.first, score=pair.score
    )


def _are_disputed(pictures, pair):
    """Say whether copies have different classes."""
    one, other = pictures.labels[[pair.first, pair.second]]
    return pair.kind != ALIKE and one != other


def _two_labels(pictures, pair):
    detail = f"{pictures.class_name(pair.second)} here, "
    detail += f"{pictures.class_name(pair.first)} there"
    return pictures.finding(
        "two labels", pair.second, detail, other=pair.first, score=pair.score
    )


def _say_pairs(pictures, pairs):
    sentences = []
    is_test = pictures.parts == "test"
    if 0 < is_test.sum() < len(pictures):
        sentences += _say_across(_kinds_of_test(pictures, pairs), is_test.sum())
    for kind in (EXACT, NEAR, ALIKE):
        inside = [
            pair
            for pair in pairs
            if pair.kind == kind
            and pictures.parts[pair.first] == pictures.parts[pair.second]
        ]
        if inside:
            rows = {row for pair in inside for row in (pair.first, pair.second)}
            sentences.append(
                f"{kind.capitalize()} within a part: {len(inside)} pairs of "
                f"{len(rows)} images."
            )
    rows = {row for pair in pairs for row in (pair.first, pair.second)}
    if len(rows) > _MOSTLY * len(pictures):
        sentences.append(
            f"{len(rows)} of {len(pictures)} images are like another: frames of "
            "sequences, or a subject that always looks alike. Keep a sequence in one "
            "part."
        )
    disputed = sum(_are_disputed(pictures, pair) for pair in pairs)
    if disputed:
        sentences.append(
            f"{disputed} pairs of copies have two labels, of which one at least is "
            "wrong."
        )
    return sentences or ["No two images are alike."]


def _say_across(kinds, num_test):
    if not kinds:
        return [f"None of {num_test} test images is like one of another part."]
    sentences = [
        f"Of {num_test} test images {kinds[EXACT]} are exact copies of images that are "
        f"trained on or validate, {kinds[NEAR]} more are near copies, and "
        f"{kinds[ALIKE]} more are very alike (cropped, or moments apart)."
    ]
    if leaked := kinds[EXACT] + kinds[NEAR]:
        sentences.append(
            f"So {leaked / num_test:.1%} of the test images are known to the network, "
            "and a test score is too high."
        )
    return sentences


def _say_oddities(found):
    counts = Counter(finding.kind for finding in found)
    if not counts:
        return ["None is damaged, blank, blurred, tiny, or of an odd size or mode."]
    return [f"{number} {kind}." for kind, number in counts.items()]


def _say_classes(dataset):
    counts = dataset.train.counts(len(dataset.class_names))
    if not len(dataset.train):
        return []
    largest, smallest = int(counts.argmax()), int(counts.argmin())
    names = dataset.class_names
    sentences = [
        f"{counts[smallest]} ({names[smallest]}) to {counts[largest]} "
        f"({names[largest]}) images to train on."
    ]
    if counts[largest] > _UNEQUAL * counts[smallest]:
        sentences.append(
            f"{names[largest]} has {counts[largest] / max(counts[smallest], 1):.1f} "
            f"times the images of {names[smallest]}: look at each class's recall, not "
            "at accuracy alone."
        )
    few = [
        str(name)
        for name, number in zip(names, counts, strict=True)
        if number < _FEW_IMAGES
    ]
    if few:
        sentences.append(
            f"Fewer than {_FEW_IMAGES} images: {', '.join(few[:10])}"
            f"{', ...' if len(few) > 10 else ''}."
        )
    return sentences
