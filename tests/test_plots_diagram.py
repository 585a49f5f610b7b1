"""The drawing says what the network is, on one page."""

import pytest

from resnet_keras import ResNet50, ResNetCIFAR, plain_twin
from resnet_keras.plots.diagram import architecture


def texts(figure):
    found = [text.get_text() for axes in figure.axes for text in axes.texts]
    return [figure.get_suptitle(), *found]


@pytest.mark.parametrize(
    ("model", "expected", "absent"),
    [
        (
            ResNet50,
            [
                "5 x identity",
                "1 x convolutional",
                "256, 256, 1024",
                "50 layers",
                "23.60 million",
                "s = 1 in stage 2; s = 2 in stages 3, 4, 5",
            ],
            "plain",
        ),
        (lambda: ResNetCIFAR(20), ["1 x padded", "3 x identity", "8 x 8"], "convolut"),
        (lambda: plain_twin(ResNetCIFAR(20)), ["3 x plain"], "identity"),
    ],
)
def test_drawing_names_blocks_sizes_and_filters(model, expected, absent):
    figure = architecture(model())
    found = "\n".join(texts(figure))
    for text in expected:
        assert text in found
    boxes = [text for text in found.splitlines() if " x " in text]
    assert not any(absent in text for text in boxes)
    width, height = figure.get_size_inches()
    assert width <= 11.7  # A4 on its side
    assert height <= 11.7


def test_drawing_of_a_deep_network_is_as_small():
    shallow, deep = architecture(ResNetCIFAR(20)), architecture(ResNetCIFAR(110))
    assert len(texts(deep)) == len(texts(shallow))
