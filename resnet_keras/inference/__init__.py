"""Predictions: probabilities, their scores, and the classes that they stand for.

It may import `files`, `data`, `weights` and `accelerate`.
"""

from resnet_keras.lazy import lazy

_HOMES = {
    "Classifier": "classifier",
    "open_classifier": "opening",
    "predict_files": "pictures",
    "ranking": "pictures",
    "evaluate": "evaluation",
    "align_classes": "aligning",
    "scores": "metrics",
    "check_numbers": "metrics",
}
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
