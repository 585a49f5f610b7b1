"""A path of the learner's beside the documented one, step against step."""

from dataclasses import dataclass

_GAP = 1.0
_SETTING = 0.15  # for each setting that differs, so that a step still finds its match
_ALIKE = {frozenset({"relu", "activation"}): 0.8, frozenset({"conv", "other"}): 1.7}


@dataclass
class Pair:
    """A documented step and the learner's; one is None where the other has no match."""

    documented: object
    step: object
    differences: tuple = ()  # names of settings


def differences(documented, step):
    """Return the names of the settings in which two steps of one kind differ."""
    names = []
    for name, wanted in documented.settings.items():
        value = step.settings.get(name)
        if name == "padding" and "kernel_size" in step.settings:
            # With a 1x1 kernel both paddings are the same.
            kernel = step.settings["kernel_size"]
            if kernel == (1, 1) or kernel != documented.settings["kernel_size"]:
                continue
        if value != wanted:
            names.append(name)
    return tuple(names)


def align(documented, steps):
    """Pair two sequences at the least cost.

    Args:
        documented: sequence of `reference.Documented`.
        steps: sequence of `graph.Step`.

    Returns:
        List of `Pair` in order, and the cost.
    """
    rows, columns = len(documented), len(steps)
    best = {(0, 0): (0.0, None)}
    for i in range(rows + 1):
        for j in range(columns + 1):
            options = []
            if i:  # first, so that of equal pairings the one with whole gaps is taken
                options.append((best[i - 1, j][0] + _GAP, (1, 0)))
            if i and j:
                cost = _cost(documented[i - 1], steps[j - 1])
                options.append((best[i - 1, j - 1][0] + cost, (1, 1)))
            if j:
                options.append((best[i, j - 1][0] + _GAP, (0, 1)))
            if options:
                best[i, j] = min(options, key=lambda option: option[0])
    pairs, i, j = [], rows, columns
    while i or j:
        down, right = best[i, j][1]
        wanted = documented[i - 1] if down else None
        step = steps[j - 1] if right else None
        same = wanted and step and wanted.kind == step.kind
        pairs.append(Pair(wanted, step, differences(wanted, step) if same else ()))
        i, j = i - down, j - right
    return pairs[::-1], best[rows, columns][0]


def _cost(documented, step):
    if documented.kind == step.kind:
        return _SETTING * len(differences(documented, step))
    return _ALIKE.get(frozenset({documented.kind, step.kind}), 2 * _GAP + 0.1)
