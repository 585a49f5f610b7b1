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


SETTINGS = train._DEFAULTS | {
    "data": "signs",
    "epochs": 3,
    "batch_size": 64,
    "learning_rate": 1.5e-3,
    "seed": 1,
    "precision": "float32",
}


def write_settings(directory, **changes):
    settings = SETTINGS | {"settings": {}} | changes
    (directory / "config.json").write_text(json.dumps(settings))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"recipe": "nosuch"}, "argument --recipe: invalid choice"),
        ({"epochs": "ten"}, "argument --epochs: is 'ten'"),
        ({"epochs": "3"}, "epochs"),
        ({"seed": None}, "argument --seed: is 'None'"),
        ({"data": 5}, "data"),
        ({"weights": 3}, "weights"),
        ({"image_size": 7}, "argument --image-size: is '7'"),
        ({"precision": "float8"}, "argument --precision: invalid choice"),
    ],
)
def test_settings_that_no_option_would_take_are_refused(changes, words, tmp_path):
    write_settings(tmp_path, **changes)
    with pytest.raises(InputError, match=f"not the settings of a run .{words}"):
        train._settings_of(tmp_path, {})


def test_resumed_settings_come_from_the_run(tmp_path):
    write_settings(tmp_path)
    found = train._settings_of(tmp_path, {"seed": 1})
    assert found == SETTINGS
    with pytest.raises(InputError, match="this run has seed 1, not 2"):
        train._settings_of(tmp_path, {"seed": 2})


def test_resume_where_nothing_is_starts_anew_and_says_so(tmp_path, capsys):
    assert train._settings_of(tmp_path, {"seed": 2}) == {"seed": 2}
    assert "holds no run to resume" in capsys.readouterr().out


def test_overwrite_replaces_the_runs_files_and_no_others(tmp_path):
    for name in ("model.h5", "metrics.json", "notes.txt"):
        (tmp_path / name).write_text("old")
    found = train._earlier_run(tmp_path, train._parse(["--overwrite"]))
    assert sorted(path.name for path in found) == ["metrics.json", "model.h5"]
    own = train._parse(["--overwrite", "--weights", str(tmp_path / "model.h5")])
    with pytest.raises(InputError, match="is read by this command"):
        train._earlier_run(tmp_path, own)


def test_earlier_run_stays_where_the_new_one_cannot_begin(tmp_path):
    source, out = write_pair(tmp_path / "data"), tmp_path / "run"
    out.mkdir()
    (out / "model.h5").write_text("old")
    line = ["--data", str(source), "--out", str(out), "--overwrite"]
    with pytest.raises(InputError, match=r"typo\.h5: no such file"):
        train.main([*line, "--weights", str(tmp_path / "typo.h5")])
    assert (out / "model.h5").read_text() == "old"


def test_run_of_the_usual_place_is_resumed_at_its_own_size(tmp_path, monkeypatch):
    from resnet_keras import training

    source = str(write_pair(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    sizes = []

    def stop(dataset, directory, config, *_):
        sizes.append((dataset.image_size, config["image_size"]))
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "config.json").write_text(json.dumps(config))
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", stop)
    for more in (["--image-size", "40"], ["--resume"]):
        with pytest.raises(InputError, match="stopped by the user"):
            train.main(["--data", source, *more])
    assert sizes == [(40, 40), (40, 40)]


def test_warnings_of_the_run_are_printed(tmp_path, monkeypatch, capsys):
    from resnet_keras import training

    metrics = {"warnings": ["w"], "test_accuracy": 1.0, "train_seconds": 60.0}
    monkeypatch.setattr(training, "train", lambda *_: metrics)
    source = write_pair(tmp_path / "data")
    train.main(["--data", str(source), "--out", str(tmp_path / "x")])
    printed = capsys.readouterr().out
    assert "Warning: w\n" in printed
    assert "after 1.0 minutes" in printed


def test_run_that_had_not_begun_is_not_offered_to_be_resumed(tmp_path, monkeypatch):
    from resnet_keras import training

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", stop)
    line = ["--data", str(write_pair(tmp_path / "data")), "--out", str(tmp_path / "x")]
    with pytest.raises(InputError, match="nothing to resume"):
        train.main(line)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "config.json").write_text("{}")  # of the run to be replaced
    with pytest.raises(InputError, match="nothing to resume"):
        train.main([*line, "--overwrite"])


@pytest.mark.parametrize("recipe", ["default", "course"])
def test_recipe_is_recorded_and_resumed(recipe, tmp_path, monkeypatch):
    from resnet_keras import recipe as recipes
    from resnet_keras import training

    source, out = write_pair(tmp_path / "data"), tmp_path / "run"
    seen = []

    def stop(dataset, directory, config, *_):
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


def test_reader_of_the_output_that_goes_stops_the_run(tmp_path, monkeypatch):
    from resnet_keras import training

    def stop(dataset, directory, config, *_):
        directory.mkdir()
        (directory / "config.json").write_text(json.dumps(config))
        raise BrokenPipeError

    monkeypatch.setattr(training, "train", stop)
    line = ["--data", str(write_pair(tmp_path / "data")), "--out", str(tmp_path / "x")]
    with pytest.raises(InputError, match=r"nothing reads the output .* --resume"):
        train.main(line)


def test_out_that_is_a_file_is_refused_before_the_data_are_read(tmp_path):
    (tmp_path / "x").write_text("mine")
    with pytest.raises(OSError, match="x: is a file; expected a folder"):
        train.main(["--data", "missing", "--out", str(tmp_path / "x")])


def test_weights_in_a_loop_of_links_are_none_of_the_run(tmp_path):
    (tmp_path / "metrics.json").write_text("{}")
    (tmp_path / "loop.h5").symlink_to("loop.h5")
    line = train._parse(["--overwrite", "--weights", str(tmp_path / "loop.h5")])
    assert train._earlier_run(tmp_path, line) == [tmp_path / "metrics.json"]


@pytest.mark.parametrize("option", ["--data", "--out", "--weights"])
def test_empty_options_are_none(option, capsys):
    with pytest.raises(SystemExit):
        train._parse([option, ""])
    assert f"argument {option}: is empty" in capsys.readouterr().err
