"""Files appear whole or not at all."""

import json

import pytest

from resnet_keras.files.writing import (
    check_folder,
    remove_leftovers,
    write_json,
    write_whole,
    write_whole_folder,
)


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail():
        with write_whole(path) as temporary:
            temporary.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="what was there before is untouched"):
        fail()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_error_of_hdf5_in_writing_is_one_of_the_disk(tmp_path):
    words = "Can't write data (errno = 28, error message = 'No space left')"

    def fail():
        with write_whole(tmp_path / "a.h5"):
            raise RuntimeError(words)

    with pytest.raises(OSError, match=r"could not be written \(No space left\)"):
        fail()


def test_other_error_is_not_called_a_full_disk(tmp_path):
    def fail():
        with write_whole(tmp_path / "a.onnx"):
            raise RuntimeError("op Foo not supported")

    with pytest.raises(RuntimeError, match=r"^op Foo not supported$"):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_number_that_json_does_not_have_is_refused(number, tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(ValueError, match=r"a\.json: holds NaN or an infinity"):
        write_json(tmp_path / "a.json", {"a": [number]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


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


MEMBERS = {"first", "second"}


def test_folder_of_other_things_is_not_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with (
        pytest.raises(OSError, match=r"holds thesis\.tex, which would be lost"),
        write_whole_folder(tmp_path, MEMBERS),
    ):
        pass
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_folder_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "model"
    with write_whole_folder(path, MEMBERS) as folder:
        (folder / "first").write_text("1")
    with pytest.raises(ZeroDivisionError), write_whole_folder(path, MEMBERS) as folder:
        (folder / "second").write_text(str(1 / 0))
    assert [each.name for each in path.iterdir()] == ["first"]
    with write_whole_folder(path, MEMBERS) as folder:
        (folder / "second").write_text("2")
    assert [each.name for each in path.iterdir()] == ["second"]
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def test_file_in_the_place_of_a_folder_is_named(tmp_path):
    path = tmp_path / "results"
    path.write_text("mine")
    for write in (
        check_folder,
        lambda path: write_whole_folder(path, MEMBERS).__enter__(),
    ):
        with pytest.raises(OSError, match="results: is a file; expected a folder"):
            write(path)
    with pytest.raises(OSError, match="below: cannot be written to"):
        check_folder(path / "below")
    with (
        pytest.raises(OSError, match=r"x\.json: could not be written"),
        write_whole(path / "x.json"),
    ):
        pass
    assert path.read_text() == "mine"
