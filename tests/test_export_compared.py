"""What an export is compared on."""

import pytest
from PIL import Image

from resnet_keras.errors import InputError
from resnet_keras.export import __main__ as export
from tests.conftest import coloured_images
from tests.export_runs import skip_without


@pytest.fixture
def line(saved, tmp_path):
    """Return a command's words; its data are too few to have a test image."""
    for name, image in zip(("cat", "dog"), coloured_images([0, 1]), strict=True):
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.fromarray(image).save(tmp_path / "data" / name / "0.jpg")
    words = [saved, "--format", "keras", "--data", tmp_path / "data"]
    return [str(word) for word in words]


def test_training_images_serve_where_there_is_no_test_image(line, capsys):
    assert export.main(line) == 0
    assert "differ by at most 0.0e+00 on 2 images" in capsys.readouterr().out


def test_what_quantizing_costs_wants_test_images(line, tmp_path):
    skip_without("onnx")
    line[2] = "onnx"
    with pytest.raises(InputError, match="data: has no test image to say what"):
        export.main([*line, "--quantize"])
    assert not (tmp_path / "model.onnx").exists()
