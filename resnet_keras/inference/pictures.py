"""Predictions for picture files: in folders, by pattern, in any number."""

import glob
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from resnet_keras.data.images import IMAGE_SUFFIXES, read_image
from resnet_keras.errors import InputError
from resnet_keras.inference.metrics import check_numbers

_AT_ONCE = 32  # pictures in memory


def find_pictures(name):
    """Return the picture files that a name means, as strings.

    Args:
        name: a file, which is returned as it is; a folder, whose pictures are found in
            subfolders too and sorted by path, but for names that begin with a dot or
            "@" or two underscores; or a pattern with *, ? or [...], where ** stands for
            any subfolders.

    Raises:
        InputError: a folder holds no picture, or a pattern matches nothing.
    """
    if os.path.isdir(name):
        if not (found := sorted(_walk(name))):
            raise _without_pictures(name)
        return found
    if os.path.lexists(name) or not glob.has_magic(name):
        return [name]
    found = sorted(glob.glob(name, recursive=True))
    if not found:
        raise InputError(f"{name}: no such file, and a pattern that matches none.")
    # Of a folder among them the pictures, unless ** has found those already.
    pictures = [x for match in found for x in _pictures_or_nothing(match)]
    return list(dict.fromkeys(pictures))


def each_picture(names, report):
    """Yield the picture files that several names mean, one by one.

    As `find_all`, for any number: nothing is kept in memory. The pictures of a folder
    come before those of its subfolders.

    Args:
        names: iterable of files, folders and patterns.
        report: function that is called with the `InputError` of each name that means
            none; the others go on.
    """
    for name in names:
        if not os.path.isdir(name):
            yield from find_all([name], report)
            continue
        is_empty = True
        for path in _walk(name):
            is_empty = False
            yield path
        if is_empty:
            report(_without_pictures(name))


def _walk(folder):
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(x for x in folders if not _is_hidden(x))
        for file in sorted(files):
            if Path(file).suffix.lower() in IMAGE_SUFFIXES and not _is_hidden(file):
                yield os.path.join(place, file)


def _without_pictures(name):
    return InputError(
        f"{name}: a folder without pictures; expected some "
        f"({', '.join(sorted(IMAGE_SUFFIXES))}), in subfolders too."
    )


def _pictures_or_nothing(name):
    try:
        return find_pictures(name)
    except InputError:
        return []


def _is_hidden(name):
    return name.startswith((".", "@", "__"))


def predict_files(classifier, paths, report):
    """Yield a path, its `calibrated` and its `is_answer` (`Prediction`), per picture.

    At most 64 pictures are in memory at once: while 32 are predicted the next are read.

    Args:
        classifier: `Classifier`.
        paths: list of picture files.
        report: as in `read_together`.

    Raises:
        InputError: the model predicts NaN or infinity.
    """
    size = (classifier.height, classifier.width)

    def read(path):
        return read_image(path, size)

    classifier.prepare(len(paths))
    for pairs in read_together(paths, read, report, _AT_ONCE):
        names, images = zip(*pairs, strict=True)
        probabilities, *rest = classifier.predict(np.stack(images))
        check_numbers(probabilities, classifier.name)
        yield from zip(names, *rest, strict=True)


def find_all(names, report):
    """Return the picture files that several names mean, as `find_pictures` does.

    Args:
        names: list of files, folders and patterns.
        report: function that is called with the `InputError` of each name that means
            none; the others go on.
    """
    paths = []
    for name in names:
        try:
            paths += find_pictures(name)
        except InputError as error:
            report(error)
    return paths


def read_together(paths, read, report, most):
    """Yield pictures in lists of (path, picture), those that can be read.

    Args:
        paths, read, most: as in `read_ahead`.
        report: function that is called with the `InputError` of each picture that
            cannot be read; the others go on.
    """
    for found in read_ahead(paths, read, most):
        for _, image in found:
            if isinstance(image, InputError):
                report(image)
        if pairs := [each for each in found if not isinstance(each[1], InputError)]:
            yield pairs


def read_ahead(paths, read, most):
    """Yield lists of (path, picture or `InputError`), each read by several threads.

    While one list is in use the next one is read.

    Args:
        paths: iterable of picture files.
        read: function from a path to a picture.
        most: pictures of a list, at most.
    """

    def attempt(path):
        try:
            return path, read(path)
        except InputError as error:
            return path, error

    paths, begun = iter(paths), []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            while True:
                ahead = [pool.submit(attempt, x) for x in itertools.islice(paths, most)]
                if begun:
                    yield [each.result() for each in begun]
                if not ahead:
                    return
                begun = ahead
        finally:
            pool.shutdown(cancel_futures=True)


def ranking(probabilities, class_names, most):
    """Return the likeliest classes, best first, as (name, probability).

    Args:
        probabilities: (num_classes,).
        class_names: list of str.
        most: how many at the most.

    Example:

    >>> ranking(np.array([0.2, 0.8]), ["cat", "dog"], 1)
    [('dog', 0.8)]
    """
    best = np.argsort(-probabilities, kind="stable")[:most]
    return [(class_names[label], float(probabilities[label])) for label in best]


def output_paths(directory, paths):
    """Return where each picture goes with its prediction, no two to the same file.

    Args:
        directory: `pathlib.Path`.
        paths: list of picture files.

    Returns:
        Dictionary from each of `paths` to a `pathlib.Path`.

    Example:

    >>> paths = output_paths(Path("out"), ["a/1.jpg", "b/1.jpg"])
    >>> paths["a/1.jpg"].name, paths["b/1.jpg"].name
    ('1_predicted.png', '1_2_predicted.png')
    """
    outputs, taken = {}, set()
    for path in dict.fromkeys(paths):
        name, number = Path(path).stem, 1
        while name in taken:  # a/hand.jpg and b/hand.jpg
            number += 1
            name = f"{Path(path).stem}_{number}"
        taken.add(name)
        outputs[path] = directory / f"{name}_predicted.png"
    return outputs
