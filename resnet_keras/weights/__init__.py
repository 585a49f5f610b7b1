"""Weights that others trained: read from their files, loaded into a network.

Imports `files`, `errors` and `family`; only `opening`, which builds networks for
weights alone, imports `models`.
"""

from importlib import import_module

_HOMES = {  # looked up on first use: naming schemes need no Keras
    "HEAD": "naming",
    "IMAGENET": "imagenet",
    "Position": "naming",
    "Weights": "reading",
    "fill": "loading",  # the older name of `restore`
    "holds_weights": "reading",
    "layers_of": "loading",
    "load_weights": "loading",
    "open_model": "opening",
    "position_of": "naming",
    "read_weights": "loading",
    "restore": "loading",
    "table": "loading",
    "traits": "loading",  # the older name of `variant_of`
    "variant_of": "loading",
    "without_biases": "loading",
}
__all__ = list(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
