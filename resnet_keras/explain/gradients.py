"""Gradients of a network's prediction or loss, to be looked at.

Keras leaves gradients to its backends. Written for TensorFlow, on which everything is
tested.
"""

from typing import NamedTuple

import keras

from resnet_keras.errors import InputError
from resnet_keras.inference import graph
from resnet_keras.inference.heads import last_activation


def gradient_norms(model, names):
    """Return a function that measures loss gradients layer by layer.

    Args:
        model: functional `keras.Model` from images to probabilities.
        names: names of its convolutions, in the order wanted.

    Returns:
        A function of images, float32 (batch, height, width, channels), and integer
        labels (batch,). It returns two arrays (len(names),) of Euclidean norms: of the
        gradient of the mean cross-entropy by each convolution's output, and by its
        kernel. Normalization uses the batch, as in training.

    Raises:
        InputError: Keras runs on another backend than TensorFlow.
    """
    tf = tensorflow("gradients are looked at")
    layers = [model.get_layer(name) for name in names]
    outputs = keras.Model(
        model.input, [*(layer.output for layer in layers), model.output]
    )
    kernels = [layer.kernel.value for layer in layers]

    def norms(images, labels):
        with tf.GradientTape() as tape:
            *maps, probabilities = outputs(images, training=True)
            loss = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
            loss = tf.reduce_mean(loss)
        both = tape.gradient(loss, [maps, kernels])
        return [tf.stack([_norm(tf, gradient) for gradient in one]) for one in both]

    def measured(images, labels):
        return tuple(array.numpy() for array in norms(images, labels))

    return measured


def _norm(tf, gradient):
    # Scaled by its largest entry: squares of what has vanished would be 0 in float32.
    gradient = tf.cast(gradient, tf.float32)
    largest = tf.reduce_max(tf.abs(gradient))
    return largest * tf.norm(tf.math.divide_no_nan(gradient, largest))


class Record(NamedTuple):
    """One operation of a forward pass: its inputs, and its outputs."""

    operation: object
    entering: list
    leaving: list


def trace(model, image):
    """Compute a model's output for an image, and keep that of each operation.

    Args:
        model: functional or sequential `keras.Model` from images.
        image: (height, width, channels), as the model expects it, or a tensor of a
            batch of one such image.

    Returns:
        List of `Record` in the order of computation; of a model within the model its
        operations, and not itself.
    """
    records = []

    def call(operation, entering, arguments, keywords):
        leaving = graph.compute(operation, arguments, keywords)
        records.append(Record(operation, entering, keras.tree.flatten(leaving)))
        return leaving

    if not keras.ops.is_tensor(image):
        image = keras.ops.convert_to_tensor(image[None], model.inputs[0].dtype)
    graph.run(model, [image], call)
    return records


def score_gradients(model, choose, image, label):
    """Return the gradient of one class's score by the image and by inner maps.

    The score is the logit: what enters the softmax, or what a last layer without one
    gives. Of a sigmoid, or a softmax of another layer than a dense one, it is the
    logarithm of the probability.

    Args:
        model: functional or sequential `keras.Model` from images to classes, with
            models within it or not.
        choose: function from the list of `Record` to a list of tensors in it.
        image: float32 (height, width, channels), as the model expects it.
        label: position of the class.

    Returns:
        `(values, gradients)`: the values of the tensors chosen for the image, and the
        gradients of the score by the image and by each of them, float NumPy arrays
        without batch.

    Raises:
        InputError: Keras runs on another backend than TensorFlow, or the model has no
            gradient by its input.
    """
    tf = tensorflow("gradients are looked at")
    image = tf.convert_to_tensor(image[None])
    with tf.GradientTape() as tape:
        tape.watch(image)
        entering = tf.cast(image, model.inputs[0].dtype)
        records = trace(model, entering)
        values = choose(records)
        score = _score(tf, records, last_activation(model), label)
    gradients = tape.gradient(score, [image, *values])
    if any(gradient is None for gradient in gradients):
        raise InputError(
            f"{model.name}: has no gradient by its input of {model.inputs[0].dtype}; "
            "expected a model of pixels in float32, of operations with a derivative."
        )
    return [v.numpy()[0] for v in values], [g.numpy()[0] for g in gradients]


def _score(tf, records, activation, label):
    """Return the score of a class, a tensor of one number."""
    output = tf.reshape(records[-1].leaving[0], [-1])
    is_single = len(output) == 1
    if activation == "softmax":
        logits = _logits(tf, records)
        if logits is not None and len(logits) == len(output):
            return logits[label]
    if activation == "linear" and is_single:
        return output[0] if label else -output[0]
    if activation in ("linear", "log_softmax"):
        return output[label]
    if is_single:  # a sigmoid: the probability of class 1
        return tf.math.log(output[0] if label else 1 - output[0])
    return tf.math.log(output[label])


def _logits(tf, records):
    """Return what enters the last softmax, flat, or None where it is not known."""
    for operation, entering, _ in reversed(records):
        activation = getattr(operation, "activation", None)
        if isinstance(operation, keras.layers.Dense):
            if activation is not keras.activations.softmax:
                return None
            kernel = tf.cast(operation.kernel.value, operation.compute_dtype)
            logits = tf.linalg.matmul(tf.cast(entering[0], kernel.dtype), kernel)
            if operation.use_bias:
                logits += tf.cast(operation.bias.value, kernel.dtype)
            return tf.reshape(logits, [-1])
        is_softmax = isinstance(operation, keras.layers.Softmax)
        if is_softmax or activation is keras.activations.softmax:
            has_weights = bool(getattr(operation, "weights", ()))
            return None if has_weights else tf.reshape(entering[0], [-1])
    return None


def tensorflow(purpose):
    """Return TensorFlow where Keras runs on it; an `InputError` names the purpose."""
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"Keras runs on {keras.backend.backend()}; {purpose} with TensorFlow. Set "
            "KERAS_BACKEND=tensorflow."
        )
    import tensorflow

    return tensorflow
