"""How the tests of exports call the command, and read what it prints."""

import importlib.util

import pytest

from resnet_keras.export import __main__ as export
from resnet_keras.export.formats import FORMATS

NAMES = ["0", "1", "2"]


UNIT = {"scale": 1 / 255, "channel_order": "rgb", "resize": "crop"}


METADATA = {"class_names": NAMES, "preprocessing": UNIT}


def run(model, name, out, source, *more):
    """Run the command in this process."""
    line = [model, "--format", name, "--out", out, "--data", source, *more]
    assert export.main([str(word) for word in line]) == 0


def skip_without(name):
    for package in FORMATS[name].needs:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


def difference(printed):
    """Return the difference that the command printed."""
    return float(printed.split("differ by at most ")[1].split()[0])
