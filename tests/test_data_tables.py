"""Tables of files and classes, with or without parts, suffixes and folders."""

import shutil

import pytest
from PIL import Image

from resnet_keras import load_dataset
from resnet_keras.errors import InputError
from tests.conftest import refusing

ANIMALS = ("cat", "dog")
QUOTE = ("", '"')


def write(tmp_path, header, row, number=30, folder="images", name="labels.csv"):
    """Write pictures and a table of them; `row` makes a line from a number."""
    (tmp_path / folder).mkdir(exist_ok=True)
    for i in range(number):
        path = tmp_path / folder / f"{i:02}.png"
        Image.new("RGB", (8, 8), (i, 0, 0)).save(path)
    lines = [header, *(row(i) for i in range(number))]
    (tmp_path / name).write_text("\n".join(line for line in lines if line) + "\n")
    return tmp_path


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("filename,label", lambda i: f"{i:02}.png,{ANIMALS[i % 2]}"),
        ("id,label", lambda i: f"{i:02},{ANIMALS[i % 2]}"),
        ("path;class", lambda i: f"images/{i:02}.png;{ANIMALS[i % 2]}"),
        ("Image Path,Class Name", lambda i: f"C:\\me\\{i:02}.png,{ANIMALS[i % 2]}"),
        ("image_id\tbreed", lambda i: f"{i:02}\t{ANIMALS[i % 2]}"),
        ("file,class_id,class", lambda i: f"{i:02}.png,{i % 2},{ANIMALS[i % 2]}"),
        ("image,cat,dog", lambda i: f"{i:02},{1 - i % 2}.0,{i % 2}.0"),
        ("", lambda i: f"images/{i:02}.png,{ANIMALS[i % 2]}"),
    ],
)
def test_columns(tmp_path, header, row):
    write(tmp_path, header, row)
    for source in (tmp_path, tmp_path / "labels.csv"):
        dataset = load_dataset(source, 8)
        assert dataset.class_names == ["cat", "dog"]
        for part in (dataset.train, dataset.test):
            assert (part.images[:, 0, 0, 0] % 2 == part.labels).all()
        assert len(dataset.train) + len(dataset.test) == 30
        assert dataset.notes[0].startswith("labels.csv: files from ")
        assert "No test part given" in dataset.notes[-1]


def test_numbered_columns_of_0_and_1_are_classes(tmp_path):
    row = lambda i: f"{i:02}.png,{int(i % 3 == 0)},{int(i % 3 == 1)},{int(i % 3 == 2)}"  # noqa: E731
    dataset = load_dataset(write(tmp_path, "image,class_0,class_1,class_2", row), 8)
    assert dataset.class_names == ["class_0", "class_1", "class_2"]
    for part in (dataset.train, dataset.test):
        assert (part.images[:, 0, 0, 0] % 3 == part.labels).all()


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("image,label_1,label_2", lambda i: f"{i:02}.png,{ANIMALS[i % 2]},{i % 3}"),
        ("image,class 1,class 2", lambda i: f"{i:02}.png,{i % 2},{i % 3}"),
    ],
)
def test_numbered_columns_that_differ_are_refused(tmp_path, header, row):
    with refusing("may be the class, and they differ"):
        load_dataset(write(tmp_path, header, row), 8)


def test_column_without_a_number_is_the_class(tmp_path):
    """As in the tables that predict writes, where class is not always class_1."""
    row = lambda i: f"{i:02}.png,{ANIMALS[i % 2]},{'elk' if i < 3 else 'x'}"  # noqa: E731
    dataset = load_dataset(write(tmp_path, "image,class,class_1", row), 8)
    assert dataset.class_names == ["cat", "dog"]


