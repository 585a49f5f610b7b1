"""A network's graph divided into stem, residual blocks and head."""

from dataclasses import dataclass, replace

from resnet_keras.check import graph, reference
from resnet_keras.check.diagnosis import Diagnosis
from resnet_keras.check.paths import take_apart
from resnet_keras.check.reference import Arguments
from resnet_keras.check.signatures import KINDS


@dataclass
class Block:
    """A block within a network: a piece of the graph, and what it was called with."""

    kind: str
    values: Arguments
    start: graph.Step
    last: graph.Step

    def diagnose(self):
        """Return the `Diagnosis` of the block, by what it was called with."""
        documented = reference.block(self.kind, self.values)
        return Diagnosis(take_apart(self.last, documented, self.start), documented)


@dataclass
class Network:
    """A network in three: steps before the first block, the blocks, steps after."""

    stem: list
    blocks: list
    head: list

    @property
    def stages(self):
        """Blocks by stage; each begins with a convolutional block."""
        stages = []
        for block in self.blocks:
            if block.kind == KINDS[1] or not stages:
                stages.append([])
            stages[-1].append(block)
        return stages

    @property
    def sizes(self):
        """Height of the feature maps after each step of the stem and each stage."""
        steps = [step for step in self.stem if step.kind in ("conv", "max pooling")]
        steps += [stage[-1].last for stage in self.stages]
        return [step.shape[1] for step in steps if len(step.shape) == 4]


def divide(last):
    """Return a graph as stem, blocks and head, from its end back to the input."""
    parts, plain, step = [], [], last
    while step.inputs:
        if not step.is_join:
            plain.insert(0, step)
            step = step.inputs[0]
            continue
        end = step
        if plain and plain[0].kind == "relu":
            end = plain.pop(0)
        start = _common(step)
        parts.insert(0, plain)
        parts.insert(0, _block(start, end))
        plain, step = [], start
    parts.insert(0, plain)
    blocks = [part for part in parts if isinstance(part, Block)]
    between = [step for part in parts[2:-1:2] for step in part]
    head = parts[-1] if blocks else []
    return Network(parts[0], blocks, _as_flatten(between + head))


def _common(join):
    """Return the last step that all inputs of a join depend on."""
    shared = None
    for step in join.inputs:
        steps = graph.steps_of(step)
        keys = {id(each) for each in steps}
        shared = [each for each in shared or steps if id(each) in keys]
    return shared[-1]


def _block(start, last):
    """Read from a piece of the graph which block it is, and its arguments."""
    inside, before = graph.steps_of(last), graph.steps_of(start)
    known = {id(step) for step in before}
    convs = [s for s in inside if s.kind == "conv" and id(s) not in known]
    channels = start.shape[-1]
    strides = [max(step.settings["strides"]) for step in convs] or [1]
    changes = channels != last.shape[-1] or max(strides) > 1
    kind = KINDS[1] if len(convs) > 3 or changes else KINDS[0]
    # By either table the longer path is the main one; its convolutions tell.
    guess = Arguments(3, (1, 1, 1), max(strides), channels)
    main = take_apart(last, reference.block(kind, guess), start).main
    main = [step for step in main if step.kind == "conv"]
    filters = tuple(step.settings["filters"] for step in main[:3])
    kernel = main[1].settings["kernel_size"][0] if len(main) > 1 else 3
    filters += (last.shape[-1],) * (3 - len(filters))
    return Block(kind, Arguments(kernel, filters, max(strides), channels), start, last)


def _as_flatten(steps):
    """Take global average pooling for average pooling of the whole map and flatten."""
    result = []
    for step in steps:
        if step.kind == "global average pooling":
            size = step.inputs[0].shape[1:3]
            settings = {"pool_size": size, "strides": size, "padding": "valid"}
            result.append(replace(step, kind="average pooling", settings=settings))
            result.append(replace(step, kind="flatten", settings={}))
        else:
            result.append(step)
    return result
