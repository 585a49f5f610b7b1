"""Which image belongs to which part: by the words of its source, or by drawing."""

import hashlib
import re
from itertools import takewhile

import numpy as np

TEST_FRACTION = 0.2  # of each class, where a source has no test part of its own

_WORDS = {
    "train": "train training trainset tr",
    "validation": "val valid validation validate validating valset dev",
    "test": "test testing tests testset eval evaluation te",
}
_PART_OF_WORD = {word: part for part, words in _WORDS.items() for word in words.split()}
_FILLERS = {
    *("set", "sets", "data", "dataset", "split", "part", "folder", "dir", "image"),
    *("images", "img", "imgs", "picture", "pictures", "photo", "photos", "label"),
    *("labels", "csv", "and"),
}
_GLUED = re.compile(
    rf"(x|y)({'|'.join(_PART_OF_WORD)})|({'|'.join(_PART_OF_WORD)})(x|y)"
)


def words_of(name):
    """Split a name into its words, in lower case and without its numbers.

    Example:

    >>> words_of("seg_trainImages-2017"), words_of("xTrain"), words_of("ytest")
    (['seg', 'train', 'images'], ['x', 'train'], ['y', 'test'])
    """
    spaced = re.sub(r"([a-z])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3 \2\4", name)
    words = []
    for word in re.findall(r"[^\W\d_]+", spaced.lower()):
        glued = _GLUED.fullmatch(word)
        words += [each for each in glued.groups() if each] if glued else [word]
    return words


def parts_of_folders(names):
    """Return the part that each folder's name says, "train", "validation" or "test".

    A name must say nothing else ("training_set"), apart from a beginning that all of
    the names have ("seg_train", "seg_test"); of the others nothing is returned.

    Example:

    >>> parts_of_folders(["Train", "valid", "train station"])
    {'Train': 'train', 'valid': 'validation'}
    """
    words = {name: words_of(name) for name in names}
    common = num_common(*words.values()) if len(words) > 1 else 0
    parts = {}
    for name, each in words.items():
        rest = [word for word in each[common:] if word not in _FILLERS]
        if len(rest) == 1 and rest[0] in _PART_OF_WORD:
            parts[name] = _PART_OF_WORD[rest[0]]
    return parts


def num_common(*sequences):
    """Return how many entries, from the first on, sequences have in common.

    Example:

    >>> num_common("abcd", "abxd")
    2
    """
    places = zip(*sequences, strict=False)
    return sum(1 for _ in takewhile(lambda place: len(set(place)) == 1, places))


def part_in(name):
    """Return the one part that a file's or an array's name contains, or None.

    Example:

    >>> part_in("train_signs"), part_in("x_val"), part_in("signs")
    ('train', 'validation', None)
    """
    found = {_PART_OF_WORD[word] for word in words_of(name) if word in _PART_OF_WORD}
    return found.pop() if len(found) == 1 else None


def stratified_split(labels, fraction, seed):
    """Draw about `fraction` of each class, at least one of each that has two or more.

    Args:
        labels: integers, shape (num_images,).
        fraction: between 0 and 1.
        seed: the same seed draws the same positions.

    Returns:
        (rest, drawn): sorted positions in `labels`, which together are all of them.

    Example:

    >>> stratified_split([0, 0, 0, 0, 1, 1], fraction=0.25, seed=0)[1].shape
    (2,)
    """
    labels = np.asarray(labels)
    rng = np.random.default_rng(seed)
    drawn = []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        drawn.append(
            members[: min(max(1, round(fraction * len(members))), len(members) - 1)]
        )
    drawn = np.sort(np.concatenate(drawn))
    return np.setdiff1d(np.arange(len(labels)), drawn), drawn


def is_for_test(key, seed):
    """Say whether an image is for the test: one in five, by its own key alone.

    A part must never change when other images are added, in whatever order, so nothing
    but the image itself can decide. The price: of a few images none may be for the
    test.

    Args:
        key: text or bytes that belong to the image, as "class/file name".
        seed: another seed draws others.

    Example:

    >>> [is_for_test(f"cat/{number}.png", seed=0) for number in range(4)]
    [False, False, False, False]
    """
    if isinstance(key, str):
        key = key.encode("utf-8", "surrogateescape")
    digest = hashlib.blake2b(f"{seed}/".encode() + key, digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64 < TEST_FRACTION


def say_drawn(num_training, num_test, seed, by):
    """Return a sentence on a test part that was drawn, image by image.

    Args:
        num_training, num_test: how many images each part has.
        seed: of the drawing.
        by: what decides the part of an image, such as "its file's name".
    """
    if num_test:
        return (
            f"No test part given: about {TEST_FRACTION:.0%} of the images, each drawn "
            f"by {by} with seed {seed}, are held out for the test."
        )
    return (
        f"No test part given, and none of the {num_training} images falls to it: each "
        f"is drawn by {by} alone, so that its part never changes. More images will "
        "bring some, or give a test part of your own."
    )


def settle_parts(present, needs_train):
    """Return the role of each of a source's parts, and whether to draw a test part.

    Args:
        present: set of "train", "validation" and "test".
        needs_train: as in `load_dataset`.

    Returns:
        (roles, is_drawn, note): the role of each part; whether the test part is to be
        drawn from the training part; a sentence about it, or "".
    """
    roles = {part: part for part in present}
    if "test" in present:
        return roles, False, ""
    if "validation" in present:
        roles["validation"] = "test"
        return (
            roles,
            False,
            "No test part given: the validation part is used for the test, and images "
            "of the training part are held out to validate."
            if needs_train
            else "No test part given: the validation part is used for it.",
        )
    return roles, True, ""
