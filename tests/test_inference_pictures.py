"""Folders, patterns and broken files become predictions, some dozens at once."""

import json
import threading

import keras
import pytest
from PIL import Image

from resnet_keras import evaluate, predict, save_model
from resnet_keras.errors import InputError
from resnet_keras.inference import Classifier, pictures
from tests.conftest import coloured_images, write_folders
from tests.detection_networks import colour_network


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return the path of a model that knows the three colours."""
    path = tmp_path_factory.mktemp("models") / "colours.keras"
    save_model(colour_network(100), path, {"class_names": ["red", "green", "blue"]})
    return str(path)


@pytest.fixture
def folder(tmp_path):
    for name, label in (("b.png", 1), ("a.png", 0), ("inner/c.PNG", 2)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(coloured_images([label])[0]).save(tmp_path / name)
    for name in ("notes.txt", "._a.png", ".hidden/d.png", "__MACOSX/e.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no picture")
    return tmp_path


def test_a_folder_means_its_pictures_in_order(folder):
    found = pictures.find_pictures(str(folder))
    assert found == [str(folder / name) for name in ("a.png", "b.png", "inner/c.PNG")]


def test_a_pattern_means_what_it_matches_and_folders_their_pictures(folder):
    assert pictures.find_pictures(str(folder / "[ab].png")) == [
        str(folder / name) for name in ("a.png", "b.png")
    ]
    everything = pictures.find_pictures(str(folder / "**"))
    assert sorted(everything)[-1] == str(folder / "notes.txt")
    assert len(everything) == len(set(everything))
    [inner] = pictures.find_pictures(str(folder / "inn*"))
    assert inner == str(folder / "inner/c.PNG")


def test_a_name_that_looks_like_a_pattern_is_a_file_where_there_is_one(folder):
    path = folder / "a[1].png"
    Image.fromarray(coloured_images([0])[0]).save(path)
    assert pictures.find_pictures(str(path)) == [str(path)]


def test_nothing_found_is_said(folder):
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match="empty: a folder without pictures"):
        pictures.find_pictures(str(folder / "empty"))
    with pytest.raises(InputError, match="a pattern that matches none"):
        pictures.find_pictures(str(folder / "*.jpg"))


def test_a_folder_is_predicted_and_what_is_broken_does_not_stop_it(
    model, folder, capsys
):
    (folder / "bad.png").write_text("no picture")
    assert predict.main([model, str(folder), "--top", "1"]) == 2
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        f"{folder}/a.png: red (1.000)",
        f"{folder}/b.png: green (1.000)",
        f"{folder}/inner/c.PNG: blue (1.000)",
    ]
    [error] = [x for x in printed.err.splitlines() if x.startswith("error: ")]
    assert "bad.png: not a readable picture" in error


def test_json_of_a_folder_is_one_list(model, folder, capsys):
    assert predict.main([model, str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["class"] for each in found] == ["red", "green", "blue"]


def test_pictures_are_not_all_in_memory_at_once(model, folder, monkeypatch):
    sizes = []
    monkeypatch.setattr(pictures, "_AT_ONCE", 2)
    classifier = Classifier(keras.models.load_model(model), {})
    original = classifier.predict
    monkeypatch.setattr(
        classifier,
        "predict",
        lambda images: sizes.append(len(images)) or original(images),
    )
    paths = pictures.find_pictures(str(folder))
    found = list(pictures.predict_files(classifier, paths, print))
    assert [path for path, _, _ in found] == paths
    assert sizes == [2, 1]


def test_what_a_person_says_of_the_preprocessing_decides(model, folder, capsys):
    picture = str(folder / "a.png")
    assert predict.main([model, picture, "--preprocessing", "caffe"]) == 0
    printed = capsys.readouterr()
    assert "Assumed" not in printed.err
    assert printed.out.startswith(f"{picture}: blue (1.000)")  # BGR: red is last


def test_figures_are_named_by_the_part_and_have_no_nan(model, tmp_path, capsys):
    data = write_folders(tmp_path / "colours", {"red": 10, "green": 10})
    out = tmp_path / "out"
    options = ["--part", "train", "--preprocessing", "unit", "--out", str(out)]
    assert evaluate.main([model, "--data", str(data), *options]) == 0
    text = (out / "metrics.json").read_text()
    assert "NaN" not in text
    found = json.loads(text)
    assert found["train_accuracy"] == 1
    assert not [key for key in found if key.startswith("test")]
    assert found["recall"] == [1, 1, None]
    assert "blue" in capsys.readouterr().out


def test_an_order_of_classes_that_is_taken_is_printed(model, tmp_path, capsys):
    unnamed = tmp_path / "unnamed.keras"
    keras.models.load_model(model).save(unnamed)
    counts = {"apple": 4, "leaf": 4, "sky": 4}
    data = write_folders(tmp_path / "things", counts)
    assert evaluate.main([str(unnamed), "--data", str(data), "--part", "all"]) == 0
    printed = capsys.readouterr().out
    assert "classes by position: 0 = apple, 1 = leaf, 2 = sky.\n" in printed
    assert "Accuracy 1.0000" in printed


def test_a_model_that_names_no_classes_is_not_scored_on_more(model, tmp_path):
    unnamed = tmp_path / "unnamed.keras"
    keras.models.load_model(model).save(unnamed)
    with pytest.raises(InputError, match="names none of its 3 classes, and hands has"):
        evaluate.main([str(unnamed), "--data", "hands"])


def test_next_pictures_are_read_while_some_are_in_use():
    started = []
    second = threading.Event()

    def read(path):
        started.append(path)
        if path == "c":
            second.set()
        if path == "b":
            raise InputError("b: is broken")
        return path.upper()

    broken = []
    lists = pictures.read_together(list("abcde"), read, broken.append, 2)
    assert next(lists) == [("a", "A")]
    assert second.wait(10)  # nobody asked for it yet
    assert "e" not in started
    assert list(lists) == [[("c", "C"), ("d", "D")], [("e", "E")]]
    assert [str(error) for error in broken] == ["b: is broken"]
