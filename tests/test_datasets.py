"""Every kind of source, and every way in which it can be wrong."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resnet_keras import arrays, datasets, hands, load_dataset
from resnet_keras.datasets import Dataset, Split, stratified_split
from resnet_keras.errors import InputError
from tests.conftest import (
    assert_refused,
    coloured_images,
    command,
    write_folders,
    write_pair,
)


def write_npz(path, **changes):
    arrays = {}
    for part, number in (("train", 9), ("test", 6)):
        labels = np.arange(number) % 3
        arrays[f"x_{part}"] = coloured_images(labels)
        arrays[f"y_{part}"] = labels
    arrays |= changes
    np.savez(path, **{key: array for key, array in arrays.items() if array is not None})
    return path


def test_course_pair(pair):
    dataset = load_dataset(pair, 32)
    assert dataset.name == "colours"
    assert dataset.class_names == ["0", "1", "2"]
    assert dataset.train.images.dtype == np.uint8
    expected = coloured_images(np.arange(36) % 3)
    np.testing.assert_array_equal(dataset.train.images, expected)
    np.testing.assert_array_equal(dataset.test.labels, np.arange(12) % 3)


def test_labels_of_shape_1_m(tmp_path):
    labels = (np.arange(36) % 3)[None]
    dataset = load_dataset(write_pair(tmp_path, train_set_y=labels), 32)
    np.testing.assert_array_equal(dataset.train.labels, labels[0])


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


def test_image_size_resizes(pair):
    dataset = load_dataset(pair, 48)
    assert dataset.image_size == 48
    assert dataset.test.images.shape == (12, 48, 48, 3)
    # Noise averages out, the colour stays.
    assert np.abs(dataset.test.images[0].mean((0, 1)) - (200, 40, 40)).max() < 5


def test_train_and_test_folders(tmp_path):
    write_folders(tmp_path / "train", {"cat": 4, "dog": 3})
    write_folders(tmp_path / "test", {"cat": 2, "dog": 1}, suffix=".jpg")
    dataset = load_dataset(tmp_path, 32)
    assert dataset.class_names == ["cat", "dog"]
    assert dataset.train.counts(2).tolist() == [4, 3]
    assert dataset.test.counts(2).tolist() == [2, 1]


def test_class_folders_are_split_by_seed_and_it_is_said(tmp_path):
    write_folders(tmp_path, {"cat": 10, "dog": 5})
    dataset = load_dataset(tmp_path, 32)
    counts = dataset.train.counts(2) + dataset.test.counts(2)
    assert counts.tolist() == [10, 5]
    assert min(*dataset.train.counts(2), *dataset.test.counts(2)) >= 1
    assert "No test part given: some 20%" in str(dataset)
    again = load_dataset(tmp_path, 32)
    np.testing.assert_array_equal(dataset.test.images, again.test.images)
    other = load_dataset(tmp_path, 32, split_seed=1)
    assert not np.array_equal(dataset.test.images, other.test.images)
    both = [*dataset.train.images, *dataset.test.images]
    assert len({image.tobytes() for image in both}) == 15


def test_hands_are_a_source(monkeypatch):
    monkeypatch.setattr(datasets, "_NUM_HANDS", {"train": 18, "test": 6})
    dataset = load_dataset("hands", 32)
    assert dataset.train.counts(6).tolist() == [3] * 6
    assert dataset.test.images.shape == (6, 32, 32, 3)
    expected = hands.render(18, 32)
    np.testing.assert_array_equal(dataset.train.images, expected.images)
    np.testing.assert_array_equal(dataset.train.labels, expected.labels)


def test_a_fifth_is_for_the_test_and_each_class_in_both_parts():
    labels = np.arange(3000) % 3
    paths = [Path(f"{label}/{i}.png") for i, label in enumerate(labels)]
    is_test = datasets._draw_for_test(paths, labels, 0)
    assert 0.17 < is_test.mean() < 0.23
    few = datasets._draw_for_test(paths[:6], labels[:6], 0)  # two of each class
    assert np.bincount(labels[:6], few).tolist() == [1, 1, 1]


def test_files_stay_in_their_part_when_others_come():
    def test_part(numbers):
        paths = [Path(f"cat/{i:03}.png") for i in numbers]
        drawn = datasets._draw_for_test(paths, np.zeros(len(paths), int), 0)
        return {path for path, is_test in zip(paths, drawn, strict=True) if is_test}

    before, after = test_part(range(0, 200, 2)), test_part(range(200))
    assert before < after
    assert all(int(path.stem) % 2 for path in after - before)  # from among the new


def test_digest_changes_with_labels_and_names():
    def digest(train=(0, 1), test=(0,), names=("a", "b")):
        parts = (Split(np.zeros((len(x), 8, 8, 3)), np.array(x)) for x in (train, test))
        return Dataset("d", "d", list(names), *parts).digest()

    assert digest() == digest()
    changed = {digest((0, 1, 1)), digest((0,), (1, 0)), digest(names=("a", "c"))}
    assert len(changed | {digest()}) == 4


def test_label_beyond_all_images_is_refused_at_once(tmp_path):
    labels = np.arange(9) % 3
    labels[0] = 10**9
    with pytest.raises(InputError, match=f"{10**9} but has only 9 labels"):
        load_dataset(write_npz(tmp_path / "set.npz", y_train=labels), 32)


def test_only_those_hands_are_drawn_that_are_asked_for(monkeypatch):
    monkeypatch.setattr(datasets, "_NUM_HANDS", {"train": 10**12, "test": 6})
    dataset = load_dataset("hands", 32)
    assert len(dataset.train) == 10**12  # more than any disk would hold
    assert len(dataset.test) == len(dataset.test.labels) == 6
    assert dataset.test.images is dataset.test.images


def test_npz(tmp_path):
    dataset = load_dataset(write_npz(tmp_path / "set.npz"), 32)
    assert (len(dataset.train), len(dataset.test)) == (9, 6)
    assert dataset.class_names == ["0", "1", "2"]


def test_npz_with_class_names(tmp_path):
    names = np.array(["red", "green", "blue"])
    dataset = load_dataset(write_npz(tmp_path / "set.npz", class_names=names), 32)
    assert dataset.class_names == ["red", "green", "blue"]


def test_print_says_how_many_of_what(pair):
    text = str(load_dataset(pair, 32))
    assert "36 training and 12 test images of 32 x 32 pixels in 3 classes" in text
    assert text.splitlines()[-1].split() == ["2", "12", "4"]


def test_large_sources_lie_in_a_file(pair, tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "_IN_MEMORY_BYTES", 1000)
    dataset = load_dataset(pair, 32)
    assert isinstance(dataset.train.images, np.memmap)
    expected = coloured_images(np.arange(36) % 3)
    np.testing.assert_array_equal(dataset.train.images, expected)
    write_folders(tmp_path / "folders", {"cat": 4, "dog": 4})
    assert isinstance(load_dataset(tmp_path / "folders", 32).train.images, np.memmap)


def test_stratified_split_is_a_partition_by_class():
    labels = np.repeat([0, 1, 2], [50, 10, 1])
    rest, drawn = stratified_split(labels, 0.1, seed=0)
    assert sorted([*rest, *drawn]) == list(range(61))
    assert np.bincount(labels[drawn], minlength=3).tolist() == [5, 1, 0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_set_x": None}, ["train_colours.h5", 'no "train_set_x"']),
        ({"test_set_y": None}, ["test_colours.h5", 'no "test_set_y"']),
        ({"list_classes": None}, ["train_colours.h5", 'no "list_classes"']),
        (
            {"train_set_x": np.zeros((36, 32, 32), np.uint8)},
            ['"train_set_x" has shape (36, 32, 32)', "(m, height, width, 3)"],
        ),
        (
            {"test_set_x": np.zeros((12, 32, 32, 4), np.uint8)},
            ['"test_set_x" has shape (12, 32, 32, 4)'],
        ),
        (
            {"train_set_x": np.zeros((36, 32, 32, 3), np.float32)},
            ['"train_set_x" is float32', "uint8"],
        ),
        (
            {"train_set_x": np.full((36, 32, 32, 3), np.nan, np.float32)},
            ["contains NaN", "uint8"],
        ),
        ({"train_set_y": np.full(36, np.nan)}, ['"train_set_y" contains NaN']),
        ({"train_set_y": np.full(36, -np.inf)}, ["contains an infinity"]),
        ({"train_set_y": np.full(36, 2**63 + 5, np.uint64)}, [f"label {2**63 + 5}"]),
        ({"train_set_y": np.full(36, 2**63 - 1)}, [f"label {2**63 - 1}"]),
        ({"train_set_x": np.zeros((36, 0, 5, 3), np.uint8)}, ["without a pixel"]),
        ({"list_classes": np.array([b"a", b"b", b"a"])}, ["names 'a' 2 times"]),
        ({"train_set_y": np.full(36, 0.5)}, ['"train_set_y" is float64', "integers"]),
        (
            {"train_set_y": np.eye(3)[np.arange(36) % 3]},
            ["shape (36, 3)", "one-hot", "argmax"],
        ),
        ({"train_set_y": np.arange(36) % 4}, ["label 3", "0 to 2"]),
        ({"test_set_y": np.arange(12) - 1}, ["label -1", "test_colours.h5"]),
        ({"train_set_y": np.arange(36) % 2}, ['class "2"', "empty class"]),
        ({"train_set_y": np.arange(35) % 3}, ["36 images", "35 labels"]),
        (
            {"test_list_classes": np.arange(4)},
            ["['0', '1', '2', '3']", "same classes"],
        ),
        (
            {"test_set_x": np.zeros((0, 32, 32, 3), np.uint8), "test_set_y": []},
            ["no images"],
        ),
    ],
)
def test_wrong_course_pair_is_refused_by_the_command(tmp_path, changes, words):
    source = write_pair(tmp_path / "set", **changes)
    process = command("train", "--data", source, "--out", tmp_path / "run")
    assert_refused(process, *words)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("share", [0, 0.5, 0.95])
def test_truncated_h5_is_refused_by_the_command(pair, share):
    path = pair / "test_colours.h5"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert_refused(command("train", "--data", pair), path, "cut short")


def test_missing_test_file_is_refused(pair):
    (pair / "test_colours.h5").unlink()
    assert_refused(command("train", "--data", pair), "none for test_*.h5")


def test_two_candidates_are_refused(pair):
    (pair / "train_more.h5").write_bytes(b"")
    words = ["train_colours.h5, train_more.h5", "exactly one"]
    assert_refused(command("train", "--data", pair), *words)


def test_missing_source_is_refused():
    assert_refused(command("train", "--data", "nowhere"), "nowhere: no such file")


def test_source_with_nothing_in_it_is_refused(tmp_path):
    assert_refused(command("train", "--data", tmp_path), tmp_path, "holds no data set")


def test_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("1,2")
    process = command("train", "--data", tmp_path / "a.csv")
    assert_refused(process, "a.csv: a file; expected an .npz")


def test_empty_class_folder_is_refused(tmp_path):
    write_folders(tmp_path, {"cat": 3, "dog": 3})
    (tmp_path / "ox").mkdir()
    assert_refused(command("train", "--data", tmp_path), tmp_path / "ox", "empty class")


def test_class_with_one_image_is_refused(tmp_path):
    write_folders(tmp_path, {"cat": 3, "dog": 1})
    assert_refused(command("train", "--data", tmp_path), tmp_path / "dog", "at least 2")


def test_broken_image_is_refused(tmp_path):
    write_folders(tmp_path, {"cat": 3, "dog": 3})
    path = tmp_path / "dog" / "1.png"
    path.write_bytes(path.read_bytes()[:100])
    process = command("train", "--data", tmp_path)
    assert_refused(process, path, "not a readable picture")


def test_class_in_test_and_not_in_train_is_refused(tmp_path):
    write_folders(tmp_path / "train", {"cat": 3, "dog": 3})
    write_folders(tmp_path / "test", {"cat": 3, "ox": 3})
    process = command("train", "--data", tmp_path)
    assert_refused(process, tmp_path / "test" / "ox", "not in train")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y_test": None}, ['no "y_test"', "x_train"]),
        ({"x_train": np.zeros((9, 32, 32))}, ['"x_train" has shape (9, 32, 32)']),
        ({"y_test": np.array([0, 1, 2, 3, 0, 1])}, ["label 3", "0 to 2"]),
        ({"y_train": np.array([0, 2] * 4 + [0])}, ['class "1"', "empty class"]),
        ({"y_train": np.array([None] * 9)}, ["Python objects"]),
    ],
)
def test_wrong_npz_is_refused(tmp_path, changes, words):
    path = write_npz(tmp_path / "set.npz", **changes)
    assert_refused(command("train", "--data", path), path, *words)


def test_truncated_npz_is_refused(tmp_path):
    path = write_npz(tmp_path / "set.npz")
    path.write_bytes(path.read_bytes()[:5000])
    assert_refused(command("train", "--data", path), path)


def test_files_that_are_no_pictures_are_passed_over(tmp_path):
    write_folders(tmp_path, {"cat": 3, "dog": 3})
    (tmp_path / "cat" / "notes.txt").write_text("hello")
    (tmp_path / ".git").mkdir()
    assert len(load_dataset(tmp_path, 32).train) == 4


def test_first_broken_image_is_named_in_the_library_too(tmp_path):
    write_folders(tmp_path, {"cat": 3, "dog": 3})
    Image.new("RGB", (8, 8)).save(tmp_path / "cat" / "x.png")
    (tmp_path / "cat" / "y.png").write_text("")
    with pytest.raises(InputError, match=r"y\.png"):
        load_dataset(tmp_path, 32)


def test_classes_of_one_name_are_refused(tmp_path):
    path = write_npz(tmp_path / "set.npz", class_names=np.array(["a", "b", "b"]))
    with pytest.raises(InputError, match="names 'b' 2 times"):
        load_dataset(path, 32)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_pipe_in_the_place_of_a_file_is_refused(tmp_path, pair):
    (pair / "train_colours.h5").unlink()
    os.mkfifo(pair / "train_colours.h5")
    folders = write_folders(tmp_path / "folders", {"a": 5, "b": 5})
    os.mkfifo(folders / "a" / "pipe.png")
    for source in (pair, folders):
        with pytest.raises(InputError, match="is no file"):
            load_dataset(source, 32)


def test_parts_of_other_names_are_explained(tmp_path):
    for part in ("train", "val"):
        write_folders(tmp_path / part, {"a": 3, "b": 3})
    with pytest.raises(InputError, match="Folders of parts are called train and test"):
        load_dataset(tmp_path, 32)
