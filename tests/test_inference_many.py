"""Tables of predictions for any number of pictures: streamed, resumed, in shards."""

import csv
import io
import json
import os
import shutil
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from resnet_keras import predict, save_model
from resnet_keras.errors import InputError
from resnet_keras.inference import Answering, many
from tests.conftest import coloured_images
from tests.export_runs import NAMES


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Write ten pictures in two folders, one of them broken, and take 3 at a time."""
    monkeypatch.setattr(many, "_LEAST_CHUNK", 3)
    monkeypatch.setattr(many, "_MOST_CHUNK", 3)
    images = coloured_images(np.arange(9) % 3, 32)
    for index, image in enumerate(images):
        place = tmp_path / "pictures" / ("a" if index < 5 else "b, c")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{index}.png")
    (tmp_path / "pictures" / "a" / "2x.png").write_text("no picture")
    return tmp_path / "pictures"


def run(*arguments):
    return predict.main([str(each) for each in arguments])


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_table_has_what_predict_prints(saved, folder, tmp_path, capsys):
    table = tmp_path / "t.csv"
    assert run(saved, folder, "--table", table) == 2  # for the broken one
    assert "10 pictures, 1 of which cannot be read" in capsys.readouterr().out
    found = rows(table)
    assert [row["image"] for row in found] == sorted(row["image"] for row in found)
    [broken] = [row for row in found if row["error"]]
    assert broken["image"].endswith("2x.png")
    assert broken["class"] == broken["class_1"] == ""
    run(saved, folder, "--json", "--skip-broken")
    expected = {each["image"]: each for each in json.loads(capsys.readouterr().out)}
    assert len(expected) == 9
    for row in found:
        if row is broken:
            continue
        ranking = expected[row["image"]]["ranking"]
        assert row["class"] == row["class_1"] == ranking[0]["class"]
        for number, entry in enumerate(ranking, 1):
            assert row[f"class_{number}"] == entry["class"]
            probability = float(row[f"probability_{number}"])
            assert probability == pytest.approx(entry["probability"], rel=1e-4)
    assert not [*tmp_path.glob("*.part*")]


def test_skip_broken_ends_with_0(saved, folder, tmp_path):
    assert run(saved, folder, "--table", tmp_path / "t.csv", "--skip-broken") == 0
    assert run(saved, folder, "--skip-broken", "--top", 1) == 0
    assert run(saved, folder, "--top", 1) == 2


@pytest.mark.parametrize("chunks", [0, 1, 2, 3])
@pytest.mark.parametrize("torn", [b"", b'half a row,"'])
def test_resumed_table_is_the_same(chunks, torn, saved, folder, tmp_path, monkeypatch):
    run(saved, folder, "--table", tmp_path / "whole.csv")
    table, left, write = tmp_path / "t.csv", [chunks], many._rows

    def stopping(*arguments):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return write(*arguments)

    monkeypatch.setattr(many, "_rows", stopping)
    with pytest.raises(InputError, match=rf"after {3 * chunks} pictures.* --resume"):
        run(saved, folder, "--table", table)
    monkeypatch.setattr(many, "_rows", write)
    assert not table.exists()
    with (tmp_path / "t.csv.part").open("ab") as file:
        file.write(torn)  # as a kill leaves it
    if chunks:
        with pytest.raises(InputError, match="cut off here before"):
            run(saved, folder, "--table", table)
        assert run(saved, folder, "--table", table, "--resume") == 2
    else:
        with pytest.raises(InputError, match="Leave --resume out"):
            run(saved, folder, "--table", table, "--resume")
        run(saved, folder, "--table", table)
    assert table.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not [*tmp_path.glob("*.part*")]


@pytest.fixture
def cut_off(saved, folder, tmp_path, monkeypatch):
    """Begin a table and stop after its first rows; return what was typed."""
    write = many._rows

    def stop(classifier, chunk, top):
        if not chunk[0][0].endswith("0.png"):
            raise KeyboardInterrupt
        return write(classifier, chunk, top)

    monkeypatch.setattr(many, "_rows", stop)
    line = [saved, folder, "--table", tmp_path / "t.csv"]
    with pytest.raises(InputError, match="--resume"):
        run(*line)
    monkeypatch.setattr(many, "_rows", write)
    return line


def test_other_pictures_are_not_resumed(cut_off, folder):
    (folder / "a" / "0.png").rename(folder / "a" / "00.png")
    with pytest.raises(InputError, match="the 3 pictures that are finished are not"):
        run(*cut_off, "--resume")


def test_other_settings_are_not_resumed(cut_off):
    with pytest.raises(InputError, match="began with another top"):
        run(*cut_off, "--resume", "--top", 2)
    with pytest.raises(InputError, match="began with another shard"):
        run(*cut_off, "--resume", "--shard", "1/2")


def test_damaged_state_is_one_line(cut_off, tmp_path):
    (tmp_path / "t.csv.part.json").write_text("{")
    with pytest.raises(InputError, match=r"part\.json: is damaged"):
        run(*cut_off, "--resume")


def test_lost_rows_are_told(cut_off, tmp_path):
    (tmp_path / "t.csv.part").write_text("")
    with pytest.raises(InputError, match="is missing or too short"):
        run(*cut_off, "--resume")


def test_overwrite_begins_again(cut_off, tmp_path):
    assert run(*cut_off, "--overwrite") == 2
    assert len(rows(tmp_path / "t.csv")) == 10
    with pytest.raises(InputError, match="is there already"):
        run(*cut_off)
    assert run(*cut_off, "--overwrite", "--top", 1) == 2
    assert list(rows(tmp_path / "t.csv")[0]) == [
        *("image", "class", "class_1", "probability_1", "error")
    ]


def test_shards_are_the_whole(saved, folder, tmp_path):
    whole = tmp_path / "whole.csv"
    run(saved, folder, "--table", whole)
    found = []
    for number in (1, 2, 3):
        table = tmp_path / f"{number}.csv"
        run(saved, folder, "--table", table, "--shard", f"{number}/3")
        found.append(rows(table))
    together = [found[i % 3][i // 3] for i in range(10)]
    assert together == rows(whole)


def test_list_from_a_file_and_from_standard_input(saved, folder, tmp_path, monkeypatch):
    lines = [str(folder / "b, c"), "", str(folder / "a" / "0.png")]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    line = [saved, "--table", tmp_path / "t.csv", "--list"]
    assert run(*line, tmp_path / "list.txt") == 0
    from_file = rows(tmp_path / "t.csv")
    assert [row["image"][-5:] for row in from_file] == [
        *("5.png", "6.png", "7.png", "8.png", "0.png")
    ]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
    assert run(*line, "-", "--overwrite") == 0
    keys = "image", "class"  # another way through the network has other last bits
    for row, other in zip(rows(tmp_path / "t.csv"), from_file, strict=True):
        assert [row[key] for key in keys] == [other[key] for key in keys]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="takes named pipes")
def test_list_that_can_be_read_once_only(saved, folder, tmp_path):
    """As the shell gives it for <(find pictures)."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = f"{folder / 'b, c'}\n"
    writing = threading.Thread(target=pipe.write_text, args=(text,))
    writing.start()
    assert run(saved, "--list", pipe, "--table", tmp_path / "t.csv") == 0
    writing.join()
    assert len(rows(tmp_path / "t.csv")) == 4


