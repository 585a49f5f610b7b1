"""What a check found: parts, each right or wrong, and the causes."""

import base64
import io
from dataclasses import asdict, dataclass, field

from resnet_keras.check.causes import sentence
from resnet_keras.errors import InputError


@dataclass
class Finding:
    """A mistake: its cause in a sentence, what is documented, the learner's line."""

    code: str
    text: str
    part: str  # the title of the `Part` it belongs to
    documented: str = ""
    line: object = None  # `resnet_keras.check.tracing.Line`
    after: bool = False  # whether something is missing after that line


@dataclass
class Part:
    """A part of the function that was looked at."""

    title: str
    documented: str
    findings: list = field(default_factory=list)
    skipped: str = ""  # why it could not be looked at, if so

    @property
    def is_right(self):
        """Whether nothing wrong was found."""
        return not self.findings and not self.skipped


@dataclass(frozen=True)
class Row:
    """A step of the picture: its labels in both graphs, empty where it is missing."""

    path: str  # "main", "shortcut", "join" or "end"
    documented: str
    learners: str
    same: bool


@dataclass
class Result:
    """What a check of one function found.

    `print(result)` lists the parts; `result.plot()` draws the documented and the
    learner's graph; a notebook shows both.
    """

    name: str
    kind: str
    parts: list = field(default_factory=list)
    remarks: list = field(default_factory=list)
    drawing: list = field(default_factory=list)  # of `Row`

    @property
    def right(self):
        """Whether no mistake was found."""
        return not self.findings

    @property
    def findings(self):
        """All mistakes, in order."""
        return [finding for part in self.parts for finding in part.findings]

    @property
    def causes(self):
        """The codes of all mistakes, each once, in order."""
        return list(dict.fromkeys(finding.code for finding in self.findings))

    def add(self, title, documented, findings=(), skipped=""):
        """Append a part."""
        self.parts.append(Part(title, documented, list(findings), skipped))

    def __str__(self):
        number = len({finding.text for finding in self.findings})
        mistakes = "1 mistake" if number == 1 else f"{number} mistakes"
        head = f"{self.name}: " + ("right" if self.right else mistakes)
        lines, seen = [head], set()
        for part in self.parts:
            if part.skipped and not part.findings:
                lines.append(f"  - {part.title}: not compared, {part.skipped}")
                continue
            mark = "✓" if part.is_right else "✗"
            lines.append(f"  {mark} {part.title}: {part.documented}")
            for finding in part.findings:
                again = finding.text in seen
                seen.add(finding.text)
                lines.append("      " + ("(the same)" if again else finding.text))
                if finding.documented not in ("", part.documented) and not again:
                    lines.append(f"      Documented: {finding.documented}.")
                if finding.line:
                    after = "after " if finding.after else ""
                    lines.append(f"      {after}{finding.line}")
        lines += [f"  Note: {remark}" for remark in self.remarks]
        return "\n".join(lines)

    __repr__ = __str__

    def to_json(self):
        """Return what was found as plain dictionaries and lists."""
        parts = [
            {
                "part": part.title,
                "documented": part.documented,
                "right": None if part.skipped else part.is_right,
                "skipped": part.skipped or None,
                "mistakes": [_plain(finding) for finding in part.findings],
            }
            for part in self.parts
        ]
        return {
            "name": self.name,
            "kind": self.kind,
            "right": self.right,
            "parts": parts,
            "remarks": self.remarks,
        }

    def plot(self):
        """Return a Matplotlib figure of the documented and the learner's graph.

        Raises:
            InputError: the function gave no graph that could be drawn.
        """
        from resnet_keras.check.picture import draw

        if not self.drawing:
            raise InputError(f"{self.name}: gave no graph that could be drawn.")
        return draw(self)

    def _repr_html_(self):
        from html import escape

        text = f"<pre>{escape(str(self))}</pre>"
        if not self.drawing:
            return text
        buffer = io.BytesIO()
        self.plot().savefig(buffer, format="png", dpi=100, bbox_inches="tight")
        picture = base64.b64encode(buffer.getvalue()).decode()
        return f'{text}<img src="data:image/png;base64,{picture}">'


def found(code, part, line=None, documented="", after=False, **words):
    """Return a `Finding` with the sentence of its cause."""
    return Finding(code, sentence(code, **words), part, documented, line, after)


def _plain(finding):
    line = asdict(finding.line) if finding.line else None
    return {
        "cause": finding.code,
        "text": finding.text,
        "documented": finding.documented or None,
        "line": line,
        "after_line": finding.after,
    }
