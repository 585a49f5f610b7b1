"""The old path of `resnet_keras.training.diagnosis`."""

import sys

from resnet_keras.training import diagnosis

sys.modules[__name__] = diagnosis
