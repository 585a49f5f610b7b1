"""Bad entries are named, with file and entry; those that can be left out are."""

import json
import sys

import pytest

from resnet_keras.detection.coco import read_coco
from resnet_keras.detection.voc import read_voc
from resnet_keras.detection.yolo import read_yolo
from tests.conftest import refusing
from tests.detection_cases import coco, painted, voc, yolo

GOOD = (1, 1, [10, 20, 30, 40])


def refused(read, source, *words):
    with refusing(*words) as raised:
        read(source)
    return str(raised.value)


def coco_file(folder, boxes=(GOOD,), images=None, **changes):
    painted((100, 80), [], folder / "a.png")
    painted((100, 80), [], folder / "b.png")
    images = images or [("a.png", 100, 80), ("b.png", 100, 80)]
    return coco(folder / "x.json", images, boxes, **changes)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ((1, 1, [200, 20, 30, 40]), "a box outside the picture, x from 200 to 230"),
        ((1, 1, [-25, 20, 30, 40]), "outside the picture"),
        ((1, 1, [10, 20, 0, 40]), "a box without area, x from 10 to 10"),
        ((1, 1, [10, 20, 5, -4]), "a box without area"),
        ((1, 9, [10, 20, 30, 40]), "the unknown category 9; known are 1, 2"),
        ((1, None, [10, 20, 30, 40]), "the unknown category None"),
        ((1, [1], [10, 20, 30, 40]), "the unknown category [1]"),
        (([1], 1, [10, 20, 30, 40]), "of image None, which is not listed"),
        ((7, 1, [10, 20, 30, 40]), "of image 7, which is not listed"),
        ((1, 1, [10, 20, float("nan"), 40]), "nan, 40]; expected four numbers"),
        ((1, 1, [10, 20, float("inf"), 40]), "expected four numbers"),
        ((1, 1, [10, 20, 30]), "its bbox is [10, 20, 30]; expected four numbers"),
        ((1, 1, [10, 20, 10**400, 40]), "expected four numbers"),
        ((1, 1, None), "its bbox is None"),
        ((1, 1, "wide"), "its bbox is 'wide'"),
    ],
)
def test_cocos_bad_box_is_named_and_may_be_left_out(bad, reason, tmp_path):
    path = coco_file(tmp_path, [GOOD, bad])
    refused(read_coco, path, f"{path}: annotation 2: ", reason, "--skip-broken")
    found = read_coco(path, skip_broken=True)
    assert [len(each.boxes) for each in found.pictures] == [1, 0]
    assert "Left out, as asked, 1 bad entry" in found.notes[-1]


def test_many_bad_boxes_are_one_line_with_their_number(tmp_path):
    path = coco_file(tmp_path, [GOOD, *[(1, 9, [0, 0, 9, 9])] * 5])
    message = refused(read_coco, path, "annotation 2", "annotation 4", "5 bad entries")
    assert "annotation 5" not in message


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        ([("a.png", 100, 80), ("gone.png", 9, 9)], "gone.png: no such picture"),
        ([("a.png", 100, 80), ("a.png", 100, 80)], "a.png: is listed twice"),
        ([("a.png", 100, 80), ("sub/../a.png", 100, 80)], "is listed twice"),
        ([("a.png", 100, 80), ("", 100, 80)], "image 2: has no id or no file_name"),
        ([("a.png", 100, 80), ("a\0.png", 9, 9)], r"'a\x00.png': no such picture"),
        ([("a.png", 100, 80), ("a" * 300, 9, 9)], "aaa: no such picture"),
    ],
)
def test_cocos_bad_picture_is_named_and_may_be_left_out(images, reason, tmp_path):
    (tmp_path / "sub").mkdir()
    path = coco_file(tmp_path, images=images)
    refused(read_coco, path, str(path), reason)
    assert len(read_coco(path, skip_broken=True).pictures) == 1


def test_a_picture_that_is_none_is_named(tmp_path):
    path = coco_file(tmp_path)
    (tmp_path / "b.png").write_text("no picture")
    refused(read_coco, path, "b.png: no readable picture")


@pytest.mark.parametrize(
    ("key", "row", "reason"),
    [
        ("images", {"id": 1, "file_name": "c.png"}, "image 1: c.png has an id that is"),
        ("annotations", {"id": 1, "image_id": 1}, "annotation 1: an id that is given"),
        ("categories", {"id": 2, "name": "ox"}, "category 2: is both 'dog' and 'ox'"),
        ("categories", {"id": 3}, "category 3: has no number as id, or no name"),
    ],
)
def test_ids_that_clash_are_named(key, row, reason, tmp_path):
    path = coco_file(tmp_path)
    content = json.loads(path.read_text())
    content[key].append(row)
    path.write_text(json.dumps(content))
    refused(read_coco, path, f"{path}: {reason}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", 'expected lists "images", "annotations" and "categories"'),
        ('{"images": [], "annotations": []}', "is not COCO's JSON"),
        ('{"images": [3], "annotations": [], "categories": []}', "is not COCO's JSON"),
        ('{"images": [', "is no JSON"),
        ('{"images": [], "annotations": [], "categories": []}', "lists no pictures"),
    ],
)
def test_other_json_is_refused(text, reason, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(text)
    refused(read_coco, path, str(path), reason)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("7 0.5 0.5 0.2 0.2", "the unknown class 7; known are 0 cat, 1 dog"),
        ("0.5 0.5 0.5 0.2 0.2", "the unknown class 0.5"),
        ("cat 0.5 0.5 0.2 0.2", "'cat 0.5 0.5 0.2 0.2'; expected a class and four"),
        ("0 0.5 0.5 0.2", "expected a class and four numbers"),
        ("0 0.5 0.5 0.2 0.2 0.9", "expected a class and four numbers"),
        ("0 0.5 nan 0.2 0.2", "expected a class and four numbers"),
        ("0 50 20 10 10", "are no fractions of the picture"),
        ("0 1.4 0.5 0.2 0.2", "a box outside the picture, x from 130 to 150"),
        ("0 0.5 0.5 0 0.2", "a box without area"),
    ],
)
def test_yolos_bad_line_is_named(line, reason, tmp_path):
    root = yolo(tmp_path, [f"0 0.5 0.5 0.2 0.2\n{line}\n", ""])
    file = root / "labels/train/0.txt"
    refused(read_yolo, root, f"{file}: line 2: ", reason)
    found = read_yolo(root, skip_broken=True)
    assert [len(each.boxes) for each in found.pictures] == [1, 0]


