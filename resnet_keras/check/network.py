"""Check a learner's ResNet50: stem, blocks and head beside those of this package."""

import inspect
from itertools import zip_longest

import keras

from resnet_keras.check import graph, tracing
from resnet_keras.check.alignment import align
from resnet_keras.check.blocks import in_block, wrong_blocks
from resnet_keras.check.division import divide
from resnet_keras.check.failures import failure
from resnet_keras.check.reference import Documented
from resnet_keras.check.result import Result, Row, found
from resnet_keras.check.signatures import BLOCK_NAMES, KINDS
from resnet_keras.check.starts import initializer_words, starts_from
from resnet_keras.errors import InputError

_SHAPE, _CLASSES = (64, 64, 3), 5  # not the usual 6, so that a fixed number shows
_LARGE = (256, 256, 3)
_LAYERS = 177  # counting the input


def check_network(function, name):
    """Check a learner's `ResNet50`.

    Args:
        function: of the learner; called for images of 64x64x3 and five classes.
        name: what to call it.

    Returns:
        `Result`.

    Raises:
        InputError: it cannot be called with `input_shape` and `classes`.
    """
    result = Result(name, KINDS[2])
    namespace = getattr(inspect.unwrap(function), "__globals__", {})
    for shape in (_SHAPE, _LARGE):  # too many strides leave nothing to be pooled
        attempt = tracing.trace(function, None, _arguments(function, shape))
        if attempt.error is None:
            break
    if not getattr(attempt.output, "outputs", None):
        finding = failure(attempt, function, "network-no-model")
        wrong = wrong_blocks(namespace)
        result.add("Blocks", "each as documented by itself", wrong)
        if not wrong and "incompatible shapes" in finding.text:
            finding = found("network-addition", "Result", attempt.outer_line)
        result.add("Result", "a model", [finding])
        return result
    from resnet_keras import ResNet50

    ours = ResNet50(input_shape=_SHAPE, classes=_CLASSES)
    wanted = divide(graph.graph_of(tracing.Trace(), ours.outputs[0]))
    last = graph.graph_of(attempt, attempt.output.outputs[0])
    got = divide(last)
    if len(got.blocks) < len(wanted.blocks) and (wrong := wrong_blocks(namespace)):
        result.add("Blocks", "each as documented by itself", wrong)
        reason = "the blocks themselves are not right yet"
        result.add("Network", "stem, four stages, head", skipped=reason)
        return result
    stem, stem_pairs = _compare_steps("stem", wanted.stem, got.stem)
    head, head_pairs = _compare_steps("head", wanted.head, got.head)
    result.add("Stem", _words(wanted.stem), stem)
    _compare_stages(result, wanted, got)
    _check_blocks(result, got)
    result.add("Head", _words(wanted.head), head)
    _compare_starts(result, stem_pairs + head_pairs)
    if _has_names(namespace):
        _compare_names(result, wanted, got, stem_pairs + head_pairs)
    sizes = [" → ".join(map(str, [_SHAPE[0], *each.sizes])) for each in (wanted, got)]
    number = len(graph.steps_of(last))
    wrong = []
    if result.right and sizes[0] != sizes[1]:
        wrong = [found("network-size", "Sizes", found=sizes[1], wanted=sizes[0])]
    words = f"{sizes[0]}; {_LAYERS} layers counting the input"
    if not result.right and shape == _SHAPE:
        words += f" (yours: {sizes[1]}; {_count(got, number)})"
    result.add("Sizes", words, wrong)
    _remark_training(result, last)
    result.drawing = _drawing(stem_pairs, wanted, got, head_pairs)
    return result


def _arguments(function, shape):
    """Return the arguments to call a network with, chosen by their names."""
    values = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if "class" in name or "output" in name:
            values[name] = _CLASSES
        elif "shape" in name or "input" in name or "size" in name:
            values[name] = shape
        elif parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        ):
            raise InputError(
                f"ResNet50: does not know what to give for its argument {name}; "
                "expected (input_shape, classes)."
            )
    return values


