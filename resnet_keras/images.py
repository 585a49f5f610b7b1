"""The old path of `resnet_keras.data.images`."""

import sys
from importlib import import_module

sys.modules[__name__] = import_module("resnet_keras.data.images")
