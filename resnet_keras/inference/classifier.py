"""A model with all that is needed to predict uint8 pictures."""

import contextlib
from typing import NamedTuple

import keras
import numpy as np

from resnet_keras.accelerate import runtimes
from resnet_keras.accelerate.folding import copy_folded_weights, fold_batch_norm
from resnet_keras.accelerate.probe import uses_fused_operations
from resnet_keras.errors import InputError
from resnet_keras.inference import graph
from resnet_keras.inference.answering import Answering
from resnet_keras.inference.heads import Head, last_activation
from resnet_keras.inference.preprocessing import find_preprocessing, prepared
from resnet_keras.inference.quantized import open_quantized
from resnet_keras.inference.virtual_logit import with_features

# From how many images on it pays to fold and trace the model, and to start a faster
# runtime. For ResNet-50 on two cores the first takes 2 s and saves 7 ms an image; the
# second takes another 4 to 6 s and saves 1 to 2 ms.
_SOME, _MANY = 33, 3000


class Prediction(NamedTuple):
    """What `Classifier.predict` says of images."""

    probabilities: (
        np.ndarray
    )  # float32 (num_images, num_classes), of the model as it is
    calibrated: np.ndarray  # the same shape, as often right as they say
    is_answer: np.ndarray  # bool (num_images,), False for none of the classes


