"""Predictions: probabilities, their scores, and the classes that they stand for.

It may import `files`, `data`, `weights` and `accelerate`.
"""

from resnet_keras.lazy import lazy

_NAMES = {
    "answering": "Answering calibration_error",
    "classifier": "Classifier Prediction",
    "opening": "open_classifier",
    "pictures": "predict_files ranking",
    "many": "predict_to_table",
    "evaluation": "evaluate",
    "aligning": "align_classes",
    "metrics": "scores check_numbers",
}
__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
