"""Data sets as tools lay them out: found, split, read and placed on squares."""

import os
import shutil
import sys

import numpy as np
import pytest

from resnet_keras.detection import load_detection
from resnet_keras.detection.coco import write_coco
from resnet_keras.detection.voc import write_voc
from resnet_keras.detection.yolo import write_yolo
from resnet_keras.errors import InputError
from tests.detection_cases import annotated, coco, coco_of_one, painted, voc, yolo

CENTRE = "0 0.5 0.5 0.2 0.2"


def names(pictures):
    return sorted(name.rsplit("/", 1)[-1] for name in pictures.names)


@pytest.mark.parametrize("write", [write_coco, write_yolo, write_voc])
def test_what_is_written_is_read_with_its_parts(write, tmp_path):
    first = annotated(tmp_path / "first")
    write(first, tmp_path / "set")
    found = load_detection(str(tmp_path / "set"), image_size=96)
    assert names(found.train) == [f"picture {index}.png" for index in range(4)]
    assert names(found.test) == ["picture 4.png", "picture 5.png"]
    assert found.class_names == ["left hand", "right"]
    assert found.train.num_empty == 1
    assert found.name == "set"
    assert found.notes == ()
    for part in (found.train, found.test):
        for index, name in enumerate(part.names):
            [picture] = [
                x for x in first.pictures if x.path.name == name.rsplit("/", 1)[-1]
            ]
            assert tuple(part.sizes[index]) == picture.size
            back = part.placement(index).to_picture(part.boxes[index])
            np.testing.assert_allclose(back, picture.boxes, rtol=0, atol=0.51)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("size", [(300, 120), (90, 201), (64, 64), (30, 20)])
def test_pixels_lie_in_their_boxes(size, suffix, tmp_path):
    width, height = size
    box = [width // 5, height // 4, width // 2, height - height // 5]
    painted(size, [box], tmp_path / f"b{suffix}")
    bbox = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
    coco(tmp_path / "x.json", [(f"b{suffix}", *size)], [(1, 1, bbox)])
    found = load_detection(str(tmp_path), image_size=96)
    bright = found.train.images[0][..., 0] > 182  # half way from padding to white
    rows, columns = bright.any(1).nonzero()[0], bright.any(0).nonzero()[0]
    seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    np.testing.assert_allclose(seen, found.train.boxes[0][0], rtol=0, atol=1)


def test_cocos_own_layout(tmp_path):
    for part in ("train", "val"):
        painted((100, 80), [], tmp_path / f"{part}2017" / f"{part}.png")
        file = tmp_path / "annotations" / f"instances_{part}2017.json"
        coco(file, [(f"{part}.png", 100, 80)], [(1, 1, [1, 2, 30, 40])])
        coco(tmp_path / "annotations" / f"captions_{part}2017.json", [])
    found = load_detection(tmp_path, image_size=64)
    assert names(found.train) == ["train.png"]
    assert names(found.test) == ["val.png"]
    assert "the validation part is used for the test" in " ".join(found.notes)
    alone = load_detection(tmp_path / "annotations" / "instances_train2017.json", 64)
    assert names(alone.train) == ["train.png"]


@pytest.mark.parametrize(
    "folder", ["images", "images/default", "", "somewhere/else", "annotations"]
)
def test_a_file_of_coco_and_its_pictures_elsewhere(folder, tmp_path):
    painted((100, 80), [], tmp_path / folder / "b.png")
    file = tmp_path / "annotations" / "instances_default.json"
    # The name is that of the machine that wrote it.
    coco(file, [("C:\\data\\b.png", 100, 80)], [(1, 1, [1, 2, 30, 40])])
    assert names(load_detection(tmp_path, 64).train) == ["b.png"]


def test_a_class_without_a_box_is_left_out(tmp_path):
    rows = [(2, [1, 2, 30, 40]), (3, [1, 2, 30, 40])]
    file = coco_of_one(tmp_path, rows, ["all", "cat", "dog"])
    found = load_detection(file, 64)
    assert found.class_names == ["cat", "dog"]
    assert found.train.labels[0].tolist() == [0, 1]
    assert "Classes without a box, left out: all." in found.notes


def test_ignored_boxes_lie_on_the_square_and_have_the_number_of_their_class(tmp_path):
    rows = [(3, [1, 2, 30, 40]), (3, [10, 20, 50, 40]), (2, [1, 2, 30, 40])]
    names = ["all", "cat", "dog"]
    found = load_detection(coco_of_one(tmp_path, rows, names, crowds=(1, 2)), 50)
    # Half as large, 5 pixels further down. A class without an object is left out.
    assert found.class_names == ["dog"]
    assert found.train.ignored[0].tolist() == [[5, 15, 30, 35, 0]]
    assert len(found.train.boxes[0]) == 1
    words = "none of 1 pictures has a box that is not marked to be ignored"
    with pytest.raises(InputError, match=words):
        load_detection(coco_of_one(tmp_path, rows, names, crowds=(0, 1, 2)), 50)


def test_two_ids_of_one_name_are_one_class(tmp_path):
    rows = [(1, [1, 2, 30, 40]), (2, [1, 2, 30, 40])]
    file = coco_of_one(tmp_path, rows, ["cat", "cat"])
    assert load_detection(file, 64).train.labels[0].tolist() == [0, 0]


def test_classes_behind_two_ids_of_one_name_keep_their_names(tmp_path):
    """As where Roboflow's group has the name of a class."""
    rows = [(2, [1, 2, 30, 40]), (4, [5, 6, 30, 40])]
    file = coco_of_one(tmp_path, rows, ["fish", "fish", "shark", "whale"])
    found = load_detection(file, 64)
    assert found.class_names == ["fish", "whale"]
    assert found.train.labels[0].tolist() == [0, 1]


def test_two_files_of_one_part_are_refused(tmp_path):
    painted((100, 80), [], tmp_path / "b.png")
    for name in ("x.json", "y.json"):
        coco(tmp_path / name, [("b.png", 100, 80)], [(1, 1, [1, 2, 30, 40])])
    with pytest.raises(InputError, match=r"both .*x\.json and .*y\.json may be the"):
        load_detection(tmp_path)


def roboflow(root, text):
    for part in ("train", "valid"):
        painted((100, 50), [(0, 0, 9, 9)], root / part / "images" / f"{part}.png")
        (root / part / "labels").mkdir()
        (root / part / "labels" / f"{part}.txt").write_text(CENTRE)
    (root / "data.yaml").write_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n"
        "nc: 2\nnames: ['cat', 'dog']\n",
        "path: /elsewhere\ntrain: train/images\nval: [valid/images]\n"
        "names:\n  0: cat\n  1: dog\n",
        "train: train\nvalid: valid\nnames: {0: cat, 7: dog}\n",
        "Train: train\nValidation: valid\nnames: [cat, dog]\n",
    ],
)
def test_roboflows_yolo(text, tmp_path):
    roboflow(tmp_path / "hands", text)
    for source in (tmp_path, tmp_path / "hands", tmp_path / "hands" / "data.yaml"):
        found = load_detection(source, 64)
        assert names(found.train) == ["train.png"]
        assert names(found.test) == ["valid.png"]
        assert found.class_names == ["cat"]
        assert found.name == "hands"


