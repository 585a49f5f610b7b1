"""Pictures that stand out by themselves: damaged, blank, blurred, tiny, odd."""

from collections import Counter

import numpy as np

from resnet_keras.audit.descriptors import grey
from resnet_keras.audit.findings import Finding
from resnet_keras.data.images import picture_facts

_BLANK = 4.0  # deviation of grey, in levels of 255
_SHARP = 0.5  # of the set's median sharpness
# Rounding to 255 levels has a variance of 1/12 per channel, and in the Laplacian of
# their grey, by the squares of its 5 factors and of the 3 channels', of this:
_ROUNDING = 20 * 0.447 / 12
_FEW = 0.1  # of the pictures, at most, are odd in one way
_LONGEST = 2.0  # sides; of a longer picture the square in the middle is less than half
_BLOCK = 512


def find_oddities(pictures):
    """Find pictures that are damaged, blank, blurred, tiny, or unlike all others.

    Args:
        pictures: `Pictures`.

    Returns:
        (findings, sentences): list of `Finding`, and a summary of sizes and modes.
    """
    found = [
        Finding("damaged", str(path), "", "", reason)
        for path, reason in pictures.dataset.broken.items()
    ]
    deviation, sharpness, is_grey = _measures(pictures.images)
    is_blank = deviation < _BLANK
    found += [
        pictures.finding("blank", row, f"grey levels differ by {deviation[row]:.1f}")
        for row in np.flatnonzero(is_blank)
    ]
    usual = np.median(sharpness[~is_blank]) if not is_blank.all() else 0.0
    found += [
        pictures.finding("blurred", row, f"{sharpness[row] / usual:.2f} of the usual")
        for row in np.flatnonzero((sharpness < _SHARP * usual) & ~is_blank)
    ]
    if pictures.paths is None:
        height, width = pictures.images.shape[1:3]
        modes = np.where(is_grey, "grey", "colour")
        found += _odd_modes(pictures, modes)
        return found, [
            f"Arrays of pictures, seen at {width} x {height} pixels; "
            f"{_counted(Counter(modes.tolist()))}."
        ]
    facts = [picture_facts(path) for path in pictures.paths]
    sizes = [(width, height) for width, height, _ in facts]
    modes = np.array([mode for *_, mode in facts], object)  # names of any length
    found += _tiny(pictures, sizes) + _odd_sizes(pictures, sizes)
    modes[(modes == "RGB") & is_grey & ~is_blank] = "RGB without colour"
    found += _odd_modes(pictures, modes)
    return found, [_say_sizes(sizes), f"Modes: {_counted(Counter(modes.tolist()))}."]


def _measures(images):
    """Return deviation of grey, sharpness, and whether there is no colour.

    Sharpness is the deviation of the Laplacian over that of the gradient: of how fine
    the edges are, not of how many there are.
    """
    parts = []
    for start in range(0, len(images), _BLOCK):
        block = images[start : start + _BLOCK]
        pictures = grey(block)
        inner = pictures[:, 1:-1, 1:-1]
        laplacian = 4 * inner - pictures[:, :-2, 1:-1] - pictures[:, 2:, 1:-1]
        laplacian -= pictures[:, 1:-1, :-2] + pictures[:, 1:-1, 2:]
        down, right = np.diff(pictures, axis=1), np.diff(pictures, axis=2)
        gradient = np.hypot(down[:, :, 1:], right[:, 1:])
        fine = np.sqrt(np.maximum(laplacian.var((1, 2)) - _ROUNDING, 0))
        sharpness = fine / np.maximum(gradient.std((1, 2)), 0.5)
        spread = np.ptp(block, axis=3).max((1, 2))
        parts.append((pictures.std((1, 2)), sharpness, spread == 0))
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def _tiny(pictures, sizes):
    wanted = min(pictures.images.shape[1:3])
    return [
        pictures.finding("tiny", row, f"{width} x {height} pixels; seen at {wanted}")
        for row, (width, height) in enumerate(sizes)
        if 2 * min(width, height) < wanted
    ]


def _odd_sizes(pictures, sizes):
    """Find shapes that lose half when cropped, and sizes unlike a common one."""
    common, number = Counter(sizes).most_common(1)[0]
    is_common = number >= (1 - _FEW) * len(sizes)
    found = []
    for row, (width, height) in enumerate(sizes):
        detail = f"{width} x {height} pixels"
        if max(width, height) > _LONGEST * min(width, height):
            part = min(width, height) / max(width, height)
            detail += f"; of its longer side {part:.0%} are seen"
        elif not is_common or (width, height) == common:
            continue
        else:
            detail += f"; {common[0]} x {common[1]} is usual"
        found.append(pictures.finding("odd size", row, detail))
    return found


def _odd_modes(pictures, modes):
    counts = Counter(modes.tolist())
    common, number = counts.most_common(1)[0]
    if number < (1 - _FEW) * len(modes):
        return []
    return [
        pictures.finding("odd colours", row, f"{modes[row]}; {common} is usual")
        for row in np.flatnonzero(modes != common)
    ]


def _say_sizes(sizes):
    widths, heights = np.array(sizes).T
    counts = Counter(sizes)
    if len(counts) == 1:
        return f"Sizes: all are {widths[0]} x {heights[0]} pixels."
    (width, height), number = counts.most_common(1)[0]
    areas = widths.astype(np.int64) * heights
    texts = [
        f"{name} {widths[row]} x {heights[row]}"
        for name, row in (
            ("smallest", areas.argmin()),
            ("median", np.argsort(areas, kind="stable")[len(areas) // 2]),
            ("largest", areas.argmax()),
        )
    ]
    return (
        f"Sizes: {', '.join(texts)} pixels; {len(counts)} different ones, the most "
        f"common {width} x {height} ({number})."
    )


def _counted(counts):
    return ", ".join(f"{number} {name}" for name, number in counts.most_common())
