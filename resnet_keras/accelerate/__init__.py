"""What makes training and prediction fast, and never changes what is saved.

Fused layers and optimizers, the training copy, folded networks and other runtimes live
here; it imports Keras, `nets.graph` and nothing else of this package.
"""

from resnet_keras.lazy import lazy

_NAMES = {
    "optimizers": "FusedAdam Muon",
    "layers": "FusedBatchNormalization MatrixConv2D",
    "probe": "default_precision uses_fused_operations",
    "folding": "copy_folded_weights fold_batch_norm",
    "copies": "copy_weights training_copy",
    "runtimes": "fastest",
    "memory": "keep_freed_memory memory_mb",
    "graph": "normalized_convolutions",
    "threads": "num_threads pin_threads",
}
__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
