import csv
from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageFilter

from resnet_keras import hands, load_dataset
from resnet_keras.audit import audit, quick
from resnet_keras.audit.findings import Pictures
from resnet_keras.audit.page import write_page
from resnet_keras.audit.report import (
    check_list,
    clean,
    in_words,
    write_clean,
    write_table,
)
from resnet_keras.data import Dataset, Split
from resnet_keras.errors import InputError


@pytest.fixture(scope="module")
def images():
    return hands.render(48, 64).images


@pytest.fixture
def folder(tmp_path, images):
    """Two classes in two parts, with one picture of each fault in training."""
    rows = iter(range(48))
    for part, number in (("train", 16), ("test", 6)):
        for name in ("a", "b"):
            (tmp_path / part / name).mkdir(parents=True)
            for index in range(number):
                image = Image.fromarray(images[next(rows)])
                image.save(tmp_path / part / name / f"{index}.png")
    a, b = tmp_path / "train" / "a", tmp_path / "train" / "b"
    (a / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    Image.new("RGB", (64, 64), "grey").save(a / "blank.png")
    picture = Image.fromarray(images[44])
    picture.filter(ImageFilter.GaussianBlur(4)).save(a / "blurred.png")
    Image.fromarray(images[45]).resize((20, 20)).save(a / "tiny.png")
    Image.fromarray(images[46]).resize((300, 64)).save(a / "odd.png")
    Image.fromarray(images[47]).convert("L").save(a / "grey.png")
    # A copy across the parts, one within, and one with another class.
    Image.open(tmp_path / "test" / "a" / "0.png").save(a / "leak.jpg", quality=80)
    # Without colour, though its mode is that of the others
    Image.fromarray(images[46]).convert("L").convert("RGB").save(b / "drained.png")
    Image.open(b / "0.png").save(b / "again.png")
    Image.open(a / "1.png").save(b / "disputed.png")
    return tmp_path


def found_in(folder):
    dataset = load_dataset(folder, skip_broken=True, needs_train=False)
    return audit(dataset)


def test_each_fault_of_a_picture_is_found(folder):
    found = found_in(folder)
    kinds = {
        each.name.rsplit("/", 1)[1]: each.kind
        for each in found.findings
        if each.kind in ("damaged", "blank", "blurred", "tiny", "odd colours")
        or each.name.endswith("odd.png")
    }
    assert kinds == {
        "damaged.jpg": "damaged",
        "blank.png": "blank",
        "blurred.png": "blurred",
        "tiny.png": "tiny",
        "odd.png": "odd size",
        "grey.png": "odd colours",
        "drained.png": "odd colours",
    }
    [drained] = [each for each in found.findings if each.name.endswith("drained.png")]
    assert "RGB without colour" in drained.detail


def test_copies_are_named_with_what_they_are_copies_of(folder):
    found = found_in(folder)
    names = [name.removeprefix(f"{folder}/") for name in found.pictures.names]
    pairs = {
        (each.kind, *sorted((names[each.row], names[each.other])))
        for each in found.of_kind("exact copy", "near copy", "two labels")
    }
    assert pairs == {
        ("near copy", "test/a/0.png", "train/a/leak.jpg"),
        ("exact copy", "train/b/0.png", "train/b/again.png"),
        ("exact copy", "train/a/1.png", "train/b/disputed.png"),
        ("two labels", "train/a/1.png", "train/b/disputed.png"),
    }
    text = in_words(found)
    assert "Of 12 test images 0 are exact copies" in text
    assert "1 more are near copies" in text
    assert "1 pairs of copies have two labels" in text


def test_the_table_has_a_row_for_each_finding(folder, tmp_path):
    found = found_in(folder)
    write_table(found, tmp_path / "findings.csv")
    with (tmp_path / "findings.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found.findings)
    (leak,) = [row for row in rows if row["reason"] == "near copy"]
    assert leak["part"] == "test"
    assert leak["picture"].endswith("test/a/0.png")
    assert leak["other"].endswith("train/a/leak.jpg")


def test_the_clean_list_is_a_data_set_without_copies(folder):
    found = found_in(folder)
    number = write_clean(found, folder / "clean.csv")
    dataset = load_dataset(folder / "clean.csv")
    assert len(dataset.train) + len(dataset.test) == number
    kept = {path.name for path in dataset.train.origins if path.parent.name == "a"}
    # 16 and 9 faulty ones; damaged, blank, leaked, and the disputed 1.png go.
    assert kept == {f"{n}.png" for n in range(16) if n != 1} | {
        *("blurred.png", "tiny.png", "odd.png", "grey.png")
    }
    in_b = Counter(path.name for path in dataset.train.origins)
    assert in_b["again.png"] + in_b["0.png"] == 2  # a/0.png and one of the two in b
    assert "disputed.png" not in in_b
    assert len(dataset.test) == 12
    again = audit(dataset)
    assert again.of_kind("exact copy", "near copy", "two labels", "blank") == []


def test_wrong_labels_leave_training_and_stay_in_the_test(folder):
    found = found_in(folder)
    train = found.pictures.names.index(str(folder / "train" / "a" / "3.png"))
    test = found.pictures.names.index(str(folder / "test" / "a" / "3.png"))
    found.findings += [
        found.pictures.finding("wrong label", row, suggested="b")
        for row in (train, test)
    ]
    assert train not in clean(found)
    assert test in clean(found)
    found.trusts_predictions = False
    assert train in clean(found)


def test_a_page_shows_names_as_text(folder):
    (folder / "train" / "a" / "3.png").rename(folder / "train" / "a" / "<b>&.png")
    found = found_in(folder)
    row = found.pictures.names.index(str(folder / "train" / "a" / "<b>&.png"))
    found.findings.append(found.pictures.finding("blurred", row))
    write_page(found, in_words(found), folder / "page.html")
    page = (folder / "page.html").read_text()
    assert "&lt;b&gt;&amp;.png" in page
    assert "<b>&.png" not in page
    num_shown = sum(
        0 if each.row is None else 1 if each.other is None else 2
        for each in found.findings
    )
    assert page.count("<img") == num_shown


@pytest.mark.parametrize(
    ("name", "words"),
    [("clean.txt", "in .csv"), ("elsewhere/clean.csv", "would not be found")],
)
def test_a_list_that_could_not_be_read_back_is_refused(folder, name, words):
    with pytest.raises(InputError, match=words):
        check_list(folder / name, folder)


def arrays(images, labels=None, num_test=8, **more):
    labels = np.zeros(len(images), np.int64) if labels is None else labels
    first = len(images) - num_test
    parts = (
        Split(images[:first], labels[:first]),
        Split(images[first:], labels[first:]),
    )
    return Dataset("some", "arrays", ["0", "1"], *parts, **more)


def test_rows_of_arrays_are_named_by_part(images):
    dataset = arrays(images, num_validation=4)
    pictures = Pictures(dataset)
    assert pictures.names[35:41] == [
        *("train[35]", "validation[0]", "validation[1]", "validation[2]"),
        *("validation[3]", "test[0]"),
    ]
    with pytest.raises(InputError, match="holds arrays"):
        check_list("clean.csv", ".", dataset)


def test_rows_of_a_drawn_part_keep_their_places(tmp_path, images):
    np.savez(tmp_path / "one.npz", images=images, labels=np.arange(48) % 2)
    pictures = Pictures(load_dataset(tmp_path / "one.npz", 64))
    for name, image in zip(pictures.names, pictures.images, strict=True):
        row = int(name.removeprefix("images[").removesuffix("]"))
        np.testing.assert_array_equal(image, images[row])


def test_quick_counts_test_images_that_are_copies_of_others(images):
    leaking = images.copy()
    leaking[40:43] = images[:3, :, ::-1]
    (sentence,) = quick(arrays(leaking))
    assert sentence.startswith("Of 8 test images 3 are altered copies")
    assert quick(arrays(images)) == []


def test_unequal_classes_are_told(images):
    labels = np.r_[np.zeros(38, np.int64), np.ones(2, np.int64), np.arange(8) % 2]
    sentences = audit(arrays(images, labels)).sections["Classes"]
    assert "0 has 19.0 times the images of 1" in " ".join(sentences)
    assert "Fewer than 20 images: 1." in sentences
