"""COCO, YOLO and Pascal VOC: each as others read and write it, and into each other."""

import contextlib
import io
import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from resnet_keras.detection.coco import as_coco, read_coco, write_coco
from resnet_keras.detection.voc import read_voc, write_voc
from resnet_keras.detection.yolo import read_yolo, write_yolo
from resnet_keras.errors import InputError
from tests.detection_cases import annotated, coco, coco_of_one, painted, voc, yolo

FORMATS = {
    "coco": (read_coco, write_coco),
    "yolo": (read_yolo, write_yolo),
    "voc": (read_voc, write_voc),
}


def assert_same(found, expected, atol):
    """Compare annotations by the pictures' names; classes may come in another order."""
    by_name = {each.path.name: each for each in found.pictures}
    assert len(by_name) == len(expected.pictures)
    for picture in expected.pictures:
        other = by_name[picture.path.name]
        assert (other.size, other.part) == (picture.size, picture.part)
        np.testing.assert_allclose(other.boxes, picture.boxes, rtol=0, atol=atol)
        np.testing.assert_allclose(
            other.ignored[:, :4], picture.ignored[:, :4], rtol=0, atol=atol
        )
        for ours, theirs in (
            (other.labels, picture.labels),
            (other.ignored[:, 4].astype(int), picture.ignored[:, 4].astype(int)),
        ):
            names = [found.class_names[label] for label in ours]
            assert names == [expected.class_names[label] for label in theirs]


@pytest.mark.parametrize("order", [("coco", "yolo", "voc"), ("voc", "coco", "yolo")])
def test_round_trips_are_exact_to_half_a_pixel(order, tmp_path):
    first = found = annotated(tmp_path / "first")
    for name in (*order, order[0]):
        read, write = FORMATS[name]
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))} {name}"
        write(found, folder)
        found = read(folder)
        # A second way through VOC, of whole pixels already, changes nothing.
        assert_same(found, first, 0.501)
        assert found.notes == ()


@pytest.mark.parametrize("name", ["coco", "yolo"])
def test_formats_with_fractions_of_pixels_keep_them(name, tmp_path):
    first = annotated(tmp_path / "first")
    read, write = FORMATS[name]
    write(first, tmp_path / name)
    assert_same(read(tmp_path / name), first, 2e-3)


def test_pycocotools_reads_what_is_written(tmp_path):
    from pycocotools.coco import COCO

    first = annotated(tmp_path / "first")
    write_coco(first, tmp_path / "coco")
    for part in ("train", "test"):
        with contextlib.redirect_stdout(io.StringIO()):
            data = COCO(str(tmp_path / "coco" / part / "_annotations.coco.json"))
        names = {row["id"]: row["name"] for row in data.loadCats(data.getCatIds())}
        pictures = [each for each in first.pictures if each.part == part]
        images = {row["file_name"]: row for row in data.loadImgs(data.getImgIds())}
        assert len(images) == len(pictures)
        for picture in pictures:
            image = images[picture.path.name]
            assert (image["width"], image["height"]) == picture.size
            rows = data.loadAnns(data.getAnnIds(imgIds=[image["id"]]))
            boxes = np.array([row["bbox"] for row in rows]).reshape(-1, 4)
            corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)
            np.testing.assert_allclose(corners, picture.boxes, atol=2e-3)
            labels = [first.class_names.index(names[x["category_id"]]) for x in rows]
            assert labels == picture.labels.tolist()


def one(folder, box=(10, 20, 30, 60), size=(100, 80)):
    """Return annotations of one picture with one box."""
    found = annotated(folder)
    picture = found.pictures[3]
    painted(size, [box], picture.path)
    changed = type(picture)(picture.path, "train", size, np.array([box]), np.array([1]))
    return type(found)([changed], found.class_names)


def test_yolos_text_has_centre_and_size_in_fractions(tmp_path):
    write_yolo(one(tmp_path / "first"), tmp_path / "yolo")
    text = (tmp_path / "yolo/labels/train/picture 3.txt").read_text()
    # Centre (20, 40) and size 20 x 40 of 100 x 80 pixels.
    assert text == "1 0.200000 0.500000 0.200000 0.500000\n"
    yaml = (tmp_path / "yolo/data.yaml").read_text()
    assert yaml == "train: images/train\nnames:\n  0: left hand\n  1: right\n"


def test_vocs_xml_has_the_first_and_last_pixel_from_one(tmp_path):
    write_voc(one(tmp_path / "first"), tmp_path / "voc")
    root = ElementTree.parse(tmp_path / "voc/Annotations/picture 3.xml").getroot()
    # Columns 10 to 29 from 0 are columns 11 to 30 from 1.
    sides = [int(root.findtext(f"object/bndbox/{x}")) for x in ("xmin", "xmax")]
    assert sides == [11, 30]
    sides = [int(root.findtext(f"object/bndbox/{x}")) for x in ("ymin", "ymax")]
    assert sides == [21, 60]
    assert root.findtext("filename") == "picture 3.png"
    assert root.findtext("object/name") == "right"
    assert root.findtext("size/width") == "100"
    lists = tmp_path / "voc/ImageSets/Main"
    assert [x.name for x in lists.iterdir()] == ["train.txt"]
    assert (lists / "train.txt").read_text() == "picture 3\n"


