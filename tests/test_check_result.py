"""What a check shows: text, JSON and a picture."""

import pytest

import resnet_keras.check
from resnet_keras.errors import InputError


def identity_block(X, f, filters, stage, block):
    from keras import layers

    conv, bn = f"res{stage}{block}_branch", f"bn{stage}{block}_branch"
    saved = X
    for part, number, size in zip("abc", filters, (1, f, 1), strict=True):
        X = layers.Conv2D(number, size, name=f"{conv}2{part}")(X)
        X = layers.BatchNormalization(name=f"{bn}2{part}")(X)
        if part < "c":
            X = layers.ReLU()(X)
    return X + saved


@pytest.fixture(scope="module")
def result():
    return resnet_keras.check(identity_block)  # the module itself may be called


def test_several_mistakes_told_apart(result):
    assert result.causes == ["padding", "last-relu-missing", "seed-missing"]


def test_text(result):
    lines = str(result).splitlines()
    assert lines[0] == "identity_block: 5 mistakes"  # each kernel's seed is one
    marks = [
        line.strip()[0] for line in lines if line.startswith("  ") and line[2] != " "
    ]
    # three components, shortcut, addition, last ReLU, seeds, names, training, outputs
    assert "".join(marks) == "✓✗✓✓✓✗✗✓✓-"
    assert any("test_check_result.py, line" in line for line in lines)


def test_plain(result):
    plain = result.to_json()
    assert plain["right"] is False
    second = plain["parts"][1]["mistakes"][0]
    assert second["cause"] == "padding"
    assert "Conv2D(number, size" in second["line"]["text"]


def test_picture(result):
    left, right = result.plot().axes
    drawn = [[text.get_text() for text in axes.texts] for axes in (left, right)]
    assert "missing" not in drawn[0]
    assert drawn[1].count("missing") == 1  # the last ReLU
    assert "CONV2D(4, 5x5, stride 1, valid)" in drawn[1]


def test_notebook_shows_both(result):
    html = result._repr_html_()
    assert html.startswith("<pre>identity_block: 5 mistakes")
    assert '<img src="data:image/png;base64,' in html


def test_no_picture_without_a_graph():
    def identity_block(X, f, filters):
        return None

    result = resnet_keras.check(identity_block)
    assert result.causes == ["nothing-returned"]
    with pytest.raises(InputError, match="no graph"):
        result.plot()
