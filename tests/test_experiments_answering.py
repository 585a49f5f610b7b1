"""The experiment of pictures that show no class."""

import numpy as np
import pytest

from resnet_keras import ResNetCIFAR, save_model
from resnet_keras.data import load_dataset
from resnet_keras.experiments import answering
from resnet_keras.inference import Answering
from tests.conftest import write_folders


def test_kinds_of_pictures_have_no_hand(tmp_path):
    write_folders(tmp_path, {"a": 12, "b": 12})
    dataset = load_dataset(tmp_path, 32)
    found = answering.pictures_of_no_class(dataset, 3)
    assert len(found) == 5
    for images in found.values():
        assert images.shape == (3, 32, 32, 3)
        assert images.dtype == np.uint8
    again = answering.pictures_of_no_class(dataset, 3)
    assert all((found[kind] == again[kind]).all() for kind in found)


def test_each_measure_of_each_model_has_a_row(tmp_path):
    write_folders(tmp_path / "data", {"a": 30, "b": 30})
    files = [str(tmp_path / name) for name in ("one.h5", "two.h5")]
    for file in files:
        metadata = {"class_names": ["a", "b"]} | Answering(2.0, 0.5).as_metadata()
        save_model(ResNetCIFAR(8, (32, 32, 3), 2), file, metadata)
    rows, verdict = answering.run(
        str(tmp_path / "data"), files, tmp_path / "out", quick=True
    )
    assert [row["model"] for row in rows] == [files[0]] * 6 + [files[1]] * 6
    for row in rows:
        kinds = [key for key in row if " of " in key or "drawn" in key]
        kinds += ["blotches", "stripes"]
        shares = [row[kind] for kind in dict.fromkeys(kinds)]
        assert row["rejected"] == pytest.approx(np.mean(shares))
        assert 0 <= row["answered"] <= 1
    assert "Probabilities are off by" in verdict
    assert (tmp_path / "out" / "answering.png").stat().st_size > 10_000
