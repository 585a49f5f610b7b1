"""Labels as people write them: numbers from 0 or 1, one-hot rows, text."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from resnet_keras.errors import InputError


@dataclass(frozen=True)
class Labels:
    """Labels of one part: integers or text (m,), and how they were written."""

    path: object
    key: str
    values: np.ndarray
    num_columns: int = 0  # of one-hot labels

    @property
    def are_text(self):
        """Whether the labels are names."""
        return self.values.dtype.kind == "U"


def read_labels(path, key, array, num_images):
    """Read labels given as (m,), (1, m), (m, 1) or one-hot.

    Args:
        path, key: where they are from, for messages.
        array: numbers or text.
        num_images: distinguishes one-hot labels (classes, m) from (m, classes).

    Returns:
        `Labels`: int64 or text.

    Raises:
        InputError: they are not labels of one class per image.
    """
    array = np.asarray(array)
    if array.ndim == 1 or (array.ndim == 2 and 1 in array.shape):
        return Labels(path, key, _flat(path, key, array.ravel()))
    if array.ndim == 2 and array.dtype.kind in "biuf":
        if array.shape[0] != num_images and array.shape[1] == num_images:
            array = array.T
        is_one_hot = ((array == 0) | (array == 1)).all() and (array.sum(1) == 1).all()
        if is_one_hot:
            return Labels(path, key, array.argmax(1), array.shape[1])
        raise InputError(
            f'{path}: "{key}" has shape {array.shape}, and its rows are not one-hot, a '
            "single 1 among zeros; expected one class per image."
        )
    raise InputError(
        f'{path}: "{key}" has shape {array.shape} of {array.dtype}; expected (m,), one '
        "integer or name per image, or one-hot (m, classes)."
    )


def _flat(path, key, labels):
    if labels.dtype.kind in "SOU":
        return np.array([as_text(label) for label in labels], np.str_)
    if labels.dtype.kind == "b":
        return labels.astype(np.int64)
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        wrong = "NaN" if np.isnan(labels).any() else "an infinity"
        raise InputError(f'{path}: "{key}" contains {wrong}; expected integers.')
    if labels.dtype.kind not in "iuf" or (labels != np.floor(labels)).any():
        raise InputError(f'{path}: "{key}" is {labels.dtype}; expected integers.')
    wrong = labels[np.abs(labels.astype(np.float64)) >= 2**31]
    if len(wrong):  # before a narrower type changes the number
        raise InputError(
            f'{path}: "{key}" contains the label {wrong[0]}; expected 0 or a little '
            "more, a position among the classes."
        )
    return labels.astype(np.int64)


def as_text(name):
    """Return a name that a file holds as bytes, text or a number."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def settle_classes(parts, class_names, check_empty=True):
    """Convert the labels of all parts to positions in one list of class names.

    Args:
        parts: dictionary from a part's name to its `Labels`, the training part first.
        class_names: list, or None where the source names no classes.
        check_empty: whether each class must be among the labels of the first part.

    Returns:
        (class_names, positions, notes): a dictionary of int64 arrays by part, and
        sentences that say how the labels were read.

    Raises:
        InputError: a label is no class, or a class has no image.
    """
    first = next(iter(parts.values()))
    notes = []
    if len({labels.are_text for labels in parts.values()}) > 1:
        text = next(labels for labels in parts.values() if labels.are_text)
        number = next(labels for labels in parts.values() if not labels.are_text)
        raise InputError(
            f'{text.path}: "{text.key}" is text but "{number.key}" of {number.path} '
            "are numbers; expected the same kind of labels in every part."
        )
    if first.are_text:
        if class_names is None:
            class_names = sorted({str(value) for value in first.values})
            notes.append(
                f'Labels ("{first.key}") are text: the classes are in the order of '
                f"text, {shown(class_names)}."
            )
        positions = {
            part: _positions_of_text(labels, class_names)
            for part, labels in parts.items()
        }
    else:
        class_names, offset, note = _number_classes(parts, first, class_names)
        notes += note
        positions = {part: labels.values - offset for part, labels in parts.items()}
    for part, labels in parts.items():
        _check_positions(labels, positions[part], len(class_names))
    if check_empty:
        check_no_empty_class(first.path, next(iter(positions.values())), class_names)
    return class_names, positions, notes


