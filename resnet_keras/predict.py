"""Name what is in pictures: `python -m resnet_keras.predict`."""

import argparse
import hashlib
import itertools
import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from resnet_keras.commands import (
    Complaints,
    add_precision,
    add_preprocessing,
    add_resume,
    add_trust,
    complain,
    integer_from,
    load_keras,
    refuse_both,
    run,
    something,
)
from resnet_keras.errors import InputError
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
        nargs="*",
        help="a picture, a folder of pictures (those of its subfolders, too), or a "
        "pattern in quotes",
    )
    parser.add_argument(
        "--list",
        type=something,
        metavar="FILE",
        help="take these too: a line for each picture, folder or pattern; - is the "
        "standard input",
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
    many = parser.add_argument_group("for any number of pictures")
    many.add_argument(
        "--table",
        type=something,
        metavar="FILE",
        help="write a .csv or .parquet file, row by row, instead of printing",
    )
    many.add_argument(
        "--skip-broken",
        action="store_true",
        help="end with 0 though pictures could not be read; they are named all the "
        "same",
    )
    many.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="take every Nth picture from the Ith on: 1/8 to 8/8 for eight machines",
    )
    add_resume(many, "predictions that were cut off", "the table that is there")
    add_precision(parser)
    add_preprocessing(parser)
    add_trust(parser)
    arguments = parser.parse_intermixed_args(argv)
    _check(parser, arguments)
    return arguments


def _shard(text):
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(
            f"{text!r}; expected I/N, as 1/8, with I from 1 to N"
        )
    return int(found[1]), int(found[2])


def _check(parser, arguments):
    """End, with the parser's error, where options do not go together."""
    if not arguments.images and not arguments.list:
        parser.error("the following arguments are required: IMAGE, or --list")
    refuse_both(parser, arguments)
    if not arguments.table:
        if arguments.resume or arguments.overwrite:
            parser.error("--resume and --overwrite are for --table, which is missing")
        return
    for name in ("json", "out", "find"):
        if getattr(arguments, name):
            parser.error(f"--table and --{name} exclude each other")
    if not arguments.table.lower().endswith((".csv", ".parquet")):
        parser.error(f"--table {arguments.table}: expected a .csv or .parquet file")


def main(argv=None):
    """Parse, predict, print and write; 2 if any picture could not be read."""
    arguments = _parse(argv)
    if arguments.out:
        refuse_file(arguments.out)
    if arguments.table:
        return _write_table(arguments)
    load_keras()
    from resnet_keras.inference import open_classifier, ranking
    from resnet_keras.inference.pictures import find_all, output_paths

    missing = Complaints()  # one broken picture does not stop the others
    paths = find_all(_names(arguments), missing)
    if arguments.shard:
        first, step = arguments.shard
        paths = paths[first - 1 :: step]
    if not paths:
        return missing.code
    if arguments.out:
        outputs = output_paths(Path(arguments.out), paths)
        models = [name for name in (arguments.model, arguments.find) if name]
        check_not_input(outputs.values(), [*models, *paths])
    classifier = open_classifier(
        arguments.model, arguments.trust, arguments.preprocessing, arguments.precision
    )
    broken = complain if arguments.skip_broken else missing
    predictions = _predictions(classifier, _open_finder(arguments), paths, broken)
    for remark in classifier.remarks():
        print(remark, file=sys.stderr)
    rows = []
    for path, probabilities, is_answer, place in predictions:
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
    return missing.code


def _names(arguments):
    """Yield what was named, and then the lines of `--list`."""
    yield from arguments.images
    if arguments.list == "-":
        yield from _lines(sys.stdin)
    elif arguments.list:
        with open(arguments.list, errors="surrogateescape") as file:
            yield from _lines(file)


def _lines(file):
    for number, line in enumerate(file):
        name = line.rstrip("\r\n")
        if not number:
            name = name.removeprefix("\ufeff")  # some editors begin files with it
        if name:
            yield name


def _is_read_once(names):
    """Say whether a list is one such as "-" or <(find .), which cannot be counted."""
    if names in (None, "-"):
        return names == "-"
    path = Path(names)
    return path.is_fifo() or path.is_char_device() or path.is_socket()


def _write_table(arguments):
    """Write predictions for any number of pictures; 2 if any could not be read."""
    table = Path(arguments.table)
    check_not_input([table], [arguments.model, arguments.list, *arguments.images])
    if table.exists() and not arguments.overwrite:
        raise InputError(
            f"{table}: is there already. Choose another --table, or use --overwrite."
        )
    if table.suffix.lower() == ".parquet" and not find_spec("pyarrow"):
        raise InputError(
            f"{table}: Parquet needs pyarrow; pip install 'resnet_keras[parquet]', or "
            "give a .csv file."
        )
    load_keras()
    from resnet_keras.inference import open_classifier, predict_to_table
    from resnet_keras.inference.pictures import each_picture

    first, step = arguments.shard or (1, 1)
    missing = Complaints()

    def paths(report):
        return itertools.islice(
            each_picture(_names(arguments), report), first - 1, None, step
        )

    total = None
    if not _is_read_once(arguments.list):
        total = sum(1 for _ in paths(missing))
        if not total:
            raise InputError("there is no picture; expected some to name.")
    classifier = open_classifier(
        arguments.model, arguments.trust, arguments.preprocessing, arguments.precision
    )
    for remark in classifier.remarks():
        print(remark, file=sys.stderr)
    settings = {
        "model": _digest(arguments.model),
        "preprocessing": arguments.preprocessing,
        "precision": arguments.precision,
        "top": arguments.top,
        "shard": [first, step],
    }
    if arguments.overwrite:
        for suffix in (".part.json", ".part"):
            Path(f"{table}{suffix}").unlink(missing_ok=True)
    number, broken = predict_to_table(
        classifier,
        # Names that mean nothing were told when the pictures were counted.
        paths(missing if total is None else lambda error: None),
        table,
        settings,
        arguments.top,
        total,
        arguments.resume,
    )
    print(f"Written: {table}, {number} pictures, {broken} of which cannot be read")
    return 2 if broken and not arguments.skip_broken else missing.code


def _digest(model):
    """Return a hash of a model's file, or its name if it is none."""
    if not Path(model).is_file():
        return model
    with open(model, "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]


def _open_finder(arguments):
    if not arguments.find:
        return None
    from resnet_keras.detection import open_finder

    return open_finder(arguments.find, arguments.trust)


def _predictions(classifier, finder, paths, report):
    """Yield what `predict_files` does, and with a finder the `Place` of what it is."""
    if finder:
        from resnet_keras.detection.naming import name_in_files

        yield from name_in_files(classifier, finder, paths, report)
    else:
        from resnet_keras.inference import predict_files

        for prediction in predict_files(classifier, paths, report):
            yield *prediction, None


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
