"""Check a block: call it, take its graph apart, compare its numbers, name causes."""

import inspect
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from itertools import zip_longest

import keras
import numpy as np

from resnet_keras.check import graph, reference, tracing
from resnet_keras.check.diagnosis import HARMLESS, Diagnosis, title
from resnet_keras.check.failures import failure, message_of
from resnet_keras.check.paths import take_apart
from resnet_keras.check.reference import Arguments
from resnet_keras.check.result import Result, Row, found
from resnet_keras.check.signatures import BLOCK_NAMES, kind_of, signature_of
from resnet_keras.check.starts import compare_starts
from resnet_keras.errors import InputError

# No two values are alike, so that a number written in place of an argument shows.
_VALUES = {
    "identity_block": Arguments(f=5, filters=(2, 4, 6), s=1, channels=6),
    "convolutional_block": Arguments(f=5, filters=(2, 4, 6), s=3, channels=5),
}
_SECOND = {kind: replace(values, f=2) for kind, values in _VALUES.items()}
_SIZE, _ANY_SIZE = (7, 9), (None, None)
_STAGE, _BLOCK = 4, "q"
_TOLERANCE = 1e-3  # float32, in sums of up to 5 x 5 x 4 products of order one


def check_block(function, kind, name):
    """Check a learner's block.

    Args:
        function: of the learner.
        kind: "identity_block" or "convolutional_block".
        name: what to call it.

    Returns:
        `Result`.

    Raises:
        InputError: its arguments are none of the three signatures'.
    """
    return _Check(function, kind, name).run()


