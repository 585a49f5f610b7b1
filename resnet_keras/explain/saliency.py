"""What in an image a prediction depends on: three maps, and whether they agree.

`grad_cam` weighs the last feature maps, `input_gradient` shows which pixels would
change the prediction at the margin, and `occlusion` covers them and predicts again.
"""

import keras
import numpy as np
from matplotlib.figure import Figure

from resnet_keras import plots
from resnet_keras.errors import InputError
from resnet_keras.explain.gradients import score_gradients, trace
from resnet_keras.inference import check_numbers

_NAMES = {
    "grad_cam": "Grad-CAM",
    "input_gradient": "Input gradient",
    "occlusion": "Occlusion",
}
_QUANTITIES = {
    "grad_cam": "features that speak for it",
    "input_gradient": "|d score / d pixel|",
    "occlusion": "probability lost",
}


def grad_cam(model, image, label):
    """Return where the last stage's features speak for a class.

    Args:
        model: functional or sequential `keras.Model` with feature maps, from images to
            classes.
        image: float32 (height, width, channels), as the model expects it.
        label: position of the class.

    Returns:
        float32 (rows, columns) of the last map, from 0 up: maps weighed by the mean
        gradient of the class's score, summed over channels, negative sums cut off.

    Raises:
        InputError: the model has no feature maps.

    Source: Selvaraju et al. (2017), arXiv 1610.02391, equations 1 and 2.
    """
    (maps,), (_, gradients) = score_gradients(
        model, lambda records: [last_map(model.name, records)], image, label
    )
    return np.maximum((maps * gradients.mean((0, 1))).sum(axis=-1), 0)


def input_gradient(model, image, label):
    """Return how much each pixel moves a class's score, at the margin.

    Args:
        model, image, label: as in `grad_cam`.

    Returns:
        float32 (height, width): the largest absolute derivative among the channels.

    Source: Simonyan et al. (2013), arXiv 1312.6034, section 3.
    """
    _, (gradient,) = score_gradients(model, lambda records: [], image, label)
    gradient = np.abs(gradient)
    return gradient.max(axis=-1) if gradient.ndim == 3 else gradient


