"""Compiling a loaded model as it was saved, with old names of settings understood.

Optimizers, schedules and losses are those of `resnet_keras.files.allowed`, so that
nothing from the file is run.
"""

import inspect

import keras

from resnet_keras.files.allowed import allowed

_DEFAULT_RATE = 1e-3


def compile_as_saved(model, saved):
    """Give a model the optimizer and the loss that its file names, where known here.

    Args:
        model: `keras.Model`.
        saved: the file's training configuration, of Keras 2 (`optimizer_config`, with
            `lr` or `learning_rate`, and `decay`) or 3 (`optimizer`); or None.

    Returns:
        Notes, a list of sentences: what could not be taken over. The optimizer's
        moments are not; they start from zero.
    """
    saved = saved if isinstance(saved, dict) else {}
    entry = saved.get("optimizer_config") or saved.get("optimizer")
    optimizer, notes = _optimizer(entry)
    loss = _loss(saved.get("loss"))
    if loss is None:
        loss = "categorical_crossentropy"
        notes.append(f"its loss is unknown here; compiled with {loss}.")
    model.compile(optimizer, loss, metrics=["accuracy"])
    return notes


def _optimizer(entry):
    if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
        message = f"it names no optimizer; compiled with Adam, rate {_DEFAULT_RATE:g}."
        return keras.optimizers.Adam(_DEFAULT_RATE), [message]
    name, config = entry.get("class_name"), dict(entry["config"])
    rate = config.pop("lr", config.get("learning_rate", _DEFAULT_RATE))
    notes = []
    try:
        rate = _schedule(rate)
        if decay := config.pop("decay", 0):  # Keras 2: rate / (1 + decay * steps)
            rate = keras.optimizers.schedules.InverseTimeDecay(rate, 1, decay)
        name = str(name).removeprefix("Custom>")  # as Keras 2.11 to 2.15 write it
        kind = _class_of("optimizer", name)
        known = inspect.signature(kind).parameters
        config = {key: config[key] for key in config if key in known}
        optimizer = kind(**config | {"learning_rate": rate})
    except (TypeError, ValueError, AttributeError) as error:
        rate = rate if isinstance(rate, (int, float)) else _DEFAULT_RATE
        optimizer = keras.optimizers.Adam(rate)
        notes = [
            f"its optimizer, {str(name)[:80]}, could not be rebuilt "
            f"({str(error).splitlines()[0][:200]}); compiled with Adam, "
            f"learning rate {rate:g}."
        ]
    return optimizer, notes


def _schedule(rate):
    if not isinstance(rate, dict):
        return rate
    kind = _class_of("schedule", rate.get("class_name"))
    return kind(**{k: v for k, v in rate["config"].items() if v is not None})


def _loss(saved):
    try:
        if isinstance(saved, str):
            return keras.losses.get(saved)
        kind = _class_of("loss", saved["class_name"])
        known = inspect.signature(kind).parameters
        return kind(**{k: v for k, v in saved["config"].items() if k in known})
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def _class_of(kind, name):
    found = allowed()[kind].get(name if isinstance(name, str) else None)
    if not found:
        raise ValueError(f"expected one of {', '.join(allowed()[kind])}")
    return found[0]
