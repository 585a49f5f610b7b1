"""Class names become text that Matplotlib draws as it stands."""

import matplotlib
import pytest

from resnet_keras.plots import fonts_for, names, verbatim

USUAL = matplotlib.rcParams["font.family"]
IN_STIX_ONLY = "の"  # of the fonts that come with Matplotlib


@pytest.fixture(autouse=True)
def only_fonts_of_matplotlib(monkeypatch):
    fonts = [
        font
        for font in names.font_manager.fontManager.ttflist
        if font.fname.startswith(matplotlib.get_data_path())
    ]
    monkeypatch.setattr(names.font_manager.fontManager, "ttflist", fonts)
    names._other_font.cache_clear()
    yield
    names._other_font.cache_clear()


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("cat", "cat"),
        ("Übergrößenträger, кот, γάτα", "Übergrößenträger, кот, γάτα"),
        ("$x^2$", r"\$x^2\$"),
        ("a\nb\tc", r"a\nb\tc"),
        ("safe\u202egpj.exe", r"safe\u202egpj.exe"),  # which turns the rest around
        ("a\udcff", r"a\udcff"),  # a file name that is no UTF-8
        ("猫", r"\u732b"),  # no font that comes with Matplotlib has it
        (IN_STIX_ONLY, IN_STIX_ONLY),
        ("x" * 100, "x" * 27 + "…"),
    ],
)
def test_names_are_drawn_as_they_are_or_escaped(name, drawn):
    assert verbatim(name) == drawn


def test_another_font_is_taken_only_for_what_the_usual_lacks():
    assert fonts_for(["cat", "кот"]) == USUAL
    assert fonts_for(["cat", IN_STIX_ONLY]) == [*USUAL, "STIXGeneral"]


def test_a_damaged_font_has_no_characters(tmp_path, monkeypatch):
    (tmp_path / "bad.ttf").write_bytes(b"no font")
    damaged = names.font_manager.FontEntry(str(tmp_path / "bad.ttf"), "A")
    fonts = [damaged, *names.font_manager.fontManager.ttflist]
    monkeypatch.setattr(names.font_manager.fontManager, "ttflist", fonts)
    assert verbatim("猫") == r"\u732b"
    assert fonts_for([IN_STIX_ONLY]) == [*USUAL, "STIXGeneral"]
