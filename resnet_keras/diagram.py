"""The old path of `resnet_keras.plots.diagram`."""

from resnet_keras.plots.diagram import ('plots', 'architecture')  # noqa: F401