def test_yolos_lists_of_paths(tmp_path):
    root = yolo(tmp_path, [CENTRE, CENTRE, ""])
    (root / "train.txt").write_text("images/train/0.png\n./images/train/2.png\n")
    (root / "val.txt").write_text(f"{root}/images/train/1.png\n")
    (root / "data.yaml").write_text("train: train.txt\nval: val.txt\nnames: [cat]\n")
    found = load_detection(root, 64)
    assert names(found.train) == ["0.png", "2.png"]
    assert names(found.test) == ["1.png"]


def test_a_part_that_is_the_training_part_again_is_left_out(tmp_path):
    root = yolo(tmp_path, [CENTRE] * 12)
    text = "train: images/train\nval: images/train\nnames: [cat]\n"
    (root / "data.yaml").write_text(text)
    found = load_detection(root, 64)
    assert "val: images/train has the pictures of train" in found.notes[0]
    assert len(found.train) + len(found.test) == 12


def test_a_class_called_no_is_a_text(tmp_path):
    root = yolo(tmp_path, [f"1{CENTRE[1:]}", ""], names="[yes, no]")
    found = load_detection(root, 64)
    assert found.class_names == ["no"]


def test_a_folder_with_braces_in_its_name_can_be_named(tmp_path):
    root = yolo(tmp_path, [CENTRE] * 12, part="{0}")
    text = "train: images/{0}\nval: images/{0}\nnames: [cat]\n"
    (root / "data.yaml").write_text(text)
    assert "val: images/{0} has the pictures" in load_detection(root, 64).notes[0]


def test_images_labels_and_a_file_of_classes(tmp_path):
    root = yolo(tmp_path, [CENTRE, ""])
    (root / "data.yaml").unlink()
    (root / "classes.txt").write_text("cat\ndog\n")
    found = load_detection(root, 64)
    assert len(found.train) + len(found.test) == 2
    assert found.class_names == ["cat"]


def test_labels_beside_pictures_as_cvat_writes_them(tmp_path):
    for name, text in (("b", CENTRE), ("hand", "")):
        painted((100, 50), [], tmp_path / "obj_train_data" / f"{name}.png")
        (tmp_path / "obj_train_data" / f"{name}.txt").write_text(text)
    (tmp_path / "obj.names").write_text("cat\n")
    (tmp_path / "train.txt").write_text("data/obj_train_data/b.png\n")
    found = load_detection(tmp_path, 64)
    assert names(found.train) == ["b.png", "hand.png"]
    assert [len(labels) for labels in found.train.labels] == [1, 0]