class _Check:
    def __init__(self, function, kind, name):
        self.function, self.kind = function, kind
        self.signature = signature_of(function, kind)
        self.values = _VALUES[kind]
        self.result = Result(name, kind)

    def run(self):
        first, built, values = self._build()
        if built is None:
            finding = failure(first, self.function, "nothing-returned")
            self.result.add("Result", "a tensor, the block's output", [finding])
            return self.result
        documented = reference.block(self.kind, values)
        last = graph.graph_of(built)
        if built is not first:
            _take_settings(graph.steps_of(last), built, first)
            documented = reference.block(self.kind, self.values)
        unused = _unused(built, last)
        diagnosis = Diagnosis(take_apart(last, documented), documented, unused)
        initial = compare_starts(diagnosis, self.signature.takes("initializer"))
        numbers = self._outputs(built, documented, diagnosis)
        self._report_steps(diagnosis)
        self.result.add(*initial)
        if self.signature.takes("stage", "block"):
            self._report_names(diagnosis, last)
        self._report_training(last)
        if first is not built and not self.result.findings:
            part = "Result"
            message = message_of(first.error)
            finding = found("raises", part, first.line, found=message)
            self.result.add(part, "a tensor of the documented shape", [finding])
        if self.kind == "convolutional_block":
            self._report_default()
        self.result.add(*numbers)
        if self.result.right:
            self._report_second(_SECOND[self.kind])
        self.result.drawing = _drawing(diagnosis)
        return self.result

    @cached_property
    def second(self):
        """The `Trace` of a call with other values, and training=False."""
        return self._call(_SECOND[self.kind], training=False)

    def _call(self, values, size=_SIZE, training=True):
        inputs = keras.Input((*size, values.channels))
        arguments = self.signature.arguments(
            X=inputs,
            f=values.f,
            filters=list(values.filters),
            stage=_STAGE,
            block=_BLOCK,
            s=values.s,
            training=training,
            initializer=reference.Given,
        )
        if self.kind == "identity_block":
            arguments.pop(self.signature.names.get("s"), None)
        return tracing.trace(self.function, inputs, arguments)

    def _build(self):
        """Call the function; if it fails, so that shapes cannot be the reason.

        Returns:
            The first `Trace`, the first that has a graph (or None), and what it was
            called with.
        """
        values = self.values
        alike = Arguments(f=values.f, filters=(6, 6, 6), s=values.s, channels=6)
        tiny = Arguments(f=1, filters=(6, 6, 6), s=1, channels=6)
        first = None
        for case, size in (
            (values, _SIZE),
            (values, _ANY_SIZE),
            (alike, _ANY_SIZE),
            (tiny, _SIZE),
        ):
            attempt = self._call(case, size)
            first = first or attempt
            if attempt.is_graph:
                return first, attempt, case
            if attempt.error is None:  # it returned something else
                break
        return first, None, None

    def _report_steps(self, diagnosis):
        by_part = {}
        for finding in diagnosis.findings:
            by_part.setdefault(finding.part, []).append(finding)
        paths = diagnosis.paths
        for part in ("2a", "2b", "2c"):
            words = diagnosis.documented_words(part)
            self.result.add(title(part), words, by_part.pop(title(part), ()))
        skipped = "" if paths.shortcut is not None else "nothing is joined"
        if "added-to-itself" in {finding.code for finding in diagnosis.findings}:
            skipped = "it never reaches the addition"
        words = diagnosis.documented_words("1")
        self.result.add("Shortcut", words, by_part.pop("Shortcut", ()), skipped)
        for part, words in (
            ("Addition", "main path + shortcut"),
            ("Last ReLU", "ReLU after the addition"),
        ):
            self.result.add(part, words, by_part.pop(part, ()))

    def _report_names(self, diagnosis, last):
        part = "Names"
        words = f"res{_STAGE}{_BLOCK}_branch2a, bn{_STAGE}{_BLOCK}_branch2a, ..."
        words += f" (called with stage={_STAGE}, block={_BLOCK!r})"
        findings, seen = [], {}
        steps = [step for step in graph.steps_of(last) if step.operation]
        for step in steps:
            seen.setdefault(id(step.operation), step)
        counts = Counter(step.operation.name for step in seen.values())
        twice = {name for name, number in counts.items() if number > 1}
        wanted = {id(layer): _name(step) for step, layer in diagnosis.layers.items()}
        for step in seen.values():
            name, right = step.operation.name, wanted.get(id(step.operation))
            if name == right or (right is None and name not in twice):
                continue
            code = "name-twice" if name in twice else "name-wrong"
            right = right or "for example none at all"
            findings.append(found(code, part, step.line, found=name, wanted=right))
        self.result.add(part, words, findings)

    def _report_training(self, last):
        part, findings = "Training", []
        steps = [step for step in graph.steps_of(last) if step.kind == "bn"]
        if not self.signature.takes("training"):
            words = "normalization decides by itself; no fixed training="
            findings = [
                found("training-fixed", part, step.line, found=step.training)
                for step in steps
                if step.training is not None
            ]
            self.result.add(part, words, findings)
            return
        again = []
        if self.second.is_graph:  # it was called with training=False
            again = graph.steps_of(graph.graph_of(self.second))
        others = [step.training for step in again if step.kind == "bn"]
        words = "training=training for each batch normalization"
        for step, second in zip_longest(steps, others[: len(steps)]):
            if step.training is None:
                findings.append(found("training-not-passed", part, step.line))
            elif step.training is not True or second not in (False, None):
                findings.append(
                    found("training-fixed", part, step.line, found=step.training)
                )
        self.result.add(part, words, findings)

    def _report_default(self):
        default = self.signature.defaults.get("s", 2)
        if default not in (2, (2, 2)):
            finding = found("stride-default", "Stride", documented="s=2", found=default)
            self.result.add("Stride", "s=2 by default", [finding])

    def _outputs(self, built, documented, diagnosis):
        """Compare outputs, computed with the same weights, in both modes.

        What makes no difference there is another way to write the same, and leaves the
        list of mistakes.
        """
        part = "Outputs"
        words = "with the same weights the documented numbers, in both modes"
        graph_codes = {finding.code for finding in diagnosis.findings}
        compares = self._comparable(documented, diagnosis)
        if graph_codes - set(HARMLESS) or not compares:
            return part, words, (), "the steps differ"
        rng = np.random.default_rng(0)
        for layer in diagnosis.layers.values():
            for variable in layer.weights:
                low = 0.5 if variable.path.endswith(("gamma", "variance")) else -1
                variable.assign(rng.uniform(low, 1, variable.shape))
        size = (3, *_SIZE, built.inputs.shape[-1])
        images = (4 * rng.normal(size=size)).astype("float32")  # beyond what ReLU6 cuts
        differences = []
        for training in (False, True):
            expected = reference.compute(documented, images, diagnosis.layers, training)
            try:
                output = graph.evaluate(built, images, training)
            except Exception as problem:
                line = tracing.error_lines(problem)[0]
                finding = found("raises", part, line, found=message_of(problem))
                return part, words, [finding]
            if output.shape != expected.shape:
                return part, words, (), "the steps differ"
            differences.append(np.abs(output - expected).max() / np.abs(expected).max())
        error = np.max(differences)
        if error < _TOLERANCE:  # which NaN is not
            diagnosis.findings = [
                finding
                for finding in diagnosis.findings
                if finding.code not in HARMLESS
            ]
            return part, words
        if graph_codes:
            return part, words, (), "the steps differ"
        return part, words, [found("outputs", part, found=f"{error:.0%}")]

    def _comparable(self, documented, diagnosis):
        steps = documented.main + documented.shortcut
        needed = [step for step in steps if step.kind in ("conv", "bn")]
        has_all = all(step in diagnosis.layers for step in needed)
        return has_all and diagnosis.paths.join is not None

    def _report_second(self, values):
        """Say so if the block is right with one set of values and not with another."""
        if self.second.is_graph:
            documented = reference.block(self.kind, values)
            paths = take_apart(graph.graph_of(self.second), documented)
            if not Diagnosis(paths, documented).findings:
                return
        finding = found("even-window", title("2b"), self.second.line)
        part = next(p for p in self.result.parts if p.title == title("2b"))
        part.findings.append(finding)


