"""The command `detect`: what it prints, writes and refuses."""

import contextlib
import io
import json
import sys
import types

import numpy as np
import pytest
from PIL import Image

from resnet_keras import detect
from resnet_keras.detection import Found, settings
from resnet_keras.detection.coco import write_coco
from resnet_keras.errors import InputError
from resnet_keras.training import RunConfig
from tests.detection_cases import annotated, coco, painted


class WhiteFinder:
    """Finds what is white, one object to a picture, and calls it the second class."""

    # A side of 200 pixels, so that no picture here is scaled.
    class_names, name, threshold, image_size = ["cat", "dog"], "white.h5", 0.5, 200

    def find(self, images, threshold=None):
        self.asked_for = threshold
        return [self._found(image) for image in images]

    def find_placed(self, placed, num_images, threshold=None):
        found = self.find([square for square, _ in placed], threshold)
        return [
            one._replace(boxes=placement.to_picture(one.boxes))
            for one, (_, placement) in zip(found, placed, strict=True)
        ]

    def _found(self, image):
        white = image[..., 0] > 200
        rows, columns = white.any(1).nonzero()[0], white.any(0).nonzero()[0]
        if not len(rows):
            return Found(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))
        box = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        return Found(np.array([box], np.float32), np.array([1]), np.array([0.75]))


@pytest.fixture
def finder(monkeypatch):
    finder = WhiteFinder()
    monkeypatch.setattr(detect, "_open", lambda arguments: finder)
    return finder


@pytest.fixture
def photographs(tmp_path):
    painted((200, 100), [(50, 20, 120, 60)], tmp_path / "in" / "a.png")
    painted((60, 90), [], tmp_path / "in" / "b.png")
    return tmp_path / "in"


