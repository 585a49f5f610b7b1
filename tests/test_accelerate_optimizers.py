"""Muon's steps are what it promises, and everything else is Adam's."""

import keras
import numpy as np
import pytest

from resnet_keras.accelerate import optimizers
from resnet_keras.accelerate.optimizers import Muon, orthogonalized
from tests.conftest import steps_of


def one_orthogonalized(kernel, *args, **options):
    """Return what `orthogonalized` makes of one kernel, as an array."""
    (found,) = orthogonalized([kernel], *args, **options)
    return np.asarray(found)


def groups_of(kernel, group):
    """Return (groups, weights of a filter, group) of a kernel."""
    kernel = np.asarray(kernel)
    matrix = kernel.reshape(-1, kernel.shape[-1] // group, group)
    return matrix.transpose(1, 0, 2)


@pytest.mark.parametrize("products", ["float32", "bfloat16"])
@pytest.mark.parametrize("shape", [(3, 3, 16, 32), (1, 1, 64, 64), (1, 1, 16, 48)])
def test_each_group_becomes_orthogonal_and_keeps_its_directions(shape, products):
    kernel = np.random.default_rng(0).normal(size=shape).astype("float32")
    found = one_orthogonalized(kernel, 16, products=products)
    assert (found.shape, found.dtype) == (shape, np.float32)
    # A root mean square of 1 is that of orthogonal filters of this length.
    length = np.prod(shape[:3]) ** 0.5
    for before, after in zip(groups_of(kernel, 16), groups_of(found, 16), strict=True):
        left, values, right = np.linalg.svd(before, full_matrices=False)
        values_after = np.linalg.svd(after / length, compute_uv=False)
        kept = values / np.linalg.norm(values) > 0.05  # none but the smallest are not
        assert kept.mean() > 0.8
        assert values_after.max() < 1.35
        assert values_after[: kept.sum()].min() > 0.5
        along = np.sum(left @ right * after) / np.linalg.norm(after) / 16**0.5
        assert along > 0.9


def test_size_does_not_depend_on_that_of_the_gradient():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 64, 128)).astype("float32")
    for factor in (1e-8, 1, 1e4):
        found = one_orthogonalized(factor * kernel, 64, 0.01)
        assert np.sqrt(np.mean(found**2)) == pytest.approx(0.01, rel=0.3)


def test_no_gradient_no_step():
    assert not np.any(one_orthogonalized(np.zeros((3, 3, 16, 16), "float32"), 16))


def test_kernels_together_come_out_as_each_alone():
    rng = np.random.default_rng(0)
    shapes = [(3, 3, 16, 32), (1, 1, 64, 16), (1, 1, 48, 64)]
    kernels = [rng.normal(size=shape).astype("float32") for shape in shapes]
    together = orthogonalized(kernels, 16, 0.1)
    assert len(together) == len(kernels)
    for kernel, found in zip(kernels, together, strict=True):
        alone = one_orthogonalized(kernel, 16, 0.1)
        np.testing.assert_allclose(found, alone, atol=1e-5)


def test_filters_that_want_the_same_do_not_break_it():
    kernel = np.ones((3, 3, 64, 64), "float32")
    for products in ("float32", "bfloat16"):
        found = one_orthogonalized(kernel, 64, products=products)
        assert np.isfinite(found).all()
        assert np.abs(found).max() < 1.5


def test_one_direction_that_rules_does_not_break_it():
    rng = np.random.default_rng(0)
    for strong in (1, 2, 4, 16, 64):  # filters that the ruling direction is in
        filters = np.where(np.arange(64) < strong, rng.normal(size=64), 0)
        ruling = rng.normal(size=(3, 3, 64, 1)) * filters
        weak = 1e-3 * rng.normal(size=(3, 3, 64, 64))
        kernel = (ruling + weak).astype("float32")
        found = one_orthogonalized(kernel, 64, products="bfloat16")
        values = np.linalg.svd(found.reshape(-1, 64), compute_uv=False)
        assert values.max() < 1.35 * 576**0.5


