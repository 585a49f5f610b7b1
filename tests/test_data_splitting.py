"""A file's part: by the words of its source, or drawn, and then for good."""

import numpy as np
import pytest

from resnet_keras import load_dataset
from resnet_keras.data.splitting import (
    is_for_test,
    part_in,
    parts_of_folders,
    stratified_split,
)
from resnet_keras.errors import InputError
from tests.conftest import write_folders


def test_a_fifth_is_for_the_test():
    drawn = [is_for_test(f"{i % 3}/{i}.png", 0) for i in range(3000)]
    # Two standard errors: 2 * sqrt(0.2 * 0.8 / 3000) = 0.015.
    assert abs(np.mean(drawn) - 0.2) < 0.015


def test_draws_are_those_of_earlier_versions():
    # What version 0.1.0 took for the test of 60 such files.
    drawn = [i for i in range(60) if is_for_test(f"cat/{i:03}.png", 0)]
    assert drawn == [5, 23, 27, 31, 33, 35, 37, 43, 46, 50, 58, 59]


@pytest.mark.parametrize("seed", range(20))
def test_no_file_ever_changes_its_part(tmp_path, seed):
    """Grow a folder from one file a class, in any order, and follow each file."""
    rng = np.random.default_rng(seed)
    write_folders(tmp_path / "all", {"cat": 8, "dog": 8}, size=8)
    names = [f"{name}/{i}.png" for name in ("cat", "dog") for i in range(8)]
    order = rng.permutation(names)
    parts, source = {}, tmp_path / "growing"
    for name in order:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "all" / name).rename(source / name)
        try:
            dataset = load_dataset(source, 8, split_seed=seed)
        except InputError:  # a class has no training image yet
            continue
        for part in ("train", "test"):
            for image in getattr(dataset, part).images:
                assert parts.setdefault(image.tobytes(), part) == part
    assert len(parts) == 16


def test_set_without_a_test_image_says_so(tmp_path):
    names = [f"{i}.png" for i in range(200) if not is_for_test(f"cat/{i}.png", 0)][:3]
    write_folders(tmp_path, {"cat": 3})
    for index, name in reversed([*enumerate(names)]):
        (tmp_path / "cat" / f"{index}.png").rename(tmp_path / "cat" / name)
    dataset = load_dataset(tmp_path, 32)
    assert (len(dataset.train), len(dataset.test)) == (3, 0)
    assert "none of the 3 images falls to it" in dataset.notes[0]


def test_class_without_a_training_image_is_refused(tmp_path):
    write_folders(tmp_path, {"cat": 1, "dog": 9})
    name = next(f"{i}.png" for i in range(99) if is_for_test(f"cat/{i}.png", 0))
    (tmp_path / "cat" / "0.png").rename(tmp_path / "cat" / name)
    with pytest.raises(InputError, match="'cat' its 1 image is drawn for the test"):
        load_dataset(tmp_path, 32)


def test_stratified_split_is_a_partition_by_class():
    labels = np.repeat([0, 1, 2], [50, 10, 1])
    rest, drawn = stratified_split(labels, 0.1, seed=0)
    assert sorted([*rest, *drawn]) == list(range(61))
    assert np.bincount(labels[drawn], minlength=3).tolist() == [5, 1, 0]


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["train", "val", "test"], ["train", "validation", "test"]),
        (["Training", "valid", "Testing"], ["train", "validation", "test"]),
        (["training_set", "validation", "test_set"], ["train", "validation", "test"]),
        (["train2017", "val2017"], ["train", "validation"]),
        (["seg_train", "seg_test", "seg_pred"], ["train", "test", None]),
        (["TrainImages", "TestImages"], ["train", "test"]),
        (["train station", "bus"], [None, None]),
        (["contest", "latest"], [None, None]),
    ],
)
def test_parts_by_the_names_of_folders(names, parts):
    found = parts_of_folders(names)
    assert [found.get(name) for name in names] == parts


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("x_train", "train"),
        ("XTrain", "train"),
        ("ytest", "test"),
        ("train_set_x", "train"),
        ("val_images", "validation"),
        ("trainX", "train"),
        ("images", None),
        ("train_test_split", None),
    ],
)
def test_part_in_the_name_of_an_array(name, part):
    assert part_in(name) == part
