"""The predict command: names, probabilities, pictures, and what is broken."""

import json

import numpy as np
import pytest
from PIL import Image

from resnet_keras import predict
from resnet_keras.errors import InputError
from tests.conftest import assert_refused, coloured_images, command


@pytest.fixture
def paths(tmp_path):
    """Write three pictures, which are larger than the model takes."""
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for path, image in zip(paths, coloured_images([0, 1, 2], 48), strict=True):
        Image.fromarray(image).save(path)
    return paths


def run(*arguments):
    return predict.main([str(each) for each in arguments])


def predictions(capsys):
    return json.loads(capsys.readouterr().out)


def test_probabilities_are_the_models(saved, tiny_model, tmp_path, capsys):
    image = coloured_images([1])
    Image.fromarray(image[0]).save(tmp_path / "same_size.png")
    assert run(saved, tmp_path / "same_size.png", "--json") == 0
    [found] = predictions(capsys)
    [expected] = tiny_model.predict_on_batch(image / np.float32(255))
    for entry in found["ranking"]:
        index = int(entry["class"])
        assert entry["probability"] == pytest.approx(expected[index], abs=1e-6)
    assert found["class"] == str(expected.argmax())
    ranked = [entry["probability"] for entry in found["ranking"]]
    assert ranked == sorted(ranked, reverse=True)


def test_a_picture_alone_has_the_prediction_that_it_has_among_others(
    saved, paths, capsys
):
    run(saved, *paths, "--json")
    together = predictions(capsys)
    run(saved, paths[1], "--json")
    [alone] = predictions(capsys)
    assert [found["image"] for found in together] == [str(path) for path in paths]
    a, b = together[1]["ranking"], alone["ranking"]
    assert [entry["class"] for entry in a] == [entry["class"] for entry in b]
    for first, second in zip(a, b, strict=True):
        assert first["probability"] == pytest.approx(second["probability"], abs=1e-5)


def test_so_many_classes_are_named(saved, paths, capsys):
    run(saved, paths[0], "--top", 2)
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{paths[0]}: ")
    assert line.count("(0.") == 2


def test_pictures_of_one_name_are_written_beside_each_other(saved, paths, tmp_path):
    (tmp_path / "more").mkdir()
    other = paths[0].rename(tmp_path / "more" / "1.png")
    assert run(saved, paths[1], other, "--out", tmp_path / "out") == 0
    written = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in written] == ["1_2_predicted.png", "1_predicted.png"]
    with Image.open(written[0]) as picture:
        assert picture.size[0] > 300


def test_what_is_assumed_of_a_model_without_metadata_is_said(
    tiny_model, paths, tmp_path, capsys
):
    tiny_model.save(tmp_path / "plain.keras")
    assert run(tmp_path / "plain.keras", paths[0]) == 0
    assert "divided by 255" in capsys.readouterr().err


def test_what_is_no_model_is_refused(paths, tmp_path):
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(InputError, match=r"text\.h5: .*not an HDF5 file"):
        run(tmp_path / "text.h5", paths[0])


def test_broken_pictures_alone_go_to_stderr_and_the_others_are_predicted(saved, paths):
    paths[1].write_text("no picture")
    process = command("predict", saved, *paths)
    assert_refused(process, f"error: {paths[1]}: ", "not a readable picture")
    named = [line.split(":")[0] for line in process.stdout.splitlines()]
    assert named == [str(paths[0]), str(paths[2])]
