"""The old path of `resnet_keras.training.corruptions`, with its old names."""

from resnet_keras.training.corruptions import (
    CORRUPTIONS as STRESS,
)
from resnet_keras.training.corruptions import (
    corrupt as other,
)
from resnet_keras.training.corruptions import (
    corrupted as stress,
)

__all__ = ["STRESS", "other", "stress"]
