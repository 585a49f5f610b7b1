"""What the train command decides before it trains."""

import json

import pytest

from resnet_keras import train
from resnet_keras.errors import InputError
from tests.conftest import write_pair


def test_data_folder_comes_first(tmp_path, monkeypatch, capsys):
    write_pair(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    assert train._default_source() == "data"
    assert capsys.readouterr().out == ""


def test_without_data_hands_are_drawn_and_it_says_how_to_use_ones_own(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert train._default_source() == "hands"
    assert "--data FOLDER" in capsys.readouterr().out


def test_smaller_sets_get_more_epochs():
    # 20,000 images are shown in all, where that makes three passes or more.
    assert [train._default_epochs(n) for n in (100, 1000, 100_000)] == [200, 20, 3]


def test_resumed_settings_come_from_the_run(tmp_path):
    settings = dict.fromkeys(train._DEFAULTS, 1) | {"settings": {}}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    found = train._settings_of(tmp_path, {"seed": 1})
    assert found == dict.fromkeys(train._DEFAULTS, 1)
    with pytest.raises(InputError, match="this run has seed 1, not 2"):
        train._settings_of(tmp_path, {"seed": 2})


def test_resume_where_nothing_is_starts_anew(tmp_path):
    assert train._settings_of(tmp_path, {"seed": 2}) == {"seed": 2}


def test_overwrite_removes_the_runs_files_and_no_others(tmp_path):
    for name in ("model.h5", "metrics.json", "notes.txt"):
        (tmp_path / name).write_text("old")
    arguments = train._parse(["--overwrite"])
    train._make_room(tmp_path, arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("recipe", ["default", "course"])
def test_recipe_is_recorded_and_resumed(recipe, tmp_path, monkeypatch):
    from resnet_keras import recipe as recipes
    from resnet_keras import training

    source, out = write_pair(tmp_path / "data"), tmp_path / "run"
    seen = []

    def stop(dataset, directory, config, verbose):
        seen.append(config)
        directory.mkdir(exist_ok=True)
        (directory / "config.json").write_text(json.dumps(config))
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", stop)
    line = ["--data", str(source), "--out", str(out), "--image-size", "32"]
    line += ["--precision", "float32"]
    for more in (["--recipe", recipe], ["--resume"]):
        with pytest.raises(InputError, match="stopped by the user"):
            train.main([*line, *more])
    assert seen[0] == seen[1]
    assert seen[0]["recipe"] == recipe
    for key in ("batch_size", "learning_rate"):
        assert seen[0][key] == getattr(recipes.RECIPES[recipe], key)
    other = {"default": "course", "course": "default"}[recipe]
    with pytest.raises(InputError, match=f"this run has recipe {recipe}, not {other}"):
        train.main([*line, "--resume", "--recipe", other])
