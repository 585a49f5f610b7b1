"""Walking through what a configuration holds, which JSON makes of any depth."""


def dictionaries(value):
    """Yield each dictionary in a configuration, at any depth, the outermost first.

    Args:
        value: parsed from JSON; a deep one needs no recursion.

    Example:

    >>> [each.get("a") for each in dictionaries({"a": 1, "b": [{"a": 2}]})]
    [1, 2]
    """
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            yield part
            pending += part.values()
        elif isinstance(part, list):
            pending += part
