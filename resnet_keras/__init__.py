"""The course's ResNet-50 in Keras: read it, check it, train it, ship it."""

from resnet_keras.lazy import lazy

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
    "fold_batch_norm": "accelerate.folding",
    "load_weights": "weights.loading",
    "load_model": "files.models",
    "save_model": "files.models",
    "load_dataset": "data.readers",
    "check": "check",
}

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
