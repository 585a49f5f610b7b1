"""Every kind of source by `load_dataset`: the pair, the hands, and what is none."""

import os
from pathlib import Path

import numpy as np
import pytest

from resnet_keras import hands, load_dataset
from resnet_keras.data import arrays, drawn
from resnet_keras.data.dataset import Dataset, Split
from resnet_keras.errors import InputError
from tests.conftest import (
    coloured_images,
    refusing,
    write_folders,
    write_pair,
)


def test_course_pair(pair):
    dataset = load_dataset(pair, 32)
    assert dataset.name == "colours"
    assert dataset.class_names == ["0", "1", "2"]
    assert dataset.train.images.dtype == np.uint8
    expected = coloured_images(np.arange(36) % 3)
    np.testing.assert_array_equal(dataset.train.images, expected)
    np.testing.assert_array_equal(dataset.test.labels, np.arange(12) % 3)
    assert dataset.notes == ()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (np.array([b"cat", b"dog", b"ox"]), ["cat", "dog", "ox"]),
        (np.array(["cat", "dög", "ox"], dtype=object), ["cat", "dög", "ox"]),
        (np.array([[1, 2, 3]]), ["1", "2", "3"]),
    ],
)
def test_class_names_as_numbers_bytes_or_strings(tmp_path, names, expected):
    changes = {"list_classes": names, "test_list_classes": names}
    dataset = load_dataset(write_pair(tmp_path, **changes), 32)
    assert dataset.class_names == expected


def test_pair_without_class_names_says_so(tmp_path):
    changes = {"list_classes": None, "test_list_classes": None}
    dataset = load_dataset(write_pair(tmp_path, **changes), 32)
    assert dataset.class_names == ["0", "1", "2"]
    assert dataset.notes == ("No class names given (list_classes): they are 0, 1, 2.",)


@pytest.mark.parametrize("names", [("train.h5", "test.h5"), ("train.hdf5", "TEST.H5")])
def test_pair_by_other_names(pair, names):
    for part, name in zip(("train", "test"), names, strict=True):
        (pair / f"{part}_colours.h5").rename(pair / name)
    dataset = load_dataset(pair, 32)
    assert (len(dataset.train), len(dataset.test)) == (36, 12)


def test_image_size_resizes(pair):
    dataset = load_dataset(pair, 48)
    assert dataset.image_size == 48
    assert dataset.test.images.shape == (12, 48, 48, 3)
    # Noise averages out, the colour stays.
    assert np.abs(dataset.test.images[0].mean((0, 1)) - (200, 40, 40)).max() < 5


def test_hands_are_a_source(monkeypatch):
    monkeypatch.setattr(drawn, "_NUM_HANDS", {"train": 18, "test": 6})
    dataset = load_dataset("hands", 32)
    assert dataset.train.counts(6).tolist() == [3] * 6
    assert dataset.test.images.shape == (6, 32, 32, 3)
    expected = hands.render(18, 32)
    np.testing.assert_array_equal(dataset.train.images, expected.images)
    np.testing.assert_array_equal(dataset.train.labels, expected.labels)
    assert dataset.notes == ()


def test_only_those_hands_are_drawn_that_are_asked_for(monkeypatch):
    monkeypatch.setattr(drawn, "_NUM_HANDS", {"train": 10**12, "test": 6})
    dataset = load_dataset("hands", 32)
    assert len(dataset.train) == 10**12  # more than any disk would hold
    assert len(dataset.test) == len(dataset.test.labels) == 6
    assert dataset.test.images is dataset.test.images


def test_folder_called_hands_is_told_from_the_built_in_hands(tmp_path, monkeypatch):
    write_folders(tmp_path / "hands", {"cat": 9, "dog": 9})
    monkeypatch.chdir(tmp_path)
    [note] = load_dataset("hands", 32).notes
    assert note == (
        '"hands" means the built-in hands; the folder of that name that is here is '
        '"./hands" (--data ./hands).'
    )
    for source in ("./hands", Path("hands"), Path("./hands")):
        assert load_dataset(source, 32).class_names == ["cat", "dog"]


def test_digest_changes_with_labels_and_names():
    def digest(train=(0, 1), test=(0,), names=("a", "b"), num_validation=0):
        parts = (Split(np.zeros((len(x), 8, 8, 3)), np.array(x)) for x in (train, test))
        return Dataset("d", "d", list(names), *parts, (), num_validation).digest()

    assert digest() == digest()
    changed = {digest((0, 1, 1)), digest((0,), (1, 0)), digest(names=("a", "c"))}
    assert len(changed | {digest(), digest(num_validation=1)}) == 5


