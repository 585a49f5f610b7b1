"""A detector exported with its decoding: pictures in, boxes out, without this package.

Only here TensorFlow is named: its operation for non-maximum suppression becomes part of
a SavedModel, and of an ONNX graph through tf2onnx.
"""

import keras
import numpy as np
from keras import ops

from resnet_keras.detection.decoding import IOU, MOST, Found
from resnet_keras.detection.network import NUM_BOX
from resnet_keras.detection.targets import flat, of_model, to_boxes
from resnet_keras.errors import InputError
from resnet_keras.export.exporting import folder_beside, put_into_place
from resnet_keras.export.formats import FORMATS

FORMATS_WITH_BOXES = ("savedmodel", "onnx")
# Of scores, and of boxes as a fraction of the picture; a box may be suppressed by
# another where two overlaps are alike to the last bit, so a few may differ.
_TOLERANCE, _MOST_DIFFERING = 1e-3, 0.02


class Suppression(keras.layers.Layer):
    """Boxes and logits of all locations in, the objects found out.

    Args:
        threshold: least score.
        image_size: side of the pictures in pixels.
        **options: of Keras' layer.
    """

    def __init__(self, threshold, image_size, **options):
        super().__init__(dtype="float32", **options)
        self.threshold, self.image_size = threshold, image_size

    def call(self, boxes, logits):
        """Return (batch, MOST, 6): corners in pixels, score, and class, -1 for none."""
        import tensorflow as tf

        boxes, scores, labels, _ = tf.image.combined_non_max_suppression(
            ops.clip(boxes, 0, self.image_size)[:, :, None],
            ops.sigmoid(logits),
            max_output_size_per_class=MOST,
            max_total_size=MOST,
            iou_threshold=IOU,
            score_threshold=self.threshold,
            clip_boxes=False,
        )
        labels = tf.where(scores > 0, labels, -1.0)
        return tf.concat([boxes, scores[..., None], labels[..., None]], -1)

    def compute_output_shape(self, boxes_shape, logits_shape):
        """Return the shape of what `call` returns."""
        return boxes_shape[0], MOST, NUM_BOX + 2


class _Boxes(keras.layers.Layer):
    """Raw predictions of all locations in, boxes in pixels out."""

    def __init__(self, places, **options):
        super().__init__(dtype="float32", **options)
        self._places = places

    def call(self, raw):
        """Return (batch, locations, 4)."""
        return to_boxes(raw, self._places)


def with_boxes(model, threshold):
    """Return a detector that decodes its own predictions, for TensorFlow alone.

    Args:
        model: `keras.Model`, as `network.detector` makes it; it shares its layers.
        threshold: least score of what is found.

    Returns:
        `keras.Model` from pictures to float32 (batch, 100, 6): x_min, y_min, x_max,
        y_max in pixels of the square, score, and class, -1 and zeros behind the last.
    """
    one = flat(model)
    raw = one.output
    boxes = _Boxes(of_model(model), name="boxes")(raw)
    suppression = Suppression(threshold, model.input_shape[1], name="found")
    return keras.Model(one.input, suppression(boxes, raw[..., NUM_BOX:]))


def rows_to_found(rows):
    """Turn what an exported detector returns into a list of `Found`.

    Args:
        rows: (batch, 100, 6), as `with_boxes` describes it.

    Example:

    >>> [found] = rows_to_found(np.float32([[[0, 0, 8, 8, 0.9, 1], [0] * 5 + [-1]]]))
    >>> found.labels.tolist()
    [1]
    """
    return [
        Found(one[:, :4], one[:, 5].astype(np.int64), one[:, 4])
        for one in (each[each[:, 5] >= 0] for each in np.asarray(rows))
    ]


def export_detector(finder, metadata, name, path, images):
    """Export a detector with its decoding, and compare what it finds on pictures.

    Nothing is written to `path` unless the format's own runtime opens it and finds what
    the model finds, but for one box in fifty.

    Args:
        finder: `Finder` of the model; its threshold becomes part of the export.
        metadata: as `load_model` returns it.
        name: "savedmodel" or "onnx".
        path: where to write.
        images: uint8 (num_images, size, size, 3), at the finder's size.

    Returns:
        The number of boxes that were found.

    Raises:
        InputError: the format cannot hold the decoding, or finds other boxes.
        OSError: the files could not be written.
    """
    if name not in FORMATS_WITH_BOXES:
        raise InputError(
            f"--format {name}: cannot hold what turns a detector's predictions into "
            f"boxes; expected {' or '.join(FORMATS_WITH_BOXES)}."
        )
    form, module = FORMATS[name], FORMATS[name].load()
    model = with_boxes(finder.model, finder.threshold)
    size = [finder.image_size, finder.image_size, 3]
    metadata = metadata | {"input_size": size, "threshold": finder.threshold}
    expected = finder.find(images)
    with folder_beside(path) as folder:
        written = folder / path.name
        module.write(model, metadata, written, None)
        rows = module.read(written, model)(finder.preprocess(images))
        found = rows_to_found(rows)
        pairs = list(zip(expected, found, strict=True))
        differing = sum(_num_differing(*pair, finder.image_size) for pair in pairs)
        number = sum(len(one.scores) for one in expected)
        if differing > _MOST_DIFFERING * number:
            raise InputError(
                f"{path}: not written, for of {number} boxes {differing} differ from "
                f"the model's; --format {name} cannot hold this network."
            )
        put_into_place(folder, path, form)
    return number


def _num_differing(expected, found, image_size):
    """Return how many of the boxes of one picture the other has not."""
    if not len(found.scores):
        return len(expected.scores)
    away = np.abs(expected.boxes[:, None] - found.boxes[None]).max(-1) / image_size
    away = np.maximum(away, np.abs(expected.scores[:, None] - found.scores[None]))
    away[expected.labels[:, None] != found.labels[None]] = np.inf
    missing = (away > _TOLERANCE).all(1).sum()
    return int(missing) + max(0, len(found.scores) - len(expected.scores))
