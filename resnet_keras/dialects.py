"""Old path of `resnet_keras.weights`' naming schemes and readers."""

from resnet_keras.weights.naming import HEAD, keras_name, torch_name
from resnet_keras.weights.naming import Position as Place
from resnet_keras.weights.naming import position_of as place_of
from resnet_keras.weights.reading import Weights, arranged, holds_weights, read

__all__ = [
    "HEAD",
    "Place",
    "Weights",
    "arranged",
    "holds_weights",
    "keras_name",
    "place_of",
    "read",
    "torch_name",
]
