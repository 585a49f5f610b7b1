"""Arrays under the names that people give them, in .npz, .npy and HDF5."""

import tracemalloc

import h5py
import numpy as np
import pytest

from resnet_keras import load_dataset
from resnet_keras.data import arrays
from resnet_keras.errors import InputError
from tests.conftest import coloured_images, refusing

TRAIN, TEST = np.arange(9) % 3, np.arange(6) % 3
X, XT = coloured_images(TRAIN), coloured_images(TEST, seed=1)
RIGHT = {"x_train": X, "y_train": TRAIN, "x_test": XT, "y_test": TEST}


def write_npz(path, changes=(), **keys):
    """Write the right arrays with `changes`, or the named ones only."""
    arrays = keys or {**RIGHT, **dict(changes)}
    np.savez(path, **{key: array for key, array in arrays.items() if array is not None})
    return path


def load(tmp_path, *changes, **keys):
    return load_dataset(write_npz(tmp_path / "set.npz", *changes, **keys), 32)


def assert_right(dataset, class_names=("0", "1", "2")):
    assert dataset.class_names == list(class_names)
    np.testing.assert_array_equal(dataset.train.images, X)
    np.testing.assert_array_equal(dataset.train.labels, TRAIN)
    np.testing.assert_array_equal(dataset.test.images, XT)
    np.testing.assert_array_equal(dataset.test.labels, TEST)


def test_usual_names_need_no_note(tmp_path):
    dataset = load(tmp_path)
    assert_right(dataset)
    assert dataset.notes == ()
    assert dataset.name == "set"


@pytest.mark.parametrize(
    "keys",
    [
        ("X_train", "y_train", "X_test", "y_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("train_set_x", "train_set_y", "test_set_x", "test_set_y"),
        ("trainX", "trainY", "testX", "testY"),
        ("xtrain", "ytrain", "xtest", "ytest"),
        ("training_data", "training_targets", "testing_data", "testing_targets"),
        ("arr_0", "arr_1", "arr_2", "arr_3"),
    ],
)
def test_names_of_arrays(tmp_path, keys):
    assert_right(load(tmp_path, **dict(zip(keys, RIGHT.values(), strict=True))))


def test_positions_of_arrays_without_names_are_told(tmp_path):
    dataset = load(tmp_path, arr_0=X, arr_1=XT, arr_2=TRAIN, arr_3=TEST)
    assert_right(dataset)
    assert '"arr_0" (9, 32, 32, 3) are the train images and' in dataset.notes[0]


def test_parts_of_one_length_without_names_are_refused(tmp_path):
    with pytest.raises(InputError, match="which images are for training, and which"):
        load(tmp_path, arr_0=X, arr_1=X, arr_2=TRAIN, arr_3=TRAIN)


@pytest.mark.parametrize("keys", [("images", "labels"), ("x", "y"), ("data", "target")])
def test_arrays_without_parts_are_split(tmp_path, keys):
    labels = np.arange(60) % 3
    images = coloured_images(labels)
    dataset = load(tmp_path, **dict(zip(keys, (images, labels), strict=True)))
    assert len(dataset.train) + len(dataset.test) == 60
    assert 0 < len(dataset.test) < 30
    assert dataset.notes[0].startswith("No test part given: about 20% of the images, ")
    # The same image stays in its part, wherever it stands and whatever comes beside it.
    fewer = load(
        tmp_path, **dict(zip(keys, (images[:9:-1], labels[:9:-1]), strict=True))
    )
    for part in ("train", "test"):
        before = {image.tobytes() for image in getattr(fewer, part).images}
        assert before <= {image.tobytes() for image in getattr(dataset, part).images}


def test_training_arrays_alone_are_split(tmp_path):
    labels = np.arange(60) % 3
    dataset = load(tmp_path, x_train=coloured_images(labels), y_train=labels)
    assert len(dataset.train) + len(dataset.test) == 60
    assert "No test part given" in dataset.notes[0]


def test_validation_part_is_one(tmp_path):
    keys = {**RIGHT, "val_images": XT, "val_labels": TEST}
    dataset = load(tmp_path, **keys)
    np.testing.assert_array_equal(dataset.train.images, [*X, *XT])
    assert dataset.num_validation == 6
    np.testing.assert_array_equal(dataset.validation.labels, TEST)
    assert len(dataset.test) == 6


def test_validation_part_without_a_test_part_is_the_test(tmp_path):
    keys = {"x_train": X, "y_train": TRAIN, "x_val": XT, "y_val": TEST}
    path = write_npz(tmp_path / "val_only.npz", **keys)
    dataset = load_dataset(path, 32)
    assert_right(dataset)
    assert dataset.num_validation == 0
    assert "validation part is used for the test" in dataset.notes[0]


def test_test_part_alone(tmp_path):
    path = write_npz(tmp_path / "set.npz", x_test=XT, y_test=TEST)
    dataset = load_dataset(path, 32, needs_train=False)
    np.testing.assert_array_equal(dataset.test.images, XT)
    assert len(dataset.train) == 0
    with pytest.raises(InputError, match="holds a test part only"):
        load_dataset(path, 32)


@pytest.mark.parametrize("key", ["class_names", "classes", "label_names"])
def test_class_names(tmp_path, key):
    names = ["red", "green", "blue"]
    assert_right(load(tmp_path, {key: np.array(names)}), names)


def test_names_of_files_are_no_class_names(tmp_path):
    files = np.array([f"im{i}.png" for i in range(len(X))])
    dataset = load(tmp_path, images=X, labels=TRAIN, file_names=files)
    assert dataset.class_names == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda x: (x / 255).astype("f4"), "float32 from 0 to 1, multiplied by 255"),
        (lambda x: (x / 255).astype("f2"), "float16 from 0 to 1, multiplied by 255"),
        (lambda x: x.astype("f4"), "float32 from 0 to 255, taken as it is"),
        (lambda x: x / 127.5 - 1, "float64 from -1 to 1, taken for (x / 127.5) - 1"),
        (lambda x: x.astype("i8"), "int64 from 0 to 255, taken as it is"),
        (lambda x: np.moveaxis(x, -1, 1), "channels first, moved last"),
        (np.asfortranarray, None),
    ],
)
def test_images_in_other_numbers(tmp_path, change, note):
    dataset = load(tmp_path, {"x_train": change(X), "x_test": change(XT)})
    assert_right(dataset)
    assert (note is None and not dataset.notes) or note in dataset.notes[0]


