"""The old path of `resnet_keras.training.phases`."""

import sys

from resnet_keras.training import phases

sys.modules[__name__] = phases