def _compare_steps(where, wanted, got):
    """Return findings on the stem or the head, and the pairs of steps."""
    documented = [
        Documented(step.kind, where, step.settings, _step_words(step))
        for step in wanted
    ]
    pairs, _ = align(documented, got)
    findings = []

    def add(code, step, after=False, **values):
        line, values = step and step.line, {"where": where, **values}
        findings.append(found(code, where.capitalize(), line, after=after, **values))

    for index, pair in enumerate(pairs):
        words, step = pair.documented and pair.documented.words, pair.step
        if step is None:
            before = next((p.step for p in pairs[index::-1] if p.step), None)
            add("network-step-missing", before, after=True, wanted=words)
            continue
        name = _step_words(step)
        if words is None:
            add("network-step-extra", step, found=name)
        elif "units" in pair.differences:
            units = step.settings["units"]
            add("network-classes", step, found=units, wanted=_CLASSES)
        elif pair.differences or pair.documented.kind != step.kind:
            if name == words:
                keys = pair.differences
                settings = ", ".join(f"{key}={step.settings.get(key)}" for key in keys)
                name = f"{name} with {settings}"
            add("network-step", step, found=name, wanted=words)
    pairs = [pair for pair in pairs if pair.documented]
    return _together(findings), list(zip(wanted, pairs, strict=True))


def _together(findings):
    """Make one finding of a step that is missing and another in its place."""
    result = []
    for finding in findings:
        last = result[-1] if result else None
        codes = (last.code, finding.code) if last else ()
        if set(codes) == {"network-step-missing", "network-step-extra"}:
            last.text = f"{last.text} {finding.text}"
            last.code, last.line = "network-step", finding.line or last.line
            last.after = False
        else:
            result.append(finding)
    return result


def _compare_stages(result, wanted, got):
    stages = got.stages
    if len(stages) != len(wanted.stages):
        finding = found("network-stages", "Stages", found=len(stages))
        if not stages:
            finding = found("no-addition", "Stages")
        result.add("Stages", "2, 3, 4 and 5", [finding])
        return
    for stage, (documented, blocks) in enumerate(
        zip(wanted.stages, stages, strict=True), 2
    ):
        first, part = documented[0].values, f"Stage {stage}"
        words = f"{list(first.filters)}, stride {first.s}, {len(documented)} blocks"
        findings = []
        for letter, right, block in zip("abcdefghi", documented, blocks, strict=False):
            findings += _compare_block(part, f"{stage}{letter}", right, block)
        if len(blocks) != len(documented):
            numbers = {"found": len(blocks), "wanted": len(documented)}
            line = _call_line(blocks[-1])
            findings.append(found("layer-count", part, line, stage=stage, **numbers))
        result.add(part, words, findings)


def _compare_block(part, where, right, block):
    findings = []
    for code, a, b in (
        ("network-kind", right.kind, block.kind),
        ("network-filters", list(right.values.filters), list(block.values.filters)),
        ("network-window", right.values.f, block.values.f),
        ("network-stride", right.values.s, block.values.s),
    ):
        if a != b:
            words = {"where": where, "found": b, "wanted": a}
            findings.append(found(code, part, _call_line(block), **words))
    return findings


def _call_line(block):
    """Return the line in which the network asks for the block."""
    return block.last.outer or block.last.line


def _check_blocks(result, got):
    """Report what is wrong within blocks, each mistake once with all its blocks."""
    known = {}  # (code, text): the first finding, and the blocks that have it
    for stage, blocks in enumerate(got.stages, 2):
        for letter, block in zip("abcdefghi", blocks, strict=False):
            for finding in block.diagnose().findings:
                key = (finding.code, finding.text)
                known.setdefault(key, (finding, []))[1].append(f"{stage}{letter}")
    findings = [
        in_block(("block " if len(names) == 1 else "blocks ") + ", ".join(names), first)
        for first, names in known.values()
    ]
    result.add("Blocks", "each as documented by itself", findings)


