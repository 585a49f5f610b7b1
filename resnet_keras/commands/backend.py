"""Keras and its backend: started quietly, with the settings that we need."""

import contextlib
import gc
import json
import os
import sys
import tempfile
from pathlib import Path

from resnet_keras.commands.interrupts import Interrupts
from resnet_keras.errors import InputError

_BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}  # pip's name
# What Keras and TensorFlow import where it is installed, and no command needs of them.
_NOT_NEEDED = {"IPython", "jax", "matplotlib", "pandas", "sklearn"}


def load_keras(num_threads=None):
    """Import Keras and wake its backend, without their notes about the machine.

    Keras takes settings from `keras.json`. Those that would spoil our networks are set
    to Keras' defaults for this process, and one line on stderr says so.

    Args:
        num_threads: how many threads share an operation, as `pin_threads` takes it.

    Raises:
        InputError: the backend is unknown or not installed, or `keras.json` is wrong.
    """
    path = _keras_json()
    settings = _read_settings(path)
    # Some module's import drops Ctrl-C, and the command would go on.
    with (
        Interrupts(raises=False),
        without_notes(),
        _without_collection(),
        _without_imports(_NOT_NEEDED - {_backend_of(settings)}),
    ):
        try:
            import keras

            from resnet_keras.accelerate.threads import pin_threads

            pin_threads(num_threads)  # the next line fixes it
            keras.ops.zeros(1)
            # Other backends import it too, as soon as a layer is saved or copied.
            with contextlib.suppress(ImportError):
                import tensorflow  # noqa: F401
        except Exception as error:
            raise InputError(_why_not(error, settings, path)) from error
    _set_what_we_need(keras, path)


def chosen_backend():
    """Return the name of the backend that Keras will take, without importing it."""
    return _backend_of(_read_settings(_keras_json()))


def _backend_of(settings):
    return os.environ.get("KERAS_BACKEND") or settings.get("backend", "tensorflow")


def _keras_json():
    """Return where Keras looks for its settings."""
    folder = os.environ.get("KERAS_HOME")
    if folder is None:
        home = os.path.expanduser("~")
        folder = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return Path(os.path.expanduser(folder)) / "keras.json"


def _read_settings(path):
    """Return the settings in `keras.json`; {} where there are none to be read."""
    try:
        settings = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        _note(f"{path}: is not JSON ({error}), so Keras uses its defaults; correct or "
              "remove it.")  # fmt: skip
        return {}
    if not isinstance(settings, dict):
        raise InputError(
            f"{path}: holds a {type(settings).__name__}; expected a JSON object with "
            'entries such as "backend". Correct or remove it.'
        )
    return settings


def _why_not(error, settings, path):
    """Return why Keras does not start, and what to do."""
    import_error = isinstance(error, ImportError)
    name, source = os.environ.get("KERAS_BACKEND"), "KERAS_BACKEND"
    if not name:
        name, source = settings.get("backend", "tensorflow"), path
    if name not in _BACKENDS and (import_error or "backend" in str(error)):
        return (
            f"{source}: {name!r} is no backend of Keras; expected "
            f"{', '.join(_BACKENDS)}. {_remedy(source)}"
        )
    if import_error:
        package = _BACKENDS.get(name, name)
        return (
            f"{source}: the backend {name} cannot be imported ({error}). Install it "
            f"with `pip install {package}`, or choose another. {_remedy(source)}"
        )
    return f"{source}: Keras does not start ({error}). {_remedy(source)}"


def _remedy(source):
    if source == "KERAS_BACKEND":
        return "Unset the variable for TensorFlow."
    return "Correct or remove this file, and Keras uses its defaults."


def _set_what_we_need(keras, path):
    """Replace settings that would give other networks or other numbers."""
    config = keras.config
    wanted = {
        "image_data_format": "channels_last",
        "floatx": "float32",
        "epsilon": 1e-7,
    }
    found = {name: getattr(config, name)() for name in wanted}
    changed = [name for name in wanted if found[name] != wanted[name]]
    for name in changed:
        getattr(config, f"set_{name}")(wanted[name])
    if "floatx" in changed:
        config.set_dtype_policy(wanted["floatx"])
    if changed:
        asked = ", ".join(f"{name} {found[name]}" for name in changed)
        used = ", ".join(f"{wanted[name]}" for name in changed)
        _note(f"{path}: asks for {asked}; this command uses {used}.")


def _note(text):
    print(f"Note: {text}", file=sys.stderr)


@contextlib.contextmanager
def _without_collection():
    """Let the collector of garbage rest: a fifth of the time of TensorFlow's import."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@contextlib.contextmanager
def _without_imports(names):
    """Let these packages be missing meanwhile: up to half the time of Keras' import.

    Args:
        names: of packages that are imported only where they can be.
    """
    missing = [name for name in names if name not in sys.modules]
    sys.modules |= dict.fromkeys(missing)
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]


@contextlib.contextmanager
def without_notes():
    """Keep from stderr what is written there meanwhile, but for an unexpected error.

    TensorFlow 2.21 prints half a dozen lines on processor and missing GPU before any of
    its settings for silence takes effect; they would bury what a command has to say.
    What an `InputError`, an `OSError` or a stop by the user says is enough without.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with tempfile.TemporaryFile() as notes:
        stderr = os.dup(2)
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except (InputError, OSError):
            raise
        except Exception:
            notes.seek(0)
            os.write(stderr, notes.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
