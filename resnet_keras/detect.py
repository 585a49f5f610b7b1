"""Find what is where in pictures: `python -m resnet_keras.detect`."""

import argparse
import json
import shlex
import sys
from pathlib import Path

from resnet_keras.commands import (
    Complaints,
    add_resume,
    add_skip_broken,
    add_trust,
    load_keras,
    number_from,
    refuse_both,
    run,
    something,
)
from resnet_keras.detection.settings import DEFAULTS, FIGURE_FILES
from resnet_keras.files.writing import check_not_input, refuse_file, write_json
from resnet_keras.training.config import RunConfig
from resnet_keras.training.options import add_settings, settings_given

_SOURCES = (
    "COCO's .json or a folder of it, YOLO's data.yaml or its folder, a folder of "
    'Pascal VOC\'s .xml files, or "scenes", drawn on the spot'
)


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.detect",
        description="Train a detector on pictures with boxes, score it, and find what "
        "is where in pictures.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    arguments = parser.parse_args(argv)
    if arguments.command == "train":
        refuse_both(parser, arguments)
    return arguments


def _add_train(commands):
    parser = commands.add_parser(
        "train",
        help="train a detector, and keep the model, its figures and its scores",
        description="Train a detector and keep the model, its scores and figures, its "
        "misses and false alarms in one directory.",
    )
    parser.add_argument(
        "--data",
        type=something,
        metavar="SOURCE",
        help=f"{_SOURCES} (default: {DEFAULTS['data']})",
    )
    add_skip_broken(parser)
    parser.add_argument(
        "--model",
        metavar="NAME",
        help=f"the network to begin from: {DEFAULTS['model']} (the default), "
        "resnet50, ...; a wrong name lists them all",
    )
    numbers = {
        "epochs": "passes over the training pictures (default: by their number)",
        "seed": f"of weights, shuffling, augmentation (default: {RunConfig.seed})",
        "image_size": "side in pixels of the square that each picture is placed on "
        f"(default: {DEFAULTS['image_size']})",
    }
    weights = "a classifier trained here, weights of any naming scheme, or imagenet"
    add_settings(parser, numbers, weights)
    add_resume(parser)


def _add_evaluate(commands):
    parser = commands.add_parser(
        "evaluate",
        help="score a detector on pictures with boxes",
        description="Score a detector on pictures with boxes, by COCO's figures.",
    )
    parser.add_argument("model", metavar="MODEL", help="a detector trained here")
    parser.add_argument(
        "--data", type=something, required=True, metavar="SOURCE", help=_SOURCES
    )
    add_skip_broken(parser)
    parser.add_argument(
        "--part",
        choices=("test", "train", "all"),
        default="test",
        help='which pictures (default: test); "all" suits data that it never saw',
    )
    parser.add_argument(
        "--out", metavar="DIR", help="where to write metrics.json and the figures"
    )
    add_trust(parser)


def _add_predict(commands):
    parser = commands.add_parser(
        "predict",
        help="say what is where in pictures",
        description="Say what is where in pictures, in their own pixels.",
    )
    parser.add_argument("model", metavar="MODEL", help="a detector trained here")
    parser.add_argument(
        "images",
        metavar="IMAGE",
        nargs="+",
        help="a picture, a folder of pictures (those of its subfolders, too), or a "
        "pattern in quotes",
    )
    parser.add_argument(
        "--threshold",
        type=number_from(0, 1),
        metavar="SCORE",
        help="least score of a box (default: the model's own)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument(
        "--coco",
        metavar="FILE",
        help="write pictures and boxes as COCO's JSON, which tools for labelling read",
    )
    parser.add_argument(
        "--out", metavar="DIR", help="where to write the pictures with their boxes"
    )
    add_trust(parser)


def main(argv=None):
    """Parse, and train, evaluate or predict."""
    arguments = _parse(argv)
    command = {"train": _train, "evaluate": _evaluate, "predict": _predict}
    return command[arguments.command](arguments)


