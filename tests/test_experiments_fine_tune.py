"""Fine-tuning: its quick form, and findings that follow the accuracies."""

import shutil

import numpy as np
import pytest

from resnet_keras import ResNetCIFAR, save_model
from resnet_keras.errors import InputError
from resnet_keras.experiments import fine_tune
from tests.conftest import write_pair
from tests.experiment_files import assert_written

pytestmark = pytest.mark.usefixtures("smallest_network")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return str(write_pair(tmp_path_factory.mktemp("data") / "colours"))


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    path = tmp_path_factory.mktemp("pretrained") / "model.h5"
    metadata = {"class_names": ["0", "1", "2"]}
    save_model(ResNetCIFAR(8, (32, 32, 3), 3), path, metadata)
    return path


@pytest.mark.slow
def test_quick_form_compares_scratch_and_pretrained(pretrained, source, tmp_path):
    # A whole model, whatever its suffix
    nameless = shutil.copy(pretrained, tmp_path / "pretrained")
    rows, verdict = fine_tune.run(nameless, source, tmp_path, (4,), quick=True)
    assert_written(tmp_path, "fine-tune", rows, verdict)
    starts = [(row["start"], row["photographs_per_class"]) for row in rows]
    # It knows the same three classes, so it is evaluated untrained as well.
    assert starts == [("pretrained", 0), ("scratch", 4), ("pretrained", 4)]
    # Of 48 images, 12 may train: accuracies are counts of the other 36.
    counts = np.array([row["test_accuracy"] for row in rows]) * 36
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-4)


def test_photographs_are_left_for_the_test(pretrained, source, tmp_path):
    with pytest.raises(InputError, match="has 16 images of class '0'"):  # 12 + 4
        fine_tune.run(pretrained, source, tmp_path, (16,), quick=True)


KEYS = ("start", "photographs_per_class", "test_accuracy")
ROWS = [
    dict(zip(KEYS, row, strict=True))
    for row in (("pretrained", 0, 0.0), ("scratch", 10, 0.5), ("pretrained", 10, 0.8))
]


def test_findings_are_accuracies_by_photographs():
    found = fine_tune.findings(ROWS)
    assert found == {
        0: {"scratch": None, "pretrained": 0.0},
        10: {"scratch": 0.5, "pretrained": 0.8},
    }
    assert "+30.0 points" in fine_tune.verdict(found)


def test_figure_draws_both_and_a_line_for_no_training():
    [axes] = fine_tune.figure(ROWS).axes
    drawn = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert drawn == {
        "pretrained, without training": [0.0, 0.0],
        "fine-tuned": [0.8],
        "from scratch": [0.5],
    }
