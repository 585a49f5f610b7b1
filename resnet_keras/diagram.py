"""The old path of `resnet_keras.plots.diagram`."""

from resnet_keras.plots.diagram import architecture  # noqa: F401
