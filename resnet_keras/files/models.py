"""Saving and loading models, whole or not at all, with metadata inside.

A saved model is plain Keras: `keras.models.load_model` opens it without this package.
The metadata are a small dictionary stored where Keras does not look: an attribute of an
`.h5` file, an extra member of a `.keras` archive. Its entries:

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
import math
import platform
import re
import shutil
import tempfile
import zipfile
from functools import partial
from pathlib import Path

import h5py
import keras

from resnet_keras.errors import InputError, is_of_memory
from resnet_keras.files.allowed import resolved
from resnet_keras.files.content import kind_of_model
from resnet_keras.files.legacy import converted, is_keras_1, other_activation
from resnet_keras.files.metadata import NAME, OLD_NAME, is_size, parse
from resnet_keras.files.preprocessing import MODES
from resnet_keras.files.safety import (
    check_h5_model,
    check_keras_model,
    check_sides,
    naming_damage,
)
from resnet_keras.files.sizes import build_within
from resnet_keras.files.writing import check_room, write_whole
from resnet_keras.nets.graph import deep_recursion

_OPTIMIZER_GROUP = "resnet_keras_optimizer"  # in .h5
PREPROCESSING = MODES["unit"]


def save_model(model, path, metadata=None, optimizer=None, card=None):
    """Write a model and its metadata to one file, whole or not at all.

    Args:
        model: `keras.Model` that classifies images.
        path: where to write; the suffix, `.h5` or `.keras`, chooses the format.
        metadata: dictionary with any of the entries above. Where it does not give them,
            they come from the file that the model, or its weights, came from; input
            size and versions are filled in. What is not known is not written.
        optimizer: Keras optimizer whose state goes along in an `.h5` file, where
            `load_optimizer` finds it and Keras does not look.
        card: the old name of `metadata`, for one more release.

    Raises:
        InputError: the suffix is neither `.h5` nor `.keras`, or `load_model` would
            refuse the metadata.
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
    metadata = {
        **_input_size(model),
        "versions": versions(),
        # Of the file that it, or its weights, came from
        **getattr(model, "metadata", {}),
        **(metadata or card or {}),
    }
    try:
        text = json.dumps(metadata)
    except TypeError as error:
        raise InputError(
            f"{path}: metadata: {error}; expected what JSON has."
        ) from None
    parse(path, text)  # what could not be read again is not written
    variables = [*model.variables, *(optimizer.variables if optimizer else ())]
    with write_whole(path) as temporary:
        check_room(temporary, _num_bytes(variables) + len(text))
        if path.suffix == ".h5":
            with _without_legacy_warnings():
                model.save(temporary, include_optimizer=False)
            with h5py.File(temporary, "r+") as file:
                file.attrs[NAME] = text
                if optimizer is not None:
                    optimizer.save_own_variables(file.create_group(_OPTIMIZER_GROUP))
        else:
            keras.saving.save_model(model, temporary)
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(NAME + ".json", text)


def _num_bytes(variables):
    """Return about how large a file of variables is: HDF5 adds 2 kB to each."""
    sizes = [math.prod(variable.shape) for variable in variables]
    return 4 * sum(sizes) + 2048 * len(sizes)


def _input_size(model):
    """Return the size of a model's pictures, if it takes pictures and says so."""
    size = list(model.input_shape[1:]) if len(model.inputs) == 1 else None
    return {"input_size": size} if is_size(size) else {}


def load_model(path, trust=False):
    """Open a model file of this package or of any Keras since 2, whatever its suffix.

    Args:
        path: the file: HDF5 (`.h5`) or a `.keras` archive.
        trust: whether the file may name any class, and so run code of its maker.
            Otherwise only what Keras itself has (`resnet_keras.files.allowed`).

    Returns:
        `(model, metadata)`. The metadata of a file that this package did not write are
        empty, but for `notes`: what an older file held that was removed or replaced.

    Raises:
        InputError: there is no such file, or it is damaged, holds only weights, is
            no model at all, or could do harm. The message says which.
    """
    path = Path(path)
    kind = kind_of_model(path)
    if kind == "hdf5":
        _check_holds_model(path)
        raw, sides, num_stored = check_h5_model(path)
    else:
        raw, sides, num_stored = check_keras_model(path)
    with naming_damage(path):
        text, version = _said(path, kind)
        metadata = parse(path, text)
        config, notes = _config_for_this_keras(path, raw, version, trust)
    make = partial(keras.saving.deserialize_keras_object, config, safe_mode=not trust)
    try:
        with deep_recursion():
            if trust:
                model = make()
            else:
                check_sides(path, config, sides)
                model = build_within(path, make, num_stored)
        with _without_legacy_warnings():
            _load_weights(model, path, kind)
    except InputError:
        raise
    except Exception as error:  # Keras reports damage in many kinds of exception
        if is_of_memory(error):
            raise
        raise InputError(
            f"{path}: Keras {keras.__version__} cannot open this model "
            f"({type(error).__name__}: {_reason(error)}). {_advice(version)}"
        ) from error
    # For `save_model`, which may be given the model alone.
    model.metadata = {
        key: metadata[key]
        for key in ("class_names", "preprocessing")
        if metadata.get(key) is not None
    }
    return model, metadata | ({"notes": notes} if notes else {})


