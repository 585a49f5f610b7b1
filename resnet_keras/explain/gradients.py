"""Gradients of a network's answer: the one thing Keras leaves to its backends.

Training asks Keras for gradients; here they are asked for by themselves, to be looked
at. Written for TensorFlow, on which everything is tested.
"""

import keras

from resnet_keras.errors import InputError


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
    tf = _tensorflow()
    layers = [model.get_layer(name) for name in names]
    outputs = keras.Model(
        model.input, [*(layer.output for layer in layers), model.output]
    )
    kernels = [layer.kernel.value for layer in layers]

    def norms(images, labels):
        with tf.GradientTape() as tape:
            *maps, answer = outputs(images, training=True)
            loss = keras.losses.sparse_categorical_crossentropy(labels, answer)
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


def score_gradients(model, tensors, image, label):
    """Return the gradient of one class's score by the image and by inner maps.

    The score is the logit: what enters the softmax, or what a last layer without one
    gives. Of a sigmoid, or a softmax that is no dense layer's, it is the logarithm of
    the probability.

    Args:
        model: functional `keras.Model` from images to probabilities.
        tensors: symbolic tensors of the model.
        image: float32 (height, width, channels), as the model expects it.
        label: position of the class.

    Returns:
        `(values, gradients)`: the values of `tensors` for the image, and the gradients
        of the score by the image and by each of `tensors`, NumPy arrays without batch.

    Raises:
        InputError: Keras runs on another backend than TensorFlow.
    """
    tf = _tensorflow()
    last = model.layers[-1]
    activation = getattr(last, "activation", None)
    is_dense = isinstance(last, keras.layers.Dense)
    before_softmax = is_dense and activation is keras.activations.softmax
    inner = keras.Model(
        model.input, [*tensors, last.input if before_softmax else model.output]
    )
    image = tf.convert_to_tensor(image[None])
    with tf.GradientTape() as tape:
        tape.watch(image)
        *values, answer = keras.tree.flatten(inner(image, training=False))
        if before_softmax:
            answer = tf.linalg.matmul(answer, last.kernel)
            answer += last.bias if last.use_bias else 0.0
            score = answer[0, label]
        elif activation is keras.activations.linear:
            score = answer[0, label]
        elif answer.shape[-1] == 1:  # a sigmoid: the probability of class 1
            score = tf.math.log(answer[0, 0] if label else 1 - answer[0, 0])
        else:
            score = tf.math.log(answer[0, label])
    gradients = tape.gradient(score, [image, *values])
    if any(gradient is None for gradient in gradients):
        raise InputError(
            f"{model.name}: has no gradient by its input of {model.input.dtype}; "
            "expected a model of pixels in float32."
        )
    return [v.numpy()[0] for v in values], [g.numpy()[0] for g in gradients]


def _tensorflow():
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"Keras runs on {keras.backend.backend()}; gradients are looked at with "
            "TensorFlow. Set KERAS_BACKEND=tensorflow."
        )
    import tensorflow

    return tensorflow
