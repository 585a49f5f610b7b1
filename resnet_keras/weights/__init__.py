"""Weights that others trained: read from their files, loaded into a network.

Imports `files`, `errors` and `family`; only `opening`, which builds networks for
weights alone, imports `models`.
"""

from resnet_keras.lazy import lazy

_HOMES = {
    "HEAD": "naming",
    "IMAGENET": "imagenet",
    "Position": "naming",
    "Weights": "reading",
    "advice": "loading",
    "holds_weights": "reading",
    "layers_of": "loading",
    "load_weights": "loading",
    "open_model": "opening",
    "position_of": "naming",
    "read_weights": "loading",
    "restore": "loading",
    "table": "loading",
    "variant_of": "loading",
    "without_biases": "loading",
}
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
