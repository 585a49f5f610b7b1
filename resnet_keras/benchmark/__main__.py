"""Compare speed and memory on this machine: `python -m resnet_keras.benchmark`."""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from resnet_keras.commands import load_keras, number_from, run
from resnet_keras.errors import InputError

_FILES = ("benchmark.json", "benchmark.png")


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.benchmark",
        description="Compare, on this machine, training and prediction with Keras' own "
        "ResNet-50, with PyTorch's where that is installed, and with the processor's "
        "limit; in turn, by medians, in about ten minutes.",
    )
    parser.add_argument(
        "--time-to-accuracy",
        type=number_from(0, 1),
        metavar="SHARE",
        help="measure instead the minutes of training until this validation accuracy, "
        "here and with the course's recipe; 0.95, say",
    )
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        default="hands",
        help="for that, as for resnet_keras.train (default: hands)",
    )
    parser.add_argument(
        "--max-minutes",
        type=number_from(0.1),
        default=30,
        metavar="N",
        help="for that, how long each may train (default: 30)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a small network, two contenders and one round, to see that it works",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        default="runs/benchmark",
        help=f"where to write {' and '.join(_FILES)} (default: runs/benchmark)",
    )
    return parser.parse_args(argv)


def main(argv=None):
    """Parse, measure, print and write."""
    arguments = _parse(argv)
    out = Path(arguments.out)
    if out.is_file():
        raise InputError(f"{out}: is a file; expected a folder for --out.")
    start = time.perf_counter()
    print(f"On {_machine()}", flush=True)
    load_keras()
    from resnet_keras.files import versions
    from resnet_keras.writing import write_json

    result = {"machine": _machine(), "versions": versions()}
    if arguments.time_to_accuracy:
        result |= _time_to_accuracy(arguments)
        path = out / "time_to_accuracy.json"
    else:
        result |= _compare(arguments.quick, out / "benchmark.png")
        path = out / "benchmark.json"
    result["seconds"] = time.perf_counter() - start
    write_json(path, result)
    print(f"Done in {result['seconds'] / 60:.1f} minutes. Written: {path}")
    return 0


def _compare(quick, picture):
    """Measure, print and draw all but the time to an accuracy; return the figures."""
    from resnet_keras import plots
    from resnet_keras.benchmark import contenders, growth, results
    from resnet_keras.measuring import interleaved

    setting = ("resnet-cifar-20", 32, 4) if quick else ("resnet50", 64, 32)
    num_rounds = 1 if quick else 9
    few = (contenders.THIS, contenders.WITHOUT_XLA)
    multiply_adds = _multiply_adds(*setting[:2])

    def measure(makers):
        if quick:
            makers = {name: makers[name] for name in few}
        found = interleaved(makers, setting, num_rounds)
        for name, values in found.items():
            if "error" in values:
                print(f"{name} is left out: {values['error']}")
        return found

    network, size, batch_size = setting
    print(f"{network}, {size} x {size} pixels, batches of {batch_size}\n", flush=True)
    training = measure(contenders.TRAINING)
    limit = {key: training.pop(key) for key in [contenders.LIMIT] if key in training}
    num_products = dict.fromkeys(contenders.PRECISIONS, contenders.MATRIX_SIDE**3)
    product = results.speeds(limit, num_products).get(contenders.LIMIT, {})
    found = results.speeds(training, {"train": batch_size})
    rates = {"training": {name: rate["train"] for name, rate in found.items()}}
    _add_limits(rates["training"], product, 3 * multiply_adds)
    memory = {"training": _peaks(training)}
    _print_table(results, "training", rates, memory, contenders.THIS)

    prediction = measure(contenders.PREDICTION)
    found = results.speeds(prediction, {"batch": batch_size, "one": 1})
    for step, title in (("batch", "prediction"), ("one", "prediction, one by one")):
        rates[title] = {name: rate[step] for name, rate in found.items()}
        _add_limits(rates[title], product, multiply_adds)
        memory[title] = _peaks(prediction)
        _print_table(results, title, rates, memory, contenders.THIS)

    result = {
        "network": network,
        "image_size": size,
        "batch_size": batch_size,
        "multiply_adds_per_image": multiply_adds,
        "multiply_adds_per_second": product,
        "images_per_second": rates,
        "peak_memory_mb": memory,
        "seconds_of_steps": {"training": training, "prediction": prediction},
    }
    rows = []
    if not quick:
        result["input"] = _input(measure(contenders.INPUT), results)
        result["start"] = _start_up()
        say = lambda row: print(results.growth_table([row])[1], flush=True)  # noqa: E731
        print(results.growth_table([])[0])
        result["growth"] = rows = growth.measure(say)
        print()
    bars = {f"{title}, images/s": values for title, values in rates.items()}
    bars["peak memory in training, MiB"] = memory["training"]
    plots.save(results.figure(bars, rows), picture)
    print(f"Written: {picture}")
    return result


def _multiply_adds(network, size):
    from resnet_keras.benchmark.common import CLASSES
    from resnet_keras.models import build
    from resnet_keras.summary import stage_table

    model = build(network, (size, size, 3), CLASSES)
    return sum(row["multiply_adds"] for row in stage_table(model))


def _add_limits(rates, product, multiply_adds):
    """Add how many images/s the products alone would allow.

    Training multiplies three times as much as the forward pass: the gradients of a
    layer's input and of its weights take as much again, each.
    """
    for dtype, rate in product.items():
        rates[f"(e) products, {dtype}"] = rate / multiply_adds


def _peaks(found):
    return {
        name: values["peak_memory_mb"]
        for name, values in found.items()
        if "error" not in values
    }


def _print_table(results, title, rates, memory, this):
    lines = results.table(title, rates[title], memory[title], this)
    print("\n".join(lines) + "\n", flush=True)


def _input(found, results):
    """Say what a step with augmented input takes beside one with a ready batch."""
    seconds = found["fit"]["seconds"]
    rates = results.speeds(found, dict.fromkeys(seconds, 1))["fit"]
    ratio = rates["fixed"] / rates["augmented"]
    print(f"A step with augmented input takes {ratio:.3f} x one with a fixed batch\n")
    return {"ratio": ratio, "seconds": seconds}


def _start_up(num_rounds=3):
    """Time `predict` of one picture beside importing Keras and loading the file."""
    import statistics

    import numpy as np
    from PIL import Image

    from resnet_keras import ResNet50, save_model

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


def _time_to_accuracy(arguments):
    from resnet_keras.benchmark import accuracy
    from resnet_keras.benchmark.contenders import DEFAULTS, THIS, WITHOUT_XLA

    target, source = arguments.time_to_accuracy, arguments.data
    print(f"Until {target} of the validation images of {source} are right", flush=True)
    found = {}
    for name, train in (
        (THIS, accuracy.this_package),
        (WITHOUT_XLA, partial(accuracy.course, jit_compile=False)),
        (DEFAULTS, partial(accuracy.course, jit_compile="auto")),
    ):
        found[name] = train(source, target, 60 * arguments.max_minutes)
        print(accuracy.in_words(found, THIS)[-1], flush=True)
    return {"target": target, "data": source, "time_to_accuracy": found}


def _machine():
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        name = lines[0].split(":")[1].strip() if lines else name
    return f"{os.cpu_count()} cores of {name}"


if __name__ == "__main__":
    run(main)
