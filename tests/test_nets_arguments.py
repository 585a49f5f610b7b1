"""What no network can be built with is refused in words."""

import numpy as np
import pytest

from resnet_keras.nets.arguments import check_network


@pytest.mark.parametrize("shape", [(32, 32, 3), [64, 48, 1]])
def test_what_can_be_built_passes(shape):
    check_network(shape, 1, 32, "A")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"input_shape": 64}, r"input_shape is 64; expected \(height, width, channels"),
        ({"input_shape": (64, 64)}, r"input_shape is \(64, 64\)"),
        ({"input_shape": (64, 64, 3.0)}, "three whole numbers"),
        ({"input_shape": (True, 64, 3)}, "three whole numbers"),
        ({"input_shape": (None, None, 3)}, "three whole numbers"),
        ({"input_shape": (31, 64, 3)}, "too small; .*from 32"),
        ({"input_shape": (64, 31, 3)}, "too small"),
        ({"input_shape": (64, 64, 0)}, "too small; .*channels from 1"),
        ({"classes": 0}, "classes is 0; expected a whole number from 1"),
        ({"classes": 2.0}, r"classes is 2\.0"),
        ({"classes": np.float32(2)}, "expected a whole number"),
        ({"shortcut": "b"}, 'shortcut is \'b\'; expected "A", "B" or "C"'),
    ],
)
def test_what_cannot_is_refused(changes, words):
    usual = {"input_shape": (64, 64, 3), "classes": 6, "min_size": 32, "shortcut": "B"}
    with pytest.raises(ValueError, match=words):
        check_network(**usual | changes)
