"""Layers that compute as Keras' own, in fewer and faster operations of TensorFlow."""

import keras


class MatrixConv2D(keras.layers.Conv2D):
    """Convolution by matrix products, where these take less time.

    A convolution of 1x1 is the product of all pixels with the kernel, and so are its
    gradients. With a larger kernel and stride 1, the kernel's gradient is the product
    of the patches it has seen with the gradient of its outputs; that pays in bfloat16
    where feature maps are small and kernels large. In float32 it pays on those of a few
    pixels to take a product for each position of the kernel: with both gradients, for
    32 images and 512 channels, 2x2 pixels took 9 ms instead of 26, 3x3 took 19 instead
    of 31, but 4x4, with 256 channels, 14 instead of 12. The rest is left to Keras.
    """

    MOST_PIXELS = 49  # of a feature map, for a product with patches
    FEW_PIXELS = 9  # for a product for each position of the kernel

    def share_kernel_of(self, layer):
        """Train another convolution's kernel instead of one of its own.

        To be called before this layer is built. Both need the same shape and dtype.
        """
        self._shared = layer.kernel

    def add_weight(self, *args, name=None, **options):
        """Add a weight as Keras does, except for the kernel of another."""
        if name == "kernel" and hasattr(self, "_shared"):
            return self._shared
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
                return _convolve_by_positions(inputs, kernel)
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


def _convolve_by_positions(inputs, kernel):
    """Convolve with stride 1 and zero padding; a product per position.

    Each takes only the pixels that this position of the kernel meets: of 2x2, a corner
    of a 3x3 kernel meets one. TensorFlow's own convolution of these spends most of its
    time on rearranging the kernel.
    """
    import tensorflow as tf

    height, width, channels = inputs.shape[1:]
    rows, columns, _, filters = kernel.shape
    matrices = tf.unstack(tf.reshape(kernel, (-1, channels, filters)))
    outputs = []
    for position, matrix in enumerate(matrices):
        # How far from the output's pixel the position lies, down and right.
        down = position // columns - (rows - 1) // 2
        right = position % columns - (columns - 1) // 2
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

    Over the last axis of feature maps, as in every network here. With `training=False`
    it is Keras' own layer.
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
