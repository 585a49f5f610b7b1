"""Pictures that are copies of each other, exact, altered, or nearly."""

import hashlib
from dataclasses import dataclass

import numpy as np

from resnet_keras.audit import descriptors

EXACT, NEAR, ALIKE = "exact copy", "near copy", "very alike"
# Cosines of gradients, chosen in docs/data.md: of altered copies 95 % lie above 0.987,
# of crops above 0.917, and of drawn hands no two above 0.905.
NEAR_FROM, ALIKE_FROM = 0.975, 0.93
_NUM_CANDIDATES = 100
_BLOCK = 256  # pictures compared with all others at a time


@dataclass(frozen=True)
class Pair:
    """Two pictures that are alike: rows, first the lower; `how` says what was altered.

    `kind` is `EXACT`, `NEAR` (the same photograph: encoded or resized again, mirrored,
    brighter or darker) or `ALIKE` (cropped, or taken moments apart).
    """

    first: int
    second: int
    kind: str
    score: float
    how: str = ""


def find_alike(images, queries=None):
    """Find pictures that are copies of others, or nearly.

    A thumbnail of 8 x 8 gives each picture its 100 most similar ones, mirrored or not;
    with those the gradients of the whole picture and of 18 crops are compared. So
    the cost of a picture hardly grows with their number.

    Args:
        images: uint8 (num_images, height, width, 3).
        queries: bool (num_images,); only pairs of a picture with True and one with
            False are looked for. None: all pairs.

    Returns:
        List of `Pair`, the most alike first.

    Example:

    >>> rng = np.random.default_rng(0)
    >>> images = rng.integers(0, 256, (5, 32, 32, 3), np.uint8)
    >>> images[4] = images[1, :, ::-1]
    >>> [(pair.first, pair.second, pair.how) for pair in find_alike(images)]
    [(1, 4, 'mirrored')]
    """
    members = _same_pixels(images)
    unique = np.array([rows[0] for rows in members], np.int64)
    found = {}
    if queries is None:
        _search(images, unique, unique, found)
    else:
        # A group of copies on both sides counts on both: its first row is one side's.
        asking = np.array([rows[0] for rows in members if queries[rows].any()], int)
        others = np.array([rows[0] for rows in members if not queries[rows].all()], int)
        _search(images, asking, others, found)
        _search(images, others, asking, found)
    rows_of = {rows[0]: rows for rows in members}
    pairs = [Pair(rows[0], other, EXACT, 1.0) for rows in members for other in rows[1:]]
    for (one, other), (score, how) in found.items():
        kind = NEAR if score >= NEAR_FROM else ALIKE
        pairs += [Pair(one, row, kind, score, how) for row in rows_of[other]]
        pairs += [
            Pair(*sorted((other, row)), kind, score, how) for row in rows_of[one][1:]
        ]
    if queries is not None:
        pairs = [pair for pair in pairs if queries[pair.first] != queries[pair.second]]
    return sorted(pairs, key=lambda pair: (-pair.score, pair.first, pair.second))


def groups(num_images, pairs):
    """Return a number per picture, equal where pairs connect them.

    Args:
        num_images: int.
        pairs: list of `Pair`.

    Returns:
        int64 (num_images,): the lowest row of its group.

    Example:

    >>> groups(4, [Pair(0, 2, EXACT, 1.0), Pair(2, 3, NEAR, 0.99)]).tolist()
    [0, 1, 0, 0]
    """
    parents = list(range(num_images))

    def root(row):
        while parents[row] != row:
            parents[row] = parents[parents[row]]
            row = parents[row]
        return row

    for pair in pairs:
        one, other = sorted((root(pair.first), root(pair.second)))
        parents[other] = one
    return np.array([root(row) for row in range(num_images)], np.int64)


def _same_pixels(images):
    """Return lists of rows whose pictures are equal, each in order."""
    found = {}
    for row, image in enumerate(images):
        key = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
        found.setdefault(key, []).append(row)
    return list(found.values())


def _search(images, asking, others, found):
    """Add to `found`, by rows, the score and the words of pairs that are alike.

    Args:
        images: uint8 (num_images, height, width, 3).
        asking: rows whose whole and cropped pictures are compared
        others: with these rows' whole pictures, mirrored or not.
        found: dictionary from (lower row, higher row) to (score, how); grows.
    """
    if not len(asking) or not len(others):
        return
    coarse, whole = [], []
    for start in range(0, len(others), _BLOCK):
        pictures = descriptors.grey(images[others[start : start + _BLOCK]])
        coarse.append(descriptors.coarse(pictures))
        whole.append(descriptors.whole(pictures))
    coarse, whole = np.concatenate(coarse, 1), np.concatenate(whole, 1)
    for start in range(0, len(asking), _BLOCK):
        rows = asking[start : start + _BLOCK]
        pictures = descriptors.grey(images[rows])
        known = descriptors.coarse(pictures)[0]
        similar = np.maximum(known @ coarse[0].T, known @ coarse[1].T)
        similar[rows[:, None] == others] = -2  # not with itself
        number = min(_NUM_CANDIDATES, len(others))
        candidates = np.argpartition(-similar, number - 1)[:, :number]
        for row, view, chosen in zip(
            rows, descriptors.views(pictures), candidates, strict=True
        ):
            scores = view @ whole[:, chosen].reshape(2 * number, -1).T  # (19, 2 n)
            scores = scores.reshape(-1, number)  # view and mirroring, by candidate
            for place in np.flatnonzero(scores.max(0) >= ALIKE_FROM):
                other = int(others[chosen[place]])
                key = min(int(row), other), max(int(row), other)
                if key[0] != key[1]:
                    known = found.get(key, (0, ""))
                    found[key] = max(known, _best(scores[:, place]))


def _best(scores):
    """Return the best score of views, each as it is and mirrored, and its words.

    Where a whole picture does, no crop is looked at.
    """
    if scores[:2].max() >= NEAR_FROM:
        scores = scores[:2]
    best = int(scores.argmax())
    words = ["cropped"] if best > 1 else []
    words += ["mirrored"] if best % 2 else []
    return min(float(scores[best]), 1.0), " and ".join(words)
