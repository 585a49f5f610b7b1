"""What a model says of a picture file, drawn, and what its metadata say of it."""

from html import escape
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg

from resnet_keras import plots
from resnet_keras.data.images import fit, read_image
from resnet_keras.detection.pictures import find_in_files, read_scaled
from resnet_keras.errors import InputError
from resnet_keras.explain import heat_map
from resnet_keras.inference import check_numbers, ranking
from resnet_keras.inference.metrics import with_interval
from resnet_keras.training.model_card import ANSWERS_ALL, KNOWS_NONE

_SIDE = 640  # pixels of the longer side of a picture that is shown
_MOST_NAMED = 5
_MOST_LISTED = 50
_DETECTOR_LIMIT = (
    "It knows the classes above and no others: another object is passed over, or taken "
    "for one of them."
)


def name_picture(classifier, path):
    """Name a picture, and show what speaks for the name.

    Args:
        classifier: `Classifier`.
        path: a picture file.

    Returns:
        `(probabilities, picture, words)`: a dictionary of at most five names; uint8
        (height, width, 3), the picture as the model sees it with Grad-CAM over it, or
        None where there is none; and what it shows.

    Raises:
        InputError: the picture cannot be read, or the model predicts NaN.
    """
    size = classifier.height, classifier.width
    image = read_image(path, size)
    prediction = classifier.predict(image[None])
    check_numbers(prediction.probabilities, classifier.name)
    [probabilities], [is_answer] = prediction.calibrated, prediction.is_answer
    ranked = ranking(probabilities, classifier.class_names, _MOST_NAMED)
    answer = ""
    if not is_answer:
        answer = f"None of these (nearest: {ranked[0][0]}, {ranked[0][1]:.3f}). "
    names = dict(reversed(ranked))  # of two classes of one name the likelier
    try:
        heat = heat_map(classifier, image, int(probabilities.argmax()))
    except InputError as error:
        return names, None, f"{answer}No heat map: {error}"
    shown = read_image(path, _enlarged(*size))
    words = f"{answer}Bright: what speaks for {ranked[0][0]} (Grad-CAM)."
    return names, _overlaid(shown, heat), words


def find_objects(finder, path, threshold):
    """Find what is where in a picture, and draw it.

    Args:
        finder: `Finder`.
        path: a picture file.
        threshold: least score.

    Returns:
        `(picture, words)`: uint8 (height, width, 3), the picture with boxes; and each
        object's class and score, best first.

    Raises:
        InputError: the picture cannot be read.
    """

    def report(error):
        raise error

    [(_, size, found)] = find_in_files(finder, [path], threshold, report)
    image, _ = read_scaled(path, _SIDE)
    boxes = found.boxes * _SIDE / max(size)
    figure = plots.annotated(
        image,
        (boxes, found.labels, found.scores),
        finder.class_names,
        scale=1.7,  # the page shrinks it
    )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[..., :3]
    named = [
        f"{finder.class_names[label]} ({score:.3f})"
        for label, score in zip(found.labels, found.scores, strict=True)
    ]
    return picture, f"Found: {', '.join(named)}" if named else "Nothing found."


def _enlarged(height, width):
    """Return height and width at which a picture is shown."""
    return tuple(max(1, round(x * _SIDE / max(height, width))) for x in (height, width))


def _overlaid(image, heat):
    """Lay a heat map over the grey picture, as the figures of `explain` do."""
    heat = np.uint8(255 * heat / (heat.max() or 1))
    heat = fit(np.repeat(heat[..., None], 3, axis=-1), image.shape[:2])[..., 0]
    colours = colormaps["inferno"](heat)[..., :3]
    grey = image.mean(axis=-1, keepdims=True) / 255
    return np.uint8(255 * (0.6 * colours + 0.4 * grey))


def title_of(metadata, name):
    """Return what to call a model: its network and data, or its file."""
    config = _part(metadata, "provenance", "config")
    return _said("{} on {}".format, config, "model", "data") or Path(name).name


def data_of(metadata):
    """Return the source that a model was trained on, "" where its file names none."""
    return _said(str, _part(metadata, "provenance", "config"), "data")


def about(model, metadata, remarks):
    """Return what a model is and its limits, from its metadata, as HTML.

    Args:
        model: `Classifier` or `Finder`.
        metadata: as `load_model` returns them; provenance is free in form.
        remarks: further sentences for the limits.
    """
    names, metrics = model.class_names, _part(metadata, "provenance", "metrics")
    config = _part(metadata, "provenance", "config")
    listed = [*names[:_MOST_LISTED], *(["..."] if names[_MOST_LISTED:] else [])]
    trained = (
        _said(str, config, "data"),
        _said("{:,} images".format, metrics, "num_train_images"),
        _said("{} epochs".format, metrics, "epochs"),
        _said("recipe {}".format, config, "recipe"),
        _said("seed {}".format, config, "seed"),
    )
    accuracy = _said(with_interval, metrics, "test_accuracy", "test_interval") or _said(
        "{:.4f}".format, metrics, "test_accuracy"
    )
    scores = (
        accuracy and f"accuracy {accuracy}",
        _said("AP {:.3f}, AP50 {:.3f}".format, metrics, "AP", "AP50"),
        _said("{} test images".format, metrics, "num_test_images"),
    )
    versions = [f"{key} {x}" for key, x in _part(metadata, "versions").items()]
    rows = {
        "Classes": [f"{len(names)}: {', '.join(listed)}"],
        "Parameters": [f"{model.model.count_params():,}"],
        "Trained on": trained,
        "Scores": scores,
        "Versions": versions,
    }
    facts = "".join(
        f"<dt>{key}</dt><dd>"
        f"{_html(', '.join(filter(None, values)) or 'its file does not say')}</dd>"
        for key, values in rows.items()
    )
    limits = [
        _limit(model, metadata),
        "Its scores hold for pictures like its test images: of the same cameras, "
        "places and people.",
        *_listed(metrics.get("warnings")),
        *remarks,
    ]
    items = "".join(f"<li>{_html(limit)}</li>" for limit in limits)
    return (
        f"<section><h2>What it is</h2><dl>{facts}</dl></section>"
        f"<section><h2>Its limits</h2><ul>{items}</ul></section>"
    )


def _limit(model, metadata):
    if metadata.get("task") == "detector":
        return _DETECTOR_LIMIT
    return KNOWS_NONE if model.answering else ANSWERS_ALL


def _part(metadata, *keys):
    """Return a dictionary within the metadata; {} where there is none."""
    for key in keys:
        metadata = metadata.get(key)
        if not isinstance(metadata, dict):
            return {}
    return metadata


def _listed(value):
    return value if isinstance(value, list) else ()


def _said(words, source, *keys):
    """Return entries in words; "" where one is missing or of another kind."""
    values = [source.get(key) for key in keys]
    try:
        return "" if None in values else words(*values)
    except (TypeError, ValueError):
        return ""


def _html(text):
    # Gradio takes braces and dollars for its own.
    return escape(text).replace("{", "&#123;").replace("$", "&#36;")
