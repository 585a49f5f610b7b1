"""A check that the tests of all experiments make."""

import csv

from PIL import Image


def assert_written(directory, name, rows, verdict):
    """Check that an experiment wrote the rows, a figure and the verdict."""
    with (directory / f"{name}.csv").open() as file:
        written = list(csv.DictReader(file))
    assert [list(row.values()) for row in written] == [
        [str(value) for value in row.values()] for row in rows
    ]
    with Image.open(directory / f"{name}.png") as picture:
        assert min(picture.size) > 300
    assert (directory / f"{name}.txt").read_text() == verdict + "\n"
