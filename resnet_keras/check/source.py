"""A learner's file, notebook or module: what it defines, run without the rest.

Only what the wanted functions need is run: their definitions, and the imports and
assignments whose names they use. Training, plots and tests in other lines or cells are
left alone. What is run is still somebody's code.
"""

import ast
import builtins
import dis
import importlib
import importlib.util
import json
import linecache
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

from resnet_keras.errors import InputError

_OLD_ROOTS = ("tf_keras", "tensorflow.python.keras")  # Keras 2, or not meant for use
_HOMES = (  # where to look for what has moved since Keras 2
    "keras.layers",
    "keras.models",
    "keras.initializers",
    "keras.activations",
    "keras.regularizers",
    "keras.utils",
    "keras.optimizers",
    "keras.callbacks",
    "keras",
)


@dataclass(frozen=True)
class Piece:
    """A file, or a cell of a notebook."""

    label: str  # what lines are counted in, such as "blocks.py" or "code cell 3"
    text: str


@dataclass(frozen=True)
class _Statement:
    tree: ast.stmt
    label: str
    binds: frozenset
    loads: frozenset

    @property
    def takes_all(self):
        return isinstance(self.tree, ast.ImportFrom) and self.tree.names[0].name == "*"


class Missing:
    """What could not be imported; using it says why."""

    def __init__(self, name, reason):
        self.__dict__.update(name=name, reason=reason)

    def __call__(self, *_, **__):
        """Say why it is missing."""
        raise ImportError(f"{self.name} could not be imported ({self.reason})")

    def __getattr__(self, attribute):
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return self()


def read(target):
    """Return the pieces of a file, a notebook or an importable module.

    Args:
        target: path that ends in .py or .ipynb, or a module's dotted name.

    Returns:
        List of `Piece`, the folder that imports start from, and the package that
        relative imports start from.

    Raises:
        InputError: there is no such thing, or it is no notebook.
    """
    path, package = Path(target), None
    if path.suffix not in (".py", ".ipynb"):
        path, package = _module_path(target), target.rpartition(".")[0]
    if not path.is_file():
        raise InputError(
            f"{target}: no such file; expected a .py file, a .ipynb notebook or the "
            "name of a module."
        )
    folder = str(path.resolve().parent)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{target}: is not text in UTF-8; save it as such.") from None
    if path.suffix == ".py":
        return [Piece(path.name, text)], folder, package
    try:
        cells = json.loads(text)["cells"]
        codes = [
            "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"
        ]
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f"{target}: is not a notebook of format 4; open it in Jupyter and save it."
        ) from None
    pieces = [
        Piece(f"code cell {number}", _without_magics(code))
        for number, code in enumerate(codes, 1)
        if not code.lstrip().startswith("%%")
    ]
    return pieces, folder, package


def _module_path(name):
    sys.path.insert(0, str(Path.cwd()))
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    finally:
        sys.path.pop(0)
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise InputError(
            f"{name}: no such file or module; expected a .py file, a .ipynb notebook "
            "or the name of a module."
        )
    return Path(spec.origin)


def _without_magics(code):
    """Blank the lines that only IPython understands, so that line numbers stay."""
    code = re.sub(r"(?m)^(\s*)[%!?].*$", r"\1pass", code)
    return re.sub(r"(?m)^(\s*[\w, ]+?=\s*)[%!].*$", r"\1None", code)


def load(pieces, names=(), known=(), folder=None, package=None):
    """Run what the functions need, and return them.

    Args:
        pieces: list of `Piece`.
        names: functions that must be there.
        known: without `names`, those of these that are there.
        folder: where their imports start from, besides the usual places.
        package: where their relative imports start from.

    Returns:
        Dictionary from name to function, and the number of statements left unrun.

    Raises:
        InputError: a function is not there, or what it needs does not run.
    """
    statements = check_parsed(pieces, names or known, every=bool(names))
    defined = {name for statement in statements for name in statement.binds}
    wanted = list(names) or [name for name in known if name in defined]
    chosen = _needed(statements, wanted)
    namespace = {"__name__": "learner", "__package__": package}
    for piece in pieces:  # where tracebacks and `inspect` look for a line's text
        lines = piece.text.splitlines(keepends=True)
        linecache.cache[piece.label] = (len(piece.text), None, lines, piece.label)
    sys.path.insert(0, folder or str(Path.cwd()))
    try:
        lacks_names = [_run(statement, namespace) for statement in chosen]
    finally:
        sys.path.pop(0)
    if any(lacks_names):  # a helper that is not here may have brought Keras's names
        for name in {name for statement in chosen for name in statement.loads}:
            is_known = name in namespace or hasattr(builtins, name)
            if not is_known and (found := _in_keras(name)) is not None:
                namespace[name] = found
    for name in wanted:
        if not callable(namespace.get(name)):
            raise InputError(f"{_label(pieces)}: {name} is no function.")
    return {name: namespace[name] for name in wanted}, len(statements) - len(chosen)


