"""What makes training and prediction fast, and never changes what is saved.

Fused layers and optimizers, the training copy, folded networks and other runtimes live
here; it imports Keras, `nets.graph` and nothing else of this package.
"""

from resnet_keras.lazy import lazy

_HOMES = {
    "FusedAdam": "optimizers",
    "FusedBatchNormalization": "layers",
    "MatrixConv2D": "layers",
    "Muon": "optimizers",
    "default_precision": "probe",
    "copy_folded_weights": "folding",
    "copy_weights": "copies",
    "fastest": "runtimes",
    "fold_batch_norm": "folding",
    "uses_fused_operations": "probe",
    "keep_freed_memory": "memory",
    "memory_mb": "memory",
    "normalized_convolutions": "graph",
    "num_threads": "threads",
    "pin_threads": "threads",
    "training_copy": "copies",
}
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
