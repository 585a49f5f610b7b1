"""A training run: its settings, recipe, augmentation, phases, files and loop.

It may import `nets`, `models`, `data`, `accelerate`, `files`, `inference` and `plots`;
`config` and `recipe` need no Keras, so that commands read their defaults at once.
"""

from importlib import import_module

# Looked up on first use, so that a command can answer --help before Keras is loaded.
_HOMES = {
    "train": "loop",
    "hold_out": "loop",
    "RunConfig": "config",
    "Provenance": "config",
    "Recipe": "recipe",
    "RECIPES": "recipe",
    "Batches": "augmentation",
    "augment": "augmentation",
    "compile_for_training": "fitting",
    "fit": "fitting",
    "diagnose": "diagnosis",
}
__all__ = list(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
