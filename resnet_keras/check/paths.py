"""The learner's graph taken apart: main path, shortcut, the joining, what follows."""

from dataclasses import dataclass, field

from resnet_keras.check.alignment import align


@dataclass
class Paths:
    """A block's graph by path; steps in order of computation, without the input."""

    main: list
    shortcut: list  # None where nothing is joined
    end: list
    join: object = None
    faults: list = field(default_factory=list)  # (cause, step, words)


def take_apart(last, documented, start=None):
    """Return the `Paths` of the block that ends in the step `last`.

    Args:
        last: `graph.Step`.
        documented: `reference.Block`; it decides which path is the main one.
        start: the step that is the block's input; by default the graph's.

    Returns:
        `Paths`.
    """
    end, join = _chain(last, start)
    if not _is_join(join, start):
        fault = ("no-addition", end[-1] if end else None, {})
        return Paths(end, None, [], None, [fault])
    terms = _terms(join, start)
    unique = list({id(term): term for term in terms}.values())
    chains = [_chain(term, start) for term in unique]
    nested = [
        term
        for term, (_, root) in zip(unique, chains, strict=True)
        if _is_join(root, start)
    ]
    if nested:
        paths = take_apart(nested[0], documented, start)
        code = "added-twice" if join.kind == "add" else "not-an-addition"
        paths.faults.append((code, join, {"found": join.name}))
        return paths
    faults = []
    if join.kind == "concat":
        faults.append(("concatenated", join, {}))
    elif join.kind != "add":
        faults.append(("not-an-addition", join, {"found": join.name}))
    chains = [steps for steps, _ in chains]
    if len(unique) == 1:
        faults.append(("added-to-itself", join, {}))
        return Paths(chains[0], None, end, join, faults)
    if len(unique) > 2:
        faults.append(("extra-term", join, {"found": len(unique)}))
        chains.sort(key=len)
        chains = [chains[-1], chains[0]]
    elif len(terms) > 2:
        faults.append(("added-twice", join, {}))
    main, shortcut = min(
        (chains, chains[::-1]), key=lambda pair: _cost(pair, documented)
    )
    shared = 0
    while shared < min(len(main), len(shortcut)) and main[shared] is shortcut[shared]:
        shared += 1
    if shared:
        faults.append(("shortcut-late", main[shared - 1], {}))
    return Paths(main, shortcut[shared:], end, join, faults)


def _chain(step, start):
    """Return the steps that lead to `step` one by one, and what they begin from."""
    steps = []
    while step is not start and step.inputs and not _is_join(step, start):
        steps.insert(0, step)
        step = step.inputs[0]
    return steps, step


def _is_join(step, start):
    return step is not start and step.is_join


def _terms(join, start):
    """Return what is added, through additions directly within additions."""
    terms = []
    for step in join.inputs:
        if join.kind == "add" and step.kind == "add" and step is not start:
            terms += _terms(step, start)
        else:
            terms.append(step)
    return terms


def _cost(pair, documented):
    main, shortcut = pair
    shared = sum(a is b for a, b in zip(main, shortcut, strict=False))
    return (
        align(documented.main, main)[1]
        + align(documented.shortcut, shortcut[shared:])[1]
    )
