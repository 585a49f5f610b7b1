"""Adam in fused operations, and Muon, whose updates are orthogonal.

A kernel's gradient is large along a few directions and small along many; Adam scales
each weight by itself and does not change that. Muon takes the kernel as a matrix and
makes its momentum orthogonal: the update is as large in every direction.

Source: Jordan et al. (2024), "Muon: an optimizer for hidden layers in neural networks".
Two things differ here, for little cost on a CPU: it is done for each group of filters
on its own, and by means of the group's small Gram matrix (of inner products).
"""

import keras
import numpy as np
from keras import ops

from resnet_keras.accelerate.probe import uses_fused_operations

# Of an iteration that brings singular values from 0.03 to 1 near 1 (Jordan et al.).
_POLYNOMIAL = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 3
# Added to the eigenvalues of the Gram matrix, as a fraction of their mean: what
# directions without a gradient have. Where one direction dominates, rounding to
# bfloat16 may subtract more; of negative eigenvalues the iteration diverges, slightly
# in three rounds, without bound in many.
_FLOOR = 0.025


class KeepsAverages:
    """An optimizer that leaves averages of weights where they are when `fit` ends.

    Keras' own then replace the weights by them, after the last callback.
    """

    def finalize_variable_values(self, var_list):
        """Do nothing."""


class FusedAdam(KeepsAverages, keras.optimizers.Adam):
    """`keras.optimizers.Adam` with one fused operation for each variable's step.

    Elsewhere than on TensorFlow without a GPU it is Keras' own.
    """

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        if not uses_fused_operations():
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


class Muon(FusedAdam):
    """Adam, but with orthogonal steps for the kernels of convolutions.

    Not where the filters are fewer than a group, or have fewer weights, and not for
    kernels of more than `MOST_WEIGHTS`, where it takes long and brought nothing. In
    ResNet-50 that leaves all up to stage 4, and one of stage 5.

    Under TensorFlow's distribution strategies each replica would update its kernels by
    its own gradients; under JAX every process has the gradients of all.

    Args:
        learning_rate: as for Adam; number or schedule.
        products: in which precision the large matrix products are done, "float32" or
            "bfloat16".
        **options: of `keras.optimizers.Adam`.
    """

    FILTERS_IN_GROUP = 64
    MOST_WEIGHTS = 3 * 3 * 256 * 256
    MOMENTUM = 0.85  # Jordan et al. have 0.95; in some hundred steps less learns more
    SIZE = 2.0  # root mean square of a step, in learning rates

    def __init__(self, learning_rate=1e-3, products="float32", **options):
        super().__init__(learning_rate, **options)
        self.products = products

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "products": self.products}

    def add_variable_from_reference(
        self, reference_variable, name=None, initializer="zeros"
    ):
        """Add a variable of state; orthogonal steps need no second moments."""
        if name == "velocity" and self.is_orthogonal(reference_variable):
            return None
        return super().add_variable_from_reference(
            reference_variable, name, initializer
        )

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        """Update kernels by their momentum made orthogonal, all else as Adam does.

        Keras' hook for one variable, `update_step`, would compute the small products of
        each kernel one by one, and calling them takes longer than computing them.
        """
        rest, kernels = [], []
        for pair in zip(grads, trainable_variables, strict=True):
            (kernels if self.is_orthogonal(pair[1]) else rest).append(pair)
        if rest:
            super()._backend_update_step(*zip(*rest, strict=True), learning_rate)
        ahead = [self._ahead(gradient, kernel) for gradient, kernel in kernels]
        size = self.SIZE * learning_rate
        steps = orthogonalized(ahead, self.FILTERS_IN_GROUP, size, self.products)
        for (_, kernel), step in zip(kernels, steps, strict=True):
            self.assign_sub(kernel, step)

    def _ahead(self, gradient, variable):
        """Update a variable's momentum, and return it with Nesterov's look-ahead.

        What is stored is the momentum times `MOMENTUM`, which spares a pass over it.
        """
        momentum = self._momentums[self._get_variable_index(variable)]
        decayed = ops.multiply(ops.add(momentum, gradient), self.MOMENTUM)
        self.assign(momentum, decayed)
        return ops.add(decayed, gradient)

    def is_orthogonal(self, variable):
        """Say whether a variable's steps are made orthogonal."""
        if len(variable.shape) != 4:
            return False
        height, width, channels, filters = variable.shape
        group = self.FILTERS_IN_GROUP
        weights = height * width * channels
        return (
            filters % group == 0
            and weights >= group
            and weights * filters <= self.MOST_WEIGHTS
        )


def orthogonalized(kernels, filters_in_group, size=1.0, products="float32"):
    """Return kernels whose groups of filters are orthogonal, and near to the given.

    With a group's filters as columns of X, that is X (Xᵀ X)^(-1/2), by a few steps of
    an iteration on Xᵀ X: singular values come between 0.6 and 1.3, but for the
    smallest. All groups of all kernels go through it together.

    Args:
        kernels: list of float32 (height, width, channels, filters).
        filters_in_group: a divisor of each `filters`, and no more than a filter has
            weights.
        size: root mean square of the results, within a third.
        products: precision of the large products, "float32" or "bfloat16".

    Returns:
        List of kernels, shaped as the given.
    """
    if not kernels:
        return []
    groups = [
        _groups(ops.cast(kernel, products), filters_in_group) for kernel in kernels
    ]
    numbers = [filters.shape[0] for filters in groups]
    lengths = [filters.shape[1] for filters in groups]
    inner = [
        ops.matmul(ops.transpose(filters, (0, 2, 1)), filters) for filters in groups
    ]
    roots = _inverse_roots(ops.cast(ops.concatenate(inner), "float32"))
    # A matrix of orthonormal columns has a mean square of 1 / rows.
    scales = np.sqrt(np.repeat(lengths, numbers), dtype="float32")
    scales = ops.multiply(size, scales[:, None, None])
    roots = ops.cast(roots * scales, products)
    results = []
    for kernel, filters, end in zip(kernels, groups, np.cumsum(numbers), strict=True):
        step = ops.matmul(filters, roots[end - filters.shape[0] : end])
        results.append(ops.cast(_kernel(step, kernel.shape), "float32"))
    return results


def _groups(kernel, size):
    """Return a kernel as (groups, weights of a filter, filters of a group)."""
    matrix = ops.reshape(kernel, (-1, kernel.shape[-1] // size, size))
    return ops.transpose(matrix, (1, 0, 2))


def _kernel(groups, shape):
    """Return the kernel of that shape which `_groups` took apart."""
    return ops.reshape(ops.transpose(groups, (1, 0, 2)), shape)


def _inverse_roots(inner):
    """Return about M^(-1/2) of each symmetric matrix M; inner is (number, n, n)."""
    identity = ops.eye(inner.shape[-1])
    # The singular values' squares add up to 1, and those of nothing become the floor.
    square = ops.trace(inner, axis1=1, axis2=2)[:, None, None] + 1e-30
    inner = inner / square + _FLOOR / inner.shape[-1] * identity
    factor = _factor(inner, identity)
    root = factor
    for _ in range(_ITERATIONS - 1):
        inner = ops.matmul(factor, ops.matmul(inner, factor))
        factor = _factor(inner, identity)
        root = ops.matmul(factor, root)
    return root * ops.rsqrt(square)


def _factor(inner, identity):
    first, second, third = _POLYNOMIAL
    rest = second * identity + third * inner
    return first * identity + ops.matmul(inner, rest)
