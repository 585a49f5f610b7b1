"""Folders of pictures as people have them: read, told what is left out, or refused."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from resnet_keras import load_dataset
from resnet_keras.data import tree
from resnet_keras.errors import InputError
from tests.conftest import refusing, write_folders, write_pair

TWELVE = {"cat": 12, "dog": 12}  # enough for both classes in both parts


def load(source, **options):
    return load_dataset(source, 32, **options)


def num_images(dataset):
    return len(dataset.train) + len(dataset.test)


def left_out(dataset):
    """Return the one line with counts, without its beginning and its end."""
    [line] = [note for note in dataset.notes if note.startswith("Left out")]
    return line.removeprefix("Left out: ").removesuffix(".")


def test_train_and_test_folders(tmp_path):
    write_folders(tmp_path / "train", {"cat": 4, "dog": 3})
    write_folders(tmp_path / "test", {"cat": 2, "dog": 1}, suffix=".jpg")
    dataset = load(tmp_path)
    assert dataset.class_names == ["cat", "dog"]
    assert dataset.train.counts(2).tolist() == [4, 3]
    assert dataset.test.counts(2).tolist() == [2, 1]
    assert dataset.notes == ()


def test_class_folders_are_split_by_seed_and_it_is_said(tmp_path):
    write_folders(tmp_path, TWELVE)
    dataset = load(tmp_path)
    counts = dataset.train.counts(2) + dataset.test.counts(2)
    assert counts.tolist() == [12, 12]
    assert (
        "No test part given: about 20% of the images, each drawn by its"
        in dataset.notes[0]
    )
    again = load(tmp_path)
    np.testing.assert_array_equal(dataset.test.images, again.test.images)
    other = load(tmp_path, split_seed=1)
    assert not np.array_equal(dataset.test.images, other.test.images)
    both = [*dataset.train.images, *dataset.test.images]
    assert len({image.tobytes() for image in both}) == 24


@pytest.mark.parametrize(
    "names",
    [
        {"train": "Train", "test": "Test"},
        {"train": "Training", "test": "Testing"},
        {"train": "training_set", "test": "test_set"},
        {"train": "train", "validation": "val", "test": "test"},
        {"train": "train", "validation": "valid", "test": "test"},
        {"train": "seg_train/seg_train", "test": "seg_test/seg_test"},
    ],
)
def test_parts_by_usual_names(tmp_path, names):
    numbers = {"train": 4, "validation": 2, "test": 1}
    for part, name in names.items():
        write_folders(tmp_path / name, dict.fromkeys(("cat", "dog"), numbers[part]))
    dataset = load(tmp_path)
    assert len(dataset.train) - dataset.num_validation == 8
    assert dataset.num_validation == (4 if "validation" in names else 0)
    assert len(dataset.test) == 2


def test_validation_images_are_the_last_of_training(tmp_path):
    for part, number in (("train", 4), ("val", 2), ("test", 1)):
        write_folders(tmp_path / part, {"cat": number, "dog": number})
    shutil.move(tmp_path / "val" / "cat" / "1.png", tmp_path / "moved.png")
    dataset = load(tmp_path)
    assert dataset.train.labels.tolist() == [0] * 4 + [1] * 4 + [0, 1, 1]
    assert dataset.validation.labels.tolist() == [0, 1, 1]
    expected = np.asarray(Image.open(tmp_path / "val" / "dog" / "1.png"))
    np.testing.assert_array_equal(dataset.validation.images[-1], expected)


def test_train_and_validation_alone(tmp_path):
    write_folders(tmp_path / "train", {"cat": 4, "dog": 4})
    write_folders(tmp_path / "val", {"cat": 2, "dog": 1})
    dataset = load(tmp_path)
    assert (len(dataset.train), len(dataset.test)) == (8, 3)
    assert dataset.num_validation == 0
    assert "the validation part is used for the test" in dataset.notes[0]


def test_train_alone_is_split(tmp_path):
    write_folders(tmp_path / "train", TWELVE)
    dataset = load(tmp_path)
    assert 0 < len(dataset.test) < 12
    assert "No test part given" in dataset.notes[0]
    # As it would be without the folder around it.
    inside = load(tmp_path / "train")
    np.testing.assert_array_equal(dataset.test.images, inside.test.images)


@pytest.mark.parametrize("name", ["test", "validation"])
def test_test_folder_alone(tmp_path, name):
    write_folders(tmp_path / name, {"cat": 3, "dog": 2})
    for source in (tmp_path, tmp_path / name):
        dataset = load(source, needs_train=False)
        assert dataset.test.counts(2).tolist() == [3, 2]
        assert len(dataset.train) == 0
    with pytest.raises(InputError, match=f"holds a {name} part only"):
        load(tmp_path)


def test_class_called_train_is_a_class(tmp_path):
    write_folders(tmp_path, {"bus": 12, "car": 12, "train": 12})
    assert load(tmp_path).class_names == ["bus", "car", "train"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("cat dog test", "test: may be a class, or pictures of all"),
        ("cat dog test/cat test/dog", "cat, dog beside it are not; move them into"),
        ("train/cat training/cat", "both train and training may be the train"),
        ("a/cat a/dog b/cup b/pen", "classes may be a, b, or the folders in them"),
        ("cat/train cat/test dog/train dog/test", "train/CLASS, not CLASS/train"),
        ("train/cat test/cat test/ox", "ox: a class in test that is not in train"),
    ],
)
def test_folders_that_are_not_clear_are_refused_with_advice(tmp_path, names, words):
    write_folders(tmp_path, dict.fromkeys(names.split(), 3))
    with refusing(words):
        load(tmp_path)


def test_folder_wrapped_around_arrays_or_a_table(tmp_path):
    write_pair(tmp_path / "a" / "archive")
    dataset = load(tmp_path / "a")
    assert len(dataset.train) == 36
    assert "The data set is the folder archive in" in dataset.notes[0]
    write_folders(tmp_path / "b", {"archive": 20})
    lines = ["file,label", *(f"{i}.png,{'ab'[i % 2]}" for i in range(20))]
    (tmp_path / "b" / "archive" / "labels.csv").write_text("\n".join(lines))
    assert load(tmp_path / "b").class_names == ["a", "b"]


@pytest.mark.parametrize("depth", [1, 2])
def test_folder_wrapped_around_all(tmp_path, depth):
    inner = tmp_path.joinpath(*["archive", "dataset"][:depth])
    write_folders(inner, TWELVE)
    (tmp_path / "__MACOSX").mkdir()
    dataset = load(tmp_path)
    assert num_images(dataset) == 24
    assert dataset.name == inner.name
    assert "The data set is the folder archive" in dataset.notes[0]


def test_folders_without_pictures_beside_the_one_that_holds_all(tmp_path):
    write_folders(tmp_path / "Images", TWELVE)
    (tmp_path / "Annotation" / "cat").mkdir(parents=True)
    (tmp_path / "Annotation" / "cat" / "0.xml").write_text("<a/>")
    assert load(tmp_path).class_names == ["cat", "dog"]


def test_picture_in_a_folder_of_its_class(tmp_path):
    write_folders(tmp_path, TWELVE)
    write_folders(tmp_path / "cat", {"more": 2})
    dataset = load(tmp_path)
    assert num_images(dataset) == 26
    assert dataset.notes[0].startswith(f"2 of 26 images of {tmp_path.name} lie in fold")


def test_pictures_in_one_folder_are_refused_with_advice(tmp_path):
    for name in ("cat", "dog"):
        for i in range(4):
            Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.{i}.jpg")
    with pytest.raises(InputError, match=r"8 pictures without .* \(cat, dog\)"):
        load(tmp_path)


def test_what_the_system_leaves_behind_is_counted(tmp_path):
    write_folders(tmp_path, TWELVE)
    for name in ("Thumbs.db", "desktop.ini", "._0.png", ".DS_Store"):
        (tmp_path / "cat" / name).write_bytes(b"x")
    for name in ("@eaDir", "lost+found", "__MACOSX", ".ipynb_checkpoints", ".git"):
        shutil.copytree(tmp_path / "dog", tmp_path / name)
    dataset = load(tmp_path)
    assert dataset.class_names == ["cat", "dog"]
    assert num_images(dataset) == 24
    assert left_out(dataset) == "hidden and system files (9)"


def test_files_that_are_no_pictures_are_counted(tmp_path):
    write_folders(tmp_path, TWELVE)
    for name in ("cat/a.txt", "dog/b.txt", "dog/c.SVG", "README", "labels.csv"):
        (tmp_path / name).write_text("hello")
    Image.new("RGB", (8, 8)).save(tmp_path / "overview.png")
    expected = (".txt (2)", "files without suffix (1)", ".svg (1)", ".csv (1)")
    expected += ("pictures beside the folders (1)",)
    assert left_out(load(tmp_path)) == ", ".join(expected)


@pytest.mark.parametrize(
    ("train", "other", "words"),
    [
        ("train", "test", "test/, which has no folder per class"),
        ("asl_train/asl_train", "asl_test/asl_test", "asl_test/, which has no folder"),
        ("train", "unlabelled/all", "unlabelled/, which is not a part"),
    ],
)
def test_pictures_without_classes_are_counted(tmp_path, train, other, words):
    write_folders(tmp_path / train, TWELVE)
    write_folders(tmp_path, {other: 4})
    dataset = load(tmp_path)
    assert left_out(dataset).startswith(f"pictures of {words}")
    assert left_out(dataset).endswith("(4)")
    assert "No test part given" in dataset.notes[-1]


def test_masks_beside_their_pictures_are_counted(tmp_path):
    write_folders(tmp_path, TWELVE)
    for name in ("0_mask.png", "1_mask.png", "1_mask_1.png"):
        Image.new("L", (8, 8)).save(tmp_path / "cat" / name)
    Image.new("L", (8, 8)).save(tmp_path / "cat" / "with_mask.png")  # of no picture
    dataset = load(tmp_path)
    assert left_out(dataset) == "masks beside their pictures, ..._mask (3)"
    assert num_images(dataset) == 25


def test_heic_without_its_plug_in_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(tree, "IMAGE_SUFFIXES", tree.IMAGE_SUFFIXES - {".heic"})
    monkeypatch.setattr(tree, "is_picture", lambda path: False)
    write_folders(tmp_path, TWELVE)
    (tmp_path / "cat" / "a.HEIC").write_bytes(b"x")
    expected = ".heic, which pip install pillow-heif reads (1)"
    assert left_out(load(tmp_path)) == expected


@pytest.mark.parametrize("suffix", [".tif", ".jfif", ".webp", ".ppm", ".BMP", ""])
def test_suffixes(tmp_path, suffix):
    write_folders(tmp_path, TWELVE)
    kind = {".jfif": "JPEG", "": "PNG"}.get(suffix)
    for i in range(3):
        image = Image.new("RGB", (8, 8), (i, 0, 0))
        image.save(tmp_path / "cat" / f"more{i}{suffix}", kind)
    dataset = load(tmp_path)
    assert num_images(dataset) == 27
    assert len(dataset.notes) == 1


def test_linked_class_is_read_and_a_loop_of_links_ends(tmp_path):
    write_folders(tmp_path / "elsewhere", {"cat": 12})
    write_folders(tmp_path / "set", {"dog": 12})
    (tmp_path / "set" / "cat").symlink_to(tmp_path / "elsewhere" / "cat")
    (tmp_path / "set" / "dog" / "again").symlink_to(tmp_path / "set")
    dataset = load(tmp_path / "set")
    assert dataset.class_names == ["cat", "dog"]
    assert left_out(dataset) == "folders too deep (1)"


def test_integer_names_keep_the_order_of_text_and_it_is_said(tmp_path):
    write_folders(tmp_path, {str(name): 12 for name in (0, 1, 2, 10)})
    dataset = load(tmp_path)
    assert dataset.class_names == ["0", "1", "10", "2"]
    assert dataset.notes[0].endswith("as Keras and torchvision take them: 0, 1, 10, 2.")


@pytest.mark.parametrize("names", [("cat", "dog"), ("CAT ", "Dog")])
def test_classes_of_test_by_another_spelling(tmp_path, names):
    write_folders(tmp_path / "train", {"Cat": 3, "Dog": 3})
    write_folders(tmp_path / "test", dict.fromkeys(names, 2))
    dataset = load(tmp_path)
    assert dataset.class_names == ["Cat", "Dog"]
    assert dataset.test.labels.tolist() == [0, 0, 1, 1]
    assert f"{names[0]!r} is 'Cat'" in dataset.notes[0]


def test_class_that_test_lacks_is_told(tmp_path):
    write_folders(tmp_path / "train", {"cat": 3, "dog": 3})
    write_folders(tmp_path / "test", {"cat": 3})
    assert load(tmp_path).notes[0] == "The test part has no image of dog."


def test_empty_class_folder_is_refused(tmp_path):
    write_folders(tmp_path, {"cat": 3, "dog": 3})
    (tmp_path / "ox").mkdir()
    (tmp_path / "ox" / "a.txt").write_text("x")
    with pytest.raises(InputError, match=r"ox: an empty class; .* \.txt \(1\)"):
        load(tmp_path)


def break_pictures(source, number):
    for i in range(number):
        path = source / "dog" / f"{i}.png"
        path.write_bytes(path.read_bytes()[:100])


def test_one_broken_picture_is_named_with_advice(tmp_path):
    break_pictures(write_folders(tmp_path, TWELVE), 1)
    picture = tmp_path / "dog" / "0.png"
    with refusing(f"{picture}: not a readable picture", "--skip-broken"):
        load(tmp_path)


def test_broken_pictures_of_all_parts_are_named_at_once(tmp_path):
    for part in ("train", "test"):
        write_folders(tmp_path / part, TWELVE)
        break_pictures(tmp_path / part, 8)
    advice = ", .... Replace or remove them, or go on without them: --skip-broken"
    with refusing("16 broken pictures of 48: ", advice) as refused:
        load(tmp_path)
    assert str(refused.value).count(".png") == 10  # at most


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_skip_broken_goes_on_without_them(tmp_path):
    write_folders(tmp_path, TWELVE)
    whole = load(tmp_path)
    break_pictures(tmp_path, 3)
    (tmp_path / "cat" / "link.png").symlink_to("nowhere.png")
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    (tmp_path / "cat" / "empty.png").write_bytes(b"")
    (tmp_path / "cat" / "page.jpg").write_text("<!DOCTYPE html>")
    dataset = load(tmp_path, skip_broken=True)
    assert num_images(dataset) == 21
    assert "Left out, as asked: 7 broken pictures of 28" in dataset.notes[-1]
    for reason in ("no such file", "is no file", "an empty file", "a web page"):
        assert reason in dataset.notes[-1]
    for part in ("train", "test"):
        before = {image.tobytes() for image in getattr(whole, part).images}
        assert {image.tobytes() for image in getattr(dataset, part).images} <= before


def test_class_of_which_all_are_broken_is_refused(tmp_path):
    break_pictures(write_folders(tmp_path, TWELVE), 12)
    with pytest.raises(InputError, match='no training image of class "dog"'):
        load(tmp_path, skip_broken=True)
