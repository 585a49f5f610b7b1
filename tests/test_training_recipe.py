"""Recipes know their names, are written and read, and say how they differ."""

from dataclasses import replace

import pytest

from resnet_keras.errors import InputError
from resnet_keras.training import RECIPES, Recipe


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_keeps_its_name_whatever_the_run_chooses(name):
    chosen = replace(RECIPES[name], batch_size=8, learning_rate=0.5)
    assert chosen.name == name
    assert replace(chosen, flip=0.25).name == "custom"


def test_whole_numbers_are_read_as_fractions_where_these_are_wanted():
    found = Recipe.from_dict(Recipe().as_dict() | {"flip": 1})
    assert (found.flip, type(found.flip)) == (1.0, float)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hue": 0.2}, "differ in having the setting 'hue'"),
        ({"elsewhere": 0.0}, "has both 'elsewhere' and 'corruption'"),
        ({"batch_size": 2.5}, r"batch_size is 2\.5; expected a int"),
        ({"flip": True}, "flip is True; expected a float"),
        ({"cosine_decay": 1}, "cosine_decay is 1; expected a bool"),
    ],
)
def test_what_is_no_recipe_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        Recipe.from_dict(Recipe().as_dict() | changes)


def test_differences_are_named_and_none_where_there_is_none():
    assert Recipe().differences(Recipe()) == ""
    found = RECIPES["default"].differences(RECIPES["robust"])
    assert found == (
        "shift 0.1, now 0.15; scale 0.05, now 0.2; rotation 5.0, now 15.0; "
        "corruption 0.0, now 1.0"
    )