def _train(arguments):
    from resnet_keras.detection.runs import DETECTION
    from resnet_keras.training.directory import train_in

    directory, dataset, metrics = train_in(
        arguments.out,
        settings_given(arguments),
        arguments.resume,
        arguments.overwrite,
        arguments.skip_broken,
        command=DETECTION,
    )
    score = "No average precision, without an object in a test picture"
    if metrics.get("AP") is not None:
        score = (
            f"AP {metrics['AP']:.3f} and AP50 {metrics['AP50']:.3f} on "
            f"{len(dataset.test)} test pictures"
        )
    model = shlex.quote(str(directory / "model.h5"))
    print(
        f"{score}, after {metrics['train_seconds'] / 60:.1f} minutes of training\n"
        f"The model is {model}; its figures, misses and false alarms are beside it\n"
        f"Try it: python -m resnet_keras.detect predict {model} IMAGE --out DIR"
    )
    return 0


def _open(arguments):
    load_keras()
    from resnet_keras.detection import open_finder

    return open_finder(arguments.model, arguments.trust)


def _evaluate(arguments):
    if arguments.out:
        refuse_file(arguments.out)
        written = [
            Path(arguments.out) / name for name in ("metrics.json", *FIGURE_FILES)
        ]
        check_not_input(written, [arguments.model, arguments.data])
    finder = _open(arguments)
    from resnet_keras import plots
    from resnet_keras.detection import evaluation, load_detection, report
    from resnet_keras.files import versions

    dataset = load_detection(
        arguments.data,
        finder.image_size,
        skip_broken=arguments.skip_broken,
        needs_train=arguments.part == "train",
    )
    pictures, found, result = evaluation.evaluate_part(
        finder, dataset, arguments.part, arguments.data
    )
    for note in dataset.notes:
        print(note)
    print(
        f"{dataset.name}: {len(pictures)} pictures ({arguments.part}) of "
        f"{dataset.source}, {pictures.num_empty} of them without objects"
    )
    print(report.as_text(pictures, result, finder.class_names))
    if arguments.out:
        out = Path(arguments.out)
        figures = report.figures(pictures, found, result, finder.class_names)
        for name, figure in figures.items():
            plots.save(figure, out / name)
        about = {"model": arguments.model, "data": arguments.data}
        about |= {"part": arguments.part, "versions": versions()}
        metrics = report.as_metrics(pictures, result, finder.class_names)
        write_json(out / "metrics.json", about | metrics)
        print(f"Written: {', '.join(str(path) for path in written)}")
    return 0


def _predict(arguments):
    """Find objects, print and write them; 2 if any picture could not be read."""
    if arguments.out:
        refuse_file(arguments.out)
    from resnet_keras.inference.pictures import find_all, output_paths

    report = Complaints()  # one broken picture does not stop the others
    paths = list(dict.fromkeys(find_all(arguments.images, report)))
    if not paths:
        return report.code
    from resnet_keras.detection.pictures import as_dict, as_line, coco_of, find_in_files

    outputs = output_paths(Path(arguments.out), paths) if arguments.out else {}
    written = [*outputs.values(), *([arguments.coco] if arguments.coco else [])]
    check_not_input(written, [arguments.model, *paths])
    finder = _open(arguments)
    rows = []
    for path, size, found in find_in_files(finder, paths, arguments.threshold, report):
        if arguments.out:  # first: it makes the folder, or says that it cannot
            _write_picture(path, size, outputs[path], found, finder.class_names)
        rows.append(as_dict(path, size, found, finder.class_names))
        if not arguments.json:
            print(as_line(rows[-1]))
    if arguments.json and rows:
        print(json.dumps(rows, allow_nan=False))
    if arguments.coco:
        write_json(arguments.coco, coco_of(rows, finder.class_names))
        print(f"Written: {arguments.coco}", file=sys.stderr)
    return report.code


def _write_picture(path, size, output, found, class_names):
    from resnet_keras import plots
    from resnet_keras.data.images import read_image

    image = read_image(path, size[::-1])
    plots.save(plots.annotated(image, found, class_names), output)
    print(f"Written: {output}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