def _compare_starts(result, pairs):
    part, words = "Initial values", "GlorotUniform(seed=0) in the stem and the head"
    findings = []
    initializer = keras.initializers.GlorotUniform(seed=0)
    for step, pair in pairs:
        layer = pair.step and pair.step.operation
        if step.kind not in ("conv", "dense") or not hasattr(layer, "kernel"):
            continue
        if not starts_from(layer, initializer):
            values = {
                "where": "stem" if step.kind == "conv" else "head",
                "found": initializer_words(layer),
                "wanted": "GlorotUniform(seed=0)",
            }
            findings.append(found("seed-missing", part, pair.step.line, **values))
    result.add(part, words, findings)


def _has_names(namespace):
    """Return whether the learner's blocks name their layers, as in 2017."""
    blocks = [namespace[name] for name in BLOCK_NAMES if name in namespace]
    return any(
        "stage" in inspect.signature(block).parameters
        for block in blocks
        if callable(block)
    )


def _compare_names(result, wanted, got, pairs):
    rows = [
        (step.operation.name, pair.step)
        for step, pair in pairs
        if pair.step and step.kind in ("conv", "bn", "dense")
    ]
    if [len(stage) for stage in wanted.stages] == [len(s) for s in got.stages]:
        for right, block in zip(wanted.blocks, got.blocks, strict=True):
            if right.kind != block.kind:
                continue
            a, b = right.diagnose(), block.diagnose()
            ours = {(key.kind, key.part): layer.name for key, layer in a.layers.items()}
            for pair in b.main + (b.shortcut or []):
                key = pair.documented and (pair.documented.kind, pair.documented.part)
                if pair.step and key in ours:
                    rows.append((ours[key], pair.step))
    part, findings = "Names", []
    for name, step in rows:
        if step.operation.name != name:
            words = {"found": step.operation.name, "wanted": name}
            line = step.outer or step.line
            findings.append(found("name-wrong", part, line, **words))
    result.add(part, "conv1, bn_conv1, res2a_branch2a, ..., fc5", findings)


def _drawing(stem, wanted, got, head):
    """Return the rows of the picture: steps of stem and head, and a box a block."""
    rows = [_row(pair) for _, pair in stem]
    stages = zip_longest(wanted.stages, got.stages, fillvalue=())
    for stage, pair in enumerate(stages, 2):
        for letter, blocks in zip("abcdefghijkl", zip_longest(*pair), strict=False):
            labels = [_block_words(f"{stage}{letter}", block) for block in blocks]
            rows.append(Row("main", *labels, labels[0] == labels[1]))
    return rows + [_row(pair) for _, pair in head]


def _block_words(name, block):
    if block is None:
        return ""
    return f"{name}: {list(block.values.filters)}, stride {block.values.s}"


def _row(pair):
    same = bool(pair.step) and pair.step.kind == pair.documented.kind
    same = same and not pair.differences
    learners = _step_words(pair.step) if pair.step else ""
    return Row("main", pair.documented.words, learners, same)


def _remark_training(result, last):
    norms = [step for step in graph.steps_of(last) if step.kind == "bn"]
    fixed = sum(step.training is True for step in norms)
    if fixed:
        result.remarks.append(
            f"{fixed} batch normalizations are fixed to training=True, the blocks' "
            "default in the course of 2021: a prediction then depends on the other "
            "images of its batch. Pass training=None, or leave the argument away."
        )


def _count(got, number):
    """Return how many layers a graph has, in words; a softmax is part of its layer."""
    softmax = sum(step.kind in ("softmax", "activation") for step in got.head)
    return f"{number - softmax} layers"


def _words(steps):
    return " → ".join(_step_words(step) for step in steps)


def _step_words(step):
    settings = step.settings
    if step.kind == "conv":
        return graph.conv_words(settings)
    if "pool_size" in settings and step.kind != "global average pooling":
        size = "x".join(map(str, settings["pool_size"]))
        return f"{step.kind} {size}, stride {settings['strides'][0]}"
    if step.kind == "dense":
        return "dense(classes)"
    if step.kind == "zero padding":
        return f"zero padding {settings['padding'][0][0]}"
    names = {"bn": "batch normalization", "relu": "ReLU"}
    return names.get(step.kind, step.name)