def test_list_that_is_missing_leaves_nothing(saved, tmp_path):
    with pytest.raises(FileNotFoundError):
        run(saved, "--list", tmp_path / "none.txt", "--table", tmp_path / "t.csv")
    assert not [*tmp_path.glob("t.csv*")]


def test_list_may_begin_as_some_editors_begin_files(saved, folder, tmp_path):
    (tmp_path / "list.txt").write_text(f"{folder / 'b, c'}\n", encoding="utf-8-sig")
    line = ["--list", tmp_path / "list.txt", "--table", tmp_path / "t.csv"]
    assert run(saved, *line) == 0
    assert len(rows(tmp_path / "t.csv")) == 4


def test_list_without_a_table_is_printed(saved, folder, tmp_path, capsys):
    (tmp_path / "list.txt").write_text(str(folder / "a" / "0.png"))
    assert run(saved, "--list", tmp_path / "list.txt") == 0
    assert "0.png: " in capsys.readouterr().out


def test_name_that_means_nothing_is_told_once(saved, folder, tmp_path, capsys):
    line = [saved, folder / "b, c", tmp_path / "none*", "--table", tmp_path / "t.csv"]
    assert run(*line) == 2
    assert capsys.readouterr().err.count("a pattern that matches none") == 1
    assert len(rows(tmp_path / "t.csv")) == 4