@pytest.mark.parametrize("change", [np.asarray, lambda x: x[..., None]])
def test_grey_images(tmp_path, change):
    grey, grey_test = X[..., 0], XT[..., 0]
    dataset = load(tmp_path, {"x_train": change(grey), "x_test": change(grey_test)})
    np.testing.assert_array_equal(dataset.train.images, np.stack([grey] * 3, -1))
    assert dataset.notes == (
        'Images "x_train", "x_test": grey, repeated into three channels.',
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"y_test": None},
            'has no "y_test", the labels of the test part (it holds x_t',
        ),
        ({"x_train": np.zeros((9, 784))}, "save x.reshape(-1, 28, 28)"),
        ({"x_train": np.zeros((9, 3072))}, "x.reshape(-1, 32, 32, 3), or where the"),
        ({"x_train": np.zeros((9, 32, 32, 4))}, "take x[..., :3]"),
        ({"x_train": np.zeros((32, 32, 3, 9))}, "take numpy.moveaxis(x, -1, 0)"),
        ({"x_train": X / 50.0 - 2}, "float64 from"),
        ({"x_train": X.astype("u2") * 257}, "uint16 from"),
        ({"x_train": X / 255.0}, "expected one range in all parts"),
        ({"y_test": np.array([0, 1, 2, 3, 0, 1])}, "the label 3; expected 0 to 2"),
        ({"y_train": np.array([0, 2] * 4 + [0])}, 'class "1", an empty class'),
        ({"y_train": np.array([None] * 9)}, "Python objects, which could run code"),
        ({"Y_train": TRAIN}, 'both "y_train" and "Y_train" may be the labels'),
        ({"class_names": np.array(["a", "b", "b"])}, "names 'b' 2 times"),
        (
            {"x_train": X[:0], "y_train": TRAIN[:0]},
            '"x_train" has shape (0, 32, 32, 3), so the train part has no images',
        ),
        ({"y_train": TRAIN[:0]}, '"y_train" has shape (0,), so the train part has no'),
        (
            {"x_train": np.zeros((9, 3, 4, 3), np.uint8)},
            "channels first, of 4 x 3 pixels, or channels last, of 3 x 4;",
        ),
        ({"x_train": np.zeros((9, 3, 3, 3), np.uint8)}, "may be channels first"),
        ({"x_train": np.zeros((9, 1, 5, 3), np.uint8)}, "may be channels first"),
        ({"y_train": np.array([10**9, *TRAIN[1:]])}, f"{10**9} but has only 9 labels"),
    ],
)
def test_wrong_npz_is_refused(tmp_path, changes, words):
    with refusing(words, tmp_path / "set.npz"):
        load(tmp_path, changes)