def test_print_says_how_many_of_what(pair):
    text = str(load_dataset(pair, 32))
    assert "36 training and 12 test images of 32 x 32 pixels in 3 classes" in text
    assert text.splitlines()[-1].split() == ["2", "12", "4"]


def test_print_says_height_and_width(pair):
    assert "of 32 x 48 pixels" in str(load_dataset(pair, (32, 48)))


def test_print_has_the_notes_and_the_validation_part(tmp_path):
    for part, number in (("train", 4), ("val", 2), ("test", 1)):
        write_folders(tmp_path / part, {"cat": number, "dog": number})
    (tmp_path / "notes.txt").write_text("hello")
    lines = str(load_dataset(tmp_path, 32)).splitlines()
    assert "8 training, 4 validation and 2 test images" in lines[0]
    assert lines[1] == "Left out: .txt (1)."
    assert [line.split() for line in lines[-3:]] == [
        ["class", "train", "valid", "test"],
        ["cat", "4", "2", "1"],
        ["dog", "4", "2", "1"],
    ]


def test_copies_between_parts_are_told(tmp_path):
    write_folders(tmp_path / "train", {"cat": 3, "dog": 3})
    write_folders(tmp_path / "test", {"cat": 2, "dog": 3})
    image = tmp_path / "train" / "cat" / "0.png"
    assert image.read_bytes() == (tmp_path / "test" / "cat" / "0.png").read_bytes()
    [note] = load_dataset(tmp_path, 32).notes
    assert note == "5 of 5 test images are copies of training images."


def test_copies_of_validation_images_are_told_as_such(tmp_path):
    labels, arrays = np.arange(6) % 3, {}
    for seed, part in enumerate(("train", "val", "test")):
        arrays[f"{part}_images"] = coloured_images(labels, seed=seed)
        arrays[f"{part}_labels"] = labels
    arrays["test_images"][:2] = arrays["val_images"][:2]
    path = tmp_path / "medical.npz"
    np.savez(path, **arrays)
    [note] = load_dataset(path, 32).notes
    assert note == "2 of 6 test images are copies of validation images."


def test_large_sources_lie_in_a_file(pair, tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "_IN_MEMORY_BYTES", 1000)
    dataset = load_dataset(pair, 32)
    assert isinstance(dataset.train.images, np.memmap)
    expected = coloured_images(np.arange(36) % 3)
    np.testing.assert_array_equal(dataset.train.images, expected)
    write_folders(tmp_path / "folders", {"cat": 4, "dog": 4})
    assert isinstance(load_dataset(tmp_path / "folders", 32).train.images, np.memmap)


def eye(number):
    return np.eye(3)[np.arange(number) % 3]


@pytest.mark.parametrize(
    "changes",
    [
        {"train_set_y": (np.arange(36) % 3)[None]},
        {"train_set_y": (np.arange(36) % 3)[:, None]},
        {"train_set_y": (np.arange(36) % 3).astype(float)},
        {"train_set_y": eye(36), "test_set_y": eye(12)},
        {"train_set_y": eye(36).T, "test_set_y": eye(12).T},
    ],
)
def test_labels_of_the_pair_in_other_shapes(tmp_path, changes):
    dataset = load_dataset(write_pair(tmp_path, **changes), 32)
    np.testing.assert_array_equal(dataset.train.labels, np.arange(36) % 3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_set_x": None}, 'train_colours.h5: has no "train_set_x"'),
        ({"test_set_y": None}, 'test_colours.h5: has no "test_set_y"'),
        (
            {"test_set_x": np.zeros((12, 32, 32, 4), np.uint8)},
            '"test_set_x" has shape (12, 32, 32, 4); expected (m, height, width, 3)',
        ),
        (
            {"train_set_x": np.full((36, 32, 32, 3), np.nan, np.float32)},
            '"train_set_x" is float32 and contains NaN; expected uint8',
        ),
        ({"train_set_y": np.full(36, np.nan)}, '"train_set_y" contains NaN'),
        ({"train_set_y": np.full(36, -np.inf)}, "contains an infinity"),
        ({"train_set_y": np.full(36, 2**63 + 5, np.uint64)}, f"label {2**63 + 5}"),
        ({"train_set_y": np.full(36, 2**63 - 1)}, f"label {2**63 - 1}"),
        ({"train_set_x": np.zeros((36, 0, 5, 3), np.uint8)}, "without a pixel"),
        ({"list_classes": np.array([b"a", b"b", b"a"])}, "names 'a' 2 times"),
        ({"train_set_y": np.full(36, 0.5)}, '"train_set_y" is float64; expected int'),
        ({"train_set_y": np.ones((36, 3))}, "(36, 3), and its rows are not one-hot"),
        ({"train_set_y": np.arange(36) % 4}, "the label 3; expected 0 to 2"),
        ({"test_set_y": np.arange(12) - 1}, "test_colours.h5"),
        ({"train_set_y": np.arange(36) % 2}, 'class "2", an empty class'),
        ({"train_set_y": np.arange(35) % 3}, "36 images but there are 35 labels"),
        ({"test_list_classes": np.arange(4)}, "['0', '1', '2', '3']"),
        (
            {"test_set_x": np.zeros((0, 32, 32, 3), np.uint8), "test_set_y": []},
            "no images",
        ),
    ],
)
def test_wrong_course_pair_is_refused(tmp_path, changes, words):
    with refusing(words):
        load_dataset(write_pair(tmp_path / "set", **changes), 32)


