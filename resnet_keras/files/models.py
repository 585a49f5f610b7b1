"""Saving and loading models, whole or not at all, with a card inside.

A saved model is plain Keras: `keras.models.load_model` opens it without this package.
The card is a small dictionary that rides along where Keras does not look: an attribute
of an `.h5` file, an extra member of a `.keras` archive. Its entries:

- `class_names`: list of str, in the order of the model's outputs
- `input_size`: [height, width, channels] in pixels
- `preprocessing`: {"scale": float, "channel_order": "rgb", "resize": "crop"}, what to
  do with a uint8 picture before the model sees it
- `versions`: of Python, of this package and of those it rests on
- `notes`: on what was changed to open an older file, if anything
- `provenance`: how the model came about (data, recipe, seed, scores), free in form
"""

import contextlib
import importlib.metadata
import json
import logging
import platform
import shutil
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras

from resnet_keras.errors import InputError, check_is_file
from resnet_keras.files.compiling import compile_as_saved
from resnet_keras.files.legacy import mended
from resnet_keras.files.safety import (
    check_archive,
    check_h5_model,
    check_keras_model,
    naming_damage,
)
from resnet_keras.files.sizes import check_size
from resnet_keras.files.writing import write_whole

_CARD_ATTRIBUTE = "resnet_keras_card"  # in .h5
_OPTIMIZER_GROUP = "resnet_keras_optimizer"  # in .h5
_CARD_MEMBER = "resnet_keras_card.json"  # in .keras
PREPROCESSING = {"scale": 1 / 255, "channel_order": "rgb", "resize": "crop"}
_MAX_SIDE = 4096  # pixels


def save_model(model, path, card=None, optimizer=None):
    """Write a model and its card to one file, whole or not at all.

    Args:
        model: `keras.Model` that classifies images.
        path: where to write; the suffix, `.h5` or `.keras`, chooses the format.
        card: dictionary with any of the entries above. Where it does not give them,
            they come from the file that the model, or its weights, came from; input
            size and versions are filled in. What is not known is not written.
        optimizer: Keras optimizer whose state goes along in an `.h5` file, where
            `load_optimizer` finds it and Keras does not look.

    Raises:
        InputError: the suffix is neither `.h5` nor `.keras`.
        OSError: the file could not be written; what stood at `path` is untouched.

    Example:

    >>> import resnet_keras, tempfile
    >>> model = resnet_keras.ResNetCIFAR(8, classes=2)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     save_model(model, directory + "/a.h5", {"class_names": ["cat", "dog"]})
    ...     load_model(directory + "/a.h5")[1]["class_names"]
    ['cat', 'dog']
    """
    path = Path(path)
    if path.suffix not in (".h5", ".keras"):
        raise InputError(
            f'{path}: the suffix is "{path.suffix}"; expected .h5 or .keras.'
        )
    card = {
        "input_size": list(model.input_shape[1:]),
        "versions": versions(),
        **getattr(model, "card", {}),  # of the file that it, or its weights, came from
        **(card or {}),
    }
    text = json.dumps(card)
    with write_whole(path) as temporary:
        if path.suffix == ".h5":
            with _without_legacy_warnings():
                model.save(temporary, include_optimizer=False)
            with h5py.File(temporary, "r+") as file:
                file.attrs[_CARD_ATTRIBUTE] = text
                if optimizer is not None:
                    optimizer.save_own_variables(file.create_group(_OPTIMIZER_GROUP))
        else:
            keras.saving.save_model(model, temporary)
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(_CARD_MEMBER, text)


def load_model(path, trust=False, compile=False):
    """Open a model file, `.h5` or `.keras`, of this package or of any Keras since 2.

    Args:
        path: the file.
        trust: whether the file may name any class, and so run code of its maker.
            Otherwise only what an image classifier needs (`resnet_keras.files.safety`).
        compile: whether to compile the model with the optimizer, its settings and the
            loss that the file names, to train on; otherwise it is ready to predict.

    Returns:
        `(model, card)`. The card of a file that this package did not write is empty,
        but for `notes`: what an older file held that was removed or made anew.

    Raises:
        InputError: there is no such file, or it is damaged, holds only weights, is
            no model at all, or could do harm. The message says which.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a directory; expected a file, .h5 or .keras.")
    if not path.exists():
        raise InputError(
            f"{path}: no such file; expected a model, .h5 or .keras, as "
            "python -m resnet_keras.train writes it."
        )
    check_is_file(path, "a model, .h5 or .keras")
    if _looks_like_h5(path):
        card = _read_h5_card(path)
        config, num_stored = check_h5_model(path, trust)
    else:
        card = _read_keras_card(path)
        config, num_stored = check_keras_model(path, trust)
    training = _training_config(path, config)
    config = {k: v for k, v in config.items() if k != "compile_config"}
    newer, notes = mended(config)
    if not trust:
        check_size(path, newer, num_stored)
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(_without_legacy_warnings())
            opened = path
            if newer != config:
                opened = stack.enter_context(_copy_with(newer, path))
            model = keras.models.load_model(opened, compile=False, safe_mode=not trust)
    except Exception as error:  # Keras reports damage in many kinds of exception
        reason = str(error).strip().split("\n")[0][:300]
        raise InputError(
            f"{path}: Keras {keras.__version__} cannot open this model "
            f"({type(error).__name__}: {reason}). Save it again with a version of "
            "Keras that opens it."
        ) from error
    if compile:
        notes += compile_as_saved(model, training)
    # For `save_model`, which may be given the model alone.
    model.card = {
        key: card[key]
        for key in ("class_names", "preprocessing")
        if card.get(key) is not None
    }
    return model, card | ({"notes": notes} if notes else {})


@contextlib.contextmanager
def _copy_with(config, path):
    """Give the path of a temporary copy of a model file with another configuration."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / f"model{path.suffix}"
        if _looks_like_h5(path):
            shutil.copyfile(path, copy)
            with h5py.File(copy, "r+") as file:
                file.attrs["model_config"] = json.dumps(config)
        else:
            with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w") as new:
                for name in old.namelist():
                    text = json.dumps(config) if name == "config.json" else None
                    new.writestr(name, text or old.read(name))
        yield copy