def test_truncated_npz_is_refused(tmp_path):
    path = write_npz(tmp_path / "set.npz")
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"set\.npz"):
        load_dataset(path, 32)


def test_one_hdf5_file_alone_or_in_a_folder(tmp_path):
    with h5py.File(tmp_path / "all.hdf5", "w") as file:
        for key, array in RIGHT.items():
            file[key] = array
    assert_right(load_dataset(tmp_path / "all.hdf5", 32))
    assert_right(load_dataset(tmp_path, 32))


def test_arrays_in_groups_of_hdf5(tmp_path):
    with h5py.File(tmp_path / "all.h5", "w") as file:
        for key, array in RIGHT.items():
            role, part = key.split("_")
            file[f"{part}/{'images' if role == 'x' else 'labels'}"] = array
    assert_right(load_dataset(tmp_path / "all.h5", 32))


def test_folder_of_npy_files(tmp_path):
    for key, array in RIGHT.items():
        np.save(tmp_path / f"{key}.npy", array)
    assert_right(load_dataset(tmp_path, 32))
    assert_right(load_dataset(tmp_path / "x_train.npy", 32))


def test_npz_by_content(tmp_path):
    path = write_npz(tmp_path / "set.npz")
    assert_right(load_dataset(path.rename(tmp_path / "set.zip"), 32))


def test_several_files_of_arrays_are_refused(tmp_path):
    for name in ("one", "other"):
        write_npz(tmp_path / f"{name}.npz")
    with pytest.raises(InputError, match=r"one\.npz, other\.npz.*give the one that is"):
        load_dataset(tmp_path, 32)


def test_object_arrays_of_npy_are_refused_in_words(tmp_path):
    np.save(tmp_path / "x_train.npy", np.array([None, {}], object))
    np.save(tmp_path / "y_train.npy", np.arange(2))
    with pytest.raises(InputError, match="Python objects, which could run code"):
        load_dataset(tmp_path, 32)


@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_large_arrays_are_read_some_rows_at_a_time(tmp_path, monkeypatch, kind):
    """Ten parts' worth of pictures of 300 pixels: 27 MB, of which 1 MB at a time."""
    monkeypatch.setattr(arrays, "_CHUNK_BYTES", 2**20)
    images = np.random.default_rng(0).integers(0, 255, (100, 300, 300, 3), np.uint8)
    images_of = {"x_train": images, "x_test": images[:3]}
    arrays_of = {**images_of, "y_train": np.arange(100) % 3, "y_test": np.arange(3)}
    path = tmp_path / f"set.{kind}"
    if kind == "npz":
        np.savez(path, **arrays_of)
    else:
        with h5py.File(path, "w") as file:
            for key, array in arrays_of.items():
                file[key] = array
    load_dataset(path, 8)  # what is imported on the way does not count
    tracemalloc.start()
    dataset = load_dataset(path, 8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 2**20
    expected = arrays.fit_all(images, (8, 8))
    np.testing.assert_array_equal(dataset.train.images, expected)
