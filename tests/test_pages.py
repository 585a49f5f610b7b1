"""What the pages show exists."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

from resnet_keras.__main__ import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_COMMAND = re.compile(r"python -m resnet_keras\.(\w+)([^`\n#&]*)")


def commands():
    """Return (page, command, arguments) of each command line in a page's code."""
    found = []
    for page in PAGES:
        text = page.read_text()
        parts = re.split(
            r"^```.*$", text, flags=re.MULTILINE
        )  # prose, code, prose, ...
        lines = [line for code in parts[1::2] for line in code.splitlines()]
        spans = [
            " ".join(span.split())
            for span in re.findall(r"`([^`]+)`", "\n".join(parts[::2]))
        ]
        for line in lines + spans:
            for name, rest in _COMMAND.findall(line):
                if "|" not in rest and "[" not in rest and "…" not in rest:
                    found.append((page.name, name, rest.strip()))
    return sorted(set(found))


def test_there_are_commands_on_the_pages():
    assert len([page for page, *_ in commands() if page == "README.md"]) >= 6


@pytest.mark.parametrize(("page", "name", "rest"), commands())
def test_commands_have_the_options_that_pages_show(page, name, rest):
    assert name in COMMANDS
    rest = re.sub(r"\bNAME\b", "identity" if name == "experiments" else "n", rest)
    module = importlib.import_module(f"resnet_keras.{name}")
    if not hasattr(module, "_parse"):
        module = importlib.import_module(f"resnet_keras.{name}.__main__")
    arguments = shlex.split(rest)
    if "--help" in arguments or (not arguments and name not in ("train", "summary")):
        return
    module._parse(arguments)  # ends the test by SystemExit where it does not fit


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_exist(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path = target.split("#")[0]
        if path and "://" not in path:
            assert (page.parent / path).exists(), target


def test_readmes_figures_are_quoted_from_the_results():
    pattern = r"\d\.\d{3} ± \d\.\d{3}"
    quoted, source = (
        set(re.findall(pattern, (ROOT / name).read_text()))
        for name in ("README.md", "docs/results.md")
    )
    assert len(quoted) == 6
    assert quoted <= source
