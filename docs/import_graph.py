"""Who imports whom in `resnet_keras`: `python docs/import_graph.py FILE.png` draws it.

`tests/test_imports.py` checks the same graph against `LAYERS`.
"""

import ast
import sys
from pathlib import Path

import resnet_keras

PACKAGE = Path(resnet_keras.__file__).parent

# From the bottom up: a room imports rooms of the lines above it here, and no others.
LAYERS = (
    ("errors", "lazy", "tables", "workers"),
    ("family", "blocks"),
    ("nets",),
    ("files", "models"),
    ("accelerate", "hands"),
    ("commands", "data", "weights"),
    ("plots", "inference", "distributed"),
    ("training", "explain", "check"),
    ("audit", "export"),
    ("detection",),
    ("experiments", "benchmark"),
    ("command line",),
)
# Inside a function only: building a network with weights reads them.
EXCEPTIONS = {("models", "weights")}
COMMANDS = {"train", "evaluate", "predict", "detect", "demo", "summary", "__main__"}
OLD_PATHS = {"datasets", "diagram", "fused", "images"}  # for old imports


def room_of(module):
    """Return the room of a module such as "resnet_keras.data.images", or None."""
    parts = module.split(".")
    if len(parts) == 1 or parts[1] in OLD_PATHS:
        return None
    for home, names in resnet_keras._NAMES.items():
        if parts[1] in names.split():
            parts[1:] = home.split(".")
            break
    is_command = parts[1] in COMMANDS or parts[-1] == "__main__"
    return "command line" if is_command else parts[1]


def imports():
    """Yield (room, imported room, module) for each import in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        room = room_of(module)
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module == "resnet_keras":
                names = [f"resnet_keras.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            for name in names:
                if name.startswith("resnet_keras.") and room not in (
                    None,
                    room_of(name),
                ):
                    yield room, room_of(name), module


def draw(path):
    """Draw the rooms, a line for each layer, and an arrow for each import.

    The lowest layer, which every room may import, is left out.
    """
    from matplotlib.figure import Figure

    places = {
        room: ((index + 0.5) * 10 / len(layer), height)
        for height, layer in enumerate(LAYERS[1:])
        for index, room in enumerate(layer)
    }
    figure = Figure(figsize=(10, 8), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlim=(0, 10), ylim=(-0.5, len(LAYERS) - 1.5))
    axes.set_axis_off()
    colours = ["#4c72b0", "#dd8452", "#55a868", "#8172b3", "#937860", "#c44e52"]
    for room, other in sorted({(room, other) for room, other, _ in imports()}):
        if other not in places:
            continue
        is_exception = (room, other) in EXCEPTIONS
        axes.annotate(
            "",
            places[other],
            places[room],
            arrowprops={
                "arrowstyle": "-|>",
                "shrinkA": 16,
                "shrinkB": 16,
                "alpha": 0.55,
                "color": colours[int(places[room][1]) % len(colours)],
                "linestyle": "dashed" if is_exception else "solid",
                "connectionstyle": "arc3,rad=0.08",
            },
        )
    for room, place in places.items():
        axes.text(
            *place,
            room,
            ha="center",
            va="center",
            fontsize=11,
            bbox={"boxstyle": "round,pad=0.4", "facecolor": "#f2f4f7"},
        )
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(sys.argv[1])
