"""The old path of `resnet_keras.data.images`."""

from resnet_keras.data.images import read_image  # noqa: F401