def in_block(where, finding):
    """Return a finding on a block as one on the network."""
    line, after, text = finding.line, finding.after, finding.text
    words = {"where": where, "found": text}
    return found("network-block", "Blocks", line, after=after, **words)


def wrong_blocks(namespace):
    """Return findings on the blocks that a learner's network finds in a namespace."""
    findings = []
    for name in BLOCK_NAMES:
        if not inspect.isfunction(namespace.get(name)):
            continue
        with suppress(InputError):  # then it is another kind of block
            result = check_block(namespace[name], kind_of(None, name), name)
            findings += [in_block(name, each) for each in result.findings]
    return findings


def _take_settings(steps, built, first):
    """Give steps the settings of the first call, whose values are all different."""
    pairs = zip(built.operations, first.operations, strict=False)
    firsts = {id(operation): before for operation, before in pairs}
    for step in steps:
        operation = firsts.get(id(step.operation))
        if type(operation) is not type(step.operation):
            continue
        if step.kind == "conv":
            padding = step.settings["padding"]
            step.settings = graph.conv_settings(operation)
            step.settings["padding"] = padding
        elif step.kind == "bn":
            step.settings = graph.bn_settings(operation)


def _unused(built, last):
    """Return steps whose results nothing uses, in the order in which they were made."""
    used = {id(step.operation) for step in graph.steps_of(last)}
    unused = []
    for operation in built.operations:
        nodes = getattr(operation, "_inbound_nodes", ())
        if isinstance(operation, keras.Model) or not nodes or id(operation) in used:
            continue
        step = graph.graph_of(built, nodes[-1].outputs[0])
        if step.operation is operation:
            unused.append(step)
    return unused


def _name(step):
    base = "res" if step.kind == "conv" else "bn"
    return f"{base}{_STAGE}{_BLOCK}_branch{step.part}"


_SHORT = {"bn": "BatchNorm", "relu": "ReLU", "add": "Add", "concat": "Concatenate"}


def _drawing(diagnosis):
    """Return the rows of the picture."""
    rows = [_row("main", pair) for pair in diagnosis.main]
    rows += [_row("shortcut", pair) for pair in diagnosis.shortcut or ()]
    join = diagnosis.paths.join
    label = _short(join) if join else ""
    is_right = not any(finding.part == "Addition" for finding in diagnosis.findings)
    rows.append(Row("join", "Add", label, is_right))
    return rows + [_row("end", pair) for pair in diagnosis.end]


def _row(path, pair):
    wanted, step = pair.documented, pair.step
    same = bool(wanted and step) and wanted.kind == step.kind and not pair.differences
    documented = learners = ""
    if wanted:
        is_conv = wanted.kind == "conv"
        documented = wanted.words if is_conv else _SHORT[wanted.kind]
    if step:
        learners = documented if same else _short(step)
    return Row(path, documented, learners, same)


def _short(step):
    if step.kind == "conv":
        return graph.conv_words(step.settings)
    return _SHORT.get(step.kind, step.name)
