"""A training run: its settings, recipe, augmentation, phases, files and loop.

It may import all but `explain`, `export`, `check`, `experiments` and `benchmark`;
`config` and `recipe` need no Keras, so that commands read their defaults at once.
"""

from resnet_keras.lazy import lazy

_NAMES = {
    "classification": "train hold_out",
    "config": "RunConfig Provenance",
    "recipe": "Recipe RECIPES",
    "augmentation": "Batches augment",
    "fitting": "compile_for_training fit",
    "diagnosis": "diagnose",
}
__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
