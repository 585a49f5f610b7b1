"""An export: written, opened again, compared, moved into place."""

import contextlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from resnet_keras import hands
from resnet_keras.commands import without_notes
from resnet_keras.data import HANDS, Split, load_dataset
from resnet_keras.errors import InputError
from resnet_keras.export.formats import FORMATS
from resnet_keras.files.writing import write_whole, write_whole_folder
from resnet_keras.inference import align_classes, check_numbers
from resnet_keras.inference.heads import Head, last_activation
from resnet_keras.inference.quantized import DIGEST, QUANTIZED, digest

# A converter that computes in float32 comes to some 1e-6 of a probability, one in half
# precision to 1e-3; a network of another architecture is far off.
_TOLERANCE = 0.02
_BATCH_SIZE, _NUM_CALIBRATING = 32, 100


class Comparison(NamedTuple):
    """How the predictions of an exported model differ from the model's own."""

    num_images: int
    difference: float  # the largest, of a probability
    agreement: float  # the fraction of images with the same class first
    accuracy: tuple | None  # before and after; None where classes are unknown
    why_unknown: str  # why there is no accuracy


def export(classifier, metadata, name, path, source, quantize=False):
    """Export a model and compare its predictions with the model's own on real images.

    Nothing is written to `path` unless the format's own runtime opens it and predicts
    as the model does.

    Args:
        classifier: `Classifier` of the model.
        metadata: as `load_model` returns it; what the classifier knows is added.
        name: a key of `FORMATS`.
        path: where to write.
        source: images to compare on and to calibrate with, as for `load_dataset`.
        quantize: whether to write integers of 8 bits.

    Returns:
        `Comparison`.

    Raises:
        InputError: the format cannot hold the model, or predicts otherwise.
        OSError: the files could not be written.
    """
    form, model = FORMATS[name], classifier.model
    module = form.load()
    if hasattr(module, "check"):
        module.check(model)
    training, test, class_names = _images(source, classifier)
    if not len(test):
        if quantize:
            raise InputError(
                f"{source}: has no test image to say what quantizing costs; expected "
                "more images, or a folder test/."
            )
        test = training
    calibration = None
    if quantize:
        chosen = spread(len(training), _NUM_CALIBRATING)
        calibration = classifier.preprocess(training.images[chosen])
    number = len(test) if quantize else _BATCH_SIZE
    chosen = spread(len(test), number)
    images, labels = test.images[chosen], test.labels[chosen]
    metadata = metadata | classifier.metadata()
    if classifier.answering and form.module != "keras_files":
        # Other formats give no features to decide by.
        alone = replace(classifier.answering, virtual_logit=None)
        metadata |= alone.as_metadata()
    with folder_beside(path) as folder:
        written = folder / path.name
        try:
            module.write(model, metadata, written, calibration)
        except OSError as error:
            raise OSError(
                f"{path}: could not be written ({error.strerror or error}); what was "
                "there before is untouched."
            ) from error
        expected, found = _predictions(classifier, module, written, images, path)
        comparison = _compared(expected, found, labels, classifier, class_names, source)
        if not quantize and comparison.difference > _TOLERANCE:
            raise InputError(
                f"{path}: not written, for its probabilities differ from the model's "
                f"by up to {comparison.difference:.1e}; --format {name} cannot hold "
                "this network. Choose another."
            )
        if quantize:
            entry = comparison._asdict() | {"data": source, DIGEST: digest(model)}
            module.add_metadata(written, {QUANTIZED: entry})
        put_into_place(folder, path, form)
    return comparison


def _compared(expected, found, labels, classifier, class_names, source):
    """Return the `Comparison` of the model's probabilities with its export's."""
    accuracy, why = None, ""
    try:
        positions = _positions(classifier, class_names, source)
        accuracy = tuple(
            float((each.argmax(1) == positions[labels]).mean())
            for each in (expected, found)
        )
    except InputError as error:
        why = str(error)
    difference = float(np.abs(expected - found).max())
    agreement = float((expected.argmax(1) == found.argmax(1)).mean())
    return Comparison(len(labels), difference, agreement, accuracy, why)


@contextlib.contextmanager
def folder_beside(path):
    """Make a folder beside `path` to write to, and remove it at the end."""
    prefix = f".{path.name}-partial-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=path.parent) as folder:
        yield Path(folder)


def put_into_place(folder, path, form):
    """Move what `form` has written into the folder to `path`, whole or not at all."""
    if not form.suffix:
        with write_whole_folder(path, form.load().MEMBERS) as new:
            for each in (folder / path.name).iterdir():
                each.rename(new / each.name)
        return
    for output in form.outputs(path):
        with write_whole(output) as temporary:
            (folder / output.name).replace(temporary)


def _predictions(classifier, module, written, images, path):
    """Return the probabilities of the model and of its export."""
    with without_notes():
        try:
            outputs_of = module.read(written, classifier.model)
            expected, found = _outputs(classifier, outputs_of, images)
        except InputError:
            raise
        except Exception as error:  # each runtime has its own kinds
            reason = (str(error).strip().splitlines() or [""])[0][:300]
            raise InputError(
                f"{path}: not written, for its own runtime cannot run it here "
                f"({type(error).__name__}: {reason})."
            ) from error
    check_numbers(expected, classifier.name)
    check_numbers(found, path)
    head = Head(last_activation(classifier.model), expected.shape[1], str(path))
    return head.probabilities(expected), head.probabilities(found)


def _outputs(classifier, outputs_of, images):
    """Return what the network and its export give, batch by batch, as float32."""
    model = classifier.model
    fixed = model.input_shape[0]  # some models take batches of one size only
    size = fixed or _BATCH_SIZE
    expected, found = [], []
    for start in range(0, len(images), size):
        batch = classifier.preprocess(images[start : start + size])
        number = len(batch)
        if fixed:
            batch = np.pad(batch, [(0, fixed - number)] + [(0, 0)] * 3)
        outputs = np.asarray(model(batch, training=False), np.float32)
        expected.append(outputs[:number])
        found.append(np.asarray(outputs_of(batch), np.float32)[:number])
    return np.concatenate(expected), np.concatenate(found)


def _positions(classifier, class_names, source):
    """Return where each class of the data stands among the model's, or refuse."""
    if classifier.names_are_assumed:
        raise InputError("the model does not name its classes.")
    return align_classes(
        classifier.class_names, False, class_names, "the model", source
    ).positions


def spread(length, number):
    """Return `number` positions at most, from first to last: sets are often sorted."""
    return np.linspace(0, length - 1, min(length, number)).astype(int)


def _images(source, classifier):
    """Return training images to calibrate with, others to compare on, and classes."""
    size = (classifier.height, classifier.width)
    if source != HANDS:
        dataset = load_dataset(source, size)
        return dataset.train, dataset.test, dataset.class_names
    # A few are enough here, and the whole set takes a while to draw.
    side = min(max(*size, hands.SIZES[0]), hands.SIZES[1])
    parts = (
        hands.render(number, side, start=start)
        for number, start in ((_NUM_CALIBRATING, 0), (300, hands.TEST_START))
    )
    training, test = (Split(_resized(part.images, size), part.labels) for part in parts)
    return training, test, [str(count) for count in range(6)]


def _resized(images, size):
    """Return images of (height, width) pixels; hands are drawn square."""
    if images.shape[1:3] == size:
        return images
    resized = (Image.fromarray(image).resize(size[::-1]) for image in images)
    return np.stack([np.asarray(image) for image in resized])
