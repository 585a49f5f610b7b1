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
    something,
)
from resnet_keras.files.writing import check_not_input, refuse_file

_NO_ANSWER = {"class": None, "none_of_these": True}
_SHOWN = 320  # pixels of a written picture's longer side


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
    parser.add_argument(
        "--find",
        type=something,
        metavar="DETECTOR",
        help="find the object first, with this detector, and name what is around it",
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
    from resnet_keras.inference import open_classifier, ranking
    from resnet_keras.inference.pictures import find_all, output_paths

    codes = {0}

    def report(error):  # one broken picture does not stop the others
        codes.add(complain(error))

    paths = find_all(arguments.images, report)
    if not paths:
        return max(codes)
    if arguments.out:
        outputs = output_paths(Path(arguments.out), paths)
        models = [name for name in (arguments.model, arguments.find) if name]
        check_not_input(outputs.values(), [*models, *paths])
    classifier = open_classifier(
        arguments.model, arguments.trust, arguments.preprocessing
    )
    predictions = _predictions(classifier, _open_finder(arguments), paths, report)
    for remark in classifier.remarks():
        print(remark, file=sys.stderr)
    rows = []
    for path, probabilities, place in predictions:
        is_answer = True
        if answering := classifier.answering:
            is_answer = bool(answering.answers(probabilities))
            probabilities = answering.calibrated(probabilities)
        ranked = ranking(probabilities, classifier.class_names, arguments.top)
        if arguments.out:  # first: it makes the folder, or says that it cannot
            _write_picture(outputs[path], path, ranked, place, is_answer)
        if arguments.json:
            found = _as_json(path, ranked, place)
            rows.append(found if is_answer else found | _NO_ANSWER)
        else:
            words = [f"{name} ({probability:.3f})" for name, probability in ranked]
            if not is_answer:
                name, probability = ranked[0]
                words = [f"none of these (nearest: {name}, {probability:.3f})"]
            words += [place.in_words()] if place else []
            print(f"{path}: {words[0]}", *words[1:], sep="  ")
    if rows:
        print(json.dumps(rows, allow_nan=False))
    return max(codes)


def _open_finder(arguments):
    if not arguments.find:
        return None
    from resnet_keras.detection import open_finder

    return open_finder(arguments.find, arguments.trust)


def _predictions(classifier, finder, paths, report):
    """Yield path, probabilities, and with a finder the `Place` of what is named."""
    if finder:
        from resnet_keras.detection.naming import name_in_files

        yield from name_in_files(classifier, finder, paths, report)
    else:
        from resnet_keras.inference import predict_files

        for path, probabilities in predict_files(classifier, paths, report):
            yield path, probabilities, None


def _as_json(path, ranked, place):
    return {
        "image": path,
        "class": ranked[0][0],
        "probability": ranked[0][1],
        "ranking": [
            {"class": name, "probability": probability} for name, probability in ranked
        ],
        **(place.as_dict() if place else {}),
    }


def _write_picture(output, path, ranked, place, is_answer):
    from resnet_keras import plots
    from resnet_keras.data.images import read_image

    image, box = read_image(path, _SHOWN), None
    if place:  # all of the picture
        from resnet_keras.detection.pictures import read_scaled

        image, box = read_scaled(path, _SHOWN, place.box)
    plots.save(plots.prediction(image, ranked, box, is_answer), output)
    print(f"Written: {output}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