def test_only_kernels_of_some_size_are_orthogonal():
    optimizer = Muon()
    shapes = {
        (7, 7, 3, 64): True,
        (3, 3, 64, 64): True,
        (3, 3, 256, 256): True,
        (3, 3, 512, 512): False,  # too large to pay
        (1, 1, 64, 256): True,
        (3, 3, 16, 16): False,  # less than a group
        (1, 1, 32, 64): False,  # shorter than a group is wide
        (2048, 6): False,
        (64,): False,
    }
    for shape, expected in shapes.items():
        assert (
            optimizer.is_orthogonal(keras.Variable(np.zeros(shape, "float32")))
            is expected
        )


def test_second_moments_are_kept_for_adams_part_alone():
    kernel, other = (
        keras.Variable(np.zeros(shape, "float32"))
        for shape in ((3, 3, 64, 64), (2048, 6))
    )
    muon, adam = Muon(), keras.optimizers.Adam()
    for optimizer in (muon, adam):
        optimizer.build([kernel, other])
    # So the state of one is not taken for the other's when a run is resumed.
    assert len(muon.variables) == len(adam.variables) - 1
    shapes = [tuple(variable.shape) for variable in muon.variables]
    assert (shapes.count(kernel.shape), shapes.count(other.shape)) == (1, 2)


@pytest.mark.parametrize("fuses", [True, False])
def test_all_else_moves_as_with_keras_adam(monkeypatch, fuses):
    if not fuses:
        monkeypatch.setattr(optimizers, "uses_fused_operations", lambda: False)
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(4, 5, 3)).astype("float32")
    start = rng.normal(size=(5, 3)).astype("float32")
    found, expected = (
        steps_of(optimizer, keras.Variable(start), gradients)
        for optimizer in (Muon(0.01), keras.optimizers.Adam(0.01))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_kernels_move_along_nesterovs_momentum_made_orthogonal():
    rng = np.random.default_rng(0)
    shape = (1, 1, 128, 64)
    gradients = rng.normal(size=(3, *shape)).astype("float32")
    values = [
        np.zeros(shape),
        *steps_of(Muon(0.01), keras.Variable(np.zeros(shape, "float32")), gradients),
    ]
    momentum = np.zeros(shape)
    for gradient, before, after in zip(gradients, values, values[1:], strict=False):
        momentum = Muon.MOMENTUM * momentum + gradient
        ahead = (Muon.MOMENTUM * momentum + gradient).astype("float32")
        step = one_orthogonalized(ahead, Muon.FILTERS_IN_GROUP, Muon.SIZE * 0.01)
        np.testing.assert_allclose(after, before - step, atol=1e-6)


def test_each_kernel_and_all_else_move_in_one_step_as_each_alone():
    rng = np.random.default_rng(0)
    shapes = [(3, 3, 64, 64), (64,), (1, 1, 64, 128), (5, 3)]
    starts, gradients = (
        [rng.normal(size=shape).astype("float32") for shape in shapes] for _ in "sg"
    )
    variables = [keras.Variable(start) for start in starts]
    optimizer = Muon(0.01)
    optimizer.build(variables)
    optimizer.apply(list(map(keras.ops.convert_to_tensor, gradients)), variables)
    for start, gradient, variable in zip(starts, gradients, variables, strict=True):
        (alone,) = steps_of(Muon(0.01), keras.Variable(start), [gradient])
        np.testing.assert_allclose(variable, alone, atol=1e-6)


def test_another_like_it_can_be_made():
    other = Muon.from_config(Muon(0.02, "bfloat16", beta_2=0.98).get_config())
    assert (float(other.learning_rate), other.products) == (
        pytest.approx(0.02),
        "bfloat16",
    )
    assert other.beta_2 == 0.98