def test_what_is_where_is_a_line_for_each_picture(finder, photographs, capsys):
    assert detect.main(["predict", "white.h5", str(photographs)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{photographs}/a.png: dog (0.750) at 50 20 120 60",
        f"{photographs}/b.png: nothing found",
    ]
    assert finder.asked_for is None


def test_a_broken_picture_does_not_stop_the_others(finder, photographs, capsys):
    (photographs / "a0.png").write_text("no picture")
    line = ["predict", "white.h5", str(photographs), "--threshold", "0.1"]
    assert detect.main(line) == 2
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2
    assert "a0.png: not a readable picture" in printed.err
    assert finder.asked_for == 0.1


def test_many_pictures_come_in_order_32_at_a_time(finder, tmp_path, capsys):
    for index in range(70):
        painted((200, 100), [(index, 20, 90, 60)], tmp_path / f"{index:02d}.png")
    (tmp_path / "40.png").write_text("no picture")
    portions, find_placed = [], finder.find_placed

    def counted(placed, num_images, threshold):
        portions.append((len(placed), num_images))
        return find_placed(placed, num_images, threshold)

    finder.find_placed = counted
    assert detect.main(["predict", "white.h5", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        f"{tmp_path}/{index:02d}.png: dog (0.750) at {index} 20 90 60"
        for index in range(70)
        if index != 40
    ]
    assert "40.png: not a readable picture" in printed.err
    assert portions == [(32, 70), (31, 70), (6, 70)]


def test_json_has_boxes_in_pixels_of_the_picture(finder, photographs, capsys):
    assert detect.main(["predict", "white.h5", str(photographs), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first == {
        "image": f"{photographs}/a.png",
        "width": 200,
        "height": 100,
        "found": [{"class": "dog", "score": 0.75, "box": [50, 20, 120, 60]}],
    }
    assert second["found"] == []


def test_pictures_with_boxes_and_cocos_json_are_written(finder, photographs, tmp_path):
    from pycocotools.coco import COCO

    out, file = tmp_path / "out", tmp_path / "found.json"
    line = ["predict", "white.h5", str(photographs), "--out", str(out)]
    assert detect.main([*line, "--coco", str(file)]) == 0
    assert sorted(x.name for x in out.iterdir()) == [
        "a_predicted.png",
        "b_predicted.png",
    ]
    with Image.open(out / "a_predicted.png") as picture:
        assert picture.size == (400, 200)  # twice its own, so that names can be read
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO(str(file))
    [row] = data.loadAnns(data.getAnnIds())
    assert row["bbox"] == [50, 20, 70, 40]
    assert row["score"] == 0.75
    assert data.loadCats(row["category_id"])[0]["name"] == "dog"
    assert data.loadImgs(row["image_id"])[0]["file_name"] == f"{photographs}/a.png"


def test_a_picture_turned_by_its_camera_is_found_as_it_is_shown(
    finder, tmp_path, capsys
):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn to the right
    path = painted((200, 100), [(50, 20, 120, 60)], tmp_path / "a.png", exif=exif)
    assert detect.main(["predict", "white.h5", str(path)]) == 0
    # Turned about: x is 100 less y, y is x.
    assert capsys.readouterr().out == f"{path}: dog (0.750) at 40 50 80 120\n"


def test_nothing_that_is_read_is_written_over(finder, photographs):
    line = ["predict", "white.h5", str(photographs)]
    with pytest.raises(InputError, match="is read by this command"):
        detect.main([*line, "--coco", str(photographs / "a.png")])


def test_scores_are_printed_and_written(finder, tmp_path, capsys):
    for index, part in enumerate(("train", "test", "test")):
        painted((200, 100), [(50, 20, 120, 60)], tmp_path / part / f"{index}.png")
    for part, names in (("train", ["0.png"]), ("test", ["1.png", "2.png"])):
        coco(
            tmp_path / part / "_annotations.coco.json",
            [(name, 200, 100) for name in names],
            [(index + 1, 2, [50, 20, 70, 40]) for index in range(len(names))],
        )
    out = tmp_path / "out"
    line = ["evaluate", "white.h5", "--data", str(tmp_path)]
    assert detect.main([*line, "--part", "all"]) == 0
    printed = capsys.readouterr().out
    assert "3 of 3 objects are found" in printed
    assert "3 pictures (all) of" in printed
    assert "0 of them without objects" in printed
    assert detect.main([*line, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "From a score of 0.50 on, 2 of 2 objects are found, 2 of" in printed
    assert "AP50 1.000" in printed
    assert sorted(x.name for x in out.iterdir()) == sorted(
        ["metrics.json", *settings.FIGURE_FILES]
    )
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["AP50_per_class"] == {"cat": None, "dog": pytest.approx(1)}
    assert (metrics["part"], metrics["threshold"]) == ("test", 0.5)
    assert finder.asked_for == 0.05


def test_a_class_that_the_model_does_not_know_is_named(finder, tmp_path):
    write_coco(annotated(tmp_path / "first"), tmp_path / "set")
    line = ["evaluate", "white.h5", "--data", str(tmp_path / "set")]
    with pytest.raises(InputError, match=r"'left hand', which white\.h5 does"):
        detect.main(line)


@pytest.fixture
def trained(monkeypatch):
    """Let training only note what it is called with."""
    calls = []

    def train_detector(dataset, directory, config, verbose, outdated, *_):
        calls.append((dataset, directory, config, list(outdated)))
        return {"AP": 0.5, "AP50": 0.75, "train_seconds": 90.0}

    module = types.SimpleNamespace(train_detector=train_detector)
    monkeypatch.setitem(sys.modules, "resnet_keras.detection.training", module)
    return calls


@pytest.fixture
def boxes(tmp_path):
    write_coco(annotated(tmp_path / "first"), tmp_path / "set")
    return tmp_path / "set"


def test_training_gets_the_options(trained, boxes, tmp_path, capsys):
    out = tmp_path / "run"
    line = ["train", "--data", str(boxes), "--out", str(out), "--image-size", "64"]
    line += ["--epochs", "3", "--seed", "5", "--model", "resnet50"]
    assert detect.main([*line, "--precision", "float32"]) == 0
    [(dataset, directory, config, outdated)] = trained
    assert (len(dataset.train), len(dataset.test), dataset.image_size) == (4, 2, 64)
    assert directory == out
    assert (config.epochs, config.seed, config.image_size) == (3, 5, 64)
    assert (config.model, config.precision) == ("resnet50", "float32")
    assert outdated == []
    printed = capsys.readouterr().out
    assert "pictures without objects" in printed
    assert "AP 0.500 and AP50 0.750 on 2 test pictures, after 1.5 minutes" in printed
    assert f"detect predict {out}/model.h5 IMAGE" in printed


def test_without_test_objects_there_is_no_score(
    monkeypatch, trained, boxes, tmp_path, capsys
):
    module = sys.modules["resnet_keras.detection.training"]
    monkeypatch.setattr(
        module, "train_detector", lambda *_, **__: {"train_seconds": 60.0}
    )
    line = ["train", "--data", str(boxes), "--out", str(tmp_path / "run")]
    assert detect.main(line) == 0
    assert "No average precision" in capsys.readouterr().out


def test_a_run_that_is_there_is_not_replaced_unasked(trained, boxes, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    (out / "model.h5").write_text("old")
    line = ["train", "--data", str(boxes), "--out", str(out)]
    with pytest.raises(InputError, match=r"holds a run already \(model\.h5\)"):
        detect.main(line)
    assert detect.main([*line, "--overwrite"]) == 0
    assert trained[0][3] == [out / "model.h5"]


def test_a_run_goes_on_with_its_own_options(trained, boxes, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    config = RunConfig(
        data=str(boxes), model="resnet18", image_size=64, epochs=7, seed=3
    )
    (out / "config.json").write_text(json.dumps(config.as_dict() | {"threads": 1}))
    assert detect.main(["train", "--out", str(out), "--resume"]) == 0
    assert trained[0][2] == config
    line = ["train", "--out", str(out), "--resume", "--seed", "4"]
    with pytest.raises(InputError, match="this run has seed 3, not 4"):
        detect.main(line)


def test_a_stopped_run_says_how_to_go_on(monkeypatch, trained, boxes, tmp_path):
    out = tmp_path / "run"

    def stop(dataset, directory, config, verbose, outdated, *_):
        out.mkdir()
        (out / "config.json").write_text("{}")
        raise KeyboardInterrupt

    module = sys.modules["resnet_keras.detection.training"]
    monkeypatch.setattr(module, "train_detector", stop)
    line = ["train", "--data", str(boxes), "--out", str(out)]
    with pytest.raises(InputError, match=r"detect train --out .*run --resume"):
        detect.main(line)
