"""The old path of `accelerate.memory` and `benchmark.timing`."""

from resnet_keras.accelerate.memory import memory_mb
from resnet_keras.benchmark.timing import in_own_process, interleaved

__all__ = ["in_own_process", "interleaved", "memory_mb"]
