"""A box over a picture."""

from matplotlib.patches import Rectangle


def draw_box(axes, box, colour, linewidth=1.6, **style):
    """Draw a box over a picture that `imshow` shows.

    Args:
        axes: Matplotlib axes.
        box: (4,), x_min, y_min, x_max, y_max in pixels, of pixel edges.
        colour: of Matplotlib's.
        linewidth: in points.
        style: of `matplotlib.patches.Rectangle`.
    """
    # Pixels of imshow have their centres at whole numbers, boxes count from edges.
    left, top, right, bottom = (float(value) - 0.5 for value in box)
    axes.add_patch(
        Rectangle(
            (left, top),
            right - left,
            bottom - top,
            fill=False,
            edgecolor=colour,
            linewidth=linewidth,
            **style,
        )
    )
