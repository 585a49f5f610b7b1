"""No command writes over a file that it reads, by whatever name or link."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from resnet_keras import evaluate, predict, summary, train
from resnet_keras.errors import InputError
from resnet_keras.experiments import __main__ as experiments
from resnet_keras.export import __main__ as export
from resnet_keras.files.writing import check_not_input
from tests.conftest import coloured_images, write_pair

READ = "is read by this command"


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "hand.png"
    Image.fromarray(coloured_images([0])[0]).save(path)
    return path


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_guard_follows_links(link, tmp_path):
    read, written = tmp_path / "read", tmp_path / "read"
    read.write_text("x")
    if link:
        written = tmp_path / "written"
        link(read, written)
    with pytest.raises(InputError, match=READ):
        check_not_input([tmp_path / "other", written], [None, "imagenet", read])


def test_guard_lets_pass_what_is_not_there_or_another_file(tmp_path):
    (tmp_path / "read").write_text("x")
    (tmp_path / "written").write_text("x")
    check_not_input([tmp_path / "written", tmp_path / "new"], [tmp_path / "read"])
    check_not_input(["hands"], ["hands"])  # a word, not a file


def test_guard_stands_loops_of_links(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    check_not_input([loop], [tmp_path / "read"])


def refuses(main, line, path):
    before = path.read_bytes()
    with pytest.raises(InputError, match=READ):
        main([str(word) for word in line])
    assert path.read_bytes() == before


def test_export_of_w_bin_to_openvino_whose_weights_are_w_bin(tmp_path):
    path = tmp_path / "w.bin"
    path.write_bytes(b"weights of PyTorch's, say")
    refuses(export.main, [path, "--format", "openvino"], path)


@pytest.mark.parametrize(
    ("name", "out"),
    [
        ("keras", "a.keras"),
        ("h5", "a.h5"),
        ("onnx", "a.onnx"),
        ("litert", "a.tflite"),
        ("torchvision", "a.safetensors"),
        ("keras-applications", "a.weights.h5"),
    ],
)
def test_export_through_a_link(name, out, saved, tmp_path):
    (tmp_path / out).symlink_to(saved)
    refuses(export.main, [saved, "--format", name, "--out", tmp_path / out], saved)


@pytest.mark.parametrize(
    ("name", "out"),
    [
        ("litert", "a.tflite"),
        ("openvino", "a.xml"),
        ("keras-applications", "a.weights.h5"),
    ],
)
def test_export_with_metadata_beside_it(name, out, saved, tmp_path):
    os.link(saved, tmp_path / "a.json")
    refuses(export.main, [saved, "--format", name, "--out", tmp_path / out], saved)


def test_train_over_its_weights(saved, tmp_path):
    write_pair(tmp_path / "colours", num_train=6, num_test=3)
    line = ["--data", tmp_path / "colours", "--image-size", 32, "--weights", saved]
    refuses(train.main, [*line, "--out", tmp_path, "--overwrite"], saved)


def test_evaluate_over_its_model(saved, tmp_path):
    (tmp_path / "metrics.json").symlink_to(saved)
    source = write_pair(tmp_path / "colours", num_train=6, num_test=3)
    refuses(evaluate.main, [saved, "--data", source, "--out", tmp_path], saved)


def test_evaluate_over_its_data(saved, tmp_path):
    path = tmp_path / "data.npz"
    images, labels = coloured_images([0, 1, 2] * 4), np.arange(12) % 3
    np.savez(path, x=images, y=labels)
    os.link(path, tmp_path / "confusion.png")
    refuses(evaluate.main, [saved, "--data", path, "--out", tmp_path], path)


def test_predict_over_a_picture(saved, picture, tmp_path):
    other = tmp_path / "hand_predicted.png"
    shutil.copy(picture, other)
    refuses(predict.main, [saved, picture, other, "--out", tmp_path], other)


def test_summary_draws_over_its_model(saved, tmp_path):
    (tmp_path / "plot.png").symlink_to(saved)
    refuses(summary.main, [saved, "--plot", tmp_path / "plot.png"], saved)


@pytest.mark.parametrize("name", ["explain.png", "explain.csv"])
def test_experiment_over_its_picture(name, saved, picture, tmp_path):
    picture = picture.rename(tmp_path / name)
    line = ["explain", saved, picture, "--out", tmp_path]
    refuses(experiments.main, line, picture)
