"""Gradients by inputs and by blocks, for experiments; on TensorFlow alone."""

import keras
import numpy as np

from resnet_keras.explain.gradients import tensorflow


def input_gradients(model, images, training):
    """Return the gradient of each image's first logit by its pixels.

    Args:
        model: functional `keras.Model` whose last layer is dense with a softmax.
        images: float32 (batch, height, width, channels).
        training: whether normalization uses the statistics of this batch.

    Returns:
        float32 array of the shape of `images`.
    """
    tf = tensorflow("this experiment differentiates")
    features = keras.Model(model.input, model.layers[-1].input)
    images = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        inner = features(images, training=training)
        score = tf.reduce_sum(tf.linalg.matvec(inner, model.layers[-1].kernel[:, 0]))
    return tape.gradient(score, images).numpy()


def block_gradients(model, tensors, images, labels):
    """Return inner tensors, and the gradient of each image's loss by them.

    Args:
        model: functional `keras.Model` from images to probabilities.
        tensors: symbolic tensors of the model.
        images: float32 (batch, height, width, channels).
        labels: integers (batch,).

    Returns:
        Two lists of arrays, values and gradients. Normalization uses its moving
        averages, so that an image's gradient is its own.
    """
    tf = tensorflow("this experiment differentiates")
    inner = keras.Model(model.input, [*tensors, model.output])
    with tf.GradientTape() as tape:
        images = tf.convert_to_tensor(images)
        tape.watch(images)
        *values, probabilities = inner(images, training=False)
        losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
        loss = tf.reduce_sum(losses)
    gradients = tape.gradient(loss, values)
    return [v.numpy() for v in values], [g.numpy() for g in gradients]


def cosines(first, second):
    """Return the cosine of the angle between two arrays, image by image.

    Args:
        first: (batch, ...).
        second: alike.

    Returns:
        float64 (batch,); 0 where one of the two is zero.

    >>> cosines(np.ones((1, 2)), np.array([[1.0, 0.0]])).round(3)
    array([0.707])
    """
    first, second = (
        array.reshape(len(array), -1).astype(np.float64) for array in (first, second)
    )
    # Scaled first: squares of what has vanished would be 0.
    first, second = (
        array / np.maximum(np.abs(array).max(axis=1, keepdims=True), 1e-300)
        for array in (first, second)
    )
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return (first * second).sum(axis=1) / np.maximum(lengths, 1e-300)
