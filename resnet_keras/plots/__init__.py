"""Figures: results of a run, and a network drawn on one page.

It may import Matplotlib, stage tables and the writing of files; it loads no Keras.
"""

from resnet_keras.plots.diagram import architecture
from resnet_keras.plots.names import fonts_for, verbatim
from resnet_keras.plots.results import confusion, curves, mistakes, prediction, save

__all__ = [
    "architecture",
    "confusion",
    "curves",
    "fonts_for",
    "mistakes",
    "prediction",
    "save",
    "verbatim",
]
