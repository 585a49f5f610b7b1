"""Class names as Matplotlib can draw them: any script, no formulas, nothing hidden."""

import unicodedata
from functools import cache

import matplotlib
from matplotlib import font_manager, ft2font

# Control, format, surrogate and private characters, line and paragraph separators: they
# have no picture of their own, and some reverse or hide the text around them.
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
_MOST_CHARACTERS = 28
_ONLY_BOXES = "Last Resort"  # this font draws a box for every character


def verbatim(name):
    r"""Return a name as Matplotlib draws it character by character.

    "$" begins no formula. Characters that cannot be seen, and those that no installed
    font has, become escapes; of a long name only the beginning is left. Draw the result
    with `fonts_for`.

    >>> verbatim("5 $\n")
    '5 \\$\\n'
    """
    if len(name) > _MOST_CHARACTERS:
        name = name[: _MOST_CHARACTERS - 1] + "…"
    return "".join(
        char if _is_drawable(char) else char.encode("unicode_escape").decode()
        for char in name
    ).replace("$", r"\$")


def fonts_for(names):
    """Return the `fontfamily` of a text that has a font for each character of `names`.

    >>> fonts_for(["cat"]) == matplotlib.rcParams["font.family"]
    True
    """
    found = {_other_font(char) for char in set().union(*names)} - {None}
    return [*matplotlib.rcParams["font.family"], *sorted(found)]


def _is_drawable(char):
    if unicodedata.category(char) in _INVISIBLE:
        return False
    return ord(char) in _characters(_usual_font()) or _other_font(char) is not None


@cache
def _other_font(char):
    """Return the first font, by name, with a character that the usual one lacks."""
    if ord(char) in _characters(_usual_font()):
        return None
    fonts = sorted(font_manager.fontManager.ttflist, key=lambda font: font.name)
    return next(
        (
            font.name
            for font in fonts
            if not font.name.startswith(_ONLY_BOXES)
            and (font.style, font.weight) == ("normal", 400)
            and ord(char) in _characters(font.fname)
        ),
        None,
    )


def _usual_font():
    return font_manager.findfont(font_manager.FontProperties())


@cache
def _characters(path):
    """Return the characters that a font file has, as a set of numbers."""
    try:
        font = ft2font.FT2Font(path)
    except (OSError, RuntimeError):  # listed, but gone or damaged
        return frozenset()
    # Matplotlib cannot draw fonts of bitmaps, as those of coloured emoji are.
    return frozenset(font.get_charmap()) if font.scalable else frozenset()