def test_folds_by_number_are_no_parts(tmp_path):
    row = lambda i: f"{i:02}.png,{ANIMALS[i % 2]},{i % 5}"  # noqa: E731
    dataset = load_dataset(write(tmp_path, "image,label,fold", row), 8)
    assert len(dataset.train) + len(dataset.test) == 30
    with refusing("'split' contains '0'; expected train, val or test"):
        load_dataset(write(tmp_path, "image,label,split", row), 8)


def test_other_encodings_are_refused_where_they_would_mix_classes(tmp_path):
    row = lambda i: f"{i:02}.png;{('кот', 'дом')[i % 2]}"  # noqa: E731
    write(tmp_path, "image;label", row)
    path = tmp_path / "labels.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp1251"))
    with refusing("is not UTF-8, as the class"):
        load_dataset(tmp_path, 8)


def test_long_cells_and_open_quotes(tmp_path):
    row = lambda i: f"{i:02}.png,{ANIMALS[i % 2]},{'x' * 140_000}"  # noqa: E731
    dataset = load_dataset(write(tmp_path, "image,label,small", row), 8)
    assert len(dataset.train) + len(dataset.test) == 30
    row = lambda i: f"{i:02}.png,{ANIMALS[i % 2]},{QUOTE[i == 3]}x"  # noqa: E731
    with refusing("labels.csv: row 5 cannot be read"):
        load_dataset(write(tmp_path, "image,label,small", row), 8)
    (tmp_path / "labels.csv").unlink()
    (tmp_path / "images").rename(tmp_path / "cat")
    shutil.copytree(tmp_path / "cat", tmp_path / "dog")
    (tmp_path / "texts.csv").write_text('id,text\n1,"a "cat" sat\n')
    assert load_dataset(tmp_path, 8).class_names == ["cat", "dog"]


def test_parts_in_a_column(tmp_path):
    parts = ("train", "valid", "test")
    row = lambda i: f"{i:02}.png,{ANIMALS[i % 2]},{parts[i % 3]}"  # noqa: E731
    dataset = load_dataset(write(tmp_path, "filename,label,split", row), 8)
    assert (dataset.test.images[:, 0, 0, 0] % 3 == 2).all()
    assert dataset.num_validation == len(dataset.test) == 10
    assert len(dataset.train) == 20
    [note] = dataset.notes
    assert note.endswith("classes from 'label', parts from 'split'.")


def test_a_table_per_part(tmp_path):
    for part in ("train", "test"):
        row = lambda i: f"{i:02}.png,{ANIMALS[i % 2]}"  # noqa: E731
        number = {"train": 8, "test": 4}[part]
        write(tmp_path, "filename,label", row, number, part, f"{part}.csv")
    (tmp_path / "sample_submission.csv").write_text("filename,label\n00.png,cat\n")
    dataset = load_dataset(tmp_path, 8)
    assert (len(dataset.train), len(dataset.test)) == (8, 4)


def test_what_is_left_out_is_counted(tmp_path):
    row = lambda i: f"{i:02}.png,{ANIMALS[i % 2] if i > 2 else ''}"  # noqa: E731
    write(tmp_path, "filename,label", row)
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "more.png")
    notes = load_dataset(tmp_path, 8).notes
    assert (
        "Left out: pictures that no row names (4), rows of labels.csv without a class "
        "(3)." in notes
    )


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        (
            "filename,label",
            lambda i: f"{i + (5 if i > 27 else 0):02}.png,a",
            "names 2 pictures that are not below",
        ),
        ("filename,label", lambda i: f"00.png,{i % 2}", "'0' in one row and '1' in a"),
        (
            "filename,label,category",
            lambda i: f"{i:02}.png,{i % 2},{i % 3}",
            "both 'label' and 'category' may be the class",
        ),
        (
            "filename,label",
            lambda i: f"{i:02}.png,a{',b' if i == 3 else ''}",
            "row 5 h",
        ),
        ("filename,label,split", lambda i: f"{i:02}.png,a,7", "'split' contains '7'"),
    ],
)
def test_wrong_tables_are_refused(tmp_path, header, row, words):
    write(tmp_path, header, row)
    with refusing(words, "labels.csv"):
        load_dataset(tmp_path, 8)


