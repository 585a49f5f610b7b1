"""The old path of what `resnet_keras.accelerate` holds."""

from resnet_keras.accelerate.copies import copy_weights  # noqa: F401
from resnet_keras.accelerate.copies import training_copy as training_twin  # noqa: F401
from resnet_keras.accelerate.probe import (  # noqa: F401
    default_precision as best_precision,
)
