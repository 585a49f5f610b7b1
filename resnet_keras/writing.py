"""The old path of `resnet_keras.files.writing`."""

import sys
from importlib import import_module

sys.modules[__name__] = import_module("resnet_keras.files.writing")
