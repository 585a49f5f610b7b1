"""All that the benchmark compares, printed as it is measured."""

import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

from resnet_keras import ResNet50, plots, save_model
from resnet_keras.benchmark import baselines, growth, results
from resnet_keras.benchmark.common import CLASSES
from resnet_keras.benchmark.timing import interleaved
from resnet_keras.models import build
from resnet_keras.nets.stages import stage_table

# network, side of the images, batch size, rounds of timing
_FULL = ("resnet50", 64, 32, 7)
_QUICK = ("resnet-cifar-20", 32, 4, 1)


def compare(quick, picture):
    """Measure, print and draw speed, memory and growth.

    Args:
        quick: whether to compare with one baseline and a small network, once.
        picture: path of the figure.

    Returns:
        Dictionary of all that was measured, for a JSON file.
    """
    network, size, batch_size, num_rounds = _QUICK if quick else _FULL
    print(f"{network}, {size} x {size} pixels, batches of {batch_size}\n", flush=True)

    def measure(makers, num_rounds=num_rounds):
        if quick:
            chosen = (baselines.THIS, baselines.WITHOUT_XLA)
            makers = {name: makers[name] for name in chosen}
        found = interleaved(makers, (network, size, batch_size), num_rounds)
        for name, values in found.items():
            if "error" in values:
                print(f"{name} is left out: {values['error']}")
        return found

    result = {"network": network, "image_size": size, "batch_size": batch_size}
    result |= _rates(measure, batch_size, multiply_adds(network, size))
    result["growth"] = []
    if not quick:
        found = measure(baselines.INPUT, 3)["fit"]
        result["input"] = found if "error" in found else _input(found["seconds"])
        result["start"] = start_up()
        print(results.growth_heading())
        result["growth"] = growth.measure(
            lambda row: print(results.growth_line(row), flush=True)
        )
    rates, memory = result["images_per_second"], result["peak_memory_mb"]
    bars = {f"{title}, images/s": values for title, values in rates.items()}
    bars["peak memory in training, MiB"] = memory["training"]
    plots.save(results.figure(bars, result["growth"]), picture)
    return result


def multiply_adds(network, size):
    """Return how many multiply-adds a network takes for one image."""
    model = build(network, (size, size, 3), CLASSES)
    return sum(row["multiply_adds"] for row in stage_table(model))


def _rates(measure, batch_size, multiply_adds_per_image):
    """Measure and print images/s and memory, of training and of prediction."""
    training = measure(baselines.TRAINING)
    limit = {key: training.pop(key) for key in [baselines.LIMIT] if key in training}
    num_products = dict.fromkeys(baselines.PRECISIONS, baselines.MATRIX_SIDE**3)
    products = results.speeds(limit, num_products).get(baselines.LIMIT, {})
    rates, memory = {}, {}

    def report(title, found, step, num_images, passes):
        speeds = results.speeds(found, {step: num_images})
        rates[title] = {name: steps[step] for name, steps in speeds.items()}
        rates[title] |= limits(products, passes * multiply_adds_per_image)
        memory[title] = {name: found[name]["peak_memory_mb"] for name in speeds}
        lines = [
            results.speed_table(title, rates[title], memory[title], baselines.THIS)
        ]
        best = results.best_baseline(rates[title])
        if best:
            ratio = rates[title][baselines.THIS] / rates[title][best]
            lines.append(f"{ratio:.2f} x the best baseline, {best}")
        print("\n".join(lines) + "\n", flush=True)

    # Backward, the gradients by input and by weights take as much as forward, each.
    report("training", training, "train", batch_size, passes=3)
    prediction = measure(baselines.PREDICTION)
    report("prediction", prediction, "batch", batch_size, passes=1)
    report("prediction, one by one", prediction, "one", 1, passes=1)
    return {
        "images_per_second": rates,
        "peak_memory_mb": memory,
        "multiply_adds_per_image": multiply_adds_per_image,
        "multiply_adds_per_second": products,
        "seconds_of_steps": {"training": training, "prediction": prediction},
    }


def limits(products, multiply_adds_per_image):
    """Return how many images/s the matrix products alone would allow.

    Args:
        products: dictionary from precisions to multiply-adds per second.
        multiply_adds_per_image: int.

    Example:

    >>> limits({"float32": 1e11}, 1e9)
    {'(e) products, float32': 100.0}
    """
    return {
        f"(e) products, {precision}": rate / multiply_adds_per_image
        for precision, rate in products.items()
    }


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
