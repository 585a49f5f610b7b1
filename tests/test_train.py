"""What the train command decides before it trains."""

import json

import pytest

from resnet_keras import train, training
from resnet_keras.errors import InputError
from resnet_keras.training import RECIPES, RunConfig
from resnet_keras.training import directory as run_directory
from tests.conftest import write_pair

METRICS = {
    "warnings": [],
    "test_accuracy": 1.0,
    "test_interval": [0.9, 1.0],
    "train_seconds": 60.0,
}


def test_data_given_come_first(tmp_path, monkeypatch, capsys):
    write_pair(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    assert run_directory._complete({"data": "signs"})["data"] == "signs"
    assert run_directory._complete({})["data"] == "data"
    assert capsys.readouterr().out == ""


def test_without_data_hands_are_drawn_and_it_says_how_to_use_ones_own(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert run_directory._complete({})["data"] == "hands"
    assert "--data FOLDER" in capsys.readouterr().out


def test_help_has_the_defaults_of_the_settings(capsys):
    with pytest.raises(SystemExit):
        train._parse(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    for text in (
        "(default: 64; of the course's recipe 32)",
        "augmentation (default: 0)",
    ):
        assert text in printed


def write_run(directory, **options):
    """Write what a run leaves that has just begun."""
    config = RunConfig.of_options({"data": "signs", "epochs": 3} | options)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config.as_dict()))
    return config


def stopping(monkeypatch, error=KeyboardInterrupt):
    """Let each run end once it has begun; return what it was given: data, settings."""
    seen = []

    def train(dataset, directory, config, *_):
        seen.append((dataset, config))
        write_run(directory, **config.options())
        raise error

    monkeypatch.setattr(training, "train", train)
    return seen


def test_resumed_settings_come_from_the_run(tmp_path):
    config = write_run(tmp_path, seed=1, learning_rate=0.1)
    assert (
        run_directory._config_of(tmp_path, {"seed": 1, "learning_rate": 0.1}) == config
    )
    with pytest.raises(InputError, match="this run has seed 1, not 2"):
        run_directory._config_of(tmp_path, {"seed": 2})
    with pytest.raises(InputError, match=r"has learning_rate 0\.1, not 0\.2"):
        run_directory._config_of(tmp_path, {"learning_rate": 0.2})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("typo", r"no such folder \(beside it are the runs first, second\)"),
        ("empty", "is empty"),
        ("notes", r"holds a\.txt"),
    ],
)
def test_resume_where_no_run_is_begins_none(name, words, tmp_path):
    for run in ("first", "second"):
        write_run(tmp_path / run)
    for folder in ("empty", "notes"):
        (tmp_path / folder).mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    line = ["--out", str(tmp_path / name), "--resume", "--data", "hands"]
    with pytest.raises(InputError, match=f"{name}: {words}; expected the config.json"):
        train.main(line)
    assert (tmp_path / name).exists() == (name != "typo")


def test_overwrite_replaces_the_runs_files_and_no_others(tmp_path):
    for name in ("model.h5", "metrics.json", "notes.txt"):
        (tmp_path / name).write_text("old")
    found = run_directory._earlier_run(tmp_path, resume=False, overwrite=True)
    assert sorted(path.name for path in found) == ["metrics.json", "model.h5"]


def test_earlier_run_stays_where_the_new_one_cannot_begin(tmp_path):
    source, out = write_pair(tmp_path / "data"), tmp_path / "run"
    out.mkdir()
    (out / "model.h5").write_text("old")
    line = ["--data", str(source), "--out", str(out), "--overwrite"]
    with pytest.raises(InputError, match=r"typo\.h5: no such file"):
        train.main([*line, "--weights", str(tmp_path / "typo.h5")])
    assert (out / "model.h5").read_text() == "old"


def test_run_of_the_usual_place_is_resumed_at_its_own_size(tmp_path, monkeypatch):
    source = str(write_pair(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    seen = stopping(monkeypatch)
    for more in (["--image-size", "40"], ["--resume"]):
        with pytest.raises(InputError, match="stopped by the user"):
            train.main(["--data", source, *more])
    sizes = [(dataset.image_size, config.image_size) for dataset, config in seen]
    assert sizes == [(40, 40), (40, 40)]


def test_warnings_of_the_run_are_printed(tmp_path, monkeypatch, capsys):
    metrics = METRICS | {"warnings": ["w"]}
    monkeypatch.setattr(training, "train", lambda *_: metrics)
    source = write_pair(tmp_path / "data")
    train.main(["--data", str(source), "--out", str(tmp_path / "x")])
    printed = capsys.readouterr().out
    assert "Warning: w\n" in printed
    assert "after 1.0 minutes" in printed


def test_run_that_had_not_begun_is_not_offered_to_be_resumed(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", stop)
    line = ["--data", str(write_pair(tmp_path / "data")), "--out", str(tmp_path / "x")]
    with pytest.raises(InputError, match="nothing to resume"):
        train.main(line)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "config.json").write_text("{}")  # of the run to be replaced
    words = "nothing to resume. The run that was to be replaced is still there"
    with pytest.raises(InputError, match=words):
        train.main([*line, "--overwrite"])


@pytest.mark.parametrize("recipe", ["default", "course"])
def test_recipe_is_recorded_and_resumed(recipe, tmp_path, monkeypatch):
    source, out = write_pair(tmp_path / "data"), tmp_path / "run"
    seen = stopping(monkeypatch)
    line = ["--data", str(source), "--out", str(out), "--image-size", "32"]
    line += ["--precision", "float32"]
    for more in (["--recipe", recipe], ["--resume"]):
        with pytest.raises(InputError, match="stopped by the user"):
            train.main([*line, *more])
    (_, first), (_, second) = seen
    assert first == second
    assert first.recipe == RECIPES[recipe]
    other = {"default": "course", "course": "default"}[recipe]
    with pytest.raises(InputError, match=f"this run has recipe {recipe}, not {other}"):
        train.main([*line, "--resume", "--recipe", other])


def test_reader_of_the_output_that_goes_stops_the_run(tmp_path, monkeypatch):
    stopping(monkeypatch, BrokenPipeError)
    line = ["--data", str(write_pair(tmp_path / "data")), "--out", str(tmp_path / "x")]
    with pytest.raises(InputError, match=r"read the output has ended\. .* --resume"):
        train.main(line)


def test_out_that_is_a_file_is_refused_before_the_data_are_read(tmp_path):
    (tmp_path / "x").write_text("mine")
    with pytest.raises(OSError, match="x: is a file; expected a folder"):
        train.main(["--data", "missing", "--out", str(tmp_path / "x")])


def test_weights_in_a_loop_of_links_are_none_of_the_run(tmp_path, monkeypatch):
    (tmp_path / "metrics.json").write_text("{}")
    (tmp_path / "loop.h5").symlink_to("loop.h5")
    seen = []
    monkeypatch.setattr(training, "train", lambda *given: seen.append(given) or METRICS)
    line = ["--data", write_pair(tmp_path / "data"), "--weights", tmp_path / "loop.h5"]
    train.main([*map(str, line), "--out", str(tmp_path), "--overwrite"])
    assert seen[0][4] == [tmp_path / "metrics.json"]
