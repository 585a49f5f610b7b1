"""The old path of what `resnet_keras.accelerate` holds."""

from resnet_keras.accelerate.probe import best_precision  # noqa: F401
from resnet_keras.accelerate.training_copy import copy_weights, training_twin  # noqa: F401
