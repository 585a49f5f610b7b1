"""For the site: put the examples of docstrings into code blocks."""

import re

from griffe import Extension

_EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)


class FenceDoctests(Extension):
    """Fences each run of lines that begins with a Python prompt."""

    def on_object(self, *, obj, **_):
        """Change the docstring of a function, class or module."""
        if obj.docstring:
            fenced = _EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
            obj.docstring.value = fenced