def occlusion(classifier, image, label, patch=None):
    """Return how much probability a class loses when a square is covered.

    Args:
        classifier: `Classifier`.
        image: uint8 (height, width, 3), at the classifier's size.
        label: position of the class.
        patch: side of the square in pixels; by default a quarter of the image. It
            moves by half its side and is filled with the image's mean colour.

    Returns:
        float32 (height, width) in [-1, 1]: at each pixel the mean loss of probability
        over the squares that cover it; below 0 where covering helps the class.

    Source: Zeiler and Fergus (2013), arXiv 1311.2901, section 4.2.
    """
    height, width = image.shape[:2]
    patch = patch or max(1, min(height, width) // 4)
    step = max(1, patch // 2)
    corners = [
        (top, left)
        for top in _starts(height, patch, step)
        for left in _starts(width, patch, step)
    ]
    covered = np.repeat(image[None], len(corners), axis=0)
    for one, (top, left) in zip(covered, corners, strict=True):
        one[top : top + patch, left : left + patch] = image.mean((0, 1))
    before = classifier.probabilities(image[None])[0, label]
    losses = before - classifier.probabilities(covered)[:, label]
    total, count = np.zeros((2, height, width), np.float32)
    for loss, (top, left) in zip(losses, corners, strict=True):
        total[top : top + patch, left : left + patch] += loss
        count[top : top + patch, left : left + patch] += 1
    return total / count


def _starts(length, patch, step):
    """Return where squares begin so that they cover all, the last at the very end."""
    return sorted({*range(0, length - patch, step), length - patch})


def last_map(name, records):
    """Return the last feature maps, a tensor (1, rows, columns, channels).

    Args:
        name: of the model, for messages.
        records: as `gradients.trace` returns them.

    Raises:
        InputError: the model has none.
    """
    maps, has_learned = [], False
    for operation, _, leaving in records:
        has_learned |= bool(getattr(operation, "trainable_variables", ()))
        is_pooling = "Pooling" in type(operation).__name__
        if has_learned and len(leaving[0].shape) == 4 and not is_pooling:
            maps.append(leaving[0])
    if not maps:
        raise InputError(
            f"{name}: has no feature maps (batch, rows, columns, channels); expected a "
            "convolutional network."
        )
    # A single cell has no position; class scores may have this shape.
    return ([x for x in maps if tuple(x.shape[1:3]) != (1, 1)] or maps)[-1]


def cell_centres(model, image):
    """Return the pixels on which the cells of the last feature maps are centred.

    A strided 1x1 convolution takes every second pixel from the first one on, so cells
    need not be spread evenly: those of the course's 2x2 map are centred on pixels 2
    and 34 of 64, not on 16 and 48.

    Args:
        model, image: as in `grad_cam`.

    Returns:
        Two arrays, of rows and of columns: the centre of each cell's receptive field;
        spread evenly where a layer of unknown geometry stands before.
    """
    records = trace(model, image)
    tensor = last_map(model.name, records)
    producers = {
        id(leaving): record
        for record in records
        for leaving in record.leaving
        if all(leaving is not x for x in record.entering)  # Dropout passes its input on
    }
    cells, step, first = tensor.shape[1:3], np.ones(2), np.zeros(2)
    while id(tensor) in producers:
        record = producers[id(tensor)]
        kernel = _kernel(record) if record.entering else None
        if kernel is None:
            step = np.array(image.shape[:2]) / cells
            first = (step - 1) / 2
            break
        size, stride, padding = kernel
        step, first = stride * step, stride * first + (size - 1) / 2 - padding
        tensor = record.entering[0]
    return [first[axis] + step[axis] * np.arange(cells[axis]) for axis in (0, 1)]


def _kernel(record):
    """Return kernel size, stride and padding before it of a layer, each (2,)."""
    layer, inside, outside = record.operation, record.entering[0], record.leaving[0]
    if len(inside.shape) != 4 or len(outside.shape) != 4:
        return None
    inside, outside = (np.array(x.shape[1:3]) for x in (inside, outside))
    one, none = np.ones(2), np.zeros(2)
    if isinstance(layer, keras.layers.ZeroPadding2D):
        (top, _), (left, _) = layer.padding
        last = layer.data_format == "channels_last"  # option A pads channels by this
        return one, one, np.array([top, left]) if last else none
    size = getattr(layer, "kernel_size", getattr(layer, "pool_size", None))
    if size is None:
        return (one, one, none) if (inside == outside).all() else None
    size = (np.array(size) - 1) * getattr(layer, "dilation_rate", 1) + 1
    stride = np.array(layer.strides)
    if (outside > inside).any():  # a transposed convolution
        return None
    total = (outside - 1) * stride + size - inside
    return size, stride, np.maximum(total, 0) // 2 if layer.padding == "same" else none


def _at_pixels(cells, model, image):
    """Interpolate between the cells of the last map, each at its centre."""
    for axis, centres in enumerate(cell_centres(model, image)):
        pixels = np.arange(image.shape[axis])
        cells = np.apply_along_axis(
            lambda line, x=pixels, at=centres: np.interp(x, at, line), axis, cells
        )
    return cells.astype(np.float32)


def heat_map(classifier, image, label):
    """Return Grad-CAM at an image's size, interpolated between the centres of cells.

    Args:
        classifier: `Classifier`.
        image: uint8 (height, width, 3), at the classifier's size.
        label: position of the class.

    Returns:
        float32 (height, width), from 0 up.

    Raises:
        InputError: the model has no feature maps, or the backend gives no gradient.
    """
    inputs = classifier.preprocess(image[None])[0]
    try:
        cells = grad_cam(classifier.model, inputs, label)
    except InputError as error:
        raise InputError(f"{classifier.name}: cannot be explained. {error}") from error
    return _at_pixels(cells, classifier.model, inputs)


def explain(classifier, image):
    """Return the prediction for an image, and the three maps at its size.

    Args:
        classifier: `Classifier`.
        image: uint8 (height, width, 3), at the classifier's size.

    Returns:
        `(label, probability, maps)`: the likeliest class, and a dictionary from
        "grad_cam", "input_gradient" and "occlusion" to float32 (height, width).

    Raises:
        InputError: the model has no feature maps, or no gradient by its input, or gives
            no numbers.
    """
    probabilities = classifier.probabilities(image[None])[0]
    check_numbers(probabilities, classifier.name)
    label = int(probabilities.argmax())
    maps = {
        "grad_cam": heat_map(classifier, image, label),
        "input_gradient": input_gradient(
            classifier.model, classifier.preprocess(image[None])[0], label
        ),
        "occlusion": occlusion(classifier, image, label),
    }
    return label, float(probabilities[label]), maps


def verdict(name, probability, maps):
    """Return in words where each map points, and whether they agree.

    Args:
        name: of the predicted class.
        probability: of that class.
        maps: as `explain` returns them.
    """
    sentences = [f"The prediction is {name} with probability {probability:.3f}."]
    for key, values in maps.items():
        weights = np.maximum(values, 0)
        if not weights.any():
            sentences.append(f"{_NAMES[key]}: the map is empty, nothing speaks for it.")
            continue
        half = _smallest_fraction(weights)
        sentences.append(
            f"{_NAMES[key]}: half of its weight lies on {half:.0%} of the picture, "
            f"about its {_position(weights)}."
        )
    largest = float(maps["occlusion"].max())
    sentences.append(
        f"Covering a square of it takes away up to {100 * largest:.0f} points of "
        "probability, averaged over the squares that cover a pixel."
        if largest > 0.01
        else "Covering squares takes away less than a point of probability, averaged "
        "over those that cover a pixel."
    )
    first, second = (maps[key].ravel() for key in ("grad_cam", "occlusion"))
    # A last map of one cell is the same everywhere: it cannot agree with anything.
    if min(np.ptp(first), np.ptp(second)) > 1e-6:
        agreement = float(np.corrcoef(first, second)[0, 1])
        agrees = "agree" if agreement > 0.3 else "do not agree"
        sentences.append(
            f"Grad-CAM and occlusion {agrees} (correlation {agreement:.2f})."
        )
    return " ".join(sentences)


def _smallest_fraction(weights):
    """Return the smallest fraction of pixels that holds half of the weight."""
    ordered = np.sort(weights.ravel())[::-1].cumsum(dtype=np.float64)
    return (np.searchsorted(ordered, ordered[-1] / 2) + 1) / weights.size


def _position(weights):
    rows, columns = weights.shape
    total = weights.sum(dtype=np.float64)
    y = (weights.sum(1) @ np.arange(rows)) / total / max(rows - 1, 1)
    x = (weights.sum(0) @ np.arange(columns)) / total / max(columns - 1, 1)
    vertical = "upper" if y < 0.42 else "lower" if y > 0.58 else ""
    horizontal = "left" if x < 0.42 else "right" if x > 0.58 else ""
    words = f"{vertical} {horizontal}".strip()
    return f"{words} part" if words else "middle"


def figure(image, name, probability, maps):
    """Show the image and, over it, the three maps.

    Args:
        image: uint8 (height, width, 3).
        name, probability, maps: as in `verdict`.
    """
    result = Figure(figsize=(12, 3.4), layout="constrained")
    first, *others = result.subplots(1, 1 + len(maps))
    first.imshow(image)
    first.set_title(f"{plots.verbatim(name)} ({probability:.3f})")
    grey = image.mean(axis=-1)
    for axes, (key, values) in zip(others, maps.items(), strict=True):
        limit = float(np.abs(values).max()) or 1.0
        axes.imshow(grey, cmap="gray", vmin=0, vmax=255)
        signed = key == "occlusion"
        drawn = axes.imshow(
            values,
            cmap="coolwarm" if signed else "inferno",
            vmin=-limit if signed else 0,
            vmax=limit,
            alpha=0.6,
        )
        axes.set_title(_NAMES[key])
        result.colorbar(drawn, ax=axes, shrink=0.8, label=_QUANTITIES[key])
    for axes in (first, *others):
        axes.set_axis_off()
    return result