class Classifier:
    """A model with all that is needed to predict uint8 pictures.

    A few images go through the model as it is, more through a folded and compiled copy,
    and thousands through the fastest runtime that is installed, each of which takes
    seconds to prepare; so it is in a loop over single images, after a while. All give
    the same probabilities to 1e-4. Call `update` after changing the model's weights.

    Args:
        model: `keras.Model` from images to probabilities (or logits) of classes.
        metadata: as `resnet_keras.load_model` returns them; what they do not say is
            assumed from the model, and `assumptions` says so in words.
        name: what to call the model in messages.
        precision: of the products: "float32"; "bfloat16", for processors that multiply
            it natively; or "int8", by the quantized export that stands beside the
            file `name`. The last two predict all images, few or many, in one way, and
            other probabilities: `evaluate --precision` says by how much.

    Raises:
        InputError: the model does not classify images, metadata and model disagree, or
            there is no quantized export of it.

    Attributes:
        answering: `Answering`, or None for a file that does not say: how sure
            predictions are, and which are none of the classes.
    """

    def __init__(self, model, metadata, name="model", precision="float32"):
        if metadata.get("task") == "detector":
            raise InputError(
                f"{name}: is a detector, which names no whole pictures; expected a "
                "classifier, or use python -m resnet_keras.detect."
            )
        inputs = _checked_input_shape(model, name)
        outputs = _checked_output_shape(model, name)
        self.model, self.name = model, name
        self._notes = metadata.get("notes") or ()
        self.assumptions = []
        # Grey pictures may come without an axis of channels.
        self.channels = inputs[3] if len(inputs) == 4 else None
        self.height, self.width = self._input_size(inputs, metadata, name)
        self.preprocessing, self._says_preprocessing, words = find_preprocessing(
            model, metadata
        )
        self._head = Head(last_activation(model), outputs[1], name)
        self.assumptions += [x for x in (words, self._head.note) if x]
        self.class_names = self._fill_in_class_names(metadata, name)
        self.answering = Answering.of_metadata(metadata, name)
        self._network, self._num_outputs = model, outputs[1]
        if self.answering and self.answering.virtual_logit:
            self._give_features(name)
        self._fixed_batch_size, self._sides = inputs[0], inputs[1:3]
        self._folded = self._fastest = None
        # Calls with a few images each are perhaps a loop.
        self._num_expected = self._num_calls = 0
        self.precision = precision
        if precision == "int8":
            self._fastest_function()

    def _give_features(self, name):
        wide = with_features(self.model)
        expected = self.answering.virtual_logit.directions.shape[1]
        if not wide or wide.output_shape[1] != self._num_outputs + expected:
            raise InputError(
                f"{name}: its metadata is of a model with {expected} features in its "
                f"last layer; expected the metadata of this model."
            )
        self._network = wide

    def _input_size(self, inputs, metadata, name):
        wanted, told = inputs[1:3], tuple(metadata.get("input_size") or inputs[1:])[:2]
        for side, said in zip(wanted, told, strict=True):
            if side and said and side != said:
                raise InputError(
                    f"{name}: its metadata says pictures of {told[0]} x {told[1]} "
                    f"pixels but the model takes {wanted[0]} x {wanted[1]}; expected "
                    "the same."
                )
        size = [said or side for said, side in zip(told, wanted, strict=True)]
        if None in size:
            size = [side or next(filter(None, size), 64) for side in size]
            self.assumptions.append(f"pictures of {size[0]} x {size[1]} pixels")
        return size

    def remarks(self, about_names=True):
        """Return lines for a command to print: notes of the file, what is assumed."""
        lines = [f"Note on {self.name}: {note}" for note in self._notes]
        lines += [
            f"Assumed, for {self.name} does not say: {assumption}."
            for assumption in self.assumptions
            if about_names or assumption != self._assumed_names
        ]
        if not self._says_preprocessing:
            lines.append(
                "If it was trained on other values, name them: --preprocessing."
            )
        return lines

    def metadata(self):
        """Return what is known of the model, not assumed, for `save_model` to write."""
        return {
            "input_size": [self.height, self.width, self.channels or 1],
            **({} if self.names_are_assumed else {"class_names": self.class_names}),
            **(
                {"preprocessing": self.preprocessing}
                if self._says_preprocessing
                else {}
            ),
            **(self.answering.as_metadata() if self.answering else {}),
        }

    def _fill_in_class_names(self, metadata, name):
        num_classes = self._head.num_classes
        class_names = metadata.get("class_names")
        self.names_are_assumed = class_names is None
        self._assumed_names = f"classes named 0 to {num_classes - 1}"
        if self.names_are_assumed:
            self.assumptions.append(self._assumed_names)
            return [str(label) for label in range(num_classes)]
        if len(class_names) != num_classes:
            raise InputError(
                f"{name}: its metadata names {len(class_names)} classes but the model "
                f"has {num_classes}; expected a name for each."
            )
        return [str(class_name) for class_name in class_names]

    def probabilities(self, images, batch_size=32):
        """Return class probabilities, float32 (num_images, num_classes).

        Args:
            images: uint8 (num_images, height, width, 3), at the model's size, or
                whatever gives that when it is sliced.
            batch_size: how many images the model sees at once. It changes speed and
                memory, not the predictions: statistics are moving averages.

        Raises:
            InputError: the images have another shape or type, or there are none.
        """
        found = [x[:, : self._num_outputs] for x in self._outputs(images, batch_size)]
        return self._head.probabilities(np.concatenate(found))

    def predict(self, images, batch_size=32):
        """Return the `Prediction` of images, as `python -m resnet_keras.predict` does.

        Args:
            images, batch_size: as `probabilities` takes them.
        """
        # Features are a thousand times as many numbers, so they are not kept.
        found = [self._judged(x) for x in self._outputs(images, batch_size)]
        probabilities, is_answer = map(np.concatenate, zip(*found, strict=True))
        calibrated = probabilities
        if self.answering:
            calibrated = self.answering.calibrated(probabilities)
        return Prediction(probabilities, calibrated, is_answer)

    def _judged(self, outputs):
        """Return a batch's probabilities, and whether each is an answer."""
        probabilities, features = self._split(outputs)
        if not self.answering:
            return probabilities, np.ones(len(probabilities), bool)
        return probabilities, self.answering.answers(probabilities, features)

    def probabilities_and_features(self, images):
        """Return what `probabilities` does, and the features of the last layer.

        Args:
            images: as `probabilities` takes them, as many as memory holds features of.

        Returns:
            float32 (num_images, num_classes) and (num_images, num_features), None
            where the model does not end in a dense layer.
        """
        wide = with_features(self.model) if self._network is self.model else None
        if wide:
            self._network, self._folded, self._fastest = wide, None, None
        return self._split(np.concatenate([*self._outputs(images, 32)]))

    def _split(self, outputs):
        probabilities = self._head.probabilities(outputs[:, : self._num_outputs])
        features = outputs[:, self._num_outputs :]
        return probabilities, features if features.shape[1] else None

    def _outputs(self, images, batch_size):
        """Yield what the network gives for each batch, float32, features last."""
        if not len(images):
            raise InputError("images: there are none; expected one or more.")
        predict = self._function_for(len(images))
        batch_size = self._fixed_batch_size or batch_size
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            self._check(batch)
            batch = self.preprocess(batch)
            number = len(batch)
            # One shape, so that TensorFlow traces once; some models take no other.
            if number < batch_size and (start or self._fixed_batch_size):
                batch = np.pad(
                    batch, [(0, batch_size - number)] + [(0, 0)] * (batch.ndim - 1)
                )
            yield predict(batch)[:number].astype(np.float32)

    def _check(self, images):
        shape = images.shape
        fits = len(shape) == 4 and shape[3] == 3
        fits = fits and all(
            side in (None, given)
            for side, given in zip(self._sides, shape[1:3], strict=True)
        )
        if not fits or images.dtype != np.uint8:
            raise InputError(
                f"images: {images.dtype} of shape {shape}; expected uint8 (num_images, "
                f"{self.height}, {self.width}, 3), RGB from 0 to 255."
            )

    def in_float32(self):
        """Return a `Classifier` of the same model and metadata in float32."""
        return Classifier(self.model, self.metadata(), self.name)

    def prepare(self, num_images):
        """Prepare for about so many images that will come in small portions."""
        self._num_expected = num_images
        self._function_for(num_images)

    def update(self):
        """Load the weights that the model has now."""
        self._fastest, self._num_calls = None, 0
        if self._folded not in (None, self._network):
            copy_folded_weights(self._network, self._folded)

    def _function_for(self, num_images):
        """Return the function to predict so many images with."""
        if self.precision != "float32":
            return self._fastest_function()
        if num_images < _SOME:
            self._num_calls += 1
        num_images = max(num_images, self._num_expected, self._num_calls)
        # JAX would compile operation by operation, and take longer than for the whole.
        if num_images < _SOME and keras.backend.backend() != "jax":
            return self._as_it_is
        # The runtimes are checked on another batch size.
        if num_images < _MANY or self._fixed_batch_size:
            return self._folded_model().predict_on_batch
        return self._fastest_function()

    def _fastest_function(self):
        if not self._fastest and self.precision == "int8":
            self._fastest = open_quantized(self.name, self.model)
        if not self._fastest:
            number = self._fixed_batch_size or 4
            shape = (number, self.height, self.width, 3)
            noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
            noise = self.preprocess(noise)
            model = self._folded_model()
            self._fastest = runtimes.fastest(model, noise, self.precision)
        return self._fastest

    def _folded_model(self):
        if not self._folded:
            self._folded = _fold(self._network)
        return self._folded

    def _as_it_is(self, batch):
        return keras.ops.convert_to_numpy(self._network(batch, training=False))

    def preprocess(self, images):
        """Turn uint8 RGB images into what the model expects, float32."""
        return prepared(images, self.preprocessing, self.channels)


