"""How the cost of training grows with images, their size, depth and batch."""

import statistics
import tempfile
import time
from pathlib import Path

from resnet_keras.accelerate.memory import memory_mb
from resnet_keras.benchmark.timing import in_own_process, interleaved
from resnet_keras.commands import load_keras

NUM_IMAGES = (1_000, 10_000, 100_000)
# What is varied, and the values that (network, size, batch size) then take.
_CENTRE = ("resnet50", 64, 32)
AXES = {
    "image size": {size: ("resnet50", size, 32) for size in (32, 64, 128)},
    "depth": {depth: (f"resnet{depth}", 64, 32) for depth in (18, 50, 152)},
    "batch": {number: ("resnet50", 64, number) for number in (8, 32, 128)},
}


def measure(report, num_rounds=3):
    """Return a row for each point of each axis.

    Args:
        report: function that takes a row as soon as it is measured.
        num_rounds: how many rounds of timing there are at each point.

    Returns:
        List of dictionaries: `axis`, `value`, `seconds_per_image` of training (the
        median) and `memory_mb`, the peak of the process; along "images" what it holds
        at the end, without pages of files.
    """
    from resnet_keras.benchmark.own import trains

    rows = []

    def add(axis, value, seconds, memory):
        costs = {"seconds_per_image": seconds, "memory_mb": memory}
        rows.append({"axis": axis, "value": value, **costs})
        report(rows[-1])

    known = {}
    for axis, points in AXES.items():
        for value, point in points.items():
            if point not in known:
                network, size, number = point
                setting = network, size, (number,)
                [known[point]] = interleaved({0: trains}, setting, num_rounds).values()
            found = known[point]
            if "error" in found:
                print(f"{axis} of {point} is left out: {found['error']}", flush=True)
                continue
            [seconds] = found["seconds"].values()
            seconds = statistics.median(seconds) / point[2]
            add(axis, value, seconds, found["peak_memory_mb"])
    for number in NUM_IMAGES:
        add("images", number, *in_own_process(cost_of_images, number))
    return rows


def cost_of_images(number, size=32):
    """Train a small network for one epoch on images in a memory-mapped file.

    So `load_dataset` reads a large source.

    Returns:
        `(seconds_per_image, memory_mb)`.
    """
    load_keras()
    import numpy as np

    from resnet_keras.accelerate.copies import training_copy
    from resnet_keras.models import ResNetCIFAR
    from resnet_keras.training.augmentation import Batches
    from resnet_keras.training.fitting import compile_for_training
    from resnet_keras.training.recipe import Recipe

    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as directory:
        shape = (number, size, size, 3)
        path = Path(directory) / "images"
        images = np.memmap(path, np.uint8, "w+", shape=shape)
        for start in range(0, number, 1000):
            part = images[start : start + 1000]
            part[:] = rng.integers(0, 256, part.shape, np.uint8)
        images.flush()
        one_hot = np.eye(6, dtype=np.float32)[np.arange(number) % 6]
        trained = training_copy(ResNetCIFAR(8, (size, size, 3), 6))
        compile_for_training(trained, Recipe(), steps_per_epoch=number, epochs=1)

        def epoch(rows):
            batches = Batches(images, one_hot, rows, 32, Recipe(), seed=0)
            trained.fit(batches, shuffle=False, verbose=0)

        epoch(np.arange(96))  # the first steps trace the network
        start = time.perf_counter()
        epoch(np.arange(number))
        seconds = (time.perf_counter() - start) / number
        return seconds, memory_mb("RssAnon")
