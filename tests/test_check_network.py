"""A learner's network is compared with this package's, block by block."""

import pytest

from resnet_keras.check import check_function, source
from tests.check_cases import COURSE_2017, COURSE_2021, MUTANTS, NETWORK_MUTANTS


def judge(text):
    functions, _ = source.load([source.Piece("net.py", text)], ["ResNet50"])
    return check_function(functions["ResNet50"])


def test_right():
    result = judge(COURSE_2017)
    assert result.right, str(result)
    # 3 + 4 + 6 + 3 blocks, five steps before them and four after, are drawn
    assert len(result.drawing) == 5 + 16 + 4


@pytest.mark.slow
@pytest.mark.parametrize("mutant", NETWORK_MUTANTS, ids=lambda mutant: mutant.name)
def test_cause_named(mutant):
    result = judge(mutant.source)
    assert not result.right
    assert set(result.causes) == set(mutant.causes), str(result)


@pytest.mark.slow
def test_wrong_block_found_in_the_network():
    (mutant,) = [each for each in MUTANTS if each.name == "no-relu-after-second"]
    result = judge(mutant.source)
    (finding,) = result.findings
    # the 2 + 3 + 5 + 2 identity blocks
    assert "blocks 2b, 2c, 3b, 3c, 3d, 4b, 4c, 4d, 4e, 4f, 5b, 5c" in finding.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("add-forgotten", "X_shortcut is never added"),
        ("middle-valid", 'Documented is "same"'),
    ],
)
def test_wrong_block_told_where_the_network_cannot_be_compared(name, words):
    (mutant,) = [each for each in MUTANTS if each.name == name]
    finding = judge(mutant.source).findings[0]
    assert finding.code == "network-block"
    assert finding.text.startswith("In identity_block: ")
    assert words in finding.text


@pytest.mark.slow
def test_course_of_2021_with_its_fixed_training_is_right_but_told():
    start = COURSE_2017.index("def ResNet50")
    network = COURSE_2017[start : COURSE_2017.index("\n\n\n", start)]
    for letter in "abcdef":
        network = network.replace(f", block='{letter}'", "")
    for stage in range(2, 6):
        network = network.replace(f", stage={stage}", "")
        network = network.replace(f", stage = {stage}", "")
    result = judge(COURSE_2021 + "\n\n" + network)
    assert result.right, str(result)
    # 3 in each of 16 blocks, 4 shortcuts; the stem's is free
    assert result.remarks[0].startswith("52 batch normalizations")