def test_a_box_of_less_than_a_pixel_becomes_one_in_voc(tmp_path):
    write_voc(one(tmp_path / "first", (99.6, 10.3, 99.8, 10.4)), tmp_path / "voc")
    [picture] = read_voc(tmp_path / "voc").pictures
    assert picture.boxes.tolist() == [[99, 10, 100, 11]]


@pytest.mark.parametrize("write", [write_coco, write_yolo, write_voc])
def test_writers_want_an_empty_folder(write, tmp_path):
    first = annotated(tmp_path / "first")
    with pytest.raises(InputError, match="first: holds files; expected an empty"):
        write(first, tmp_path / "first")


@pytest.mark.parametrize("name", FORMATS)
def test_pictures_of_one_name_in_two_folders_stay_two(name, tmp_path):
    first = annotated(tmp_path / "first")
    namesake = painted((9, 9), [], tmp_path / "second" / "picture 0.png")
    boxes = np.array([[1.0, 2, 5, 9]])
    second = type(first.pictures[0])(namesake, "train", (9, 9), boxes, np.array([0]))
    both = type(first)([*first.pictures, second], first.class_names)
    read, write = FORMATS[name]
    write(both, tmp_path / name)
    found = {x.path.name: x for x in read(tmp_path / name).pictures}
    assert len(found) == 7
    np.testing.assert_allclose(found["picture 0_2.png"].boxes, boxes, atol=1e-3)


def test_cocos_boxes_are_corner_and_size(tmp_path):
    path = coco_of_one(tmp_path, [(2, [10, 20, 30, 40])])
    [picture] = read_coco(path).pictures
    assert picture.boxes.tolist() == [[10, 20, 40, 60]]
    assert picture.labels.tolist() == [1]


def test_yolos_boxes_are_centre_and_size(tmp_path):
    root = yolo(tmp_path, ["1 0.5 0.5 0.2 0.4\n\n", ""], size=(100, 50))
    first, second = read_yolo(root).pictures
    np.testing.assert_allclose(first.boxes, [[40, 15, 60, 35]])
    assert first.labels.tolist() == [1]
    assert second.boxes.shape == (0, 4)


def test_polygons_of_yolo_become_the_boxes_around_them(tmp_path):
    root = yolo(tmp_path, ["0 0.1 0.2 0.5 0.1 0.4 0.9"], size=(100, 50))
    found = read_yolo(root)
    np.testing.assert_allclose(found.pictures[0].boxes, [[10, 5, 50, 45]])
    assert found.notes == ("Polygons, of which the boxes around them are taken: 1.",)


@pytest.mark.parametrize(
    ("shape", "keypoints"),
    [("[2, 3]", "0.55 0.55 2 0.65 0.65 1"), ("[3, 2]", "0 0 0.1 0.1 0.9 0.9")],
)
def test_keypoints_of_yolo_are_no_polygons(shape, keypoints, tmp_path):
    line = f"0 0.6 0.6 0.2 0.2 {keypoints}"
    root = yolo(tmp_path, [line], f"[cat]\nkpt_shape: {shape}", size=(100, 80))
    found = read_yolo(root)
    np.testing.assert_allclose(found.pictures[0].boxes, [[50, 40, 70, 56]])
    assert found.notes == ("Boxes with keypoints, which are left out: 1.",)


def test_vocs_boxes_count_pixels_from_one(tmp_path):
    painted((100, 80), [], tmp_path / "a.png")
    voc(tmp_path / "a.xml", "a.png", (100, 80), [("dog", 1, 1, 10, 80)])
    found = read_voc(tmp_path)
    assert found.pictures[0].boxes.tolist() == [[0, 0, 10, 80]]
    assert found.class_names == ["dog"]


def boxes_of(text_of_size, tmp_path, orientation=None, size=(100, 80)):
    """Return the one picture of a COCO file that says the given size."""
    options = {}
    if orientation:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = orientation
    painted(size, [(10, 20, 40, 60)], tmp_path / "a.png", **options)
    path = coco(
        tmp_path / "x.json", [("a.png", *text_of_size)], [(1, 1, [10, 20, 30, 40])]
    )
    found = read_coco(path)
    return found.pictures[0], found.notes


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_of_a_picture_stored_turned_turn_with_it(orientation, tmp_path):
    picture, notes = boxes_of((100, 80), tmp_path, orientation)
    assert picture.size == (80, 100)
    assert "turned" in notes[0]
    from resnet_keras.data import read_image

    shown = read_image(picture.path, (100, 80))[..., 0] > 128
    left, top, right, bottom = picture.boxes[0].astype(int)
    assert shown[top:bottom, left:right].all()
    assert shown.sum() == 30 * 40


