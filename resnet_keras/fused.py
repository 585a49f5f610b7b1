"""The same network, trained faster with TensorFlow on a CPU.

Keras composes batch normalization and Adam of many small operations, each of which
reads and writes whole tensors again; it updates convolution biases whose gradient is
zero because a normalization follows; and TensorFlow's own gradient of a convolution's
kernel took half of a training step. `training_twin` makes a network that computes the
same thing with fused operations and matrix products, on the very kernels of the plain
one; `copy_weights` carries all other weights between the two. What is saved is always
the plain network.
"""

import ctypes
import platform
import time

import keras
import numpy as np


class MatrixConv2D(keras.layers.Conv2D):
    """Convolution by matrix products, where these take less time.

    A convolution of 1x1 is the product of all pixels with the kernel, and so are its
    gradients. With a larger kernel and stride 1, the kernel's gradient is the product
    of the patches it has seen with the gradient of its answers; that pays in bfloat16
    where maps are small and kernels large. In float32 it pays on maps of a few pixels
    to take a product for each place of the kernel: with both gradients, for 32 images
    and 512 channels, maps of 2x2 took 9 ms instead of 26, of 3x3 19 instead of 31, but
    of 4x4, with 256 channels, 14 instead of 12. The rest is left to Keras.
    """

    MOST_PIXELS = 49  # of a map, for a product with patches
    FEW_PIXELS = 9  # for a product for each place of the kernel

    def take_kernel_of(self, layer):
        """Train another convolution's kernel instead of one of its own.

        To be called before this layer is built. Both need the same shape and dtype.
        """
        self._taken = layer.kernel

    def add_weight(self, *args, name=None, **options):
        """Add a weight as Keras does, but for a kernel that is another's."""
        if name == "kernel" and hasattr(self, "_taken"):
            return self._taken
        return super().add_weight(*args, name=name, **options)

    def convolution_op(self, inputs, kernel):
        """Convolve (batch, height, width, channels) with (height, width, in, out)."""
        import tensorflow as tf

        kernel = tf.convert_to_tensor(kernel)
        if (
            self.data_format != "channels_last"
            or self.groups != 1
            or self.dilation_rate != (1, 1)
        ):
            return super().convolution_op(inputs, kernel)
        if self.kernel_size == (1, 1):
            if self.strides != (1, 1):  # pooling over one pixel picks every other one
                inputs = tf.nn.max_pool2d(inputs, 1, self.strides, "VALID")
            pixels = tf.reshape(inputs, (-1, inputs.shape[-1]))
            products = tf.matmul(pixels, tf.reshape(kernel, kernel.shape[2:]))
            shape = tf.concat([tf.shape(inputs)[:3], [self.filters]], 0)
            return tf.ensure_shape(
                tf.reshape(products, shape), (*inputs.shape[:3], self.filters)
            )
        num_pixels = inputs.shape[1:3].num_elements()  # None where sizes may vary
        if self.strides == (1, 1) and self.padding == "same" and num_pixels is not None:
            if inputs.dtype == tf.bfloat16 and num_pixels <= self.MOST_PIXELS:
                return _convolve_by_patches(inputs, kernel)
            if inputs.dtype == tf.float32 and num_pixels <= self.FEW_PIXELS:
                return _convolve_by_places(inputs, kernel)
        return super().convolution_op(inputs, kernel)


def _convolve_by_patches(inputs, kernel):
    """Convolve with stride 1 and zero padding; one product is the kernel's gradient."""
    import tensorflow as tf

    @tf.custom_gradient
    def convolve(inputs, kernel):
        def gradients(upstream):
            inputs_gradient = tf.nn.conv2d_transpose(
                upstream, kernel, tf.shape(inputs), 1, "SAME"
            )
            patches = tf.image.extract_patches(
                inputs, (1, *kernel.shape[:2], 1), [1] * 4, [1] * 4, "SAME"
            )
            kernel_gradient = tf.matmul(
                tf.reshape(patches, (-1, patches.shape[-1])),
                tf.reshape(upstream, (-1, upstream.shape[-1])),
                transpose_a=True,
            )
            return inputs_gradient, tf.reshape(kernel_gradient, kernel.shape)

        return tf.nn.conv2d(inputs, kernel, 1, "SAME"), gradients

    return convolve(inputs, kernel)


