"""The evaluate command: scores by class names, parts and corruptions."""

import json

import numpy as np
import pytest

from resnet_keras import evaluate, save_model
from resnet_keras.errors import InputError
from tests.conftest import coloured_images, command, write_folders, write_pair
from tests.detection_networks import colour_network

LABELS = np.arange(12) % 3
# Of the images of colours 0, 1, 2, 0, 1, 2, ... the first two have other labels.
OTHER_LABELS = np.where(np.arange(12) < 2, (LABELS + 1) % 3, LABELS)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "colours.h5"
    save_model(colour_network(5), path, {"class_names": ["0", "1", "2"]})
    return path


def run(*arguments):
    return evaluate.main([str(each) for each in arguments])


def test_scores_are_those_of_the_images(model, tmp_path, capsys):
    source = write_pair(tmp_path / "data", test_set_y=OTHER_LABELS)
    assert run(model, "--data", source, "--out", tmp_path) == 0
    found = json.loads((tmp_path / "metrics.json").read_text())
    logits = 5 * (coloured_images(LABELS, 32, seed=1) / 255).mean((1, 2))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    loss = -np.log(probabilities[np.arange(12), OTHER_LABELS]).mean()
    assert found["test_loss"] == pytest.approx(loss, rel=1e-5)
    assert found["test_accuracy"] == pytest.approx(10 / 12)
    # Rows are labels: 1 and 2 have one image each that looks like the class before.
    assert found["confusion"] == [[3, 0, 0], [1, 3, 0], [0, 1, 4]]
    assert found["recall"] == pytest.approx([1, 3 / 4, 4 / 5])
    assert (tmp_path / "confusion.png").stat().st_size > 1000
    printed = capsys.readouterr().out
    assert "12 images (test)" in printed
    assert "1          0.750   0.750      4" in printed
    words = f"Accuracy 0.8333 (95 % interval 0.552 to 0.953), loss {loss:.4f}"
    assert words in printed
    assert found["test_interval"] == pytest.approx([0.552, 0.953], abs=1e-3)
    assert found["balanced_accuracy"] == pytest.approx((1 + 3 / 4 + 4 / 5) / 3)


@pytest.mark.parametrize(("part", "number"), [("train", 36), ("all", 48)])
def test_part_named_is_scored(part, number, model, pair, tmp_path, capsys):
    assert run(model, "--data", pair, "--part", part, "--out", tmp_path) == 0
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert found[f"num_{part}_images"] == number
    assert found[f"{part}_accuracy"] == 1
    assert f"{number} images ({part})" in capsys.readouterr().out


def test_each_corruption_is_scored(model, pair, tmp_path, capsys):
    assert run(model, "--data", pair, "--corruptions", "--out", tmp_path) == 0
    written = json.loads((tmp_path / "metrics.json").read_text())
    accuracy = written["corruption_accuracy"]
    assert accuracy["unchanged"] == written["test_accuracy"] == 1
    assert len(accuracy) == 13
    # The network goes by colour alone: a mirror does not matter, other light may.
    assert accuracy["mirrored"] == 1
    line = f"other background         {accuracy['other background']:.4f}"
    assert line in capsys.readouterr().out


def test_other_classes_are_refused(model, tmp_path):
    names = np.array(["0", "1", "cat"], dtype=object)
    changes = {"list_classes": names, "test_list_classes": names}
    source = write_pair(tmp_path / "other", **changes)
    with pytest.raises(InputError, match=r"'cat'.*does not know.*0, 1, 2"):
        run(model, "--data", source)


def test_what_is_assumed_of_a_model_without_metadata_is_said(pair, tmp_path, capsys):
    colour_network().save(tmp_path / "plain.keras")
    assert run(tmp_path / "plain.keras", "--data", pair) == 0
    printed = capsys.readouterr().out
    assert "divided by 255" in printed
    assert "Assumed, for" in printed


def test_as_a_process_nothing_but_results_is_printed(model, tmp_path):
    source = write_folders(tmp_path / "data", {"0": 12, "1": 12})
    process = command("evaluate", model, "--data", source, "--part", "all")
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.splitlines()[-3].startswith("Accuracy 1.0000 (95 % ")


def test_another_precision_says_how_it_differs_from_float32(model, tmp_path, capsys):
    source = write_pair(tmp_path / "data", test_set_y=OTHER_LABELS)
    run(model, "--data", source, "--out", tmp_path, "--precision", "bfloat16")
    assert (
        "In bfloat16 the same class as in float32 for 1.0000" in capsys.readouterr().out
    )
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert found["precision_of_products"] == "bfloat16"
    assert found["agreement"] == 1
    assert 0 <= found["difference"] < 0.02
    run(model, "--data", source, "--out", tmp_path)
    assert "In float32" not in capsys.readouterr().out
    assert "agreement" not in json.loads((tmp_path / "metrics.json").read_text())
