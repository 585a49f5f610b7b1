"""Model files: saving and loading, metadata, whole writes, older Keras, safety.

This room may import `resnet_keras.errors` and, where a model is built, Keras.
"""

from importlib import import_module

# Looked up on first use, so that writing a file or looking at one loads no Keras.
_HOMES = {
    "PREPROCESSING": "models",
    "load_model": "models",
    "load_optimizer": "models",
    "save_model": "models",
    "versions": "models",
    "check_not_placeholder": "content",
    "kind_of": "content",
    "check_folder": "writing",
    "check_not_input": "writing",
    "refuse_file": "writing",
    "remove_leftovers": "writing",
    "write_json": "writing",
    "write_whole": "writing",
    "write_whole_folder": "writing",
    "check_h5_data": "safety",
    "check_h5_weights": "safety",
    "check_archive": "safety",
    "check_npz": "safety",
    "naming_damage": "safety",
}
__all__ = list(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
