"""A run in several processes: `python -m tests.several CHOICES ARGUMENTS OF TRAIN`."""

import sys

from resnet_keras import family, train
from resnet_keras.commands import run
from resnet_keras.distributed.launching import launch

MODEL = "resnet-cifar-8"  # a block to a stage


def main(argv):
    family.NETWORKS[MODEL] = (True, 8, True)
    return train.main(argv)


if __name__ == "__main__":
    address, number, index, *rest = sys.argv[1:]
    if number == "1":
        run(lambda: main(rest))
    run(lambda: launch("tests.several", rest, address, int(number), int(index)))
