"""Figures of boxes hold what they are given."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from resnet_keras import plots
from tests.conftest import coloured_images

NAMES = ["cat", "$dog", "の"]
TRUE = [(np.array([[1, 2, 9, 20], [5, 5, 30, 30]]), np.array([0, 1]))] * 2
FOUND = [
    (np.array([[2, 2, 10, 20]]), np.array([2]), np.array([0.875])),
    (np.zeros((0, 4)), np.zeros(0, int), np.zeros(0)),
]
PICTURES = coloured_images([0, 1])


def boxes(axes):
    """Return the corners of the boxes in a figure, from pixel edges."""
    found = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    corners = [(*x.get_xy(), *x.get_xy()) for x in found]
    sizes = [(0, 0, x.get_width(), x.get_height()) for x in found]
    return (np.array(corners) + sizes + 0.5).tolist()


def test_pictures_show_true_and_found_boxes():
    figure = plots.detections(PICTURES, TRUE, FOUND, NAMES)
    first, second = figure.axes
    assert [2, 2, 10, 20] in boxes(first)
    for box in TRUE[0][0].tolist():
        assert box in boxes(first)
        assert box in boxes(second)
    assert [text.get_text() for text in first.texts] == ["の 0.88"]
    assert len(second.texts) == 0
    assert figure.get_suptitle().startswith("2 of 2 pictures")


def test_a_box_is_drawn_along_its_pixels_edges():
    axes = Figure().subplots()
    axes.imshow(PICTURES[0])
    plots.draw_box(axes, [1, 2, 9, 20], "red", linewidth=2, linestyle="--")
    [patch] = axes.patches
    # Matplotlib has the first pixel from -0.5 to 0.5.
    assert patch.get_xy() == (0.5, 1.5)
    assert (patch.get_width(), patch.get_height()) == (8, 18)
    assert (patch.get_linewidth(), patch.get_linestyle()) == (2, "--")
    assert patch.get_edgecolor() == (1, 0, 0, 1)


def test_ignored_boxes_are_dotted_and_named_where_there_are_any():
    ignored = [np.array([[3, 4, 12, 30, 1]]), np.zeros((0, 5))]
    figure = plots.detections(PICTURES, TRUE, FOUND, NAMES, ignored=ignored)
    assert [3, 4, 12, 30] in boxes(figure.axes[0])
    assert "dotted: ignored" in figure.get_suptitle()
    figure = plots.detections(PICTURES, TRUE, FOUND, NAMES, ignored=ignored[1:] * 2)
    assert "ignored" not in figure.get_suptitle()


def test_no_more_pictures_are_shown_than_asked_for():
    figure = plots.detections(PICTURES, TRUE, FOUND, NAMES, most=1)
    assert len(figure.axes) == 1
    assert figure.get_suptitle().startswith("1 of 2 pictures")


@pytest.mark.parametrize(
    ("shape", "size"), [((600, 901), (901, 600)), ((32, 64), (448, 224))]
)
def test_an_annotated_picture_has_its_own_pixels(shape, size, tmp_path):
    image = np.zeros((*shape, 3), np.uint8)
    image[: shape[0] // 2] = (200, 40, 90)
    nothing = FOUND[1]
    plots.save(plots.annotated(image, nothing, NAMES), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == size
        if size == shape[::-1]:
            assert np.array_equal(np.asarray(picture)[..., :3], image)


def test_a_curve_for_each_class_that_has_objects():
    recall = np.linspace(0, 1, 101)
    precision = np.stack([1 - recall / 2, np.full(101, np.nan), recall * 0])
    areas = {"cat": 0.75, "$dog": None, "の": 0.0}
    figure = plots.precision_recall(recall, precision, NAMES, areas)
    [axes] = figure.axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), precision[0])
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["cat (0.75)", "の (0.00)"]
    assert "mean 0.375" in axes.get_title()


def test_average_precision_is_drawn_where_it_was_measured():
    history = [
        {"epoch": 1, "loss": 3.0},
        {"epoch": 2, "loss": 2.0, "val_AP": 0.4, "val_AP50": 0.7},
    ]
    left, right = plots.ap_curves(history).axes
    assert left.lines[0].get_ydata().tolist() == [3, 2]
    assert [line.get_label() for line in right.lines] == ["AP", "AP50"]
    assert right.lines[0].get_xdata().tolist() == [2]
    assert right.lines[0].get_ydata().tolist() == [0.4]
    assert len(plots.ap_curves(history[:1]).axes[1].lines) == 0


def test_confusion_counts_misses_and_false_alarms():
    matrix = np.array([[5, 1, 2], [0, 4, 0], [3, 0, 0]])
    figure = plots.found_confusion(matrix, ["cat", "dog"], 0.4)
    title = figure.axes[0].get_title()
    assert title.startswith("9 of 12 objects found and named right,\n3 false alarms")
    assert "0.40" in title
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["cat", "dog", "background"]


def test_misses_show_their_surroundings_within_the_picture():
    figure = plots.misses(PICTURES, TRUE, [(1, 1), (0, 0)], NAMES)
    first, second = figure.axes
    assert boxes(first) == [[5, 5, 30, 30]]
    assert boxes(second) == [[1, 2, 9, 20]]
    assert first.get_title() == "\\$dog"
    # All of the first; of the second as far as 18 pixels reach, up to 32.
    assert first.get_xlim() == (-0.5, 31.5)
    assert second.get_ylim() == (31.5, -0.5)
    assert figure.get_suptitle() == "2 objects not found"


def test_false_alarms_have_their_scores_and_the_true_boxes(tmp_path):
    figure = plots.false_alarms(PICTURES, TRUE, FOUND, [(0, 0)], NAMES)
    [axes] = figure.axes
    assert axes.get_title() == "の (0.88)"
    assert boxes(axes)[-1] == [2, 2, 10, 20]
    assert figure.get_suptitle() == "1 box without such an object"
    plots.save(figure, tmp_path / "a.png")


def test_no_misses_and_no_alarms_are_figures_too(tmp_path):
    figures = [
        plots.misses(PICTURES, TRUE, [], NAMES),
        plots.false_alarms(PICTURES, TRUE, FOUND, [], NAMES),
        plots.detections(PICTURES[:0], [], [], NAMES),
    ]
    for figure in figures:
        plots.save(figure, tmp_path / "a.png")
    assert figures[0].get_suptitle() == "0 objects not found"


def test_only_the_worst_are_shown():
    figure = plots.misses(PICTURES, TRUE, [(0, 0)] * 5, NAMES, most=3)
    assert len(figure.axes) == 3
    assert figure.get_suptitle() == "5 objects not found, the 3 largest shown"