def test_skipping_broken_pictures_skips_no_name_that_means_nothing(
    saved, folder, tmp_path
):
    line = [saved, folder / "b, c", tmp_path / "none*", "--skip-broken"]
    assert run(*line) == 2
    assert run(*line, "--table", tmp_path / "t.csv") == 2


def test_a_list_is_not_written_over(saved, folder, tmp_path):
    (tmp_path / "list.csv").write_text(str(folder / "a" / "0.png"))
    line = [saved, "--list", tmp_path / "list.csv", "--table", tmp_path / "list.csv"]
    with pytest.raises(InputError, match="is read by this command"):
        run(*line, "--overwrite")
    assert "0.png" in (tmp_path / "list.csv").read_text()


def test_none_of_the_classes_has_no_class(tiny_model, folder, tmp_path):
    metadata = {"class_names": NAMES} | Answering(1.0, 1.1).as_metadata()
    save_model(tiny_model, tmp_path / "shy.h5", metadata)
    run(tmp_path / "shy.h5", folder / "b, c", "--table", tmp_path / "t.csv")
    for row in rows(tmp_path / "t.csv"):
        assert row["class"] == ""
        assert row["class_1"] in NAMES


def test_parquet_has_the_same(saved, folder, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    run(saved, folder, "--table", tmp_path / "t.csv")
    run(saved, folder, "--table", tmp_path / "t.parquet")
    found = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    for row, expected in zip(found, rows(tmp_path / "t.csv"), strict=True):
        for name, value in expected.items():
            if name.startswith("probability_") and value:
                assert row[name] == pytest.approx(float(value), rel=1e-6)
            else:
                assert row[name] == (value or None)
    assert not [*tmp_path.glob("*.part*")]


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_name_that_is_no_utf8_is_written(suffix, saved, folder, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    strange, table = tmp_path / "a\udcff.png", tmp_path / f"t{suffix}"
    shutil.copy(next(folder.rglob("*.png")), strange)
    run(saved, strange, "--table", table)
    if suffix == ".csv":
        assert os.fsencode(strange) in table.read_bytes()
    else:
        [row] = parquet.read_table(table).to_pylist()
        assert row["image"] == f"{tmp_path}/a\\udcff.png"


def test_missing_pyarrow_is_one_line(saved, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(predict, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="Parquet needs pyarrow"):
        run(saved, folder, "--table", tmp_path / "t.parquet")


def test_resuming_needs_the_same_precision(saved, folder, tmp_path):
    table = tmp_path / "found.csv"
    part = tmp_path / "found.csv.part"
    run(saved, folder, "--table", table, "--skip-broken")
    whole = table.read_bytes()
    state = {"rows": 0, "bytes": 0, "broken": 0}
    nothing = many.hashlib.blake2b(digest_size=16).hexdigest()
    for settings, more, fits in (
        ({}, [], True),  # as an earlier version wrote it
        ({"precision": "bfloat16"}, [], False),
        ({}, ["--precision", "bfloat16"], False),
    ):
        table.unlink(missing_ok=True)
        part.touch()
        settings |= {
            "model": predict._digest(str(saved)),
            "preprocessing": None,
            "top": 3,
            "shard": [1, 1],
        }
        state |= {"settings": settings, "names": nothing}
        (tmp_path / "found.csv.part.json").write_text(json.dumps(state))
        line = [saved, folder, "--table", table, "--skip-broken", "--resume", *more]
        if fits:
            assert run(*line) == 0
            assert table.read_bytes() == whole
        else:
            with pytest.raises(InputError, match="began with another precision"):
                run(*line)
