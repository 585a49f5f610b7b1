"""What a model says of images: probabilities, scores, and how a card is filled in."""

import contextlib

import keras
import numpy as np

from resnet_keras import fused, runtimes
from resnet_keras.errors import InputError
from resnet_keras.files import PREPROCESSING, usual_preprocessing
from resnet_keras.folding import copy_folded_weights, fold_batch_norm

# From how many images on getting ready pays. For ResNet-50 on two cores folding and
# tracing takes 2 s and spares 7 ms an image; a faster runtime takes another 4 to 6 s
# and spares 1 to 2 ms.
_SOME, _MANY = 33, 3000


class Classifier:
    """A model with all that is needed to ask it about uint8 pictures.

    A few images go through the model as it is, more through a folded and compiled one,
    and thousands through the fastest runtime there is: what takes seconds to make
    ready is made ready where it pays. All give the same answers to 1e-4. Whoever
    changes the model's weights calls `update`.

    Args:
        model: `keras.Model` from images to probabilities (or logits) of classes.
        card: as `resnet_keras.load_model` returns it; what it does not say is assumed
            from the model, and `assumptions` says so in words.
        name: what to call the model in messages.

    Raises:
        InputError: the model does not classify images, or card and model disagree.
    """

    def __init__(self, model, card, name="model"):
        inputs, outputs = model.input_shape, model.output_shape
        if not (isinstance(inputs, tuple) and len(inputs) == 4 and inputs[3] in (1, 3)):
            raise InputError(
                f"{name}: its input has shape {inputs}; expected images, "
                "(batch, height, width, 3)."
            )
        if not (isinstance(outputs, tuple) and len(outputs) == 2 and outputs[1]):
            raise InputError(
                f"{name}: its output has shape {outputs}; expected one number per "
                "class, (batch, classes)."
            )
        self.model = model
        self.assumptions = []
        self.channels = inputs[3]
        self.height, self.width = self._input_size(inputs, card, name)
        self.preprocessing = self._fill_in_preprocessing(card)
        activation = getattr(model.layers[-1], "activation", None)
        self._activation = getattr(activation, "__name__", "softmax")
        self._is_binary = outputs[1] == 1 and self._activation == "sigmoid"
        num_classes = 2 if self._is_binary else outputs[1]
        self.class_names = self._fill_in_class_names(card, num_classes, name)
        self._folded = self._fastest = None
        self._num_expected = 0

    def _input_size(self, inputs, card, name):
        wanted, told = inputs[1:3], tuple(card.get("input_size") or inputs[1:])[:2]
        for side, said in zip(wanted, told, strict=True):
            if side and said and side != said:
                raise InputError(
                    f"{name}: its card says pictures of {told[0]} x {told[1]} pixels "
                    f"but the model takes {wanted[0]} x {wanted[1]}; expected the same."
                )
        size = [said or side for said, side in zip(told, wanted, strict=True)]
        if None in size:
            size = [64, 64]
            self.assumptions.append("pictures of 64 x 64 pixels")
        return size

    def _fill_in_preprocessing(self, card):
        if card.get("preprocessing") is not None:
            return PREPROCESSING | card["preprocessing"]
        usual = usual_preprocessing(self.model)
        self.assumptions.append(
            "RGB values divided by 255"
            if usual == PREPROCESSING
            else "RGB values from 0 to 255, which the model rescales"
        )
        return usual

    def _fill_in_class_names(self, card, num_classes, name):
        class_names = card.get("class_names")
        self.names_are_assumed = class_names is None
        if self.names_are_assumed:
            self.assumptions.append(f"classes named 0 to {num_classes - 1}")
            return [str(label) for label in range(num_classes)]
        if len(class_names) != num_classes:
            raise InputError(
                f"{name}: its card names {len(class_names)} classes but the model has "
                f"{num_classes}; expected a name for each."
            )
        return [str(class_name) for class_name in class_names]

    def probabilities(self, images, batch_size=32):
        """Return class probabilities, float32 (num_images, num_classes).

        Args:
            images: uint8 (num_images, height, width, 3), at the model's size.
            batch_size: how many images the model sees at once. It changes speed and
                memory, not the answer: statistics are moving averages.
        """
        answer = self._way(len(images))
        answers = []
        for start in range(0, len(images), batch_size):
            batch = self.preprocess(images[start : start + batch_size])
            number = len(batch)
            if start and number < batch_size:  # one shape, so TensorFlow traces once
                batch = np.pad(batch, [(0, batch_size - number)] + [(0, 0)] * 3)
            answers.append(answer(batch)[:number])
        answers = np.concatenate(answers).astype(np.float32)
        if self._is_binary:
            return np.concatenate([1 - answers, answers], axis=1)
        if self._activation == "linear":  # logits
            exponentials = np.exp(answers - answers.max(axis=1, keepdims=True))
            return exponentials / exponentials.sum(axis=1, keepdims=True)
        return answers

    def prepare(self, num_images):
        """Get ready for about so many images, if they will come in small portions."""
        self._num_expected = num_images
        self._way(num_images)

    def update(self):
        """Take up the weights that the model has now."""
        self._fastest = None
        if self._folded not in (None, self.model):
            copy_folded_weights(self.model, self._folded)

    def _way(self, num_images):
        """Return the function to answer so many images with."""
        num_images = max(num_images, self._num_expected)
        # JAX would compile operation by operation, and take longer than for the whole.
        if num_images < _SOME and keras.backend.backend() != "jax":
            return self._as_it_is
        if not self._folded:
            self._folded = _fold(self.model)
        if num_images < _MANY:
            return self._folded.predict_on_batch
        if not self._fastest:
            shape = (4, self.height, self.width, 3)
            noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
            self._fastest = runtimes.fastest(self._folded, self.preprocess(noise))
        return self._fastest

    def _as_it_is(self, batch):
        return keras.ops.convert_to_numpy(self.model(batch, training=False))

    def preprocess(self, images):
        """Turn uint8 RGB images into what the model expects, float32."""
        batch = images.astype(np.float32) * np.float32(self.preprocessing["scale"])
        if self.preprocessing["channel_order"] == "bgr":
            batch = batch[..., ::-1]
        if "mean" in self.preprocessing:
            batch = batch - np.array(self.preprocessing["mean"], np.float32)
        if "std" in self.preprocessing:
            batch = batch / np.array(self.preprocessing["std"], np.float32)
        if self.channels == 1:
            batch = batch.mean(axis=-1, keepdims=True)
        return batch


def _fold(model):
    # It fails without a graph of layers, and for a layer that Keras does not copy.
    with contextlib.suppress(ValueError):
        model = fold_batch_norm(model)
    # XLA is slow to start and slow to run on a CPU.
    model.compile(jit_compile=False if fused.is_useful() else "auto")
    return model
