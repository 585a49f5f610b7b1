"""Figures: results of a run, found boxes, and a network drawn on one page.

It may import Matplotlib, stage tables and the writing of files; it loads no Keras.
"""

from resnet_keras.plots.boxes import draw_box
from resnet_keras.plots.detections import (
    annotated,
    ap_curves,
    detections,
    false_alarms,
    found_confusion,
    misses,
    precision_recall,
)
from resnet_keras.plots.diagram import architecture
from resnet_keras.plots.names import fonts_for, verbatim
from resnet_keras.plots.results import (
    confusion,
    curves,
    mistakes,
    prediction,
    reliability,
    save,
)

__all__ = [
    "annotated",
    "ap_curves",
    "architecture",
    "confusion",
    "curves",
    "detections",
    "draw_box",
    "false_alarms",
    "fonts_for",
    "found_confusion",
    "misses",
    "mistakes",
    "precision_recall",
    "prediction",
    "reliability",
    "save",
    "verbatim",
]
