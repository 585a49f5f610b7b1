"""The stage table against the paper's arithmetic."""

from itertools import pairwise

import keras
import pytest
from PIL import Image

from resnet_keras import ResNet18, ResNet50, save_model
from resnet_keras import summary as command_of_summary
from resnet_keras.errors import InputError
from resnet_keras.models import build
from resnet_keras.nets.stages import block_table, shape_changes, stage_table, summary
from tests.conftest import pooled


def test_weight_layers_are_counted_as_in_the_paper(resnet50):
    counts = [row["weight_layers"] for row in stage_table(resnet50)]
    assert [count for count in counts if count] == [1, 9, 12, 18, 9, 1]
    assert "1 + 9 + 12 + 18 + 9 + 1 = 50" in summary(resnet50)


def test_parameters_add_up(resnet50):
    rows = stage_table(resnet50)
    assert sum(row["parameters"] for row in rows) == 23_600_006
    # 7*7*3 kernels and a bias for each of 64 filters; four numbers each to normalize
    assert rows[1]["parameters"] == 64 * (7 * 7 * 3 + 1) + 4 * 64


def test_multiply_adds_at_224_are_the_papers_3_8_billion():
    # Table 1 of arXiv 1512.03385 gives 3.8e9 for its 50 layers at 224 x 224.
    rows = stage_table(ResNet50((224, 224, 3), 1000, pool_padding=1))
    total = sum(row["multiply_adds"] for row in rows)
    assert 3.8e9 < total < 3.9e9
    assert rows[1]["multiply_adds"] == 112 * 112 * 64 * 7 * 7 * 3


def test_command_prints_the_table_at_300(command_here):
    process = command_here("summary", "--input-size", 300, "--pool-padding", 1)
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    for text in ("150 x 150", "75 x 75", "1 + 9 + 12 + 18 + 9 + 1 = 50"):
        assert text in process.stdout


def test_shape_changes_chain_from_the_input_to_the_classes(resnet50):
    changes = shape_changes(resnet50)
    assert changes[0][1] == (64, 64, 3)
    assert changes[-1][2] == (6,)
    for (_, _, after, _), (_, before, _, _) in pairwise(changes):
        assert after == before
    assert ("block 4a", (8, 8, 512), (4, 4, 1024), "convolutional, stride 2") in changes


def test_plain_and_padded_blocks_are_told_apart():
    residual = build("resnet-cifar-20", (32, 32, 3), 6)
    words = [row["blocks"] for row in stage_table(residual)]
    assert words[2:5] == ["3 identity", "1 padded, 2 identity", "1 padded, 2 identity"]
    plain = build("plain-cifar-20", (32, 32, 3), 6)
    assert [row["blocks"] for row in stage_table(plain)][2:5] == ["3 plain"] * 3


def test_command_takes_a_name_or_a_file_and_draws(tmp_path, capsys):
    picture, path = tmp_path / "drawn.png", tmp_path / "model.h5"
    line = ["resnet-cifar-20", "--classes", "4", "--plot", str(picture)]
    assert command_of_summary.main(line) == 0
    printed = capsys.readouterr().out
    assert "1 + 6 + 6 + 6 + 1 = 20" in printed
    assert "ResNetCIFAR20 for 32 x 32 pixels, 4 classes" in printed
    with Image.open(picture) as image:
        assert min(image.size) > 500
    save_model(build("resnet-cifar-20", (32, 32, 3), 4), path)
    assert command_of_summary.main([str(path)]) == 0
    assert capsys.readouterr().out in printed
    with pytest.raises(InputError, match=r"model\.h5: --classes does not apply"):
        command_of_summary.main([str(path), "--classes", "4"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["resnet51"], "resnet51.*resnet50.*plain-cifar-20"),
        (["missing.h5"], r"missing\.h5: no such file"),
        (["resnet-cifar-20", "--pool-padding", "1"], "no max pooling"),
    ],
)
def test_command_refuses_in_words(arguments, words):
    with pytest.raises(InputError, match=words):
        command_of_summary.main(arguments)


def test_stride_is_that_of_the_block_wherever_it_lies():
    rows = (
        block_table(ResNet18((64, 64, 3), 2)),
        block_table(ResNet50((64, 64, 3), 2, variant="torch")),
    )
    for table in rows:
        strides = {(row["stage"], row["block"]): row["stride"] for row in table}
        assert (strides[2, "a"], strides[3, "a"], strides[3, "b"]) == (1, 2, 1)
    torch = next(row for row in rows[1] if (row["stage"], row["block"]) == (3, "a"))
    assert torch["strides"] == [1, 2, 1]


def test_models_without_a_size_or_of_other_layers(tmp_path):
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.ReLU(name="res2a_branch2a_relu")(inputs)
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    assert block_table(keras.Model(inputs, outputs)) == []
    convolution = keras.layers.Conv2D(4, 1, name="res2a_branch2a")
    model = pooled(convolution, shape=(None, None, 3))
    model.save(tmp_path / "any.keras")
    with pytest.raises(InputError, match="expected a model of one size"):
        command_of_summary.main([str(tmp_path / "any.keras")])
