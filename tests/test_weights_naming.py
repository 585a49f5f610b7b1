"""The names of a position in each naming scheme are one and the same."""

import itertools

import pytest

from resnet_keras import family
from resnet_keras.weights.naming import (
    HEAD,
    Position,
    keras_name,
    position_of,
    torch_name,
)

pytestmark = pytest.mark.usefixtures("short_networks")


def positions():
    """Return all positions of the five networks of the family."""
    found = {HEAD}
    for multiples, numbers in family.DEPTHS.values():
        for stage, number in enumerate(numbers, 2):
            parts = ["1", *("2a", "2b", "2c")[: len(multiples)]]
            found |= {
                Position(stage, block, part, kind)
                for block, part, kind in itertools.product(
                    range(1, number + 1), parts, ("conv", "norm")
                )
            }
    return found


def test_every_position_has_one_name_in_each_scheme():
    for name in (torch_name, keras_name):
        names = {name(each): each for each in positions()}
        assert len(names) == len(positions())
        assert all(position_of(name) == each for name, each in names.items())


@pytest.mark.parametrize("depth", [101, 152])
def test_names_of_long_stages_are_the_authors(depth):
    # 101 layers: stage 4 has 23 blocks, a, b1, ..., b22
    label = family.block_labels(family.DEPTHS[depth][1][2])[-1]
    last = family.DEPTHS[depth][1][2]
    assert position_of(f"res4{label}_branch2c") == Position(4, last, "2c", "conv")
    assert keras_name(position_of(f"bn4{label}_branch2c")) == f"conv4_block{last}_3_bn"
