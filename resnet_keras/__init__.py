"""The course's ResNet-50 in Keras: read it, check it, train it, ship it."""

from importlib import import_module

# Looked up on first use, so that a command can answer --help before Keras is loaded.
_HOMES = {
    "identity_block": "blocks",
    "convolutional_block": "blocks",
    "basic_block": "nets.blocks",
    "padded_block": "nets.blocks",
    "ResNet50": "models",
    "ResNet18": "models",
    "ResNet34": "models",
    "ResNet101": "models",
    "ResNet152": "models",
    "ResNetCIFAR": "models",
    "plain_twin": "nets.graph",
    "feature_maps": "nets.graph",
    "fold_batch_norm": "folding",
    "load_weights": "weights",
    "load_model": "files",
    "save_model": "files",
    "load_dataset": "datasets",
}

__all__ = [  # noqa: RUF022 (in the order of use)
    "identity_block",
    "convolutional_block",
    "basic_block",
    "padded_block",
    "ResNet50",
    "ResNet18",
    "ResNet34",
    "ResNet101",
    "ResNet152",
    "ResNetCIFAR",
    "plain_twin",
    "feature_maps",
    "fold_batch_norm",
    "load_weights",
    "load_model",
    "save_model",
    "load_dataset",
]
__version__ = "0.1.0"


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(set(globals()) | set(_HOMES))
