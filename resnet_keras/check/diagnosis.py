"""What differs between a learner's paths and the documented ones, and why: causes."""

from resnet_keras.check.alignment import align
from resnet_keras.check.reference import COMPONENTS
from resnet_keras.check.result import found

_SETTINGS = {  # the cause that a differing setting belongs to
    "filters": "filters-order",
    "kernel_size": "kernel-size",
    "padding": "padding",
    "use_bias": "bias",
    "axis": "bn-axis",
}
_NAMES = {"conv": "convolution", "bn": "batch normalization", "relu": "ReLU"}
_END = "ReLU after the addition"
_ORDER = "CONV2D → batch normalization → ReLU"
# Where nothing can be seen in the outputs, these are another way to write the same.
HARMLESS = ("extra-step", "inner-relu-extra", "shortcut-relu", "activation", "bn-extra")


class Diagnosis:
    """The documented steps beside the learner's, and the mistakes found between them.

    Args:
        paths: `paths.Paths`.
        documented: `reference.Block`.
        unused: steps whose results nothing uses.
    """

    def __init__(self, paths, documented, unused=()):
        self.findings = []
        self.paths, self.documented = paths, documented
        self._unused = list(unused)
        if paths.join is None:
            pairs, _ = align(documented.main + documented.end, paths.main)
            self.main = [p for p in pairs if _part(p, pairs) != "end"]
            self.end = [p for p in pairs if _part(p, pairs) == "end"]
        else:
            self.main, _ = align(documented.main, paths.main)
            self.end, _ = align(documented.end, paths.end)
        self.shortcut = None
        if paths.shortcut is not None:
            self.shortcut, _ = align(documented.shortcut, paths.shortcut)
        for code, step, words in paths.faults:
            self._add(code, "Addition", "main path + shortcut", step, **words)
        if [step.kind for step in paths.main] == ["bn", "relu", "conv"] * 3:
            self._add("pre-activation", "2a", _ORDER, paths.main[0])
        else:
            self._explain_main()
            self._explain_end()
        self._explain_shortcut()
        self._explain_strides()

    @property
    def layers(self):
        """Dictionary from documented steps with weights to the learner's layers."""
        pairs = self.main + (self.shortcut or [])
        return {
            pair.documented: pair.step.operation
            for pair in pairs
            if pair.documented and pair.step and pair.documented.kind in ("conv", "bn")
        }

    def line_of(self, documented):
        """Return the learner's line for a documented step that is there."""
        for pair in self.main + (self.shortcut or []):
            if pair.documented is documented:
                return pair.step.line
        return None

    def _add(self, code, part, documented="", step=None, after=False, **words):
        words = {"where": COMPONENTS.get(part, "end of the block"), **words}
        line = step and step.line
        self.findings.append(found(code, title(part), line, documented, after, **words))

    def _add_setting(self, code, part, pair, name):
        """Add a mistake in a setting of a step."""
        found, wanted = (
            _number(step.settings[name]) for step in (pair.step, pair.documented)
        )
        words = {"setting": name, "found": found, "wanted": wanted}
        self._add(code, part, pair.documented.words, pair.step, **words)

    def _explain_main(self):
        for part in ("2a", "2b", "2c"):
            here = [pair for pair in self.main if _part(pair, self.main) == part]
            wanted = [pair for pair in here if pair.documented]
            if wanted and all(pair.step is None for pair in wanted):
                self._component_missing(part, wanted)
                self._explain_extra(here, part)
            else:
                self._explain_component(here, part)

    def _component_missing(self, part, wanted):
        unused = self._take_unused("conv", wanted[0].documented)
        code = "wrong-input" if unused else "component-missing"
        for pair in wanted[1:] if unused else ():
            self._take_unused(pair.documented.kind, pair.documented)
        documented = " → ".join(pair.documented.words for pair in wanted)
        line = self._before(wanted[0], self.main)
        if unused:  # the mistake is in the line that goes on with another tensor
            later = self.main[self.main.index(wanted[-1]) + 1 :]
            line = next((pair.step for pair in later if pair.step), unused)
        self._add(code, part, documented, line, after=not unused)

    def _explain_component(self, here, part):
        for pair in here:
            if pair.documented and pair.step:
                self._explain_settings(pair, part)
        moved = self._explain_order(here, part)
        for pair in here:
            if pair.step is None and pair not in moved:
                kind, words = pair.documented.kind, pair.documented.words
                unused = self._take_unused(kind, pair.documented)
                if unused:
                    code = "result-unused"
                else:
                    code = {
                        "conv": "conv-missing",
                        "bn": "shortcut-bn-missing" if part == "1" else "bn-missing",
                        "relu": "inner-relu-missing",
                    }[kind]
                path = self.shortcut if part == "1" else self.main
                line = unused or self._before(pair, path)
                self._add(code, part, words, line, not unused, found=_NAMES[kind])
        self._explain_extra([pair for pair in here if pair not in moved], part)

    def _explain_order(self, here, part):
        """Report a step that is missing where another of its kind is too many."""
        moved = []
        for missing in here:
            if missing.step is not None:
                continue
            for extra in here:
                if (
                    extra.documented is None
                    and extra.step.kind == missing.documented.kind
                    and extra not in moved
                ):
                    moved += [missing, extra]
                    name = f"the {_NAMES[extra.step.kind]}"
                    self._add("order", part, _ORDER, extra.step, found=name)
                    break
        return moved

    def _explain_extra(self, here, part):
        for pair in here:
            if pair.documented is not None:
                continue
            step, where = pair.step, part
            documented = self.documented_words(part)
            code = {
                "relu": "shortcut-relu" if part == "1" else "inner-relu-extra",
                "bn": "bn-extra",
                "conv": "conv-extra",
            }.get(step.kind, "extra-step")
            if step.name.replace("_", "").lower() == "stopgradient":
                code = "gradient-stopped"
            if step.kind == "relu" and self._is_early_end(pair):
                code, self.end = "last-relu-before-addition", []
                where, documented = "end", _END
            self._add(code, where, documented, step, found=step.name)

    def _is_early_end(self, pair):
        return (
            pair is self.main[-1]
            and self.paths.join is not None
            and [each.step for each in self.end] == [None]
        )

    def _explain_settings(self, pair, part):
        wanted, step = pair.documented, pair.step
        if wanted.kind != step.kind:
            code = "conv-kind" if wanted.kind == "conv" else "activation"
            self._add(code, part, wanted.words, step, found=step.name)
        for name in pair.differences:
            if name == "strides":
                continue  # explained together, below
            default = "conv-setting" if wanted.kind == "conv" else "bn-setting"
            self._add_setting(_SETTINGS.get(name, default), part, pair, name)

    def _explain_shortcut(self):
        pairs = self.shortcut
        if pairs is None:
            return
        if not self.documented.shortcut:
            self._explain_identity(pairs)
        elif pairs and not any(p.documented and p.step and _is_conv(p) for p in pairs):
            missing = [pair for pair in pairs if pair.documented]
            words = self.documented_words("1")
            self._add("projection-missing", "1", words, self.paths.join)
            self._explain_extra([pair for pair in pairs if pair not in missing], "1")
        else:
            self._explain_component(pairs, "1")

    def _explain_identity(self, pairs):
        projection = [pair for pair in pairs if pair.step.kind in ("conv", "bn")]
        if any(pair.step.kind == "conv" for pair in projection):
            self._add("projection-extra", "1", "X itself", projection[0].step)
            pairs = [pair for pair in pairs if pair not in projection]
        self._explain_extra(pairs, "1")

    def _explain_end(self):
        for pair in self.end:
            if pair.step is None:
                unused = self._take_unused("relu", pair.documented)
                code = "result-unused" if unused else "last-relu-missing"
                line = unused or self.paths.join or self._last()
                words = {"where": "block", "found": "last ReLU"}
                self._add(code, "end", _END, line, not unused, **words)
            elif pair.documented is None:
                self._add("extra-step", "end", _END, pair.step, found=pair.step.name)
            else:
                self._explain_settings(pair, "end")

    def _explain_strides(self):
        pairs = [pair for pair in self.main if _is_conv(pair)]
        different = [pair for pair in pairs if "strides" in pair.differences]
        strided = [p for p in different if p.step.settings["strides"] != (1, 1)]
        first = [p for p in pairs if p.documented is self.documented.main[0]]
        projects = bool(self.documented.shortcut)
        lacks = [p for p in different if p in first and p not in strided]
        misplaced = [p for p in strided if p not in first]
        for pair in different:
            code = "stride"
            if projects and pair in misplaced:
                code = "stride-place"
            elif projects and pair in lacks:
                if misplaced:
                    continue  # reported there
                code = "stride-missing"
            self._add_setting(code, pair.documented.part, pair, "strides")
        for pair in self.shortcut or ():
            if "strides" in pair.differences:
                is_lacking = pair.step.settings["strides"] == (1, 1)
                code = "stride-shortcut-missing" if is_lacking else "stride"
                self._add_setting(code, "1", pair, "strides")

    def _take_unused(self, kind, documented):
        """Return, once, a step of that kind whose result nothing uses."""
        for step in self._unused:
            filters = documented.settings.get("filters")
            if step.kind == kind and step.settings.get("filters") == filters:
                self._unused.remove(step)
                return step
        return None

    def _before(self, pair, pairs):
        earlier = [p.step for p in pairs[: pairs.index(pair)] if p.step]
        return earlier[-1] if earlier else None

    def _last(self):
        return self.paths.main[-1] if self.paths.main else None

    def documented_words(self, part):
        """Return the documented steps of a component in words."""
        steps = self.documented.main + self.documented.shortcut
        words = [step.words for step in steps if step.part == part]
        return " → ".join(words) or "X itself"


def title(part):
    """Return the title of a component's line."""
    return "Last ReLU" if part == "end" else COMPONENTS.get(part, part).capitalize()


def _part(pair, pairs):
    """Return the component a pair belongs to; an extra step, that of the one before."""
    if pair.documented:
        return pair.documented.part
    index = pairs.index(pair)
    known = [each.documented.part for each in pairs[:index] if each.documented]
    later = [each.documented.part for each in pairs[index:] if each.documented]
    return (known[-1:] or later[:1])[0]


def _is_conv(pair):
    return pair.documented and pair.step and pair.documented.kind == "conv"


def _number(value):
    if isinstance(value, tuple):
        same = len(set(value)) == 1
        return str(value[0]) if same else "x".join(map(str, value))
    return value
