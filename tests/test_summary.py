"""The stage table against the paper's arithmetic."""

from resnet_keras import ResNet50
from resnet_keras.summary import stage_table, summary
from tests.conftest import command


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


def test_command_prints_the_table_at_300():
    process = command("summary", "--input-size", 300, "--pool-padding", 1)
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    for text in ("150 x 150", "75 x 75", "1 + 9 + 12 + 18 + 9 + 1 = 50"):
        assert text in process.stdout
