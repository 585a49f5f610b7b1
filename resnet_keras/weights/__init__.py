"""Weights that others trained: read from their files, loaded into a network.

Imports `files`, `errors` and `family`; only `opening`, which builds networks for
weights alone, imports `models`.
"""

from resnet_keras.lazy import lazy

_NAMES = {
    "naming": "HEAD Position position_of",
    "imagenet": "IMAGENET",
    "reading": "Weights holds_weights",
    "loading": "advice layers_of load_weights read_weights restore table variant_of "
    "without_biases",
    "opening": "open_model",
}
__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
