"""Muon: steps of convolution kernels in which all directions count the same.

A kernel's gradient is large along a few directions and small along many; Adam scales
each weight by itself and leaves that so. Muon takes the kernel as a matrix and makes
its momentum orthogonal: every direction moves by the same amount.

Source: Jordan et al. (2024), "Muon: an optimizer for hidden layers in neural networks".
Two things differ here, for little cost on a CPU: it is done for each group of filters
on its own, and by means of the group's small square matrix of inner products.
"""

from keras import ops

from resnet_keras.fused import FusedAdam

# Of an iteration that brings singular values from 0.03 to 1 near 1 (Jordan et al.).
_POLYNOMIAL = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 3
# Of the mean squared singular value: what directions without a gradient have. Rounding
# to bfloat16 may take more away where one direction rules; below zero the iteration
# grows, little in three rounds, without bound in many.
_FLOOR = 0.025


class Muon(FusedAdam):
    """Adam, but with orthogonal steps for the kernels of convolutions.

    Not where the filters are fewer than a group, or have fewer weights, and not for
    kernels of more than `MOST_WEIGHTS`, where it takes long and brought nothing. In
    ResNet-50 that leaves all up to stage 4, and one of stage 5.

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
        """Return what makes another like this."""
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

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable along its momentum, made orthogonal, or as Adam does."""
        if not self.is_orthogonal(variable):
            super().update_step(gradient, variable, learning_rate)
            return
        momentum = self._momentums[self._get_variable_index(variable)]
        moved = ops.add(ops.multiply(momentum, self.MOMENTUM), gradient)
        self.assign(momentum, moved)
        ahead = ops.add(ops.multiply(moved, self.MOMENTUM), gradient)  # Nesterov's
        step = orthogonalized(
            ahead, self.FILTERS_IN_GROUP, self.SIZE * learning_rate, self.products
        )
        self.assign_sub(variable, step)

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


def orthogonalized(kernel, filters_in_group, size=1.0, products="float32"):
    """Return a kernel whose groups of filters are orthogonal, and near to the given.

    With the group's filters as columns of X, that is X (Xᵀ X)^(-1/2), by a few steps
    of an iteration on Xᵀ X: singular values come between 0.6 and 1.3, but for the
    smallest.

    Args:
        kernel: float32 (height, width, channels, filters).
        filters_in_group: a divisor of `filters`, and no more than a filter has weights.
        size: root mean square of the result, within a third.
        products: precision of the large products, "float32" or "bfloat16".
    """
    *_, filters = kernel.shape
    group = filters_in_group
    matrix = ops.cast(ops.reshape(kernel, (-1, filters // group, group)), products)
    columns = ops.transpose(matrix, (1, 0, 2))  # (groups, weights of a filter, group)
    inner = ops.cast(ops.matmul(ops.transpose(columns, (0, 2, 1)), columns), "float32")
    # The singular values' squares add up to 1, and those of nothing become the floor.
    square = ops.trace(inner, axis1=1, axis2=2)[:, None, None] + 1e-30
    identity = ops.eye(group)
    inner = inner / square + _FLOOR / group * identity
    factor = _factor(inner, identity)
    root = factor  # of the inverse, in the end
    for _ in range(_ITERATIONS - 1):
        inner = ops.matmul(factor, ops.matmul(inner, factor))
        factor = _factor(inner, identity)
        root = ops.matmul(factor, root)
    # A matrix of orthonormal columns has a mean square of 1 / rows.
    scale = size * columns.shape[1] ** 0.5 * ops.rsqrt(square)
    columns = ops.matmul(columns, ops.cast(root * scale, products))
    return ops.cast(
        ops.reshape(ops.transpose(columns, (1, 0, 2)), kernel.shape), "float32"
    )


def _factor(inner, identity):
    first, second, third = _POLYNOMIAL
    return first * identity + second * inner + third * ops.matmul(inner, inner)
