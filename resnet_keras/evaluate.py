"""Score a model on the test part of a data set: `python -m resnet_keras.evaluate`."""

import argparse
from pathlib import Path

from resnet_keras.commands import add_trust, load_keras, run
from resnet_keras.errors import InputError
from resnet_keras.writing import check_folder, write_json


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
        "--skip-broken",
        action="store_true",
        help="leave out pictures that cannot be read (default: name them and stop)",
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
    load_keras()
    import numpy as np

    from resnet_keras import plots
    from resnet_keras.datasets import load_dataset
    from resnet_keras.files import versions
    from resnet_keras.inference import Classifier, check_numbers, scores
    from resnet_keras.pretrained import open_model

    loaded = open_model(arguments.model, arguments.trust)
    classifier = Classifier(*loaded, arguments.model)
    dataset = load_dataset(
        arguments.data,
        (classifier.height, classifier.width),
        skip_broken=arguments.skip_broken,
        needs_train=arguments.part == "train",
    )
    for note in loaded[1].get("notes") or ():
        print(f"Note on {arguments.model}: {note}")
    for assumption in classifier.assumptions:
        print(f"Assumed, for {arguments.model} does not say: {assumption}.")
    names = classifier.class_names
    positions = _positions(classifier, dataset, arguments)
    parts = {"train": [dataset.train], "test": [dataset.test]}
    parts["all"] = parts["train"] + parts["test"]
    chosen = [part for part in parts[arguments.part] if len(part)]
    if not chosen:
        raise InputError(
            f"{arguments.data}: has no test image. Images that the model never saw "
            "score it with --part all."
        )
    for note in dataset.notes:
        print(note)
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


def _positions(classifier, dataset, arguments):
    """Return where each class of the data stands among the model's, as an array."""
    import numpy as np

    names = classifier.class_names
    if classifier.names_are_assumed and len(names) == len(dataset.class_names):
        names[:] = dataset.class_names
    repeated = [name for name in dataset.class_names if names.count(name) > 1]
    if repeated:
        raise InputError(
            f"{arguments.model}: has more than one class named {repeated[0]!r}, which "
            f"{arguments.data} has, too; expected to know which is meant."
        )
    unknown = [name for name in dataset.class_names if name not in names]
    if unknown:
        raise InputError(
            f"{arguments.data}: has the class {unknown[0]!r}, which {arguments.model} "
            f"does not know; its {len(names)} classes are {', '.join(names[:10])}."
        )
    return np.array([names.index(name) for name in dataset.class_names])


if __name__ == "__main__":
    run(main)
