"""The old path of `resnet_keras.data`."""

from resnet_keras.data import Dataset, Split, load_dataset  # noqa: F401