def _convolve_by_places(inputs, kernel):
    """Convolve with stride 1 and zero padding; a product for each place of the kernel.

    Each takes only the pixels that this place meets: of a map of 2x2, a corner of a
    3x3 kernel meets one. TensorFlow's own convolution of such maps spends most of its
    time on rearranging the kernel.
    """
    import tensorflow as tf

    height, width, channels = inputs.shape[1:]
    rows, columns, _, filters = kernel.shape
    places = tf.unstack(tf.reshape(kernel, (-1, channels, filters)))
    outputs = []
    for place, matrix in enumerate(places):
        # How far from the output's pixel the place looks, down and right.
        down = place // columns - (rows - 1) // 2
        right = place % columns - (columns - 1) // 2
        if abs(down) >= height or abs(right) >= width:
            continue
        seen = tf.slice(
            inputs,
            [0, max(down, 0), max(right, 0), 0],
            [-1, height - abs(down), width - abs(right), -1],
        )
        products = tf.matmul(tf.reshape(seen, (-1, channels)), matrix)
        margins = [(0, 0), *((max(-s, 0), max(s, 0)) for s in (down, right)), (0, 0)]
        shape = (-1, *seen.shape[1:3], filters)
        outputs.append(tf.pad(tf.reshape(products, shape), margins))
    return tf.add_n(outputs)


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization whose training step is TensorFlow's one fused operation.

    Over the last axis of a map, as in every network here. With `training=False` it is
    Keras' own layer.
    """

    def call(self, inputs, training=None, mask=None):
        """Normalize, and in training move the averages, as Keras' layer does."""
        if not training or not self.trainable:
            return super().call(inputs, training=False)
        import tensorflow as tf

        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=self.epsilon,
            is_training=True,
        )
        # The operation reports the variance over n - 1; Keras keeps the one over n.
        shape = tf.shape(inputs)
        number = tf.cast(shape[0] * shape[1] * shape[2], tf.float32)
        variance *= (number - 1) / number
        for average, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            average.assign(average * self.momentum + value * (1 - self.momentum))
        return outputs


