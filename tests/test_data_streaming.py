"""Pictures that are read when they are used are those of the array path."""

import re

import numpy as np
import pytest
from PIL import Image

from resnet_keras.data import Pictures, load_dataset
from resnet_keras.data.file_sets import LabelledFile
from resnet_keras.data.readers import Options
from resnet_keras.data.streaming import PictureFiles
from resnet_keras.errors import InputError
from tests.conftest import write_folders, write_pair


@pytest.fixture
def folder(tmp_path):
    return write_folders(tmp_path / "data", {"a": 9, "b": 12}, size=40)


def assert_same(streamed, before):
    assert streamed.is_streamed
    assert not before.is_streamed
    assert streamed.class_names == before.class_names
    assert streamed.digest() == before.digest()
    assert streamed.num_validation == before.num_validation
    for part in ("train", "test"):
        ours, theirs = getattr(streamed, part), getattr(before, part)
        assert isinstance(ours.images, Pictures)
        assert ours.images.shape == theirs.images.shape
        np.testing.assert_array_equal(ours.images[:], theirs.images)
        np.testing.assert_array_equal(ours.labels, theirs.labels)


def test_a_folder_has_the_same_pictures_and_parts(folder):
    for size in (32, (20, 36)):
        streamed = load_dataset(folder, size, stream=True)
        assert_same(streamed, load_dataset(folder, size))
    assert "Streamed" in str(streamed)


def test_a_table_has_the_same_pictures_and_parts(folder):
    rows = [
        f"{path.relative_to(folder)},{path.parent.name},{part}"
        for path, part in zip(
            sorted(folder.glob("*/*.png")), ["train", "val", "test"] * 7, strict=True
        )
    ]
    table = folder / "table.csv"
    table.write_text("\n".join(["filename,label,split", *rows]))
    streamed = load_dataset(table, 32, stream=True)
    assert streamed.num_validation == 7
    assert_same(streamed, load_dataset(table, 32))


def test_rows_are_chosen_without_reading(folder):
    split = load_dataset(folder, 32, stream=True).train
    before = split.images[:]
    for path in folder.glob("*/*.png"):
        path.unlink()
    rows = np.array([5, 0, 3])
    taken = split.take(rows).take(slice(1, None))
    assert len(taken) == 2
    for path, image in zip(
        map(taken.images.path, range(2)), before[[0, 3]], strict=True
    ):
        Image.fromarray(image).save(path)
    np.testing.assert_array_equal(taken.images[:], before[[0, 3]])
    np.testing.assert_array_equal(taken.images[-1], before[3])


def test_a_picture_may_stay_as_large_as_it_is(folder):
    images = load_dataset(folder, 32, stream=True).train.images
    assert images.whole(0).shape == (40, 40, 3)
    with Image.open(images.path(0)) as picture:
        np.testing.assert_array_equal(images.whole(0), np.asarray(picture))


def test_what_is_kept_of_a_picture_does_not_grow_with_it():
    """A number, a row and a name: nothing else may stay in memory."""
    files = [
        LabelledFile(f"/data/{label}", f"{number:07d}.jpg", label, None, label)
        for label in "abcd"
        for number in range(500)
    ]
    images = PictureFiles(files, 224)
    arrays = [value for value in vars(images).values() if isinstance(value, np.ndarray)]
    kept = sum(array.nbytes for array in arrays)
    assert kept == len(files) * (8 + 4 + len("0000000.jpg"))
    others = [value for value in vars(images).values() if isinstance(value, list)]
    assert sum(map(len, others)) == 4  # folders
    assert images.path(501).as_posix() == "/data/b/0000001.jpg"


def test_large_sources_are_streamed_by_themselves():
    options = Options((224, 224), stream=None)
    # 4 GiB are 28,532.7 pictures of 224 x 224 x 3 bytes.
    assert not options.is_streamed(28_532)
    assert options.is_streamed(28_533)
    assert not Options((224, 224)).is_streamed(10**6)


def test_a_broken_picture_is_named_when_it_is_read(folder):
    broken = folder / "a" / "0.png"
    broken.write_bytes(broken.read_bytes()[:100])
    dataset = load_dataset(folder, 32, stream=True)
    with pytest.raises(InputError, match=re.escape(f"{broken}: not a readable")):
        [split.images[:] for split in (dataset.train, dataset.test)]


def test_broken_pictures_are_looked_for_where_they_are_to_be_left_out(folder):
    (folder / "a" / "0.png").write_text("no picture")
    streamed = load_dataset(folder, 32, stream=True, skip_broken=True)
    assert_same(streamed, load_dataset(folder, 32, skip_broken=True))
    assert [path.name for path in streamed.broken] == ["0.png"]


def test_arrays_are_not_streamed(tmp_path):
    pair = write_pair(tmp_path / "colours")
    with pytest.raises(InputError, match=r"resnet_keras\.data pack .*colours"):
        load_dataset(pair, 32, stream=True)
    with pytest.raises(InputError, match="cannot be streamed"):
        load_dataset("hands", 32, stream=True)
