"""Which classes and functions a configuration from others may name.

Keras' public layers and those of its applications, its operations, its activations,
and what layers are given (initializers, regularizers, constraints, types of numbers,
quantizers). The rule leaves out whatever takes a function, a module of another
framework, a path or a vocabulary, by its arguments: it could run code, open a file, or
import a name. `tests/test_files_allowed.py` pins what comes of it.

The module that a file names is compared, and never imported: each class found is
written back with the module that it has here.
"""

import functools
import importlib
import inspect
import re

from resnet_keras.errors import InputError
from resnet_keras.files.configuration import dictionaries
from resnet_keras.files.legacy import OLD_OPERATIONS, without_removed

# Arguments, of the constructor or the call, that make a class one that is left out.
_LEFT_OUT = {
    *("body", "body_fun", "branches", "call_fn", "dataset", "f", "filepath", "fun"),
    *("function", "init_fn", "module", "tokenizer", "true_fn", "vocabulary"),
}
_OPERATION_MODULES = ["numpy", "nn", "math", "image", "core", "linalg", "einops"]
_OBJECT_MODULES = "initializers regularizers constraints dtype_policies quantizers"
_NOT_ACTIVATIONS = {"get", "serialize", "deserialize"}
# How many outputs an operation makes, Split and Unstack say.
_COUNTS, _MOST_OUTPUTS = ("indices_or_sections", "num", "num_ops"), 1024
_LITERALS = {
    *("__keras_tensor__", "__tensor__", "__numpy__", "__bytes__"),
    *("__ellipsis__", "__slice__"),
}
_NUMBERS = re.compile(r"(u?int(8|16|32|64)|b?float(16|32|64)|bool)$")
_LAYER_LISTS = {"layers", "layer", "backward_layer", "cell", "cells"}
_PACKAGES = ("keras", "tf_keras", "tensorflow", "builtins")


@functools.cache
def allowed():
    """Return what may be named, as {kind: {name: [classes or functions]}}.

    Kinds are "layer", "operation", "object" and "function".
    """
    return _split()[0]


@functools.cache
def left_out():
    """Return the names of what Keras has and the rule leaves out."""
    return _split()[1]


@functools.cache
def _split():
    import keras

    found = {kind: {} for kind in ("layer", "operation", "object", "function")}
    refused = {"__lambda__"}

    def add(kind, name, each):
        if _LEFT_OUT & _arguments(each):
            refused.add(name)
        elif each not in found[kind].setdefault(name, []):
            found[kind][name].append(each)

    for name, each in _classes(keras.layers, keras.layers.Layer):
        add("layer", name, each)
    for each in (keras.models.Sequential, _functional()):
        found["layer"][each.__name__] = [each]
    for module in vars(keras.src.applications).values():
        if inspect.ismodule(module):
            for name, each in _classes(module, keras.layers.Layer):
                if each.__module__ == module.__name__:
                    add("layer", name, each)
    modules = [f"keras.src.ops.{name}" for name in _OPERATION_MODULES]
    for module in (*modules, "keras.src.activations.activations"):
        for name, each in _classes(importlib.import_module(module), keras.Operation):
            if each.__module__ == module:
                add("operation", name, each)
    for module in _OBJECT_MODULES.split():
        for name, each in _classes(getattr(keras, module), object):
            add("object", name, each)
    add("object", "SeedGenerator", keras.random.SeedGenerator)
    for name, each in vars(keras.activations).items():
        if inspect.isfunction(each) and name not in _NOT_ACTIVATIONS:
            found["function"][name] = [each]
    return found, frozenset(refused)


def _functional():
    import keras

    return type(keras.Model(*[keras.Input((1,))] * 2))


def _classes(module, base):
    for name, each in sorted(vars(module).items()):
        if inspect.isclass(each) and issubclass(each, base) and name[0] != "_":
            yield name, each


