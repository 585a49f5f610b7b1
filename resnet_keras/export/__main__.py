"""Export a model to another format: `python -m resnet_keras.export`."""

import argparse
from pathlib import Path

from resnet_keras.commands import (
    add_data,
    add_preprocessing,
    add_trust,
    load_keras,
    run,
)
from resnet_keras.data import HANDS
from resnet_keras.errors import InputError
from resnet_keras.export.formats import FORMATS, check_needs
from resnet_keras.files.writing import check_folder, check_not_input

_NUM_COMPARED = 32  # pictures, of a detector
_MODEL_SUFFIXES = (
    *(".h5", ".hdf5", ".hdf", ".keras", ".model"),
    *(".safetensors", ".pth", ".pt", ".bin", ".tar"),
)


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.export",
        description="Write a model in another format, open it with that format's own "
        "runtime, and compare the predictions on real images.",
    )
    parser.add_argument(
        "model", metavar="MODEL", help="a model, weights of a ResNet, or imagenet"
    )
    parser.add_argument("--format", required=True, choices=list(FORMATS))
    parser.add_argument(
        "--out", metavar="FILE", help="default: the model's name with another suffix"
    )
    text = "; images to compare on, and to calibrate with (default: hands, rendered)"
    add_data(parser, text, "hands")
    parser.add_argument(
        "--quantize",
        action="store_true",
        help="integers of 8 bits in place of float32, with ranges measured on training "
        "images; says what accuracy it costs",
    )
    add_preprocessing(parser)
    add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None):
    """Parse, export and print."""
    arguments = _parse(argv)
    form, name = FORMATS[arguments.format], arguments.format
    path = Path(arguments.out or _default_path(arguments.model, form))
    if not path.name.endswith(form.suffix):
        raise InputError(f"{path}: expected a name that ends in {form.suffix}.")
    check_not_input(form.outputs(path), [arguments.model, arguments.data])
    _check_not_another(path, form, is_named=bool(arguments.out))
    load_keras()
    check_needs(name, arguments.quantize)
    from resnet_keras.export.exporting import export
    from resnet_keras.files.preprocessing import with_preprocessing
    from resnet_keras.inference import Classifier
    from resnet_keras.weights import open_model

    model, metadata = open_model(arguments.model, arguments.trust)
    metadata = with_preprocessing(metadata, arguments.preprocessing)
    if metadata.get("task") == "detector":
        return _export_detector(model, metadata, path, arguments)
    classifier = Classifier(model, metadata, arguments.model)
    for remark in classifier.remarks():
        print(remark)
    check_folder(path.parent)
    result = export(
        classifier, metadata, name, path, arguments.data, arguments.quantize
    )
    print(
        f"{path}: {_size(form.outputs(path)) / 1e6:.1f} MB. Opened again, its "
        f"probabilities differ by at most {result.difference:.1e} on "
        f"{result.num_images} images of {arguments.data}."
    )
    if hasattr(form.load(), "hint"):
        print(form.load().hint(model))
    if arguments.quantize:
        print(_cost(result))
    return 0


def _export_detector(model, metadata, path, arguments):
    """Export a detector, compared on drawn scenes or on pictures of the data."""
    from resnet_keras.detection import Finder, load_detection
    from resnet_keras.detection.drawn import SCENES, drawn_scenes
    from resnet_keras.detection.exporting import export_detector

    if arguments.quantize:
        raise InputError("--quantize: not for detectors; expected a classifier.")
    finder = Finder(model, metadata, arguments.model)
    check_folder(path.parent)
    source, size = arguments.data, finder.image_size
    if source == HANDS:
        source, dataset = SCENES, drawn_scenes(size, 0, _NUM_COMPARED)
    else:
        dataset = load_detection(source, size, needs_train=False)
    part = dataset.test if len(dataset.test) else dataset.train
    images = part.images[:_NUM_COMPARED]
    number = export_detector(finder, metadata, arguments.format, path, images)
    megabytes = _size(FORMATS[arguments.format].outputs(path)) / 1e6
    print(
        f"{path}: {megabytes:.1f} MB. Opened again, it finds the {number} objects that "
        f"the model finds in {len(images)} pictures of {source}: rows of x_min, y_min, "
        "x_max, y_max, score and class."
    )
    return 0


def _check_not_another(path, form, is_named):
    """Refuse to replace what may be another model's."""
    found = [each for each in form.outputs(path)[1:] if each.exists()]
    if path.exists():  # files beside it are its own
        found = [] if is_named or path.suffix not in _MODEL_SUFFIXES else [path]
    if found:
        raise InputError(
            f"{found[0]}: exists, and may be of another model. Give a path of another "
            "name or folder with --out, or the file that is to be replaced."
        )


def _cost(result):
    """Return in words what quantizing changed."""
    same = f"the same class for {result.agreement:.1%} of the images."
    if result.accuracy is None:
        return f"Accuracy is not known ({result.why_unknown.rstrip('.')}); {same}"
    before, after = result.accuracy
    return f"Accuracy {before:.4f} in float32, {after:.4f} in 8 bits; {same}"


def _default_path(model, form):
    model = Path(model)
    stem = model.stem if model.suffix in _MODEL_SUFFIXES else model.name
    return model.parent / f"{stem}{form.suffix or '_savedmodel'}"


def _size(paths):
    """Return the bytes of files, and of all files in folders."""
    files = [each for path in paths for each in (path, *path.rglob("*"))]
    return sum(each.stat().st_size for each in files if each.is_file())


if __name__ == "__main__":
    run(main)
