"""Compare speed and memory on this machine: `python -m resnet_keras.benchmark`."""

import argparse
import os
import platform
import time
from functools import partial
from pathlib import Path

from resnet_keras.benchmark.common import PARTS
from resnet_keras.commands import (
    add_data,
    add_out,
    integer_from,
    load_keras,
    number_from,
    run,
)
from resnet_keras.errors import InputError
from resnet_keras.files.writing import check_folder


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.benchmark",
        description="Compare, on this machine, training and prediction with Keras' own "
        "ResNet-50 on each backend, with PyTorch's, ONNX Runtime and OpenVINO where "
        "they are installed, and with the processor's limit; interleaved, by medians.",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=PARTS,
        metavar="PART",
        help=f"measure but some of {', '.join(PARTS)}",
    )
    parser.add_argument(
        "--time-to-accuracy",
        type=number_from(0, 1),
        metavar="FRACTION",
        help="measure instead the minutes of training until this validation accuracy, "
        "here and with the course's recipe; 0.95, say",
    )
    add_data(parser, ", for --time-to-accuracy (default: hands)", "hands")
    parser.add_argument(
        "--max-minutes",
        type=number_from(0.1, 10_000),
        default=30,
        metavar="N",
        help="for that, how long each may train (default: 30)",
    )
    parser.add_argument(
        "--epochs",
        type=integer_from(1),
        metavar="N",
        help="for that, over how many epochs this package lowers its learning rate: "
        "fewer reach a moderate accuracy sooner (default: as resnet_keras.train)",
    )
    parser.add_argument(
        "--seed",
        type=integer_from(0, 2**31),
        default=0,
        metavar="N",
        help="for that, of everything random (default: 0)",
    )
    parser.add_argument(
        "--xla",
        action="store_true",
        help="for that, also train Keras' network compiled with XLA, where Keras does "
        "not do so by itself; it may take long",
    )
    parser.add_argument(
        "--detection",
        action="store_true",
        help="measure instead what the detector of resnet_keras.detect costs, by the "
        "size of its pictures",
    )
    parser.add_argument(
        "--retinanet",
        type=number_from(0.01, 10_000),
        metavar="MINUTES",
        help="train instead KerasHub's RetinaNet for so long on the scenes of "
        "resnet_keras.detect, once for each of four learning rates",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a small network, one baseline and one round, to see that it works",
    )
    add_out(parser, "runs/benchmark", "the figures as JSON and PNG")
    arguments = parser.parse_args(argv)
    if arguments.time_to_accuracy is None:
        for name in ("data", "max_minutes", "epochs", "seed", "xla"):
            if getattr(arguments, name) != parser.get_default(name):
                option = name.replace("_", "-")
                parser.error(f"--{option} is for --time-to-accuracy, which is missing")
    kinds = ("quick", "time_to_accuracy", "detection", "retinanet")
    chosen = [f"--{x.replace('_', '-')}" for x in kinds if getattr(arguments, x)]
    if len(chosen) > 1:
        parser.error(f"{' and '.join(chosen)} exclude each other")
    if arguments.only and chosen not in ([], ["--quick"]):
        parser.error(f"--only and {chosen[0]} exclude each other")
    return arguments


def main(argv=None):
    """Parse, measure, print and write."""
    arguments = _parse(argv)
    out = Path(arguments.out)
    if out.is_file():
        raise InputError(f"{out}: is a file; expected a folder for --out.")
    check_folder(out)
    start = time.perf_counter()
    print(f"On {_machine()}", flush=True)
    load_keras()
    from resnet_keras.files import versions
    from resnet_keras.files.writing import write_json

    result = {"machine": _machine(), "versions": versions()}
    if arguments.time_to_accuracy is not None:
        result |= _time_to_accuracy(arguments, out)
        path = out / "time_to_accuracy.json"
    elif arguments.detection:
        from resnet_keras.benchmark import detection

        result["detection"] = _printed(detection, detection.measure)
        path = out / "detection.json"
    elif arguments.retinanet:
        from resnet_keras.benchmark import retinanet

        measure = partial(retinanet.measure, arguments.retinanet)
        result["retinanet"] = _printed(retinanet, measure)
        path = out / "retinanet.json"
    else:
        from resnet_keras.benchmark.comparison import compare

        picture = out / "benchmark.png"
        result |= compare(arguments.quick, picture, arguments.only or PARTS)
        print(f"Written: {picture}")
        path = out / "benchmark.json"
    result["seconds"] = time.perf_counter() - start
    write_json(path, result)
    print(f"Done in {result['seconds'] / 60:.1f} minutes. Written: {path}")
    return 0


def _printed(module, measure):
    """Return a module's rows, each of which is printed as soon as it is measured."""
    print(module.heading(), flush=True)
    return measure(lambda row: print(module.line(row), flush=True))


def _time_to_accuracy(arguments, out):
    from resnet_keras import plots
    from resnet_keras.benchmark import accuracy, baselines, results
    from resnet_keras.benchmark.keras_network import keras_chooses_xla

    target, source = arguments.time_to_accuracy, arguments.data
    with_xla = keras_chooses_xla()
    makers = {
        baselines.THIS: partial(accuracy.this_package, epochs=arguments.epochs),
        baselines.WITHOUT_XLA: partial(accuracy.course, jit_compile=False),
    }
    if with_xla or arguments.xla:
        makers[baselines.WITH_XLA] = partial(accuracy.course, jit_compile=True)
    same = baselines.WITH_XLA if with_xla else baselines.WITHOUT_XLA
    print(f"Until the validation accuracy on {source} is {target}")
    print(f"{baselines.DEFAULTS} are here those of {same}", flush=True)
    found, picture = {}, out / "time_to_accuracy.png"
    for name, train in makers.items():
        found[name] = train(source, target, 60 * arguments.max_minutes, arguments.seed)
        print(accuracy.in_words(found, baselines.THIS)[-1], flush=True)
    plots.save(results.course_of_accuracy(found, target), picture)
    print(f"Written: {picture}")
    return {
        "target": target,
        "data": source,
        "seed": arguments.seed,
        "epochs": arguments.epochs,
        "keras_defaults": same,
        "time_to_accuracy": found,
    }


def _machine():
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        name = lines[0].split(":")[1].strip() if lines else name
    return f"{os.cpu_count()} cores of {name}"


if __name__ == "__main__":
    run(main)
