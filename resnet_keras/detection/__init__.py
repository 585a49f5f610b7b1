"""Finding objects: pictures with boxes, their formats, detectors, their evaluation.

It may import all but `explain`, `check`, `experiments` and `benchmark`;
what reads and writes boxes needs no Keras.
"""

from resnet_keras.lazy import lazy

_NAMES = {
    "dataset": "DetectionDataset Pictures",
    "sources": "load_detection",
    "letterboxing": "Placement letterbox",
    "augmentation": "augment_boxes",
    "evaluation": "evaluate_detections",
    "network": "detector localizer",
    "losses": "DetectionLoss localization_loss squared_error",
    "decoding": "Found decode localized",
    "batches": "LocatedBatches ObjectBatches",
    "finder": "Finder open_finder",
    "naming": "Place crop_around name_found",
    "training": "train_detector",
}
__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