def _checked_input_shape(model, name):
    """Return the shape of a batch, or refuse what is no batch of images."""
    if not graph.is_graph(model):
        raise InputError(
            f"{name}: a {type(model).__name__} that is not a graph of layers, or not "
            "built; expected a functional or sequential model."
        )
    shape = model.input_shape
    if not isinstance(shape, tuple):
        raise InputError(
            f"{name}: has {len(model.inputs)} inputs; expected one, of images."
        )
    # With three axes only a square is a picture: other shapes are likely sequences.
    is_square = len(shape) == 3 and shape[1] == shape[2] is not None
    if is_square or (len(shape) == 4 and shape[3] in (1, 3)):
        return shape
    wanted = "expected images, (batch, height, width, 3) or (batch, height, width, 1)"
    if len(shape) == 4 and shape[1] in (1, 3):
        wanted += ", channels last: this one has them first"
    elif len(shape) == 4 and shape[3] == 4:
        wanted += ": a fourth channel, of transparency, is not read"
    raise InputError(f"{name}: its input has shape {shape}; {wanted}.")


def _checked_output_shape(model, name):
    """Return (batch, outputs), or refuse what does not classify whole images."""
    shape = model.output_shape
    if not isinstance(shape, tuple):
        raise InputError(
            f"{name}: has {len(model.outputs)} outputs; expected one, of classes: "
            "keras.Model(model.inputs, model.outputs[0]) has the first alone."
        )
    if len(shape) != 2 or not shape[1]:
        raise InputError(
            f"{name}: its output has shape {shape}; expected one number per class, "
            "(batch, classes)."
        )
    return shape


def _fold(model):
    # It only saves time, and fails for layers that Keras does not copy.
    with contextlib.suppress(Exception):
        model = fold_batch_norm(model)
    # XLA is slow to start and slow to run on a CPU.
    model.compile(jit_compile=False if uses_fused_operations() else "auto")
    return model
