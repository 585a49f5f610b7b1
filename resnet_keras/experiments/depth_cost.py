"""Depth cost: what 18 to 152 layers take in parameters, work, time and memory."""

import multiprocessing
import platform
import time

from matplotlib.figure import Figure

from resnet_keras import family
from resnet_keras.accelerate.memory import memory_mb
from resnet_keras.experiments.report import Report
from resnet_keras.plots import tidy

_CLASSES = 6
_COSTS = {
    "parameters": "the number of parameters",
    "multiply_adds": "the number of multiply-adds",
    "seconds_per_image": "the time per image",
    "memory_mb": "the memory",
}


def run(out, quick=False):
    """Build and time each depth of the family, each in a process of its own.

    Args:
        out: directory for `depth-cost.csv`, `.png` and `.txt`.
        quick: two depths on small images, to see that it works.

    Returns:
        `(rows, verdict)`: a row per depth, and words.
    """
    depths = (18, 34) if quick else tuple(family.DEPTHS)
    size = 32 if quick else 64
    report = Report(
        "depth-cost",
        out,
        f"parameters, multiply-adds, seconds per image and memory of {len(depths)} "
        f"networks at {size} x {size} pixels, on {_machine()}.",
        len(depths),
    )
    rows = []
    # A fresh process each: the peak of memory is that of the process.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for depth in depths:
            report.begin(f"{depth} layers")
            rows.append(pool.apply(measure, (depth, size)))
            report.end(
                f"{rows[-1]['parameters']:,} parameters, "
                f"{1000 * rows[-1]['seconds_per_image']:.1f} ms per image"
            )
    return report.finish(rows, figure(rows), verdict(findings(rows)))


def measure(depth, size):
    """Return a row for one depth.

    Returns:
        Dictionary: `depth`; `parameters`; `multiply_adds` per image;
        `seconds_per_image` in batches of 32, and `seconds_for_one` image by itself,
        each the median of five; `memory_mb`, by how many MiB building the network and
        predicting raised the peak of the process; `weights_mb`.
    """
    from resnet_keras.commands import load_keras

    load_keras()
    import numpy as np

    from resnet_keras.models import ResNet
    from resnet_keras.nets.stages import stage_table

    before = memory_mb()
    model = ResNet(depth, (size, size, 3), _CLASSES)
    model.compile(jit_compile=False)
    seconds = {}
    for number in (32, 1):
        images = np.zeros((number, size, size, 3), np.float32)
        model.predict_on_batch(images)  # the first traces the network
        times = []
        for _ in range(5):
            start = time.perf_counter()
            model.predict_on_batch(images)
            times.append(time.perf_counter() - start)
        seconds[number] = float(np.median(times)) / number
    return {
        "depth": depth,
        "parameters": model.count_params(),
        "multiply_adds": sum(row["multiply_adds"] for row in stage_table(model)),
        "seconds_per_image": seconds[32],
        "seconds_for_one": seconds[1],
        "memory_mb": memory_mb() - before,
        "weights_mb": model.count_params() * 4 / 2**20,
    }


def _machine():
    cores = multiprocessing.cpu_count()
    return f"{platform.machine()} with {cores} cores"


def findings(rows):
    """Return how much the deepest network costs beside the shallowest.

    Args:
        rows: as `run` returns them.

    Returns:
        Dictionary: `first` and `last`, the rows of both; `ratios`, last over first, of
        `depth`, `parameters`, `multiply_adds`, `seconds_per_image` and `memory_mb`;
        `speeds`, the lowest and the highest number of multiply-adds per second.
    """
    first, last = rows[0], rows[-1]
    speeds = [row["multiply_adds"] / row["seconds_per_image"] for row in rows]
    return {
        "first": first,
        "last": last,
        "ratios": {
            key: last[key] / max(first[key], 1e-9) for key in ("depth", *_COSTS)
        },
        "speeds": (min(speeds), max(speeds)),
    }


def verdict(found):
    """Return in words what `findings` returned."""
    first, last, ratios = found["first"], found["last"], found["ratios"]
    listed = ", ".join(f"{ratios[key]:.1f} x {name}" for key, name in _COSTS.items())
    slowest, fastest = (speed / 1e9 for speed in found["speeds"])
    return (
        f"From {first['depth']} to {last['depth']} layers, {ratios['depth']:.1f} x as "
        f"deep, it takes {listed}; {_COSTS[max(_COSTS, key=ratios.get)]} grows most. "
        f"{last['depth']} layers take {1000 * last['seconds_per_image']:.1f} ms per "
        f"image in batches of 32 and {1000 * last['seconds_for_one']:.0f} ms for one "
        f"image alone, on {_machine()}; {slowest:.0f} to {fastest:.0f} billion "
        "multiply-adds per second."
    )


def figure(rows):
    """Draw the four costs against the depth."""
    result = Figure(figsize=(11, 3.2), layout="constrained")
    depths = [str(row["depth"]) for row in rows]
    for axes, (key, title, scale) in zip(
        result.subplots(1, 4),
        (
            ("parameters", "parameters in millions", 1e-6),
            ("multiply_adds", "multiply-adds in millions", 1e-6),
            ("seconds_per_image", "ms per image, batches of 32", 1e3),
            ("memory_mb", "memory in MiB", 1),
        ),
        strict=True,
    ):
        bars = axes.bar(depths, [scale * row[key] for row in rows], color="#4c72b0")
        axes.bar_label(bars, fmt="%.3g", fontsize=8)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("layers")
        tidy(axes, grid=False)
    return result
