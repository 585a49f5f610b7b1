"""A run's settings check themselves, and its origin is compared before it goes on."""

import json
from dataclasses import FrozenInstanceError, replace

import pytest

from resnet_keras.data import Dataset, Split
from resnet_keras.errors import InputError
from resnet_keras.training import RECIPES, Provenance, Recipe, RunConfig
from tests.conftest import coloured_images

# As version 0.1 wrote it.
OLD = json.loads("""{
  "data": "signs", "model": "resnet50", "recipe": "default", "image_size": 64,
  "epochs": 2, "batch_size": 64, "learning_rate": 0.0015, "seed": 0,
  "precision": "float32", "weights": null, "freeze_until": null,
  "labels": "843ee8a1edd8b470466b692de6cb3957",
  "settings": {
    "batch_size": 64, "optimizer": "muon", "learning_rate": 0.0015, "anneals": true,
    "label_smoothing": 0.1, "statistics_momentum": 0.9, "flip": 0.5, "shift": 0.1,
    "scale": 0.05, "rotation": 5.0, "brightness": 0.1, "colour": 0.05,
    "elsewhere": 0.0, "varies_start": true, "branch_scale": 0.2
  },
  "versions": {
    "python": "3.11.7", "resnet_keras": "0.1.0", "keras": "3.15.1",
    "tensorflow": "2.21.0", "numpy": "2.4.6", "h5py": "3.14.0"
  }
}""")


def test_nothing_can_be_changed_or_given_by_position():
    with pytest.raises(FrozenInstanceError):
        RunConfig().seed = 1
    with pytest.raises(TypeError):
        RunConfig("signs")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "resnet51"}, "'resnet51' names no network"),
        ({"recipe": "course"}, "recipe is 'course'; expected a Recipe"),
        ({"epochs": "3"}, "epochs is '3'; expected a whole number from 1 to 1,000,000"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": True}, "epochs is True"),
        ({"seed": None}, "seed is None"),
        ({"data": 5}, "data is 5; expected a text"),
        ({"weights": ""}, "weights is ''"),
        ({"image_size": 7}, "image_size is 7; expected a whole number from 32 to"),
        ({"precision": "float8"}, "precision is 'float8'; expected float32 or mixed_"),
        ({"recipe": Recipe(batch_size=1)}, "batch_size is 1; .* number from 2"),
        ({"recipe": Recipe(learning_rate=float("nan"))}, "learning_rate is nan"),
        ({"freeze_until": 2}, "freeze_until is given without weights"),
    ],
)
def test_wrong_values_are_refused(changes, words):
    with pytest.raises(InputError, match=words):
        RunConfig(**changes)


@pytest.mark.parametrize("recipe", [*RECIPES.values(), Recipe(rotation=90.0)])
def test_settings_are_read_as_they_were_written(recipe, tmp_path):
    config = RunConfig(
        data="a b", recipe=replace(recipe, batch_size=7), weights="w.h5", freeze_until=2
    )
    (tmp_path / "config.json").write_text(json.dumps(config.as_dict()))
    assert RunConfig.read(tmp_path / "config.json") == config


def test_options_give_a_configuration_and_come_back():
    options = {"recipe": "course", "learning_rate": 0.1, "seed": 3}
    config = RunConfig.of_options(options)
    assert config.recipe == replace(RECIPES["course"], learning_rate=0.1)
    found = config.options()
    assert {key: found[key] for key in options} == options
    assert found["batch_size"] == 32
    with pytest.raises(InputError, match="recipe is 'nosuch'; expected default or"):
        RunConfig.of_options({"recipe": "nosuch"})


def test_settings_of_version_0_1_are_read():
    config = RunConfig.from_dict(OLD)
    assert config == RunConfig(data="signs", epochs=2, precision="float32")


def test_settings_of_renamed_recipes_are_read():
    names = {
        "varies_start": "per_layer_seeds",
        "branch_scale": "residual_branch_scale",
        "elsewhere": "corruption",
        "anneals": "cosine_decay",
    }
    old = OLD["settings"]
    new = {names.get(key, key): value for key, value in old.items()}
    assert Recipe.from_dict(old) == Recipe.from_dict(new) == Recipe()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"recipe": "nosuch"}, "another recipe 'nosuch': which is unknown today"),
        ({"settings": {}}, "setting 'anneals'|setting 'batch_size'"),
        (
            {"settings": OLD["settings"] | {"hue": 0.2}},
            "in having the setting 'hue', so another version",
        ),
        (
            {"settings": OLD["settings"] | {"rotation": 7.0}},
            "another recipe 'default': rotation 7.0, now 5.0",
        ),
        (
            {"settings": OLD["settings"] | {"rotation": "far"}},
            "rotation is 'far'; expected a float",
        ),
        ({"batch_size": 32}, "are not those of its recipe"),
        ({"epochs": "ten"}, "epochs is 'ten'"),
    ],
)
def test_runs_of_other_recipes_are_not_resumed(changes, words, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(OLD | changes))
    with pytest.raises(InputError, match=f"cannot be resumed .*({words})") as raised:
        RunConfig.read(path)
    assert "--overwrite" in str(raised.value)


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_what_are_no_settings_is_refused(text, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"config\.json: this run cannot be resumed"):
        RunConfig.read(path)


@pytest.mark.parametrize(("number", "epochs"), [(100, 200), (1000, 20), (20_000, 3)])
def test_smaller_sets_get_more_epochs(number, epochs):
    # 20,000 images are shown in all, where that makes three passes or more.
    split = Split(coloured_images([0] * number, 32), [0] * number)
    dataset = Dataset("colours", "drawn", ["a"], split, split)
    config = RunConfig(precision="float32").resolved(dataset)
    assert (config.epochs, config.image_size, config.data) == (epochs, 32, "drawn")
    assert RunConfig(epochs=7, precision="float32").resolved(dataset).epochs == 7


NOW = Provenance.from_dict(OLD)


def test_a_run_goes_on_where_nothing_changed():
    assert NOW.difference(NOW) is None
    assert NOW.from_dict(NOW.as_dict()) == NOW
    own = NOW.versions | {"resnet_keras": "9", "python": "4", "pillow": "99"}
    assert NOW.difference(replace(NOW, versions=own)) is None
    unknown = Provenance.from_dict({"settings": OLD["settings"]})
    assert unknown.difference(NOW) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": "other"}, "the data are not those that this run began with"),
        (
            {"settings": OLD["settings"] | {"flip": 0.0}},
            "this run began by another recipe: flip 0.5, now 0.0",
        ),
        (
            {"versions": OLD["versions"] | {"keras": "4.0", "numpy": "3.0"}},
            "began with keras 3.15.1, numpy 2.4.6, and here is keras 4.0, numpy 3.0, "
            "which may give other numbers. Go back with "
            "`pip install keras==3.15.1 numpy==2.4.6`",
        ),
        ({"versions": {"keras": "3.15.1", "jax": "1"}}, "KERAS_BACKEND=tensorflow"),
    ],
)
def test_a_run_does_not_go_on_with_other_numbers(changes, words):
    assert words in NOW.difference(replace(NOW, **changes))