def _number_classes(parts, first, class_names):
    """Return the class names, the label of the first of them, and notes."""
    notes = []
    columns = {labels.num_columns for labels in parts.values() if labels.num_columns}
    if columns:
        if len({labels.num_columns for labels in parts.values()}) > 1:
            raise InputError(
                f"{first.path}: one-hot labels of {sorted(columns)} classes beside "
                "others; expected the same kind of labels in every part."
            )
        notes.append(f'Labels ("{first.key}") are one-hot: each stands for its column.')
        return class_names or [str(n) for n in range(columns.pop())], 0, notes
    num_labels = len(first.values)
    lowest = min(int(labels.values.min(initial=0)) for labels in parts.values())
    highest = int(first.values.max(initial=0))
    # Labels from 1 on without a gap, as many as there are names, have one reading.
    starts_at_1 = (
        all((labels.values >= 1).all() for labels in parts.values())
        and 0 < highest <= num_labels
        and len(np.unique(first.values)) == highest
        and (class_names is None or len(class_names) == highest)
    )
    if starts_at_1:
        notes.append(
            f'Labels ("{first.key}") are from 1 to {highest}: 1 is the first class.'
        )
        return class_names or [str(n + 1) for n in range(highest)], 1, notes
    if class_names is None:
        if highest + 1 > num_labels and lowest >= 0:
            raise InputError(
                f'{first.path}: "{first.key}" contains the label {highest} but has '
                f"only {num_labels} labels, so a class below it is empty; expected "
                "labels from 0 on, each at least once."
            )
        class_names = [str(label) for label in range(highest + 1)]
    return class_names, 0, notes


def _positions_of_text(labels, class_names):
    positions = {name: index for index, name in enumerate(class_names)}
    for value in labels.values:
        if str(value) not in positions:
            raise InputError(
                f'{labels.path}: "{labels.key}" contains {str(value)!r}, which is not '
                f"one of the {len(class_names)} classes ({shown(class_names)})."
            )
    return np.array([positions[str(value)] for value in labels.values], np.int64)


def _check_positions(labels, positions, num_classes):
    wrong = labels.values[(positions < 0) | (positions >= num_classes)]
    if len(wrong):
        raise InputError(
            f'{labels.path}: "{labels.key}" contains the label {wrong[0]}; expected 0 '
            f"to {num_classes - 1}, a position among the {num_classes} classes."
        )


def check_names(path, key, class_names):
    """Refuse class names that are not all different."""
    for name, number in Counter(class_names).items():
        if number > 1:
            raise InputError(
                f'{path}: "{key}" names {name!r} {number} times; expected a different '
                "name for each class."
            )


def check_no_empty_class(path, labels, class_names):
    """Refuse training labels without one of the classes."""
    counts = np.bincount(labels, minlength=len(class_names))
    if (counts == 0).any():
        name = class_names[int(np.flatnonzero(counts == 0)[0])]
        raise InputError(
            f'{path}: no training image of class "{name}", an empty class; expected at '
            "least one of each."
        )


def shown(names, most=10):
    """Return the first few of many names in one line."""
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(str(name) for name in names[:most]) + more


def say_no_test(test_labels, class_names, is_drawn=True):
    """Return a list of one sentence on classes without a test image, or of none."""
    missing = np.setdiff1d(np.arange(len(class_names)), test_labels)
    missing = [class_names[label] for label in missing]
    if not missing:
        return []
    if not is_drawn:
        return [f"The test part has no image of {shown(missing)}."]
    return [
        f"No test image yet of {shown(missing)}: an image's part is drawn by the image "
        "alone, so that it never changes; more images will bring some."
    ]