@pytest.mark.parametrize("fraction", [0, 0.5, 0.95])
def test_truncated_h5_is_refused(pair, fraction):
    path = pair / "test_colours.h5"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(fraction * len(whole))])
    with pytest.raises(InputError, match=r"test_colours\.h5: damaged or cut short"):
        load_dataset(pair, 32)


def test_missing_test_file_is_refused(pair):
    (pair / "test_colours.h5").unlink()
    with pytest.raises(InputError, match=r"found none for test_\*\.h5"):
        load_dataset(pair, 32)


def test_test_file_alone_can_be_tested_on(pair):
    for source in (pair, pair / "test_colours.h5"):
        if source == pair:
            (pair / "train_colours.h5").unlink()
        dataset = load_dataset(source, 32, needs_train=False)
        assert (len(dataset.train), len(dataset.test)) == (0, 12)
        assert dataset.class_names == ["0", "1", "2"]
        assert "0 training and 12 test images" in str(dataset)
    with pytest.raises(InputError, match="holds a test part only"):
        load_dataset(pair / "test_colours.h5", 32)


def test_one_file_of_the_pair_is_refused_where_the_other_is_beside_it(pair):
    with pytest.raises(InputError, match=r"one part of several .* give the folder"):
        load_dataset(pair / "train_colours.h5", 32)


def test_two_candidates_are_refused(pair):
    (pair / "train_more.h5").write_bytes(b"")
    with pytest.raises(
        InputError, match=r"train_colours\.h5, train_more\.h5 .* exactly"
    ):
        load_dataset(pair, 32)


def test_missing_source_is_refused():
    with pytest.raises(InputError, match="nowhere: no such file"):
        load_dataset("nowhere")


def test_source_with_nothing_in_it_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no data set"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"1,2", "a file; expected an .npz, .npy, HDF5 or .csv file"),
        ("a.csv", b"label,p0,p1\n1,0,0\n", "no table of pictures and classes"),
        ("a.h5", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("a.npz", b"<!DOCTYPE html><html>", "a web page"),
        ("a.pkl", b"\x80\x04\x95", "a Python pickle, which could run code"),
        ("a.mat", b"MATLAB 5.0 MAT-file", "a MATLAB file"),
        ("a.gz", b"\x1f\x8b\x08", "packed by gzip; unpack it first"),
        ("a.npz", b"", "damaged or cut short"),
    ],
)
def test_file_of_another_kind_is_refused(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with refusing(words, tmp_path / name):
        load_dataset(tmp_path / name)


def test_folder_of_pickles_is_refused_in_words(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x04\x95")
    with pytest.raises(InputError, match="data_batch_1: a Python pickle"):
        load_dataset(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_pipe_in_the_place_of_a_file_is_refused(tmp_path, pair):
    (pair / "train_colours.h5").unlink()
    os.mkfifo(pair / "train_colours.h5")
    folders = write_folders(tmp_path / "folders", {"a": 5, "b": 5})
    os.mkfifo(folders / "a" / "pipe.png")
    for source in (pair, folders):
        with pytest.raises(InputError, match="is no file"):
            load_dataset(source, 32)
