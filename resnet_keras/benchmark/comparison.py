"""All that the benchmark compares, printed as it is measured."""

import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

from resnet_keras import ResNet50, plots, save_model
from resnet_keras.benchmark import baselines, exported, growth, own, results
from resnet_keras.benchmark.common import CLASSES, PARTS
from resnet_keras.benchmark.timing import in_own_process, interleaved
from resnet_keras.models import build
from resnet_keras.nets.stages import stage_table

# network, side of the images, batch sizes, rounds of timing
_FULL = ("resnet50", 64, (32, 64), 5)
_QUICK = ("resnet-cifar-20", 32, (4,), 1)


def compare(quick, picture, parts=PARTS):
    """Measure, print and draw speed, memory and growth.

    Args:
        quick: whether to compare with one baseline and a small network, once.
        picture: path of the figure.
        parts: which of `PARTS` to measure; the quick form leaves growth out.

    Returns:
        Dictionary of all that was measured, for a JSON file.
    """
    comparison = _Comparison(quick)
    result = comparison.setting()
    if "training" in parts:
        result |= comparison.training()
    if "prediction" in parts:
        result |= comparison.prediction()
    rows = result["growth"] = []
    if "growth" in parts and not quick:
        print(results.growth_heading())
        rows += growth.measure(lambda row: print(results.growth_line(row), flush=True))
    plots.save(results.figure(comparison.bars, rows), picture)
    return result


class _Comparison:
    """What is measured of all peers, and printed; `bars` is for the figure."""

    def __init__(self, quick):
        self._quick, self.bars = quick, {}
        setting = _QUICK if quick else _FULL
        self._network, self._size, self._batch_sizes, self._num_rounds = setting
        self._multiply_adds = multiply_adds(self._network, self._size)
        self._precisions = ("float32",) if quick else baselines.precisions()

    def setting(self):
        """Print what is compared, and return it as a dictionary."""
        words = " and ".join(map(str, self._batch_sizes))
        side = f"{self._size} x {self._size} pixels"
        print(f"{self._network}, {side}, batches of {words}\n", flush=True)
        if not self._quick and "bfloat16" not in self._precisions:
            print("bfloat16 is left out: this machine does not multiply it")
        return {
            "network": self._network,
            "image_size": self._size,
            "batch_sizes": self._batch_sizes,
            "num_rounds": self._num_rounds,
            "multiply_adds_per_image": self._multiply_adds,
        }

    def training(self):
        """Compare steps of training; return rows, and what making the input costs."""
        # Backward, the gradients by input and by weights take as much as forward, each.
        multiply_adds, rows = 3 * self._multiply_adds, []
        for each in self._precisions:  # all at once they would not fit into memory
            peers = baselines.training(each)
            rows += self._measure(peers, self._batch_sizes, multiply_adds)
        self._report("training", rows, self._batch_sizes)
        memory = {_label(x): x["peak_memory_mb"] for x in rows if "peak_memory_mb" in x}
        self.bars["peak memory in training, MiB"] = memory
        if self._quick:
            return {"training": rows}
        setting = self._network, self._size, self._batch_sizes
        [found] = interleaved({"fit": own.trains_in_fit}, setting, 3).values()
        return {
            "training": rows,
            "input": found if "error" in found else _input(found["seconds"]),
        }

    def prediction(self):
        """Compare prediction of batches and of one image; return rows, and start-up."""
        largest = max(self._batch_sizes)
        with tempfile.TemporaryDirectory() as folder:
            if not self._quick:
                in_own_process(exported.write, self._network, self._size, folder)
            rows = []
            for precision in (*self._precisions, "int8"):
                peers = baselines.prediction(precision, folder)
                rows += self._measure(peers, (1, largest), self._multiply_adds)
        self._report("prediction", rows, (largest,))
        self._report("prediction, one by one", rows, (1,))
        start = {} if self._quick else {"start": start_up()}
        return {"prediction": rows} | start

    def _measure(self, peers, batch_sizes, multiply_adds):
        """Return rows of peers, and say in a line why one is left out."""
        if self._quick:
            kept = (baselines.THIS, baselines.DEFAULTS)
            peers = [peer for peer in peers if peer.name in kept]
        makers = {}
        for peer in peers:
            if missing := peer.missing():
                print(f"{peer.key} is left out: needs {', '.join(missing)}")
            else:
                makers[peer.key] = peer.make
        setting = self._network, self._size, batch_sizes
        found = interleaved(makers, setting, self._num_rounds)
        for key, values in found.items():
            if "error" in values:
                print(f"{key} is left out: {values['error']}")
        measured = [peer for peer in peers if peer.key in found]
        return results.as_rows(measured, found, batch_sizes, multiply_adds)

    def _report(self, title, rows, batch_sizes):
        for precision in dict.fromkeys(row["precision"] for row in rows):
            chosen = [row for row in rows if row["precision"] == precision]
            heading = f"{title}, {precision}"
            print(results.speed_table(heading, chosen, batch_sizes), end="\n\n")
        print(*results.in_words(rows, batch_sizes), sep="\n", end="\n\n", flush=True)
        rates = {_label(row): results.best_rate(row, batch_sizes) for row in rows}
        self.bars[f"{title}, images/s"] = rates


def _label(row):
    return f"{row['name']}, {row['precision']}"


def multiply_adds(network, size):
    """Return how many multiply-adds a network takes for one image."""
    model = build(network, (size, size, 3), CLASSES)
    return sum(row["multiply_adds"] for row in stage_table(model))


def _input(seconds):
    """Print what a step with augmented input takes beside one with a ready batch."""
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratio = medians["augmented"] / medians["fixed"]
    print(f"A step with augmented input takes {ratio:.3f} x one with a fixed batch\n")
    return {"ratio": ratio, "seconds": seconds}


def start_up(num_rounds=3):
    """Time `predict` of one picture beside importing Keras and loading the file.

    Returns:
        Dictionary: `seconds` of both, per round, and the `ratio` of their medians.
    """
    seconds = {"predict": [], "load": []}
    with tempfile.TemporaryDirectory() as directory:
        model, picture = f"{directory}/model.h5", f"{directory}/picture.png"
        save_model(ResNet50(), model)
        Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(picture)
        load = f"import keras; keras.models.load_model({model!r}, compile=False)"
        lines = {
            "predict": ["-m", "resnet_keras.predict", model, picture],
            "load": ["-c", load],
        }
        for _ in range(num_rounds):
            for name, line in lines.items():
                begin = time.perf_counter()
                line = [sys.executable, *line]
                subprocess.run(line, check=True, capture_output=True)
                seconds[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratio = medians["predict"] / medians["load"]
    print(
        f"predict of one picture, whole process: {medians['predict']:.1f} s, "
        f"{ratio:.2f} x importing Keras and loading the file\n",
        flush=True,
    )
    return {"ratio": ratio, "seconds": seconds}
