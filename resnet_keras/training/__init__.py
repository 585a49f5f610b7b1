"""A training run: its settings, recipe, augmentation, phases, files and loop.

It may import all but `explain`, `export`, `check`, `experiments` and `benchmark`;
`config` and `recipe` need no Keras, so that commands read their defaults at once.
"""

from resnet_keras.lazy import lazy

_HOMES = {
    "train": "classification",
    "hold_out": "classification",
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
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
