"""Columns line up."""

import pytest

from resnet_keras.tables import table


def test_columns_are_as_wide_as_their_widest_cell():
    found = table(("name", "n", "what"), [("a", 10, "x"), ("longer", 9, "yy")], "<><")
    assert found.splitlines() == [
        "name     n  what",
        "a       10  x",
        "longer   9  yy",
    ]


def test_numbers_stand_at_the_right_by_default():
    assert table(("a", "bb"), [("c", 1)]) == "a  bb\nc   1"


def test_a_table_without_rows_is_its_header():
    assert table(("a", "b"), []) == "a  b"


def test_rows_of_another_length_are_refused():
    with pytest.raises(ValueError, match="zip"):
        table(("a", "b"), [("c",)])
