"""Labels from 0 or 1, one-hot or in words become positions among class names."""

import numpy as np
import pytest

from resnet_keras.data.labels import read_labels, settle_classes
from resnet_keras.errors import InputError


def settle(train, test=None, names=None):
    parts = {"train": read_labels("f", "y_train", np.asarray(train), len(train))}
    if test is not None:
        parts["test"] = read_labels("f", "y_test", np.asarray(test), len(test))
    return settle_classes(parts, names)


@pytest.mark.parametrize(
    ("labels", "names", "positions", "note"),
    [
        ([0, 1, 2], ["0", "1", "2"], [0, 1, 2], None),
        ([True, False], ["0", "1"], [1, 0], None),
        ([1, 3, 2], ["1", "2", "3"], [0, 2, 1], "from 1 to 3: 1 is the first class"),
        (["b", "a"], ["a", "b"], [1, 0], "the order of text, a, b"),
        ([b"b", b"a"], ["a", "b"], [1, 0], "the order of text"),
        ([[0, 1], [1, 0], [1, 0]], ["0", "1"], [1, 0, 0], "one-hot"),
    ],
)
def test_one_reading(labels, names, positions, note):
    found, by_part, notes = settle(labels)
    assert found == names
    np.testing.assert_array_equal(by_part["train"], positions)
    assert (note is None and not notes) or note in notes[0]


def test_labels_from_1_with_as_many_names():
    names, by_part, notes = settle([1, 2, 1], [2], ["cat", "dog"])
    assert names == ["cat", "dog"]
    assert (by_part["train"].tolist(), by_part["test"].tolist()) == ([0, 1, 0], [1])
    assert len(notes) == 1


def test_words_that_name_classes_in_the_list_are_their_positions():
    _, by_part, notes = settle(["dog", "cat"], None, ["dog", "cat"])
    assert by_part["train"].tolist() == [0, 1]
    assert notes == []


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        ([0, 2], None, "no training image of class|only 2 labels"),
        ([0, 1], [2], "label 2; expected 0 to 1"),
        ([1, 2], [0], 'no training image of class "0"|label'),
        ([-1, 1], None, "label -1"),
        (["a", "b"], ["c"], "'c', which is not one of the 2 classes"),
        (["a", "b"], [0, 1], "is text but"),
        ([[0.2, 0.8], [0.5, 0.5]], None, "not one-hot"),
        ([[1, 1], [0, 1]], None, "not one-hot"),
        (np.zeros((2, 2, 2)), None, r"expected \(m,\)"),
    ],
)
def test_no_reading(train, test, words):
    with pytest.raises(InputError, match=words):
        settle(train, test)