def test_pictures_not_found_are_skipped_if_asked(tmp_path):
    row = lambda i: f"{i + (5 if i > 27 else 0):02}.png,{i % 2}"  # noqa: E731
    write(tmp_path, "filename,label", row)
    dataset = load_dataset(tmp_path, 8, skip_broken=True)
    assert len(dataset.train) + len(dataset.test) == 28


def test_table_that_contradicts_folders_is_refused(tmp_path):
    for folder in ("part_1", "part_2"):
        row = lambda i: f"{i:02}.png,{ANIMALS[i % 2]}"  # noqa: E731
        write(tmp_path, "filename,label", row, folder=folder)
    with pytest.raises(
        InputError, match=r"gives its pictures other classes than their"
    ):
        load_dataset(tmp_path, 8)


def test_pictures_of_one_name_are_told_apart_by_their_folders(tmp_path):
    for folder in ("a", "b"):
        row = lambda i: f"b/{i:02}.png,{ANIMALS[i % 2]}"  # noqa: E731
        write(tmp_path, "path,label", row, folder=folder)
    dataset = load_dataset(tmp_path / "labels.csv", 8)
    assert "pictures that no row names (30)" in " ".join(dataset.notes)
    (tmp_path / "labels.csv").write_text("path,label\n00.png,cat\n01.png,dog\n")
    with pytest.raises(InputError, match=r"'00\.png' may be .*a/00\.png or .*b/00"):
        load_dataset(tmp_path / "labels.csv", 8)


def test_one_hot_tables_in_the_folders_of_parts(tmp_path):
    """As Roboflow writes them."""
    for part in ("train", "valid", "test"):
        row = lambda i: f"{i:02}.png, {1 - i % 2}, {i % 2}"  # noqa: E731
        write(tmp_path, "filename, Cat 1, dog", row, 6, part, f"{part}/_classes.csv")
    dataset = load_dataset(tmp_path, 8)
    assert dataset.class_names == ["Cat 1", "dog"]
    assert (len(dataset.train), dataset.num_validation, len(dataset.test)) == (12, 6, 6)


def test_tables_of_both_parts_where_test_has_no_folders(tmp_path):
    """As in the German traffic signs: classes by folder in Train, by table in Test."""
    for label in range(2):
        row = lambda i, label=label: f"Train/{label}/{i:02}.png,{label}"  # noqa: E731
        (tmp_path / "Train").mkdir(exist_ok=True)
        write(tmp_path, "Path,ClassId", row, 6, f"Train/{label}", f"{label}.txt")
    lines = [(tmp_path / f"{label}.txt").read_text().split()[1:] for label in range(2)]
    (tmp_path / "Train.csv").write_text(
        "\n".join(["Path,ClassId", *lines[0], *lines[1]])
    )
    row = lambda i: f"Test/{i:02}.png,{i % 2}"  # noqa: E731
    write(tmp_path, "Path,ClassId", row, 4, "Test", "Test.csv")
    row = lambda i: f"Meta/{i:02}.png,{i}"  # noqa: E731
    write(tmp_path, "Path,ClassId", row, 2, "Meta", "Meta.csv")
    dataset = load_dataset(tmp_path, 8)
    assert dataset.train.counts(2).tolist() == [6, 6]
    assert dataset.test.labels.tolist() == [0, 1, 0, 1]


def test_table_of_the_test_part_alone(tmp_path):
    row = lambda i: f"{i:02}.png,{ANIMALS[i % 2]}"  # noqa: E731
    write(tmp_path, "filename,label", row, name="test.csv")
    dataset = load_dataset(tmp_path / "test.csv", 8, needs_train=False)
    assert (len(dataset.train), len(dataset.test)) == (0, 30)
