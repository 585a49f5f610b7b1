"""Figures hold what they are given."""

import numpy as np
from matplotlib.text import Text
from PIL import Image

from resnet_keras import plots
from tests.conftest import coloured_images

NAMES = ["cat", "dog", "ox"]


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_curves_draw_every_epoch():
    history = [
        {
            "epoch": e,
            "loss": 1 / e,
            "accuracy": 0.1 * e,
            "val_loss": 1,
            "val_accuracy": 0,
        }
        for e in (1, 2, 3)
    ]
    figure = plots.curves(history)
    loss = figure.axes[0].lines[0]
    np.testing.assert_allclose(loss.get_ydata(), [1, 1 / 2, 1 / 3])
    assert [len(axes.lines) for axes in figure.axes] == [2, 2]


def test_curves_without_validation():
    figure = plots.curves([{"epoch": 1, "loss": 1.0, "accuracy": 0.5}])
    assert [len(axes.lines) for axes in figure.axes] == [1, 1]


def test_confusion_writes_counts_and_the_share_right():
    figure = plots.confusion(np.array([[5, 1, 0], [0, 4, 0], [0, 0, 0]]), NAMES)
    assert sorted(texts(figure)) == ["1", "4", "5"]
    assert figure.axes[0].get_title() == "9 of 10 right (90.0%)"


def test_mistakes_come_surest_first():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
    labels = np.array([0, 0, 0, 1])
    images = coloured_images(labels)
    figure = plots.mistakes(images, labels, probabilities, NAMES[:2])
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["dog (0.80)\nis cat (0.20)", "dog (0.60)\nis cat (0.40)"]
    assert figure.get_suptitle() == "2 of 4 wrong"


def test_no_mistakes_is_a_figure_too(tmp_path):
    figure = plots.mistakes(
        coloured_images([0]), np.array([0]), np.array([[1.0, 0.0]]), NAMES[:2]
    )
    plots.save(figure, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size[0] > 100


def test_prediction_shows_the_picture_and_all_answers():
    answer = [("cat", 0.7), ("dog", 0.2), ("ox", 0.1)]
    figure = plots.prediction(coloured_images([0])[0], answer)
    assert texts(figure) == ["0.100", "0.200", "0.700"]
    assert figure.axes[1].get_title() == "cat"


def test_names_are_drawn_as_they_are(tmp_path):
    names = ["$0_$10", "$10_$50", "a\udcff", "\\b$c^{"]
    labels = np.arange(4)
    probabilities = np.roll(np.eye(4), 1, axis=0)
    pictures = coloured_images(labels % 3)
    figures = [
        plots.confusion(np.eye(4, dtype=int), names),
        plots.mistakes(pictures, labels, probabilities, names),
        plots.prediction(pictures[0], [(name, 0.25) for name in names]),
    ]
    for figure in figures:
        plots.save(figure, tmp_path / "figure.png")
        drawn = {text.get_text() for text in figure.findobj(match=Text)}
        assert any(r"\$0_\$10" in text for text in drawn)


def test_two_classes_of_one_name_have_a_bar_each():
    image = np.zeros((8, 8, 3), np.uint8)
    answer = [("crane", 0.6), ("crane", 0.3), ("maillot", 0.1)]
    _, axes = plots.prediction(image, answer).axes
    assert [bar.get_width() for bar in axes.patches] == [0.1, 0.3, 0.6]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["maillot", "crane", "crane"]
