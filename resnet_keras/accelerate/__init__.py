"""What makes training and prediction fast, and never changes what is saved.

Fused layers and optimizers, the training copy, folded networks and other runtimes live
here; it imports Keras, `nets.graph` and nothing else of this package.
"""

from importlib import import_module

_HOMES = {  # looked up on first use, so that Keras is imported only where it is needed
    "FusedAdam": "optimizers",
    "FusedBatchNormalization": "layers",
    "MatrixConv2D": "layers",
    "Muon": "optimizers",
    "best_precision": "probe",
    "copy_folded_weights": "folding",
    "copy_weights": "training_copy",
    "fastest": "runtimes",
    "fold_batch_norm": "folding",
    "is_useful": "probe",
    "keep_freed_memory": "memory",
    "memory_mb": "memory",
    "normalized_convolutions": "graph",
    "num_threads": "threads",
    "pin_threads": "threads",
    "training_twin": "training_copy",
}
__all__ = list(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