def test_boxes_in_a_picture_as_shown_stay(tmp_path):
    picture, notes = boxes_of((80, 100), tmp_path, 6)
    assert picture.size == (80, 100)
    assert picture.boxes.tolist() == [[10, 20, 40, 60]]
    assert notes == ()


def test_boxes_of_a_picture_that_was_resized_are_scaled(tmp_path):
    picture, notes = boxes_of((200, 160), tmp_path)
    assert picture.boxes.tolist() == [[5, 10, 20, 30]]
    assert "same shape" in notes[0]


def test_boxes_of_a_thumbnail_with_a_rounded_side_are_scaled(tmp_path):
    painted((900, 600), [], tmp_path / "a.png")
    rows = [(1, 1, [0, 0, 100, 67])]
    found = read_coco(coco(tmp_path / "x.json", [("a.png", 200, 133)], rows))
    expected = [[0, 0, 450, 67 * 600 / 133]]
    np.testing.assert_allclose(found.pictures[0].boxes, expected)


def test_a_picture_of_another_shape_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a\.png: has 100 x 80 pixels, and 100 x 100"):
        boxes_of((100, 100), tmp_path)


def test_boxes_that_stick_out_are_clipped(tmp_path):
    rows = [(1, [-5, 20, 30, 40]), (1, [90.5, 0, 10, 10])]
    found = read_coco(coco_of_one(tmp_path, rows))
    expected = [[0, 20, 25, 60], [90.5, 0, 100, 10]]
    assert found.pictures[0].boxes.tolist() == expected
    # Half a pixel is not worth a word.
    [note] = found.notes
    assert note == "Boxes that stick out of their pictures, clipped to them: 1."


def test_ids_may_be_texts_here_and_numbers_there(tmp_path):
    painted((100, 80), [], tmp_path / "a.png")
    path = coco(tmp_path / "x.json", [("a.png", 100, 80)], [("1", "2", [0, 0, 9, 9])])
    assert read_coco(path).pictures[0].labels.tolist() == [1]
    content = json.loads(path.read_text())
    content["images"][0]["id"] = content["annotations"][0]["image_id"] = "first"
    path.write_text(json.dumps(content))
    assert read_coco(path).pictures[0].labels.tolist() == [1]


def test_cocos_crowds_are_ignored(tmp_path):
    rows = [(2, [10, 20, 30, 40]), (1, [0, 0, 9, 9])]
    found = read_coco(coco_of_one(tmp_path, rows, crowds=[0]))
    assert found.pictures[0].boxes.tolist() == [[0, 0, 9, 9]]
    assert found.pictures[0].labels.tolist() == [0]
    assert found.pictures[0].ignored.tolist() == [[10, 20, 40, 60, 1]]
    expected = "Boxes around crowds, ignored in training and scoring: 1."
    assert found.notes == (expected,)


def test_vocs_difficult_objects_are_ignored(tmp_path):
    painted((100, 80), [], tmp_path / "a.png")
    rows = [("dog", 11, 21, 40, 60), ("cat", 1, 1, 9, 9)]
    path = voc(tmp_path / "a.xml", "a.png", (100, 80), rows)
    path.write_text(path.read_text().replace("<difficult>0", "<difficult>1", 1))
    found = read_voc(tmp_path)
    assert found.class_names == ["cat", "dog"]
    assert found.pictures[0].boxes.tolist() == [[0, 0, 9, 9]]
    assert found.pictures[0].ignored.tolist() == [[10, 20, 40, 60, 1]]
    assert "difficult, ignored in training and scoring: 1." in found.notes[0]


def with_ignored(annotations):
    """Return annotations of which the first picture has two ignored boxes."""
    first, *others = annotations.pictures
    ignored = np.array([[10, 20, 60, 70, 1], [5, 5, 25, 30, 0.0]])
    return replace(annotations, pictures=[replace(first, ignored=ignored), *others])


@pytest.mark.parametrize("order", [("coco", "voc"), ("voc", "coco")])
def test_ignored_boxes_go_through_coco_and_voc(order, tmp_path):
    first = found = with_ignored(annotated(tmp_path / "first"))
    for name in order:
        read, write = FORMATS[name]
        write(found, tmp_path / name)
        found = read(tmp_path / name)
        assert_same(found, first, 0.501)


def test_yolo_has_no_mark_for_ignored_boxes(tmp_path):
    first = annotated(tmp_path / "first")
    write_yolo(with_ignored(first), tmp_path / "yolo")
    assert_same(read_yolo(tmp_path / "yolo"), first, 2e-3)


def test_found_boxes_have_scores():
    content = as_coco(
        [(100, 80)], ["a.png"], [[(10, 20, 40, 60)]], [[1]], ["cat", "dog"], [[0.875]]
    )
    [row] = content["annotations"]
    assert row["score"] == 0.875
    assert row["bbox"] == [10, 20, 30, 40]
    assert row["area"] == 1200
    assert row["category_id"] == 2
