"""A command makes its folder once its input can be used, and not before."""

import numpy as np
import pytest
from PIL import Image

from resnet_keras import evaluate, predict, train
from resnet_keras.hands import __main__ as hands
from tests.conftest import coloured_images, write_pair


@pytest.fixture
def source(tmp_path):
    return write_pair(tmp_path / "colours", num_train=6, num_test=3)


def leaves_no_folder(main, line, out, kind=ValueError):
    """Run a command that must fail, and see that it has made no folder."""
    with pytest.raises(kind):
        main([str(word) for word in [*line, "--out", out]])
    assert not out.exists()


def test_evaluate(saved, source, tmp_path):
    out, broken = tmp_path / "a" / "b", tmp_path / "broken.h5"
    broken.write_text("hello")
    leaves_no_folder(evaluate.main, [broken, "--data", source], out)
    leaves_no_folder(evaluate.main, [saved, "--data", tmp_path / "missing"], out)
    evaluate.main([str(word) for word in [saved, "--data", source, "--out", out]])
    expected = {"confusion.png", "reliability.png", "metrics.json"}
    assert {path.name for path in out.iterdir()} == expected


def test_predict(saved, tmp_path):
    out, picture, broken = (tmp_path / name for name in ("a", "0.png", "broken.png"))
    Image.fromarray(coloured_images(np.zeros(1, int))[0]).save(picture)
    broken.write_text("hello")
    leaves_no_folder(predict.main, [broken, picture], out)
    assert predict.main([str(saved), str(broken), "--out", str(out)]) == 2
    assert not out.exists()
    assert predict.main([str(saved), str(picture), "--out", str(out)]) == 0
    assert [path.name for path in out.iterdir()] == ["0_predicted.png"]


def test_train(source, tmp_path):
    out, broken = tmp_path / "a", tmp_path / "broken.h5"
    broken.write_text("hello")
    leaves_no_folder(train.main, ["--data", tmp_path / "missing"], out)
    leaves_no_folder(train.main, ["--data", source, "--weights", broken], out)


def test_hands(tmp_path):
    line = ["--train", 999_999, "--image-size", 512]  # 786 GB
    leaves_no_folder(hands.main, line, tmp_path / "a" / "b")
