"""The course's ResNet-50 in Keras: read it, check it, train it, ship it."""

from resnet_keras.lazy import lazy

_NAMES = {
    "blocks": "identity_block convolutional_block",
    "nets.blocks": "basic_block padded_block",
    "models": "ResNet50 ResNet18 ResNet34 ResNet101 ResNet152 ResNetCIFAR",
    "nets.graph": "plain_twin feature_maps",
    "accelerate.folding": "fold_batch_norm",
    "weights.loading": "load_weights",
    "files.models": "load_model save_model",
    "data.readers": "load_dataset",
    "check": "check",
}

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
