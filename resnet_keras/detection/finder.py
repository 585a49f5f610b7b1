"""A detector together with what it takes to find objects in pictures of any size."""

import keras
import numpy as np

from resnet_keras.accelerate.folding import copy_folded_weights, fold_batch_norm
from resnet_keras.accelerate.probe import uses_fused_operations
from resnet_keras.detection.decoding import Found, decode
from resnet_keras.detection.letterboxing import letterbox
from resnet_keras.detection.network import NUM_BOX
from resnet_keras.errors import InputError
from resnet_keras.files import load_model
from resnet_keras.inference.preprocessing import find_preprocessing, prepared

BATCH_SIZE = 32
_THRESHOLD = 0.5  # of a model that names none


class Finder:
    """A detector with all that it takes to find objects in pictures.

    As `inference.Classifier` does, it sends a few pictures through the model as it is,
    more through a folded and compiled one. Whoever changes the model's weights calls
    `update`.

    Args:
        model: `keras.Model`, as `detector` makes it.
        metadata: as `resnet_keras.load_model` returns them; "threshold" is the least
            score of what is found, 0.5 where they do not say.
        name: what to call the model in messages.

    Raises:
        InputError: the model is no detector, or metadata and model disagree.

    Attributes:
        class_names: list of str.
        image_size: side of the squares that pictures are placed on.
        threshold: float.
    """

    def __init__(self, model, metadata, name="model"):
        self.image_size, num_classes = _checked_shapes(model, name)
        names = metadata.get("class_names") or [str(i) for i in range(num_classes)]
        if len(names) != num_classes:
            raise InputError(
                f"{name}: its metadata names {len(names)} classes but the model has "
                f"{num_classes}; expected a name for each."
            )
        self.model, self.name = model, name
        self.class_names = [str(class_name) for class_name in names]
        threshold = metadata.get("threshold")
        self.threshold = _THRESHOLD if threshold is None else float(threshold)
        self.preprocessing = find_preprocessing(model, metadata).preprocessing
        self._folded = None

    def find(self, images, threshold=None):
        """Find objects in pictures.

        Args:
            images: list of uint8 (height, width, 3) of any sizes, or an array of them.
            threshold: least score; None for the model's own. To compute average
                precision give a low one.

        Returns:
            List of `Found`, boxes in pixels of the pictures as given.
        """
        results = []
        for start in range(0, len(images), BATCH_SIZE):
            given = images[start : start + BATCH_SIZE]
            placed = [letterbox(image, self.image_size) for image in given]
            results += self.find_placed(placed, len(images), threshold)
        return results

    def find_placed(self, placed, num_images, threshold=None):
        """Find objects in a few pictures of many that are on squares already.

        Args:
            placed: list of (square, `Placement`), as `letterbox` returns them, of the
                finder's size; 32 at most.
            num_images: how many pictures there are in all, in this call and others.
            threshold: as `find` takes it.

        Returns:
            List of `Found`, boxes in pixels of the pictures themselves.
        """
        threshold = self.threshold if threshold is None else threshold
        batch = self.preprocess(np.stack([square for square, _ in placed]))
        # One shape, so that TensorFlow traces once.
        missing = min(BATCH_SIZE, num_images) - len(batch)
        batch = np.pad(batch, [(0, missing), (0, 0), (0, 0), (0, 0)])
        raw = self._way(num_images)(batch)
        found = decode(raw, self.image_size, threshold)[: len(placed)]
        return [
            Found(placement.to_picture(one.boxes), one.labels, one.scores)
            for one, (_, placement) in zip(found, placed, strict=True)
        ]

    def preprocess(self, images):
        """Turn uint8 RGB squares into the model's input, float32."""
        return prepared(images, self.preprocessing)

    def update(self):
        """Load the weights that the model has now."""
        if self._folded:
            copy_folded_weights(self.model, self._folded)

    def _way(self, num_images):
        # Folding and tracing takes seconds. JAX would compile operation by operation.
        if num_images <= BATCH_SIZE and keras.backend.backend() != "jax":
            return self._as_it_is
        if not self._folded:
            self._folded = fold_batch_norm(self.model)
            # XLA is slow to start and slow to run on a CPU.
            jit_compile = False if uses_fused_operations() else "auto"
            self._folded.compile(jit_compile=jit_compile)
        return self._folded.predict_on_batch

    def _as_it_is(self, batch):
        outputs = self.model(batch, training=False)
        return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)


def open_finder(path, trust=False):
    """Open a detector's file to find objects with.

    Args:
        path: a file that `load_model` takes.
        trust: as in `load_model`.

    Returns:
        `Finder`.

    Raises:
        InputError: the file cannot be used, or holds no detector.
    """
    model, metadata = load_model(path, trust=trust)
    return Finder(model, metadata, str(path))


def _checked_shapes(model, name):
    """Return side of the pictures and number of classes, or refuse the model."""
    outputs = [tuple(output.shape) for output in getattr(model, "outputs", None) or ()]
    are_maps = outputs and all(
        len(shape) == 4 and shape[3] == outputs[0][3] and shape[3] > NUM_BOX
        for shape in outputs
    )
    if not are_maps:
        raise InputError(
            f"{name}: is no detector, its output has shape {outputs or 'unknown'}; "
            "expected one that python -m resnet_keras.detect train wrote."
        )
    shape = model.input_shape
    if shape[1] != shape[2] or shape[1] is None or shape[3] != 3:
        raise InputError(
            f"{name}: takes pictures of shape {shape[1:]}; expected squares in colour, "
            "(size, size, 3)."
        )
    return shape[1], outputs[0][3] - NUM_BOX