@pytest.mark.parametrize("kind", ["lists", "folders"])
def test_parts_as_cvat_calls_them(kind, tmp_path):
    for part in ("Train", "Validation", "Test"):
        if kind == "lists":
            painted((100, 80), [], tmp_path / "JPEGImages" / f"{part}.png")
            rows = [("cat", 2, 3, 40, 50)]
            file = tmp_path / "Annotations" / f"{part}.xml"
            voc(file, f"{part}.png", (100, 80), rows)
            place = tmp_path / "ImageSets" / "Main" / f"{part}.txt"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(part)
        else:
            place = tmp_path / f"obj_{part}_data" / f"{part}.png"
            painted((100, 80), [], place).with_suffix(".txt").write_text(CENTRE)
            (tmp_path / "obj.names").write_text("cat\n")
    found = load_detection(tmp_path, 64)
    assert names(found.train) == ["Train.png", "Validation.png"]
    assert names(found.validation) == ["Validation.png"]
    assert names(found.test) == ["Test.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes there")
@pytest.mark.parametrize("form", ["yolo", "voc"])
def test_lists_of_names_that_are_not_utf8(form, tmp_path):
    name = os.fsdecode(b"b\xe4r")
    if form == "yolo":
        place = tmp_path / "images" / f"{name}.png"
        (tmp_path / "labels").mkdir()
        (tmp_path / "labels" / f"{name}.txt").write_text(CENTRE)
        (tmp_path / "data.yaml").write_text("train: train.txt\nnames: [cat]\n")
        (tmp_path / "train.txt").write_bytes(b"images/b\xe4r.png\n")
    else:
        place = tmp_path / "JPEGImages" / f"{name}.png"
        rows = [("cat", 2, 3, 40, 50)]
        voc(tmp_path / "Annotations" / f"{name}.xml", "", (100, 80), rows)
        (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
        (tmp_path / "ImageSets" / "Main" / "train.txt").write_bytes(b"b\xe4r\n")
    painted((100, 80), [], place)
    assert len(load_detection(tmp_path, 64).train) == 1


def test_vocs_lists_say_the_parts(tmp_path):
    root = tmp_path / "VOCdevkit" / "VOC2012"
    for name in ("a", "b", "c", "d"):
        painted((100, 80), [], root / "JPEGImages" / f"{name}.png")
        rows = [("cat", 2, 3, 40, 50)]
        voc(root / "Annotations" / f"{name}.xml", f"{name}.png", (100, 80), rows)
    lists = {
        "train": "a",
        "val": "b",
        "trainval": "a\nb",
        "test": "c",
        "cat_test": "d 1",
    }
    (root / "ImageSets" / "Main").mkdir(parents=True)
    for name, text in lists.items():
        (root / "ImageSets" / "Main" / f"{name}.txt").write_text(text)
    found = load_detection(tmp_path, 64)
    assert names(found.train) == ["a.png", "b.png"]
    assert names(found.validation) == ["b.png"]
    assert names(found.test) == ["c.png"]
    assert "Files of no list in ImageSets/Main, left out: 1." in found.notes


def test_labelimgs_xml_beside_pictures_or_apart(tmp_path):
    painted((100, 80), [], tmp_path / "pictures" / "a.png")
    painted((100, 80), [], tmp_path / "pictures" / "b.png")
    painted((100, 80), [], tmp_path / "pictures" / "c.png")
    rows = [("cat", 2, 3, 40, 50)]
    voc(tmp_path / "pictures" / "a.xml", "a.png", (100, 80), rows)
    voc(tmp_path / "xml" / "b.xml", "renamed since.png", (0, 0), rows)
    found = load_detection(tmp_path, 64)
    both = names(found.train) + names(found.test)
    assert sorted(both) == ["a.png", "b.png"]
    assert "Pictures without an .xml, left out: 1." in found.notes


def test_folders_of_voc_say_the_parts(tmp_path):
    for part in ("train", "valid", "test"):
        painted((100, 80), [], tmp_path / part / f"{part}.png")
        rows = [("cat", 2, 3, 40, 50)]
        voc(tmp_path / part / f"{part}.xml", f"{part}.png", (100, 80), rows)
    found = load_detection(tmp_path, 64)
    assert (len(found.train), len(found.test), found.num_validation) == (2, 1, 1)


def flat(folder, number, suffix=""):
    rows = []
    for index in range(number):
        name = f"{index:03d}{suffix}.png"
        box = (index % 30, 0, index % 30 + 9, 9 + index // 3)
        painted((40, 30), [box], folder / name)
        rows.append((name, 40, 30))
    boxes = [(index + 1, 1, [1, 2, 20, 20]) for index in range(number)]
    coco(folder / "x.json", rows, boxes, ["cat"])


def test_a_fifth_by_name_is_the_test_whatever_comes_later(tmp_path):
    flat(tmp_path / "few", 60)
    flat(tmp_path / "more", 80)
    few = load_detection(tmp_path / "few", 32)
    more = load_detection(tmp_path / "more", 32)
    assert 6 <= len(few.test) <= 20
    assert set(names(few.test)) == {x for x in names(more.test) if x < "060.png"}
    other = load_detection(tmp_path / "few", 32, split_seed=1)
    assert names(other.test) != names(few.test)
    assert "No test part given: some 20% of the pictures" in few.notes[0]


def test_variants_of_one_picture_stay_in_one_part(tmp_path):
    flat(tmp_path / "a", 40, "_png.rf.0a1b2c3d4e")
    flat(tmp_path / "b", 40, "_png.rf.99aa8877ff")
    tests = [
        [name[:3] for name in names(load_detection(tmp_path / x, 32).test)]
        for x in ("a", "b")
    ]
    assert tests[0] == tests[1] != []


def test_copies_and_small_boxes_are_told(tmp_path):
    flat(tmp_path, 60)
    shutil.copy(tmp_path / "000.png", tmp_path / "004.png")
    found = load_detection(tmp_path, 32)
    parts = [{*names(found.train)}, {*names(found.test)}]
    apart = ("000.png" in parts[0]) != ("004.png" in parts[0])
    assert any("copies of training" in note for note in found.notes) == apart
    coco(tmp_path / "x.json", [("000.png", 40, 30)], [(1, 1, [1, 2, 4, 20])])
    [note] = [x for x in load_detection(tmp_path, 32).notes if "narrower" in x]
    assert note.startswith("1 of 1 boxes are narrower than 4 pixels on squares of 32")


def test_of_a_wide_picture_little_is_left(tmp_path):
    file = coco_of_one(tmp_path, [(1, [9, 9, 40, 40])], size=(1000, 100))
    # 40 pixels of 1000 are 5.1 of 128 and 2.6 of 64.
    assert not any("narrower" in x for x in load_detection(file, 128).notes)
    assert any("1 of 1 boxes are narrower" in x for x in load_detection(file, 64).notes)


def test_a_test_part_alone_is_enough_to_evaluate_on(tmp_path):
    painted((100, 80), [], tmp_path / "test" / "a.png")
    path = tmp_path / "test" / "_annotations.coco.json"
    coco(path, [("a.png", 100, 80)], [(1, 1, [1, 2, 30, 40])])
    with pytest.raises(InputError, match="holds test pictures only"):
        load_detection(tmp_path, 64)
    found = load_detection(tmp_path, 64, needs_train=False)
    assert (len(found.train), len(found.test)) == (0, 1)
    assert "1 test pictures" in str(found)


def test_a_broken_picture_is_named_or_left_out(tmp_path):
    flat(tmp_path, 10)
    path = tmp_path / "001.png"
    path.write_bytes(path.read_bytes()[:-40])  # the header is whole
    with pytest.raises(InputError, match=r"001\.png: not a readable picture.*--skip"):
        load_detection(tmp_path, 32)
    found = load_detection(tmp_path, 32, skip_broken=True)
    assert len(found.train) + len(found.test) == 9
    assert any("1 broken pictures" in note for note in found.notes)


def test_what_is_no_source_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file or folder; expected 'scenes'"):
        load_detection(tmp_path / "gone")
    painted((9, 9), [], tmp_path / "a.png")
    with pytest.raises(InputError, match="holds no boxes that can be read"):
        load_detection(tmp_path)
    with pytest.raises(InputError, match="expected COCO's"):
        load_detection(tmp_path / "a.png")
    coco(tmp_path / "x.json", [("a.png", 9, 9)])
    with pytest.raises(InputError, match="none of 1 pictures has a box"):
        load_detection(tmp_path)


def test_pictures_of_one_name_are_told_apart_by_their_folders(tmp_path):
    for folder in ("x/one", "x/two"):
        painted((40, 30), [], tmp_path / folder / "b.png")
    boxes = [(1, 1, [1, 2, 20, 20])]
    coco(tmp_path / "x.json", [("D:/old/two/b.png", 40, 30)], boxes)
    assert load_detection(tmp_path, 32).train.names == (f"{tmp_path}/x/two/b.png",)
    path = coco(tmp_path / "x.json", [("b.png", 40, 30)], boxes)
    with pytest.raises(
        InputError, match=r"image 1: may be .*b\.png or .*b\.png\. Corr"
    ):
        load_detection(path, 32)
