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


def test_confusion_writes_counts_and_accuracy():
    figure = plots.confusion(np.array([[5, 1, 0], [0, 4, 0], [0, 0, 0]]), NAMES)
    assert sorted(texts(figure)) == ["1", "4", "5"]
    assert figure.axes[0].get_title() == "9 of 10 correct (90.0%)"


def test_most_confident_mistakes_come_first():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
    labels = np.array([0, 0, 0, 1])
    images = coloured_images(labels)
    figure = plots.mistakes(images, labels, probabilities, NAMES[:2])
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["dog (0.80)\ntrue: cat (0.20)", "dog (0.60)\ntrue: cat (0.40)"]
    assert figure.get_suptitle() == "2 of 4 wrong"


def test_no_mistakes_is_a_figure_too(tmp_path):
    figure = plots.mistakes(
        coloured_images([0]), np.array([0]), np.array([[1.0, 0.0]]), NAMES[:2]
    )
    plots.save(figure, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size[0] > 100


def test_prediction_draws_a_bar_for_each_class_with_the_best_on_top():
    ranking = [("cat", 0.7), ("dog", 0.2), ("ox", 0.1)]
    axes = plots.prediction(coloured_images([0])[0], ranking).axes[1]
    bars = [
        (bar.get_y() + bar.get_height() / 2, bar.get_width()) for bar in axes.patches
    ]
    np.testing.assert_allclose(bars, [(0, 0.7), (1, 0.2), (2, 0.1)])
    assert [text.get_text() for text in axes.get_yticklabels()] == NAMES
    bottom, top = axes.get_ylim()
    assert top < 0 < 2 < bottom
    assert axes.get_title() == "cat"


def test_classes_of_one_name_keep_a_bar_each():
    ranking = [("maillot", 0.5), ("maillot", 0.3), ("crane", 0.2)]
    axes = plots.prediction(coloured_images([0])[0], ranking).axes[1]
    assert len({bar.get_y() for bar in axes.patches}) == 3
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0.3, 0.2]


def test_names_of_any_kind_can_be_drawn(tmp_path):
    names = ["$0_$10", "の猫", "a\udcff", "\\b$c^{", "line\nbreak", 200 * "long "]
    labels = np.arange(6)
    probabilities = np.roll(np.eye(6), 1, axis=0)
    pictures = coloured_images(labels % 3)
    figures = [
        plots.confusion(np.eye(6, dtype=int), names),
        plots.mistakes(pictures, labels, probabilities, names),
        plots.prediction(pictures[0], [(name, 1 / 6) for name in names]),
    ]
    for figure in figures:
        # Matplotlib warns of missing characters, and warnings are errors here.
        plots.save(figure, tmp_path / "figure.png")
        drawn = {text.get_text() for text in figure.findobj(match=Text)}
        assert any(r"\$0_\$10" in text for text in drawn)