def check_parsed(pieces, names, every=False):
    """Return the statements of all pieces; refuse if what is wanted is not there.

    Args:
        pieces: list of `Piece`.
        names: functions.
        every: whether all of them must be there, or one is enough.

    Raises:
        InputError: it is not there, or cannot be parsed.
    """
    statements, broken = _statements(pieces, names)
    defined = {name for statement in statements for name in statement.binds}
    lacking = [name for name in names if name not in defined]
    if broken and lacking:
        raise InputError(broken)
    if lacking and (every or len(lacking) == len(names)):
        what = lacking[0] if every else " or ".join(names)
        raise InputError(
            f"{_label(pieces)}: does not define {what}; give the function's name "
            "after the file."
        )
    return statements


def _label(pieces):
    return pieces[0].label if len(pieces) == 1 else "the notebook"


def _statements(pieces, names):
    """Return all statements, and what is wrong with a piece that cannot be parsed."""
    statements, broken = [], None
    for piece in pieces:
        try:
            body = ast.parse(piece.text, piece.label).body
        except (SyntaxError, ValueError) as error:
            where = f"{piece.label}, line {getattr(error, 'lineno', None) or 1}"
            message = f"{where}: {getattr(error, 'msg', error)}; Python cannot read it."
            if len(pieces) == 1 or any(f"def {name}" in piece.text for name in names):
                broken = broken or message  # elsewhere it does not matter
            continue
        for tree in body:
            code = compile(ast.Module([tree], []), piece.label, "exec")
            binds = frozenset(_names(code, ("STORE_NAME",), nested=False))
            loads = frozenset(_names(code, ("LOAD_NAME", "LOAD_GLOBAL")))
            statements.append(_Statement(tree, piece.label, binds, loads))
    return statements, broken


def _names(code, operations, nested=True):
    for instruction in dis.get_instructions(code):
        if instruction.opname in operations:
            yield instruction.argval
    for constant in code.co_consts if nested else ():
        if isinstance(constant, CodeType):
            yield from _names(constant, operations)


def _needed(statements, names):
    """Return, in order, the statements that the names depend on."""
    needed, chosen = set(names), set()
    while True:
        new = {
            index
            for index, statement in enumerate(statements)
            if index not in chosen and (statement.binds & needed or statement.takes_all)
        }
        if not new:
            return [statements[index] for index in sorted(chosen)]
        chosen |= new
        for index in new:
            needed |= statements[index].loads


def _run(statement, namespace):
    """Run a statement; return whether it should have brought names that it did not."""
    tree = statement.tree
    if isinstance(tree, (ast.Import, ast.ImportFrom)):
        return not all([_import(tree, alias, namespace) for alias in tree.names])
    try:
        exec(compile(ast.Module([tree], []), statement.label, "exec"), namespace)
    except Exception as error:
        raise InputError(
            f"{statement.label}, line {tree.lineno}: {type(error).__name__}: {error}; "
            "the functions need this line, and it does not run."
        ) from None
    return False


def _import(tree, alias, namespace):
    """Do one import, by where the name is today if it has moved since Keras 2.

    Returns:
        False if all names were to come from a module that is not there.
    """
    is_from = isinstance(tree, ast.ImportFrom)
    module = "." * tree.level + (tree.module or "") if is_from else alias.name
    for root in _OLD_ROOTS:
        if module == root or module.startswith(root + "."):
            module = "keras" + module[len(root) :]
    name = alias.asname or (alias.name if is_from else alias.name.split(".")[0])
    try:
        imported = importlib.import_module(module, namespace["__package__"])
        if not is_from:  # `import a.b` binds a, `import a.b as c` binds a.b
            top = sys.modules[module.split(".")[0]]
            namespace[name] = imported if alias.asname else top
        elif alias.name == "*":
            public = getattr(imported, "__all__", None)
            public = public or [key for key in vars(imported) if key[0] != "_"]
            namespace.update({key: getattr(imported, key) for key in public})
        else:
            namespace[name] = _attribute(imported, alias.name)
    except Exception as error:
        if alias.name == "*":
            return False
        is_keras = module.split(".")[0] == "keras" or "tensorflow.keras" in module
        moved = _in_keras(alias.name) if is_from and is_keras else None
        namespace[name] = moved or Missing(name, error)
    return True


def _attribute(imported, name):
    if hasattr(imported, name):
        return getattr(imported, name)
    return importlib.import_module(f"{imported.__name__}.{name}")


def _in_keras(name):
    """Return what Keras has by that name today, or None."""
    for home in _HOMES:
        found = getattr(importlib.import_module(home), name, None)
        if found is not None:
            return found
    return None
