"""Broken blocks are told from right ones, and the cause of each is named."""

import pytest

from resnet_keras.check import check_function, source
from resnet_keras.check.signatures import KINDS
from tests.check_cases import MUTANTS, RIGHT


def judge(text, name):
    functions, _ = source.load([source.Piece("block.py", text)], [name])
    return check_function(functions[name])


def _marked(mutants):
    """Leave to the usual run the first mutant of each cause that stands by itself."""
    seen = set()
    for mutant in mutants:
        is_new = len(mutant.causes) == 1 and mutant.causes[0] not in seen
        seen.update(mutant.causes)
        marks = [] if is_new and len(seen) < 28 else [pytest.mark.slow]
        yield pytest.param(mutant, id=mutant.name, marks=marks)


def _styles():
    """Leave to the usual run one function of each style."""
    for number, (style, text) in enumerate(RIGHT.items()):
        names = [name for name in KINDS[:2] if f"def {name}(" in text]
        for name in names:
            is_usual = len(names) == 1 or name == names[number % 2]
            yield pytest.param(
                style, name, marks=[] if is_usual else [pytest.mark.slow]
            )


@pytest.mark.parametrize("mutant", list(_marked(MUTANTS)))
def test_cause_named(mutant):
    result = judge(mutant.source, mutant.function)
    assert not result.right
    assert set(result.causes) == set(mutant.causes), str(result)


@pytest.mark.parametrize(("style", "name"), list(_styles()))
def test_no_false_alarm(style, name):
    result = judge(RIGHT[style], name)
    assert result.right, str(result)
    assert all(part.is_right for part in result.parts)  # nothing was left out


@pytest.mark.parametrize(
    ("name", "text", "after"),
    [
        # what is wrong, with its own line
        ("middle-valid", "padding='valid'", False),
        ("concatenated", "Concatenate()([X_shortcut, X])", False),
        ("not-assigned", "Activation('relu')(X)", False),
        ("applied-to-shortcut", "(X_shortcut)", False),
        # what is missing, with the line that it should follow
        ("last-relu-gone", "layers.add([X, X_shortcut])", True),
        ("no-bn-2b", "conv_name_base + '2b'", True),
    ],
)
def test_line_found(name, text, after):
    (mutant,) = [mutant for mutant in MUTANTS if mutant.name == name]
    (finding,) = judge(mutant.source, mutant.function).findings
    assert text in finding.line.text
    assert finding.after == after
    assert mutant.source.splitlines()[finding.line.number - 1].strip() == (
        finding.line.text
    )


def test_course_weights_are_what_the_numbers_come_from():
    """A block of this package gives what the reference computes with its weights."""
    from resnet_keras import convolutional_block

    result = check_function(convolutional_block)
    outputs = result.parts[-1]
    assert outputs.title == "Outputs"
    assert outputs.is_right, str(result)


def test_unknown_argument_refused():
    def identity_block(X, f, filters, depth):
        return X

    with pytest.raises(ValueError, match="argument depth; expected"):
        check_function(identity_block)


def test_other_name_judged_by_its_arguments():
    def mine(X, f, filters, stage, block, strides=2):
        return X

    assert check_function(mine).kind == "convolutional_block"
