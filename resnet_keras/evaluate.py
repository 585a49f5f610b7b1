"""Score a model on the test part of a data set: `python -m resnet_keras.evaluate`."""

import argparse
from pathlib import Path

from resnet_keras.commands import add_trust, load_keras, run
from resnet_keras.writing import check_folder, check_not_input, write_json

_RESULTS = ("confusion.png", "metrics.json")


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.evaluate",
        description="Score a model on the test images of a data set.",
    )
    parser.add_argument("model", metavar="MODEL", help="a model, weights, or imagenet")
    parser.add_argument(
        "--data", metavar="SOURCE", required=True, help="as for resnet_keras.train"
    )
    parser.add_argument(
        "--part",
        choices=("test", "train", "all"),
        default="test",
        help='which images (default: test); "all" suits data that the model never saw',
    )
    parser.add_argument(
        "--out", metavar="DIR", help="where to write confusion.png and metrics.json"
    )
    parser.add_argument(
        "--elsewhere",
        action="store_true",
        help="score them again as they might look elsewhere: in other light, before "
        "another wall, out of focus, turned, ...",
    )
    add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None):
    """Parse, score, print and write."""
    arguments = _parse(argv)
    if arguments.out:
        check_folder(arguments.out)
        written = [Path(arguments.out) / name for name in _RESULTS]
        check_not_input(written, [arguments.model, arguments.data])
    load_keras()
    import numpy as np

    from resnet_keras import plots
    from resnet_keras.datasets import load_dataset
    from resnet_keras.files import versions
    from resnet_keras.inference import (
        Classifier,
        align_classes,
        check_numbers,
        scores,
    )
    from resnet_keras.pretrained import open_model

    loaded = open_model(arguments.model, arguments.trust)
    classifier = Classifier(*loaded, arguments.model)
    dataset = load_dataset(arguments.data, (classifier.height, classifier.width))
    for note in loaded[1].get("notes") or ():
        print(f"Note on {arguments.model}: {note}")
    for assumption in classifier.assumptions:
        print(f"Assumed, for {arguments.model} does not say: {assumption}.")
    positions, names, note = align_classes(
        classifier.class_names,
        classifier.names_are_assumed,
        dataset.class_names,
        arguments.model,
        arguments.data,
    )
    if note:
        print(f"Assumed, for {arguments.model} does not say: {note}.")
    parts = {"train": [dataset.train], "test": [dataset.test]}
    parts["all"] = parts["train"] + parts["test"]
    chosen = parts[arguments.part]
    labels = np.concatenate([positions[part.labels] for part in chosen])
    answers = np.concatenate([classifier.probabilities(x.images) for x in chosen])
    check_numbers(answers, arguments.model)
    result = scores(answers, labels)

    print(
        f"{dataset.name}: {len(labels)} images ({arguments.part}) of {dataset.source}"
    )
    width = max(5, *(len(name) for name in names))
    print(f"  {'class':<{width}}  precision  recall  count")
    table = zip(
        names, result["precision"], result["recall"], result["count"], strict=True
    )
    for name, precision, recall, count in table:
        print(f"  {name:<{width}}  {precision:9.3f}  {recall:6.3f}  {count:5d}")
    print(f"Accuracy {result['accuracy']:.4f}, loss {result['loss']:.4f}")
    changed = {}
    if arguments.elsewhere:
        images = np.concatenate([part.images for part in chosen])
        changed = _scores_elsewhere(classifier, images, labels)
    if arguments.out:
        out = Path(arguments.out)
        plots.save(plots.confusion(result["confusion"], names), out / "confusion.png")
        metrics = {
            "model": arguments.model,
            "data": arguments.data,
            "test_accuracy": result["accuracy"],
            "test_loss": result["loss"],
            "part": arguments.part,
            "num_test_images": len(labels),
            "class_names": names,
            "confusion": result["confusion"].tolist(),
            **({"accuracy_elsewhere": changed} if changed else {}),
            "versions": versions(),
        }
        write_json(out / "metrics.json", metrics)
        print(f"Written: {out / 'confusion.png'}, {out / 'metrics.json'}")
    return 0


def _scores_elsewhere(classifier, images, labels):
    """Print and return the accuracy under each change of `elsewhere.STRESS`."""
    from resnet_keras import elsewhere
    from resnet_keras.inference import scores

    print("Accuracy, were these images")
    accuracy = {}
    for name in elsewhere.STRESS:
        answers = classifier.probabilities(elsewhere.stress(name, images))
        accuracy[name] = scores(answers, labels)["accuracy"]
        print(f"  {name:<24} {accuracy[name]:.4f}")
    print(f"  {'mean of all':<24} {sum(accuracy.values()) / len(accuracy):.4f}")
    return accuracy


if __name__ == "__main__":
    run(main)
