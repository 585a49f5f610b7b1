"""What a model says of images: probabilities, their scores, and the classes they mean.

It rests on `files`, `data` and `accelerate`; no module here imports a command.
"""

from importlib import import_module

# Looked up on first use, so that a command can answer --help before Keras is loaded.
_HOMES = {
    "Classifier": "classifier",
    "open_classifier": "opening",
    "predict_files": "pictures",
    "ranking": "pictures",
    "evaluate": "evaluation",
    "align_classes": "aligning",
    "scores": "metrics",
    "check_numbers": "metrics",
    "MODES": "modes",
    "with_preprocessing": "modes",
}

__all__ = list(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