def _training_config(path, config):
    """Return what a file says of its optimizer and loss, or None."""
    if not _looks_like_h5(path):
        return config.get("compile_config")
    with contextlib.suppress(Exception), h5py.File(path) as file:
        return json.loads(file.attrs["training_config"])
    return None


def load_optimizer(path, optimizer):
    """Give a built optimizer the state that `save_model` put into an `.h5` file.

    Raises:
        InputError: the file has no such state, or that of another network.
    """
    with h5py.File(path) as file:
        saved = file.get(_OPTIMIZER_GROUP, ())
        if len(saved) != len(optimizer.variables):
            raise InputError(
                f"{path}: has {len(saved)} variables of an optimizer; expected "
                f"{len(optimizer.variables)}."
            )
        optimizer.load_own_variables(saved)


def _looks_like_h5(path):
    if path.suffix == ".keras":
        return False
    if path.suffix in (".h5", ".hdf5"):
        return True
    raise InputError(
        f'{path}: the suffix is "{path.suffix}"; expected a model file, .h5 or .keras.'
    )


def _read_h5_card(path):
    """Check that an HDF5 file holds a whole model, and return its card."""
    if path.stat().st_size == 0 or not h5py.is_hdf5(path):
        raise InputError(
            f"{path}: not an HDF5 file, or its beginning is lost; expected a model "
            "saved by Keras."
        )
    with naming_damage(path), h5py.File(path) as file:
        if "model_config" in file.attrs and "model_weights" in file:
            return _parse_card(path, file.attrs.get(_CARD_ATTRIBUTE, "{}"))
        only_weights = "layer_names" in file.attrs or "layers" in file
        keys = ", ".join(list(file)[:5]) or "nothing"
    if only_weights:
        raise InputError(
            f"{path}: holds weights only, without the network; expected a whole "
            "model. Build its network with ResNet50(weights=...) and save that with "
            "resnet_keras.save_model."
        )
    raise InputError(
        f"{path}: an HDF5 file, but not a model (it holds {keys}); expected a model "
        "saved by Keras."
    )


def _read_keras_card(path):
    """Check that a `.keras` archive is a model's, and return its card."""
    with naming_damage(path), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "config.json" not in names:
            raise InputError(
                f"{path}: a zip archive, but not a model (it has no config.json); "
                "expected a model saved by Keras."
            )
        if _CARD_MEMBER not in names:
            return {}
        check_archive(path)
        return _parse_card(path, archive.read(_CARD_MEMBER))


def _parse_card(path, text):
    try:
        card = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: its card is not valid JSON ({error}).") from error
    if not isinstance(card, dict):
        raise InputError(
            f"{path}: its card is a {type(card).__name__}; expected a dict."
        )
    for key, (is_right, expected) in _CARD_ENTRIES.items():
        if card.get(key) is not None and not is_right(card[key]):
            raise InputError(
                f"{path}: {key} in its card is {str(card[key])[:100]}; expected "
                f"{expected}."
            )
    return card


def _is_size(value):
    """Sides of None are those that the network leaves open."""
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(x is None or (type(x) is int and 0 < x <= _MAX_SIDE) for x in value)
    )


def _is_preprocessing(value):
    def is_number(x):
        return type(x) in (int, float) and abs(x) < 1e30  # no NaN is

    def are_numbers(x):
        return isinstance(x, list) and len(x) in (1, 3) and all(map(is_number, x))

    return (
        isinstance(value, dict)
        and is_number(value.get("scale", 1))
        and value.get("channel_order", "rgb") in ("rgb", "bgr")
        and all(are_numbers(value[key]) for key in ("mean", "std") if key in value)
        and 0 not in value.get("std", ())
    )


_CARD_ENTRIES = {
    "class_names": (lambda value: isinstance(value, list), "a list of names"),
    "input_size": (
        _is_size,
        f"[height, width, channels] of 1 to {_MAX_SIDE} pixels",
    ),
    "preprocessing": (
        _is_preprocessing,
        'numbers for "scale", "mean" and "std", the last not 0, and "rgb" or "bgr" for '
        '"channel_order"',
    ),
    "notes": (lambda value: isinstance(value, list), "a list of sentences"),
}


def versions():
    """Return the versions a result depends on, by package name."""
    packages = ["resnet_keras", "keras", keras.backend.backend(), "numpy", "h5py"]
    found = {"python": platform.python_version()}
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


@contextlib.contextmanager
def _without_legacy_warnings():
    """Keep absl, Keras' logger, from calling `.h5` legacy and from naming compile."""
    logger = logging.getLogger("absl")
    logger.addFilter(_never)
    try:
        yield
    finally:
        logger.removeFilter(_never)


def _never(record):
    return record.levelno > logging.WARNING
