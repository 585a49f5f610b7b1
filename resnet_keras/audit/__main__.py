"""Look a data set through before it is trained on: `python -m resnet_keras.audit`."""

import argparse
from pathlib import Path

from resnet_keras.commands import (
    add_out,
    add_preprocessing,
    add_trust,
    load_keras,
    run,
    something,
)
from resnet_keras.errors import InputError
from resnet_keras.files.writing import check_folder, check_not_input, write_whole

_RESULTS = ("report.txt", "findings.csv", "findings.html")
_IMAGE_SIZE = 64  # that train sees by default


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.audit",
        description="Find copies within and across training and test, probable wrong "
        "labels, and damaged, blank, blurred, tiny and odd pictures. Nothing is "
        "deleted or moved.",
    )
    parser.add_argument(
        "source", metavar="SOURCE", type=something, help="as --data of train"
    )
    parser.add_argument(
        "--model",
        help="whose predictions are compared with the labels, of images that it did "
        "not learn from (default: five small networks, trained on the spot)",
    )
    add_out(parser, "audit", "report, table and page")
    parser.add_argument(
        "--write-clean",
        type=something,
        metavar="LIST",
        help="write a .csv file of the pictures to keep, which --data takes; it must "
        "lie in SOURCE or above it",
    )
    add_preprocessing(parser)
    add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None):
    """Parse, audit, print and write."""
    arguments = _parse(argv)
    from resnet_keras.audit import audit, report, wrong_labels
    from resnet_keras.data import load_dataset

    out, listed = Path(arguments.out), arguments.write_clean
    paths = [out / name for name in _RESULTS]
    check_not_input(
        [*paths, *filter(None, [listed])], [arguments.model, arguments.source]
    )
    if listed:
        report.check_list(listed, arguments.source)
    if arguments.model and not wrong_labels.has_cleanlab():
        raise InputError(wrong_labels.MISSING)
    check_folder(out)
    classifier, metadata, size = None, {}, _IMAGE_SIZE
    if arguments.model:
        load_keras()
        classifier, metadata = _open(arguments)
        size = classifier.height, classifier.width
    dataset = load_dataset(arguments.source, size, skip_broken=True, needs_train=False)
    if listed:
        report.check_list(listed, arguments.source, dataset)
    found = audit(dataset)
    print(report.in_words(found), flush=True)
    _write(found, paths)  # now, for labels take minutes
    if classifier:
        wrong_labels.by_model(found, classifier, metadata)
    elif wrong_labels.has_cleanlab():
        load_keras()
        wrong_labels.by_folds(found, lambda text: print(text, flush=True))
    else:
        found.sections[wrong_labels.HEADING] = [wrong_labels.MISSING]
    _write(found, paths)
    print("\n".join(found.sections[wrong_labels.HEADING]))
    print(f"Written: {', '.join(map(str, paths))}")
    if listed:
        number = report.write_clean(found, listed)
        print(f"{listed}: {number} of {len(found.pictures)} pictures to keep")
    return 0


def _open(arguments):
    from resnet_keras.files.preprocessing import with_preprocessing
    from resnet_keras.inference import Classifier
    from resnet_keras.weights.opening import open_model

    model, metadata = open_model(arguments.model, arguments.trust)
    metadata = with_preprocessing(metadata, arguments.preprocessing)
    return Classifier(model, metadata, arguments.model), metadata


def _write(found, paths):
    from resnet_keras.audit import page, report

    words = report.in_words(found)
    text, findings, pictures = paths
    with write_whole(text) as temporary:
        temporary.write_text(words + "\n", "utf-8", "backslashreplace")
    report.write_table(found, findings)
    page.write_page(found, words, pictures)


if __name__ == "__main__":
    run(main)
