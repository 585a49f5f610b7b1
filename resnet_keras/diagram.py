"""The old place of `resnet_keras.plots.architecture`."""

from resnet_keras.plots.diagram import architecture

__all__ = ["architecture"]