def _config_for_this_keras(path, config, version, trust):
    """Return a file's configuration for Keras 3, every class in it checked; notes."""
    if not isinstance(config, dict) or is_keras_1(config):
        found = "is of Keras 1" if is_keras_1(config) else "has no configuration"
        raise InputError(
            f"{path}: {found}; expected a model of Keras 2 or 3. Keras 2.2.4 still "
            "opens models of Keras 1: load it there and save it again."
        )
    config = {k: v for k, v in config.items() if k != "compile_config"}
    is_keras_2 = version.startswith("2.") or not version
    layer = other_activation(config) if is_keras_2 else None
    if layer:
        raise InputError(
            f"{path}: its layer {layer!r} has the activation hard_sigmoid of Keras 2, "
            "which has other values in Keras 3; expected a model without it, for its "
            "predictions would be others."
        )
    newer, notes = converted(config)
    _check_is_network(path, newer)
    return resolved(path, newer, trust), notes


def _check_is_network(path, config):
    """Refuse what is not Keras' way to write a network, whatever its classes are."""
    name, settings = config.get("class_name"), config.get("config")
    if isinstance(name, str) and isinstance(settings, dict):
        if name not in ("Functional", "Sequential"):
            return  # a class that is not allowed, or that is trusted
        if isinstance(settings.get("layers"), list):
            return
        config = settings
    keys = ", ".join(map(str, config))[:200] or "nothing"
    raise InputError(
        f"{path}: its configuration is none of Keras (it has {keys}); expected a "
        'class_name such as "Functional", and a config with layers. The file is '
        "damaged, or of another tool."
    )


def _load_weights(model, path, kind):
    """Give a model the weights of its file, whose name need not tell its kind."""
    if not model.built:
        raise InputError(
            f"{path}: does not say the size of its pictures; where it was made, build "
            "it with model.build((None, height, width, 3)), and save it again."
        )
    is_named = path.suffix == ".h5" and not path.name.endswith(".weights.h5")
    if kind == "hdf5" and is_named:
        model.load_weights(path)
        return
    with tempfile.TemporaryDirectory() as directory:
        if kind == "hdf5":
            named = Path(directory) / "model.h5"
            try:
                named.symlink_to(path.resolve())
            except OSError:  # Windows lets only some make links
                shutil.copyfile(path, named)
        else:  # a member of an archive is slow to jump about in
            with zipfile.ZipFile(path) as archive:
                named = Path(archive.extract("model.weights.h5", directory))
        model.load_weights(named)


def _advice(version):
    """Return what to do with a file that names this version of Keras, or ""."""
    if not version:
        return (
            "The file does not say which Keras wrote it: it is damaged, or of another "
            "tool. Take another copy, or save it from the program that made it."
        )
    numbers = [
        tuple(map(int, re.findall(r"\d+", each)[:2]))
        for each in (version, keras.__version__)
    ]
    if numbers[0] > numbers[1]:
        return f"It was saved by Keras {version}, which is newer: upgrade Keras."
    if numbers[0] == numbers[1]:
        return (
            "It says that this very version saved it: it is damaged, or another tool "
            "has changed it. Take another copy."
        )
    return (
        f"It says that Keras {version} saved it: if that version opens it, save it "
        "again from there; otherwise it is damaged."
    )


def _reason(error):
    """Return what went wrong, without the configuration that Keras prints before it."""
    text = str(error).split("Exception encountered:")[-1].strip()
    return text.split("\n")[0][:300]


def _said(path, kind):
    """Return what a file says of itself: metadata, version of Keras.

    Args:
        path: of a file whose sizes are checked.
        kind: "hdf5" or "keras".

    Returns:
        `(text, version)`: the metadata as text; which Keras wrote it, "" where it does
        not say.
    """
    if kind == "hdf5":
        with h5py.File(path) as file:
            text = file.attrs.get(NAME, file.attrs.get(OLD_NAME, "{}"))
            version = file.attrs.get("keras_version")
    else:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
            names = (f"{NAME}.json", f"{OLD_NAME}.json")
            found = [name for name in names if name in members]
            text = archive.read(found[0]) if found else "{}"
            version = json.loads(archive.read("metadata.json")).get("keras_version")
    version = version.decode() if isinstance(version, bytes) else version
    return text, version[:20] if isinstance(version, str) else ""


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


def _check_holds_model(path):
    """Refuse an HDF5 file that holds no whole model, by what it holds."""
    with naming_damage(path), h5py.File(path) as file:
        if "model_config" in file.attrs and "model_weights" in file:
            return
        only_weights = "layer_names" in file.attrs or "layers" in file
        keys = ", ".join(list(file)[:5])[:200] or "nothing"
    if only_weights:
        raise InputError(
            f"{path}: holds weights only, without the network; expected a whole "
            "model, as model.save writes it."
        )
    raise InputError(
        f"{path}: an HDF5 file, but not a model (it holds {keys}); expected a model "
        "saved by Keras."
    )


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

    def is_error(record):
        return record.levelno > logging.WARNING

    logger.addFilter(is_error)
    try:
        yield
    finally:
        logger.removeFilter(is_error)
