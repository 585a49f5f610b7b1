"""Ship a model in another format: `python -m resnet_keras.export`."""

import argparse
from pathlib import Path

from resnet_keras.commands import add_trust, load_keras, run
from resnet_keras.errors import InputError

_FORMATS = (
    "keras",
    "h5",
    "savedmodel",
    "onnx",
    "litert",
    "openvino",
    "torchvision",
    "keras-applications",
)  # as in `resnet_keras.formats`, which needs Keras
_MODEL_SUFFIXES = {
    ".h5",
    ".hdf5",
    ".keras",
    ".safetensors",
    ".pth",
    ".pt",
    ".bin",
    ".tar",
}
_BATCH_SIZE, _NUM_CALIBRATING = 32, 100


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.export",
        description="Write a model in another format, open it with that format's own "
        "runtime, and compare the answers on real images.",
    )
    parser.add_argument(
        "model", metavar="MODEL", help="a model, weights of a ResNet, or imagenet"
    )
    parser.add_argument("--format", required=True, choices=_FORMATS)
    parser.add_argument(
        "--out", metavar="FILE", help="default: the model's name with another suffix"
    )
    parser.add_argument(
        "--data",
        default="hands",
        metavar="SOURCE",
        help="images to compare on, and to calibrate with, as for resnet_keras.train "
        "(default: hands, drawn on the spot)",
    )
    parser.add_argument(
        "--quantize",
        action="store_true",
        help="integers of 8 bits in place of float32, with ranges measured on training "
        "images; says what accuracy it costs",
    )
    add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None):
    """Parse, write, open again, compare and print."""
    arguments = _parse(argv)
    load_keras()
    import numpy as np

    from resnet_keras.formats import FORMATS, check_needs
    from resnet_keras.inference import Classifier, check_numbers
    from resnet_keras.pretrained import open_model

    check_needs(arguments.format, arguments.quantize)
    form = FORMATS[arguments.format]
    model, card = open_model(arguments.model, arguments.trust)
    classifier = Classifier(model, card, arguments.model)
    path = Path(arguments.out or _default_path(arguments, form))
    if not arguments.out and path.exists() and path.suffix in (".h5", ".keras"):
        raise InputError(
            f"{path}: exists, and may be another model; to replace it name it, --out."
        )
    if path.exists() and path.resolve() == Path(arguments.model).resolve():
        raise InputError(f"{path}: is the model itself; choose another place, --out.")
    if not path.name.endswith(form.suffix):
        raise InputError(f"{path}: expected a name that ends in {form.suffix}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    training, test = _images(arguments.data, classifier)
    calibration = None
    if arguments.quantize:
        chosen = _spread(len(training), _NUM_CALIBRATING)
        calibration = classifier.preprocess(training.images[chosen])
    form.write(model, card | classifier.metadata(), path, calibration)

    try:
        answer = form.open(path, model)
    except (ImportError, RuntimeError) as error:
        raise InputError(
            f"{path}: written, but cannot be opened again here ({error})."
        ) from error
    number = len(test) if arguments.quantize else min(len(test), _BATCH_SIZE)
    rows = _spread(len(test), number)
    expected, found = [], []
    for start in range(0, number, _BATCH_SIZE):
        batch = classifier.preprocess(test.images[rows[start : start + _BATCH_SIZE]])
        expected.append(np.asarray(model(batch)))
        found.append(np.asarray(answer(batch)))
    expected, found = np.concatenate(expected), np.concatenate(found)
    check_numbers(expected, arguments.model)
    check_numbers(found, path)
    difference = np.abs(expected - found).max()
    print(
        f"{path}: {_size(path) / 1e6:.1f} MB. Opened again, its probabilities differ "
        f"by at most {difference:.1e} on {number} images of {arguments.data}."
    )
    if form.hint:
        print(form.hint(model))
    if arguments.quantize:
        same = (expected.argmax(1) == found.argmax(1)).mean()
        before, after = (
            (answers.argmax(1) == test.labels).mean() for answers in (expected, found)
        )
        print(
            f"Accuracy {before:.4f} in float32, {after:.4f} in 8 bits; the answer is "
            f"the same for {same:.1%}."
        )
    return 0


def _default_path(arguments, form):
    model = Path(arguments.model)
    stem = model.stem if model.suffix in _MODEL_SUFFIXES else model.name
    suffix = form.suffix or "_savedmodel"
    return model.parent / f"{stem}{suffix}"


def _spread(length, number):
    """Return `number` positions at most, from first to last: sets are often sorted."""
    import numpy as np

    return np.linspace(0, length - 1, min(length, number)).astype(int)


def _images(source, classifier):
    """Return training images to calibrate with, and others to compare on."""
    from resnet_keras import hands
    from resnet_keras.datasets import HANDS, Split, load_dataset

    size = (classifier.height, classifier.width)
    if source != HANDS or size[0] != size[1]:
        dataset = load_dataset(source, size)
        return dataset.train, dataset.test
    # A few are enough here, and the whole set takes a while to draw.
    parts = (
        hands.render(number, size[0], start=start)
        for number, start in ((_NUM_CALIBRATING, 0), (300, hands.TEST_START))
    )
    training, test = (Split(part.images, part.labels) for part in parts)
    return training, test


def _size(path):
    """Return the bytes of a file, or of all in a directory; OpenVINO writes two."""
    if path.is_dir():
        return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    weights = path.with_suffix(".bin")
    beside = weights.stat().st_size if path.suffix == ".xml" else 0
    return path.stat().st_size + beside


if __name__ == "__main__":
    run(main)
