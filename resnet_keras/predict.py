"""Name what is in pictures: `python -m resnet_keras.predict`."""

import argparse
import json
import sys
from pathlib import Path

from resnet_keras.commands import add_trust, complain, integer_from, load_keras, run
from resnet_keras.errors import InputError
from resnet_keras.writing import check_folder, check_not_input


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
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="a picture")
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
    add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None):
    """Parse, predict, print and write; 2 if any picture could not be read."""
    arguments = _parse(argv)
    if arguments.out:
        check_folder(arguments.out)
    load_keras()
    import numpy as np

    from resnet_keras.images import read_image
    from resnet_keras.inference import Classifier, check_numbers
    from resnet_keras.pretrained import open_model

    loaded = open_model(arguments.model, arguments.trust)
    classifier = Classifier(*loaded, arguments.model)
    for note in loaded[1].get("notes") or ():
        print(f"Note on {arguments.model}: {note}", file=sys.stderr)
    for assumption in classifier.assumptions:
        message = f"Assumed, for {arguments.model} does not say: {assumption}."
        print(message, file=sys.stderr)
    paths, images, code = [], [], 0
    for path in arguments.images:
        try:
            images.append(read_image(path, (classifier.height, classifier.width)))
            paths.append(path)
        except InputError as error:  # one broken picture does not stop the others
            code = complain(error)
    if not images:
        return code

    probabilities = classifier.probabilities(np.stack(images))
    check_numbers(probabilities, arguments.model)
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, : arguments.top]
    answers = [
        [(classifier.class_names[i], float(row[i])) for i in chosen]
        for row, chosen in zip(probabilities, best, strict=True)
    ]
    if arguments.json:
        print(
            json.dumps([_as_json(*pair) for pair in zip(paths, answers, strict=True)])
        )
    else:
        for path, answer in zip(paths, answers, strict=True):
            named = [f"{name} ({probability:.3f})" for name, probability in answer]
            print(f"{path}: {named[0]}", *named[1:], sep="  ")
    if arguments.out:
        _write_pictures(Path(arguments.out), paths, answers)
    return code


def _as_json(path, answer):
    return {
        "image": path,
        "class": answer[0][0],
        "probability": answer[0][1],
        "ranking": [
            {"class": name, "probability": probability} for name, probability in answer
        ],
    }


def _write_pictures(directory, paths, answers):
    from resnet_keras import plots
    from resnet_keras.images import read_image

    outputs = []
    for path in paths:
        output, number = directory / f"{Path(path).stem}_predicted.png", 1
        while output in outputs:  # a/hand.jpg and b/hand.jpg
            number += 1
            output = directory / f"{Path(path).stem}_{number}_predicted.png"
        outputs.append(output)
    check_not_input(outputs, paths)
    for path, answer, output in zip(paths, answers, outputs, strict=True):
        plots.save(plots.prediction(read_image(path, 320), answer), output)
        print(f"Written: {output}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
