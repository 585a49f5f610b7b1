"""Text that the package prints: aligned tables, and durations in words."""


def table(header, rows, alignment=""):
    """Return rows of text as aligned columns, two spaces apart.

    Args:
        header: one str per column.
        rows: each one str, or anything with a str, per column. Numbers come formatted.
        alignment: one of "<", ">" and "^" per column; the first column is aligned to
            the left and all others to the right where nothing else is given.

    Returns:
        str of one line per row, the header first, without spaces at the ends of lines.

    Raises:
        ValueError: a row or the alignment has another number of columns.

    Example:

    >>> print(table(("class", "precision", "count"), [("cat", "0.50", 3)]))
    class  precision  count
    cat         0.50      3
    """
    lines = [[str(cell) for cell in row] for row in (header, *rows)]
    alignment = alignment or "<" + ">" * (len(header) - 1)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            f"{cell:{side}{width}}"
            for cell, side, width in zip(line, alignment, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def duration(seconds):
    """Return a duration in words.

    Example:

    >>> duration(245.2)
    '4 min 05 s'
    """
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
