"""Imports run one way: commands at the top, the course's blocks at the bottom."""

import importlib.util
from pathlib import Path

import pytest

from tests.conftest import python

ROOT = Path(__file__).resolve().parent.parent


def import_graph():
    path = ROOT / "docs" / "import_graph.py"
    spec = importlib.util.spec_from_file_location("import_graph", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_room_imports_only_rooms_below_it():
    graph = import_graph()
    heights = {
        room: height for height, layer in enumerate(graph.LAYERS) for room in layer
    }
    found = list(graph.imports())
    assert len(found) > 100  # they were read at all
    wrong = [
        f"{module} ({room}) imports {other}"
        for room, other, module in found
        if heights[other] >= heights[room] and (room, other) not in graph.EXCEPTIONS
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "unwanted",  # once so many of them are imported, one after the other
    [
        {
            "resnet_keras.blocks": ["resnet_keras.errors"],
            "resnet_keras.models": [
                *("resnet_keras.weights", "resnet_keras.files", "resnet_keras.data"),
            ],
        },
        {
            "resnet_keras": ["keras", "tensorflow", "numpy"],
            "resnet_keras.data": ["keras", "tensorflow"],
            "resnet_keras.train": ["keras", "tensorflow"],
        },
    ],
)
def test_an_import_loads_no_more_than_it_needs(unwanted):
    code = "import importlib, sys\n"
    code += "for name in sys.argv[1:]:\n"
    code += "    importlib.import_module(name); print(*sys.modules)"
    lines = python(code, *unwanted).splitlines()
    for (module, names), line in zip(unwanted.items(), lines, strict=True):
        loaded = line.split()
        assert module in loaded
        assert [name for name in names if name in loaded] == [], module
