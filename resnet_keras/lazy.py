"""Public names of a package, imported on first use.

So a command can answer `--help` before Keras is loaded.
"""

import sys
from importlib import import_module


def lazy(package, modules):
    """Return `__getattr__`, `__dir__` and `__all__` of a package.

    Args:
        package: its `__name__`.
        modules: dictionary from each module, relative to the package, to the public
            names that it has, with spaces between them.

    Example:

    >>> get, _, names = lazy("json", {"decoder": "JSONDecoder JSONDecodeError"})
    >>> get("JSONDecoder").__name__, names
    ('JSONDecoder', ['JSONDecoder', 'JSONDecodeError'])
    """
    homes = {name: each for each, names in modules.items() for name in names.split()}

    def get(name):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def names():
        return sorted({*vars(sys.modules[package]), *homes})

    return get, names, list(homes)
