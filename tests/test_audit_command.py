import csv

import numpy as np
import pytest

from resnet_keras import hands, train, training
from resnet_keras.audit import __main__ as audit_command
from resnet_keras.audit import wrong_labels
from tests.conftest import assert_refused, command, write_folders


@pytest.fixture
def without_cleanlab(monkeypatch):
    monkeypatch.setattr(wrong_labels, "has_cleanlab", lambda: False)


@pytest.mark.usefixtures("without_cleanlab")
def test_command_writes_report_table_page_and_list(tmp_path, capsys):
    source = write_folders(tmp_path / "data", {"a": 12, "b": 12}, suffix=".jpg")
    (source / "a" / "copy.jpg").write_bytes((source / "a" / "3.jpg").read_bytes())
    listed = source / "clean.csv"
    out = tmp_path / "out"
    line = [str(source), "--out", str(out), "--write-clean", str(listed)]
    assert audit_command.main(line) == 0
    said = capsys.readouterr().out
    assert "Exact copy within a part: 1 pairs of 2 images." in said
    assert "pip install 'resnet_keras[audit]'" in said
    assert f"{listed}: 24 of 25 pictures to keep" in said
    assert {path.name for path in out.iterdir()} == {
        *("report.txt", "findings.csv", "findings.html")
    }
    assert said.startswith((out / "report.txt").read_text().split("\nLabels:")[0])
    with listed.open() as file:
        assert next(csv.reader(file)) == ["filename", "label", "part"]
    assert len(list(source.rglob("*.jpg"))) == 25  # nothing is deleted


@pytest.mark.usefixtures("without_cleanlab")
def test_a_list_of_arrays_is_refused_before_anything_is_written(pair, tmp_path):
    line = [str(pair), "--out", str(tmp_path / "out")]
    with pytest.raises(ValueError, match="holds arrays, no files to list"):
        audit_command.main([*line, "--write-clean", str(pair / "clean.csv")])
    assert not list((tmp_path / "out").glob("*"))


def test_wrong_input_is_refused_in_one_line(tmp_path):
    assert_refused(command("audit", "nowhere", cwd=tmp_path), "nowhere", "no such file")
    line = ("audit", "hands", "--write-clean", "clean.csv")
    assert_refused(command(*line, cwd=tmp_path), "hands", "no files to list")


def test_train_warns_of_altered_copies(tmp_path, monkeypatch, capsys):
    images = hands.render(48, 64).images
    images[40:42] = images[:2, :, ::-1]
    labels = np.arange(48) % 2
    arrays = {"x_train": images[:40], "y_train": labels[:40]}
    arrays |= {"x_test": images[40:], "y_test": labels[40:]}
    np.savez(tmp_path / "some.npz", **arrays)
    line = ["--data", str(tmp_path / "some.npz"), "--out", str(tmp_path / "out")]
    metrics = {"warnings": [], "test_accuracy": 1.0, "train_seconds": 0}
    metrics["test_interval"] = (0.7, 1.0)
    monkeypatch.setattr(training, "train", lambda *_: metrics)
    assert train.main(line) == 0
    said = capsys.readouterr().out
    assert "Warning: Of 8 test images 2 are altered copies" in said


@pytest.mark.slow
def test_command_finds_wrong_labels_by_itself(tmp_path):
    pytest.importorskip("cleanlab")
    source = write_folders(tmp_path / "data", {"a": 60, "b": 60, "c": 60})
    (source / "a" / "5.png").rename(source / "b" / "wrong.png")
    process = command("audit", str(source), "--out", str(tmp_path / "out"))
    assert process.returncode == 0, process.stderr
    assert "1 of 180 labels are probably wrong" in process.stdout
    assert "wrong.png" in (tmp_path / "out" / "findings.csv").read_text()
