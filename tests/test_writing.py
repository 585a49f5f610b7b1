"""Files appear whole or not at all."""

import json

import pytest

from resnet_keras.writing import remove_leftovers, write_json, write_whole


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail():
        with write_whole(path) as temporary:
            temporary.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="what stood there before is untouched"):
        fail()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    with write_whole(tmp_path / "a.weights.h5") as temporary:
        temporary.write_text("half")
        # As if killed here: no more is known of it than its name.
        (tmp_path / f"{temporary.stem}x.h5").write_text("half")
    (tmp_path / ".hidden").write_text("mine")
    remove_leftovers(tmp_path)
    assert sorted(x.name for x in tmp_path.iterdir()) == [".hidden", "a.weights.h5"]


def test_write_json_replaces(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    write_json(tmp_path / "a.json", {"a": 2})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 2}
