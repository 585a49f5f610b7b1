"""A page of the findings as pictures side by side: one HTML file, nothing to fetch."""

import base64
import io
from html import escape

from PIL import Image

from resnet_keras.audit.findings import KINDS
from resnet_keras.audit.report import in_order
from resnet_keras.files.writing import write_whole

_MOST_SHOWN = 60  # of each kind
_SIDE = 128  # pixels of a picture on the page

_HEAD = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 1200px;
  padding: 0 1em; color: #1c2430; background: #fff; }}
h2 {{ margin: 1.6em 0 0; border-top: 1px solid #d6dbe3; padding-top: 0.6em; }}
h2 + p {{ margin-top: 0.1em; color: #5b6676; }}
.all {{ display: flex; flex-wrap: wrap; gap: 12px; }}
.one {{ display: flex; gap: 6px; padding: 8px; background: #f2f4f7;
  border-radius: 6px; }}
.across {{ outline: 2px solid #c44e52; }}
figure {{ margin: 0; width: {side}px; }}
img {{ width: {side}px; display: block; image-rendering: pixelated; }}
figcaption {{ font-size: 12px; overflow-wrap: anywhere; }}
b {{ color: #c44e52; font-weight: 600; }}
pre {{ white-space: pre-wrap; }}
</style>
<h1>{title}</h1>
"""


def write_page(found, words, path):
    """Write the findings as an HTML page.

    Args:
        found: `Audit`.
        words: the report, which comes first.
        path: of the page.
    """
    title = f"Audit of {found.pictures.dataset.name}"
    parts = [_HEAD.format(title=escape(title), side=_SIDE)]
    parts.append(f"<pre>{escape(words)}</pre>\n")
    if any(_is_across(found, each) for each in found.findings):
        parts.append("<p>Framed in red: one of the two tests, the other does not.</p>")
    by_kind = {}
    for finding in in_order(found):
        by_kind.setdefault(finding.kind, []).append(finding)
    for kind, findings in by_kind.items():
        findings = sorted(findings, key=lambda each: not _is_across(found, each))
        shown = findings[:_MOST_SHOWN]
        more = f"; {len(shown)} are shown" if len(shown) < len(findings) else ""
        parts.append(
            f"<h2>{escape(kind.capitalize())}: {len(findings)}</h2>\n"
            f"<p>{escape(KINDS[kind])}{more}</p>\n<div class=all>\n"
        )
        parts += [_finding(found, finding) for finding in shown]
        parts.append("</div>\n")
    with write_whole(path) as temporary:
        temporary.write_text("".join(parts), "utf-8", "backslashreplace")


def _is_across(found, finding):
    """Say whether a pair lies in two parts, one of them the test."""
    if finding.other is None:
        return False
    parts = {found.pictures.parts[finding.other], finding.part}
    return "test" in parts and len(parts) > 1


def _finding(found, finding):
    """Return one finding: its picture, and beside it the one that it is like."""
    pictures = found.pictures
    if finding.row is None:
        text = f"{escape(finding.name)}<br>{escape(finding.detail)}"
        return f"<div class=one>{text}</div>\n"
    more = [finding.detail]
    if finding.suggested:
        more.append(f"rather {finding.suggested}?")
    figures = [_figure(pictures, finding.row, more)]
    if finding.other is not None:
        figures.insert(0, _figure(pictures, finding.other, []))
    mark = " across" if _is_across(found, finding) else ""
    return f'<div class="one{mark}">{"".join(figures)}</div>\n'


def _figure(pictures, row, more):
    lines = [escape(pictures.names[row])]
    lines.append(f"{pictures.parts[row]}, class {escape(pictures.class_name(row))}")
    lines += [f"<b>{escape(text)}</b>" for text in more if text]
    return (
        f'<figure><img alt="" src="{_data_url(pictures.images[row])}">'
        f"<figcaption>{'<br>'.join(lines)}</figcaption></figure>"
    )


def _data_url(image):
    picture = Image.fromarray(image)
    picture.thumbnail((_SIDE, _SIDE))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
