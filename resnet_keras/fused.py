"""The old path of what `resnet_keras.accelerate` holds now."""

from resnet_keras.accelerate.graph import normalized_convolutions
from resnet_keras.accelerate.layers import FusedBatchNormalization, MatrixConv2D
from resnet_keras.accelerate.memory import keep_freed_memory
from resnet_keras.accelerate.optimizers import FusedAdam
from resnet_keras.accelerate.probe import best_precision, is_useful
from resnet_keras.accelerate.training_copy import copy_weights, training_twin

__all__ = [
    "FusedAdam",
    "FusedBatchNormalization",
    "MatrixConv2D",
    "best_precision",
    "copy_weights",
    "is_useful",
    "keep_freed_memory",
    "normalized_convolutions",
    "training_twin",
]
