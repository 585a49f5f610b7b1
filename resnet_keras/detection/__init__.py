"""Finding objects: pictures with boxes, their formats, detectors, their evaluation.

It may import all but `explain`, `check`, `experiments` and `benchmark`;
what reads and writes boxes needs no Keras.
"""

from resnet_keras.lazy import lazy

_HOMES = {
    "DetectionDataset": "dataset",
    "Pictures": "dataset",
    "load_detection": "sources",
    "Placement": "letterbox",
    "letterbox": "letterbox",
    "augment_boxes": "augmentation",
    "evaluate_detections": "evaluation",
    "detector": "network",
    "localizer": "network",
    "DetectionLoss": "losses",
    "Found": "decoding",
    "decode": "decoding",
    "localized": "decoding",
    "LocatedBatches": "batches",
    "ObjectBatches": "batches",
    "localization_loss": "losses",
    "squared_error": "losses",
    "Finder": "finder",
    "train_detector": "training",
}
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
