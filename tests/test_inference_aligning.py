"""Classes of data and model: matched by name, by position with a note, or refused."""

import pytest

from resnet_keras.errors import InputError
from resnet_keras.inference import align_classes

TWELVE = [str(number) for number in range(12)]


def test_classes_in_another_order_are_matched_by_name():
    found = align_classes(["ant", "bee", "cat"], False, ["cat", "ant"])
    assert found.positions.tolist() == [2, 0]
    assert found.class_names == ["ant", "bee", "cat"]
    assert found.note == ""


def test_folders_of_numbers_are_matched_by_name_where_the_model_names_none():
    # A folder's name sorts as text: 0, 1, 10, 11, 2, ...
    found = align_classes(TWELVE, True, sorted(TWELVE))
    assert found.positions.tolist() == [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9]
    assert found.note == "classes by name: 0 to 11 (assumed)"


def test_names_taken_by_position_are_said():
    found = align_classes(["0", "1"], True, ["cat", "dog"])
    assert found.positions.tolist() == [0, 1]
    assert found.class_names == ["cat", "dog"]
    assert found.note == "classes by position: 0 = cat, 1 = dog (assumed)"


@pytest.mark.parametrize(
    ("names", "are_assumed", "data_names", "words"),
    [
        (["cat", "dog"], False, ["0", "1"], "the class '0', which m does not know"),
        (["cat", "dog"], False, ["Cat", "dog"], "'Cat' where m has 'cat'"),
        (["cat", "dog"], False, ["cat ", "dog"], "'cat ' where m has 'cat'"),
        (["crane", "crane"], False, ["crane"], "more than one class named 'crane'"),
        (TWELVE, True, ["cat", "dog"], "names none of its 12 classes, and d has 2"),
        (TWELVE, True, ["0", "1", "2"], "names none of its 12 classes, and d has 3"),
    ],
)
def test_classes_that_cannot_be_matched_are_refused(
    names, are_assumed, data_names, words
):
    with pytest.raises(InputError, match=words):
        align_classes(names, are_assumed, data_names, "m", "d")


def test_a_message_names_ten_classes_at_most():
    names = [f"class {number}" for number in range(1000)]
    with pytest.raises(InputError, match=r"class 9, and 990 more\.$"):
        align_classes(names, False, ["cat"])
