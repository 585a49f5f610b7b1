"""Name what is in pictures: `python -m resnet_keras.predict`."""

import argparse
import json
import sys
from pathlib import Path

from resnet_keras.commands import (
    add_preprocessing,
    add_trust,
    complain,
    integer_from,
    load_keras,
    run,
)
from resnet_keras.files.writing import check_not_input, refuse_file


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.predict",
        description="Name what is in pictures, with probabilities.",
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a .h5 or .keras file, weights of a ResNet, or imagenet",
    )
    parser.add_argument(
        "images",
        metavar="IMAGE",
        nargs="+",
        help="a picture, a folder of pictures (those of its subfolders, too), or a "
        "pattern in quotes",
    )
    parser.add_argument(
        "--top",
        type=integer_from(1),
        default=3,
        metavar="N",
        help="how many classes to name for each picture (default: 3)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument(
        "--out", metavar="DIR", help="where to write the pictures with their names"
    )
    add_preprocessing(parser)
    add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None):
    """Parse, predict, print and write; 2 if any picture could not be read."""
    arguments = _parse(argv)
    if arguments.out:
        refuse_file(arguments.out)
    load_keras()
    from resnet_keras.inference import open_classifier, predict_files, ranking
    from resnet_keras.inference.pictures import find_all, output_paths

    codes = {0}

    def report(error):  # one broken picture does not stop the others
        codes.add(complain(error))

    paths = find_all(arguments.images, report)
    if not paths:
        return max(codes)
    if arguments.out:
        outputs = output_paths(Path(arguments.out), paths)
        check_not_input(outputs.values(), [arguments.model, *paths])
    classifier = open_classifier(
        arguments.model, arguments.trust, arguments.preprocessing
    )
    for remark in classifier.remarks():
        print(remark, file=sys.stderr)
    found = []
    for path, probabilities in predict_files(classifier, paths, report):
        ranked = ranking(probabilities, classifier.class_names, arguments.top)
        if arguments.out:  # first: it makes the folder, or says that it cannot
            _write_picture(outputs[path], path, ranked)
        if arguments.json:
            found.append(_as_json(path, ranked))
        else:
            named = [f"{name} ({probability:.3f})" for name, probability in ranked]
            print(f"{path}: {named[0]}", *named[1:], sep="  ")
    if found:
        print(json.dumps(found, allow_nan=False))
    return max(codes)


def _as_json(path, ranked):
    return {
        "image": path,
        "class": ranked[0][0],
        "probability": ranked[0][1],
        "ranking": [
            {"class": name, "probability": probability} for name, probability in ranked
        ],
    }


def _write_picture(output, path, ranked):
    from resnet_keras import plots
    from resnet_keras.data.images import read_image

    plots.save(plots.prediction(read_image(path, 320), ranked), output)
    print(f"Written: {output}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