def test_labels_without_a_picture_are_named(tmp_path):
    root = yolo(tmp_path, ["0 0.5 0.5 0.2 0.2", ""])
    (root / "images/train/1.png").unlink()
    refused(read_yolo, root, "labels/train/1.txt: its picture: is missing")


def test_pictures_without_any_labels_are_no_background(tmp_path):
    root = yolo(tmp_path, ["0 0.5 0.5 0.2 0.2"] * 3)
    (root / "labels").rename(root / "label")
    refused(read_yolo, root, "none of 3 pictures has a file of labels", "labels/train/")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("names: [cat]\n", "names no pictures"),
        ("names: [cat]\ntrain: gone\n", "train: gone: no such folder or list"),
        ("names: 3\ntrain: images/train\n", "expected names: a list of class names"),
        ("names:\ntrain: images/train\n", "expected names: a list of class names"),
        ("names: [[a], b]\ntrain: images/train\n", "expected names: a list of class"),
        ("names: {a: 0}\ntrain: images/train\n", "expected names: a list of class"),
        ("names: [a]\ntrain: {a: b}\n", "expected train: a folder, or a list"),
        ("names: [a, b]\nnc: 3\ntrain: images/train\n", "says nc: 3 and has 2 names"),
        ("names: [a, a]\ntrain: images/train\n", "two classes have one name"),
        ("names: [a\n", "is no YAML"),
        ("- names: [a]", "expected names: and train:"),
    ],
)
def test_yolos_bad_yaml_is_refused(text, reason, tmp_path):
    root = yolo(tmp_path, ["0 0.5 0.5 0.2 0.2"])
    (root / "data.yaml").write_text(text)
    refused(read_yolo, root, "data.yaml", reason)


def test_without_pyyaml_the_extra_is_named(tmp_path, monkeypatch):
    root = yolo(tmp_path, ["0 0.5 0.5 0.2 0.2"])
    monkeypatch.setitem(sys.modules, "yaml", None)
    refused(read_yolo, root, "data.yaml: takes PyYAML", "'resnet_keras[detection]'")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (("dog", 30, 5, 20, 60), "a box without area, x from 30 to 20"),
        (("dog", 300, 5, 320, 60), "a box outside the picture"),
        (
            ("dog", "nan", 5, 20, 60),
            "xmin nan, ymin 5, xmax 20, ymax 60; expected",
        ),
        (("dog", "", 5, 20, 60), "expected four numbers in bndbox"),
        (("", 10, 5, 20, 60), "has no name; expected a class"),
    ],
)
def test_vocs_bad_object_is_named(bad, reason, tmp_path):
    painted((100, 80), [], tmp_path / "a.png")
    good = ("dog", 1, 1, 10, 10)
    path = voc(tmp_path / "a.xml", "a.png", (100, 80), [good, bad])
    refused(read_voc, tmp_path, f"{path}: object 2: ", reason)
    found = read_voc(tmp_path, skip_broken=True)
    assert len(found.pictures[0].boxes) == 1


def test_vocs_bad_files_are_named(tmp_path):
    painted((100, 80), [], tmp_path / "a.png")
    voc(tmp_path / "a.xml", "a.png", (100, 80), [("dog", 1, 1, 10, 10)])
    (tmp_path / "b.xml").write_text("<annotation>")
    voc(tmp_path / "c.xml", "c.png", (100, 80), [])
    voc(tmp_path / "d.xml", "a.png", (100, 80), [])
    refused(
        read_voc,
        tmp_path,
        "b.xml: XML: cannot be read",
        "c.png: no such picture",
        "a.png: is listed twice",
        "3 bad entries",
    )


def test_an_xml_that_would_grow_without_end_is_named(tmp_path):
    entities = "".join(
        f'<!ENTITY x{number + 1} "{f"&x{number};" * 10}">' for number in range(9)
    )
    (tmp_path / "a.xml").write_text(
        f'<!DOCTYPE a [<!ENTITY x0 "ten">{entities}]>'
        "<annotation><filename>&x9;</filename></annotation>"
    )
    refused(read_voc, tmp_path, "a.xml: XML: cannot be read")
