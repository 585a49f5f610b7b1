"""Score a model on the test part of a data set: `python -m resnet_keras.evaluate`."""

import argparse
from pathlib import Path

from resnet_keras.commands import (
    add_data,
    add_precision,
    add_preprocessing,
    add_skip_broken,
    add_trust,
    load_keras,
    run,
)
from resnet_keras.files.writing import (
    check_folder,
    check_not_input,
    refuse_file,
    write_json,
)
from resnet_keras.tables import table

_RESULTS = ("confusion.png", "reliability.png", "metrics.json")


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.evaluate",
        description="Score a model on the test images of a data set.",
    )
    parser.add_argument("model", metavar="MODEL", help="a model, weights, or imagenet")
    add_data(parser)
    add_skip_broken(parser)
    parser.add_argument(
        "--part",
        choices=("test", "train", "all"),
        default="test",
        help='which images (default: test); "all" suits data that the model never saw',
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="where to write confusion.png, reliability.png and metrics.json",
    )
    parser.add_argument(
        "--corruptions",
        action="store_true",
        help="score them again under common corruptions: other light, other "
        "background, out of focus, rotated, ...",
    )
    parser.add_argument(  # the old name, for one more release
        "--elsewhere", dest="corruptions", action="store_true", help=argparse.SUPPRESS
    )
    add_precision(parser)
    add_preprocessing(parser)
    add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None):
    """Parse, score, print and write."""
    arguments = _parse(argv)
    if arguments.out:
        refuse_file(arguments.out)
        written = [Path(arguments.out) / name for name in _RESULTS]
        check_not_input(written, [arguments.model, arguments.data])
    load_keras()
    from resnet_keras.data import load_dataset
    from resnet_keras.inference import open_classifier
    from resnet_keras.inference.evaluation import evaluate
    from resnet_keras.inference.metrics import never_predicted, with_interval

    classifier = open_classifier(
        arguments.model, arguments.trust, arguments.preprocessing, arguments.precision
    )
    dataset = load_dataset(
        arguments.data,
        (classifier.height, classifier.width),
        skip_broken=arguments.skip_broken,
        needs_train=arguments.part == "train",
    )
    if arguments.out:  # now that there is something to write
        check_folder(arguments.out)
    for note in dataset.notes:
        print(note)
    for remark in classifier.remarks(about_names=False):
        print(remark)
    result = evaluate(classifier, dataset, arguments.part, arguments.data)
    if result["note"]:
        note = result["note"].removesuffix(" (assumed)")
        print(f"Assumed, for {arguments.model} does not say: {note}.")
    print(
        f"{dataset.name}: {len(result['labels'])} images ({arguments.part}) of "
        f"{dataset.source}"
    )
    _print_classes(result)
    print(
        f"Accuracy {with_interval(result['accuracy'], result['interval'])}, loss "
        f"{result['loss']:.4f}\nBalanced accuracy {result['balanced_accuracy']:.4f}, "
        f"macro F1 {result['macro_f1']:.4f}"
    )
    low, high = result["calibration_interval"]
    print(
        f"Probabilities are off by {result['calibration_error']:.3f} on average (95 % "
        f"interval {low:.3f} to {high:.3f})"
    )
    if "coverage" in result:
        right = result.get("answered_accuracy")
        print(
            f"Answered {result['coverage']:.4f} of the images"
            + (f", of which {right:.4f} are right" if right is not None else "")
            + "; the others are none of the classes"
        )
    if "agreement" in result:
        print(
            f"In {arguments.precision} the same class as in float32 for "
            f"{result['agreement']:.4f} of the images; probabilities differ by up to "
            f"{result['difference']:.1e}"
        )
    for warning in never_predicted(result, result["class_names"]):
        print(f"Warning: {warning}")
    corrupted = {}
    if arguments.corruptions:
        corrupted = _scores_when_corrupted(classifier, result)
    if arguments.out:
        _write(Path(arguments.out), arguments, result, corrupted)
    return 0


def _print_classes(result):
    columns = [result["class_names"]]
    for key in ("precision", "recall"):
        columns.append([f"{x:.3f}" if x == x else "-" for x in result[key]])
    rows = zip(*columns, result["count"], strict=True)
    print(table(("class", "precision", "recall", "count"), rows))


def _write(out, arguments, result, corrupted):
    """Write the figures of an evaluation, and the picture of its confusions."""
    from resnet_keras import plots
    from resnet_keras.files import versions
    from resnet_keras.inference.answering import reliability as by_probability
    from resnet_keras.inference.evaluation import as_metrics

    confusion, reliability, metrics = (out / name for name in _RESULTS)
    plots.save(plots.confusion(result["confusion"], result["class_names"]), confusion)
    sure = result["calibrated"].max(axis=1)
    is_right = result["calibrated"].argmax(axis=1) == result["labels"]
    plots.save(plots.reliability(*by_probability(sure, is_right)), reliability)
    written = {"model": arguments.model, "data": arguments.data}
    written |= as_metrics(result, arguments.part)
    if corrupted:
        written["corruption_accuracy"] = corrupted
    write_json(metrics, written | {"versions": versions()})
    print(f"Written: {confusion}, {reliability}, {metrics}")


def _scores_when_corrupted(classifier, result):
    """Print and return the accuracy under each of `CORRUPTIONS`."""
    from resnet_keras.training.corruptions import accuracy_when_corrupted

    accuracy = accuracy_when_corrupted(classifier, result["images"], result["labels"])
    mean = sum(accuracy.values()) / len(accuracy)
    rows = [(name, f"{x:.4f}") for name, x in (*accuracy.items(), ("mean", mean))]
    print(table(("corruption", "accuracy"), rows))
    return accuracy


if __name__ == "__main__":
    run(main)
