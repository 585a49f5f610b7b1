"""Old path of `resnet_keras.export.formats`."""

import sys
from importlib import import_module

sys.modules[__name__] = import_module("resnet_keras.export.formats")