@functools.cache
def _arguments(each):
    """Return the names of what a class' constructors and its call take."""
    names = set()
    for base in each.__mro__:
        for function in (base.__dict__.get("__init__"), base.__dict__.get("call")):
            if inspect.isfunction(function):
                names |= inspect.signature(function).parameters.keys()
    return names


@functools.cache
def _keywords(each):
    """Return the keywords that a class' constructor takes."""
    names = {"input_shape", "input_dim"}  # which any layer takes as a further keyword
    for base in each.__mro__:
        if function := base.__dict__.get("__init__"):
            parameters = inspect.signature(function).parameters
            names |= parameters.keys()
            if all(p.kind is not p.VAR_KEYWORD for p in parameters.values()):
                break
    return names


def resolved(path, config, trust=False):
    """Return a configuration in which every class has the module that it has here.

    Args:
        path: of the file, for the message.
        config: of a whole model, as `legacy.converted` returns it.
        trust: whether to leave what is not known as it is.

    Raises:
        InputError: it names what may not be named.
    """
    return _resolve(path, config, trust, in_graph=True)


def _resolve(path, value, trust, in_graph):
    if isinstance(value, list):
        return [_resolve(path, each, trust, in_graph) for each in value]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value:
        return {
            key: _resolve(path, each, trust, key in _LAYER_LISTS)
            for key, each in value.items()
        }
    name = value["class_name"]
    module = value.get("module")
    if name == "function":
        return _function(path, value, trust)
    if isinstance(name, str) and name in _LITERALS:
        return _literal(path, value, trust)
    each = _find(path, value, trust, in_graph)
    if each is None:
        return value
    _check_compile_config(path, value)
    _check_calls(path, value)
    _check_counts(path, value)
    config = value.get("config")
    if isinstance(config, dict) and in_graph:
        config = without_removed(config, _keywords(each))
    result = {
        key: _resolve(path, part, trust, False)
        for key, part in value.items()
        if key not in ("compile_config", "config")
    }
    public = module if each is getattr(_module(module), str(name), None) else None
    result |= {
        "module": public or each.__module__,
        "class_name": name if public else each.__name__,
        "config": _resolve(path, config, trust, False) or {},
        "registered_name": None,
    }
    return result


def _module(name):
    """Return a public module of Keras whose classes are here; nothing is imported."""
    import keras

    names = ["layers", *_OBJECT_MODULES.split()]
    return {f"keras.{each}": getattr(keras, each) for each in names}.get(name)


def _find(path, value, trust, in_graph):
    """Return the class of Keras that is named; None if unknown and trusted."""
    name, module = value["class_name"], value.get("module")
    registered = value.get("registered_name")
    of_keras = module is None or (
        isinstance(module, str) and module.split(".")[0] in _PACKAGES
    )
    if isinstance(name, str) and of_keras and registered in (None, "", name):
        found = [
            (kind, each)
            for kind in ("layer", "operation", "object")
            for each in allowed()[kind].get(name, ())
        ]
        if found:
            return _choose(value, found, in_graph)
    if trust:
        return None
    shown = _shown(value)
    if name in OLD_OPERATIONS:
        raise InputError(
            f"{path}: its graph has the TensorFlow operation {shown}, which is not "
            "converted to Keras 3 here, for some of them could run code or write "
            "files. Save the model without it, or export it with the Keras 2 that made "
            "it."
        )
    if isinstance(name, str) and name in left_out():
        raise InputError(
            f"{path}: its configuration names {shown!r}, which could run code, open a "
            "file or import a name. If you trust whoever made the file, open it with "
            "--trust (trust=True)."
        )
    raise InputError(
        f"{path}: its configuration names {shown!r}, a class that Keras does not have, "
        "as a custom layer. Its own code is needed, and could run code of any kind: if "
        "you have it and trust it, register it with "
        "keras.saving.register_keras_serializable, and open the file with trust=True."
    )


