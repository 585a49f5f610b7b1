"""The old path of `resnet_keras.data`."""

from resnet_keras.data import ('data', 'Dataset, Split, load_dataset, stratified_split')  # noqa: F401