class FusedAdam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` with one fused operation for each variable's step.

    Where `is_useful` says no, it computes what Keras' own does, as that does it.
    """

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable along its gradient."""
        if not is_useful():
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


def _handle(variable):
    return (variable if hasattr(variable, "handle") else variable.value).handle


def is_useful():
    """Say whether fused operations serve here: on TensorFlow, without a GPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")


def keep_freed_memory():
    """Let this process keep the memory it frees, to have it at hand for the next step.

    The GNU C library asks the system for each large array and gives it back at once;
    the system clears every page anew, which took 0.06 of 0.37 s of a training step.
    What is kept lies in one heap: with one per thread, what a thread has freed is lost
    to the others, which came to 60 MiB. Other C libraries are left as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    trim_threshold, mmap_max, arena_max = -1, -4, -8  # from malloc.h
    libc.mallopt(arena_max, 1)
    libc.mallopt(mmap_max, 0)
    libc.mallopt(trim_threshold, 2**31 - 1)


def best_precision():
    """Return "mixed_bfloat16" where this CPU multiplies bfloat16 faster, or "float32".

    Recent processors (Intel's since 2023 with AMX) have units for it. Products are
    rounded to 8 bits of precision but summed in 32; weights, their updates and the
    normalization's statistics stay float32.
    """
    if not is_useful():
        return "float32"
    import tensorflow as tf

    def seconds(dtype):
        matrix = tf.ones((1024, 1024), dtype)
        times = []
        for _ in range(5):
            start = time.perf_counter()
            tf.linalg.matmul(matrix, matrix).numpy()
            times.append(time.perf_counter() - start)
        return min(times)

    return (
        "mixed_bfloat16"
        if seconds("bfloat16") < 0.6 * seconds("float32")
        else "float32"
    )


def training_twin(model, precision="float32"):
    """Return a network that computes the same as `model`, to be trained in its place.

    Where fused operations serve (`is_useful`), its layers are made of them.

    Args:
        model: functional `keras.Model`.
        precision: Keras' name of the policy to compute in, "float32" or
            "mixed_bfloat16". The last layer always computes in float32.

    Returns:
        `keras.Model` with the same layer names. Its fused convolutions, unless frozen,
        train the kernels of `model` itself, which changes with them; all other
        variables are its own, filled from `model`.
    """
    fuse = is_useful()
    # A frozen one keeps its bias, so that its statistics come back to the last bit.
    biasless = {
        conv.name
        for conv in normalized_convolutions(model).values()
        if fuse and conv.trainable
    }

    def twin(layer):
        config = layer.get_config()
        if layer is not model.layers[-1]:
            config["dtype"] = precision
        if layer.name in biasless:
            config["use_bias"] = False
        if fuse and type(layer) is keras.layers.BatchNormalization:
            return FusedBatchNormalization.from_config(config)
        if fuse and type(layer) is keras.layers.Conv2D:
            convolution = MatrixConv2D.from_config(config)
            # Of a frozen layer Keras lists the kernel taken after the bias, and
            # `copy_weights` goes by the order.
            if layer.trainable and layer.kernel.dtype == convolution.variable_dtype:
                convolution.take_kernel_of(layer)  # spares memory for a second one
            return convolution
        return type(layer).from_config(config)

    result = keras.models.clone_model(model, clone_function=twin)
    copy_weights(model, result)
    return result


def normalized_convolutions(model):
    """Return the convolutions that only a batch normalization follows, by its name.

    Those with an activation of their own are left out, and in a model that calls a
    layer twice all are: what follows the second call is not known here.
    """
    entries = model.get_config()["layers"]
    if any(len(entry.get("inbound_nodes", ())) > 1 for entry in entries):
        return {}
    producers = {id(layer.output): layer for layer in model.layers}
    users = [
        id(tensor)
        for layer in model.layers[1:]
        for tensor in keras.tree.flatten(layer.input)
    ] + [id(tensor) for tensor in model.outputs]
    pairs = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            producer = producers.get(id(layer.input))
            if (
                type(producer) in (keras.layers.Conv2D, MatrixConv2D)
                and producer.activation is keras.activations.linear
                and producer.data_format == "channels_last"
                and layer.axis in (-1, 3)
                and users.count(id(layer.input)) == 1
            ):
                pairs[layer.name] = producer
    return pairs


def copy_weights(source, target):
    """Copy all weights between a network and its twin, in either direction.

    The twin's normalized convolutions have no bias. In training a bias before a
    normalization changes nothing but the moving mean, so the bias stays what it is in
    the plain network, and the moving mean is shifted by it.
    """
    for layer in target.layers:
        if not layer.weights:
            continue
        weights = source.get_layer(layer.name).weights
        for own, other in zip(layer.weights, weights, strict=False):  # a bias may lack
            if own is not other:
                # By way of NumPy: JAX would have both keep one array, and training
                # gives it up.
                own.assign(keras.ops.convert_to_numpy(other))
    for name, conv in normalized_convolutions(target).items():
        shift = _bias(conv) - _bias(source.get_layer(conv.name))
        target.get_layer(name).moving_mean.assign_add(shift)


def _bias(conv):
    return conv.get_weights()[1] if conv.use_bias else np.float32(0)