def _choose(value, found, in_graph):
    module, config = value.get("module"), value.get("config")
    for kind, each in found:
        if module == each.__module__ or (
            kind != "operation" and module == f"keras.{kind}s"
        ):
            return each
    first = {"layer": 0, "operation": 1, "object": 2}
    if not in_graph:
        first = {"object": 0, "layer": 1, "operation": 2}
    # Keras 3 writes no module into .h5: an operation has no setting of a layer.
    elif isinstance(config, dict) and "trainable" not in config and _is_called(value):
        first = {"operation": 0, "layer": 1, "object": 2}
    return min(found, key=lambda each: first[each[0]])[1]


def _is_called(value):
    nodes = value.get("inbound_nodes")
    return bool(nodes) and isinstance(nodes[0], dict)


def _function(path, value, trust):
    name, module = value.get("config"), value.get("module")
    if (
        isinstance(name, str)
        and name in allowed()["function"]
        and (module is None or str(module).split(".")[0] in _PACKAGES)
        and value.get("registered_name") in (None, "", name)
    ):
        return {
            "module": "builtins",
            "class_name": "function",
            "config": name,
            "registered_name": name,
        }
    if trust:
        return value
    raise InputError(
        f"{path}: its configuration names the function {_shown(value)!r}, which is no "
        "activation of Keras and could run code. If you have it and trust it, register "
        "it with keras.saving.register_keras_serializable, and open the file with "
        "trust=True."
    )


def _literal(path, value, trust):
    config = value.get("config") or {}
    dtype = config.get("dtype") if isinstance(config, dict) else None
    if dtype is not None and not _NUMBERS.match(str(dtype)):
        raise InputError(f"{path}: its configuration has numbers of type {dtype!r}.")
    return {
        "class_name": value["class_name"],
        "config": _resolve(path, config, trust, False),
    }


def _check_compile_config(path, value):
    """Refuse settings of training, which are dropped, if they hold what is left out."""
    for part in dictionaries(value.get("compile_config")):
        name = part.get("class_name")
        if isinstance(name, str) and name in left_out():
            raise InputError(
                f"{path}: its settings of training name {_shown(part)!r}, which could "
                "run code."
            )


def _check_calls(path, value):
    """Refuse a call without a tensor of the graph: it would be computed at once."""
    nodes = value.get("inbound_nodes")
    for node in nodes if isinstance(nodes, list) else ():
        # Keras reads nothing else of a call.
        keys = ("args", "kwargs")
        parts = [node.get(key) for key in keys] if isinstance(node, dict) else [node]
        if not _has_tensor(parts):
            raise InputError(
                f"{path}: its layer {str(value.get('name'))[:80]!r} is called without "
                "the output of another."
            )


def _has_tensor(parts):
    """Say whether among the parts of a call is the output of a layer."""
    return any(
        part.get("class_name") == "__keras_tensor__"
        and isinstance(part.get("config"), dict)
        and part["config"].get("keras_history")
        for part in dictionaries(parts)
    )


def _check_counts(path, value):
    """Refuse an operation with so many outputs that making them would take long."""
    config = value.get("config")
    for key in _COUNTS if isinstance(config, dict) else ():
        number = config.get(key)
        if isinstance(number, (int, float)) and number > _MOST_OUTPUTS:
            raise InputError(
                f"{path}: {_shown(value)} has {key} {number}; expected at most "
                f"{_MOST_OUTPUTS}."
            )


def _shown(value):
    name = value["class_name"]
    if name == "function":
        name = value.get("config")
    elif value.get("registered_name") not in (None, "", name):
        return str(value["registered_name"])[:80]
    if name in OLD_OPERATIONS and isinstance(value.get("config"), dict):
        function = value["config"].get("function") or value["config"].get("name")
        return f"{name} ({str(function)[:80]})"
    parts = (value.get("module"), name)
    return ".".join(str(part)[:80] for part in parts if part)
