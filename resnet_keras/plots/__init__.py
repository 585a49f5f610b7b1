"""Figures: results of a run, found boxes, and a network drawn on one page.

It may import Matplotlib, stage tables and the writing of files; it loads no Keras.
"""

from resnet_keras.lazy import lazy

_NAMES = {
    "boxes": "draw_box",
    "detection": "annotated ap_curves detections false_alarms found_confusion misses "
    "precision_recall",
    "diagram": "architecture",
    "names": "fonts_for verbatim",
    "results": "confusion curves mistakes prediction reliability save tidy",
}
__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
