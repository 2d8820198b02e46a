"""The seven functions as far as the source shows: what is certainly missing or certainly wrong is a fault.

Nothing is imported. What the source does not show (star imports, `__getattr__`, `globals()`, decorators) is left to
the load, which sees everything.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import Fault
from ..hookspecs import ALL_SPECS, MAY_BE_ASYNC, expected, required
from .files import Files
from .layout import find_module
from .metadata import Entry
from .scope import FunctionNode, Scope, terminal

MAX_SOURCE = 512 << 10
"""Bytes of a module that is looked into; its tree takes about a hundred times as many."""

_POSITIONAL = {
    name: sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in inspect.signature(spec).parameters.values())
    for name, spec in ALL_SPECS.items()
}


@dataclass(frozen=True, slots=True)
class View:
    """What the source of an entry module shows."""

    faults: tuple[Fault, ...] = ()
    scope: Scope | None = None
    import_: FunctionNode | None = None
    """The function `import_` if it is certain which one it is."""


def view(entry: Entry, files: Files, *, foreign: bool = False) -> View:
    """Look for the seven functions in the source of a plugin's entry module.

    Args:
        entry: The plugin's entry point.
        files: Everything the wheel brings.
        foreign: It is made for another Python, whose syntax need not be this one's.
    """
    path = find_module(files.paths, entry.module)
    if path is None:
        what = f"the entry point names the module {entry.module}, which is not in the wheel"
        return View((Fault("entry_points.txt", what, "name a module that the wheel brings"),))
    try:
        scope = read_scope(entry.module, path, files)
    except SyntaxError as error:
        return View() if foreign else View((Fault(f"{path}:{error.lineno or 1}", f"is not valid Python: {error.msg}"),))
    if scope is None or scope.opaque:
        return View()
    if entry.attr:
        return _view_object(entry, path, scope, files)
    return _view_module(path, scope, files)


def read_scope(module: str, path: str, files: Files) -> Scope | None:
    """The top-level bindings of a module; None if there is no source that could be looked into.

    Raises:
        SyntaxError: The source is not valid Python.
    """
    source = files.read(path) if path.endswith(".py") else None
    if source is None or len(source) > MAX_SOURCE:
        return None
    try:
        tree = ast.parse(source, path)
    except (ValueError, RecursionError, MemoryError):  # too deep; before 3.11.4 also null bytes
        return None
    return Scope(module, path.endswith("/__init__.py"), tree)


def _view_module(path: str, scope: Scope, files: Files) -> View:
    faults: list[Fault] = []
    functions: dict[str, FunctionNode] = {}
    missing = []
    for name in required(scope.bindings):
        if name in scope.marked:
            continue
        if _is_submodule(name, scope, files):
            continue
        if name not in scope.bindings and name not in scope.stored_attributes:
            missing.append(name)
        elif (node := _plain_function(scope.sole(name))) is not None:
            functions[name] = node
            faults += _signature_faults(path, name, node, skip=0)
    if missing and not _marks(files):
        faults += [_missing(path, name) for name in missing]
    return View(tuple(faults), scope, functions.get("import_"))


def _view_object(entry: Entry, path: str, scope: Scope, files: Files) -> View:
    name, _, rest = entry.attr.partition(".")
    if _is_submodule(name, scope, files):
        return View((), scope)
    if name not in scope.bindings and name not in scope.stored_attributes:
        what = f"binds no {name!r}, which the entry point names"
        return View((Fault(path, what, "name an object that the module has"),), scope)
    node, is_instance = scope.sole(name), False
    match node:
        case ast.Assign(value=ast.Call(func=ast.Name(id=made))) | ast.AnnAssign(value=ast.Call(func=ast.Name(id=made))):
            node, is_instance = scope.sole(made), True
    if rest or not isinstance(node, ast.ClassDef) or not _is_plain_class(node):
        return View((), scope)
    faults: list[Fault] = []
    functions: dict[str, FunctionNode] = {}
    missing = []
    bound = dict(_class_bindings(node))
    for function in required(bound):
        if function in scope.marked or function in scope.stored_attributes:
            continue
        if function not in bound:
            missing.append(function)
        elif (method := bound[function]) is not None:
            kind = _method_kind(method)
            if kind == "plain" and not is_instance:
                continue  # whether the class or an instance of it is called does not show
            functions[function] = method
            faults += _signature_faults(path, f"{node.name}.{function}", method, skip=kind != "staticmethod")
    if missing and not _marks(files):
        faults += [_missing(path, function, node.name) for function in missing]
    return View(tuple(faults), scope, functions.get("import_"))


def _is_submodule(name: str, scope: Scope, files: Files) -> bool:
    """True if importing a submodule, by anybody, binds the name in the package."""
    stem = f"{scope.module.replace('.', '/')}/{name}"
    return any(path.startswith((f"{stem}.", f"{stem}/")) for path in files.paths)


def _missing(path: str, name: str, owner: str = "") -> Fault:
    return Fault(path, f"{owner} has no function {name}".lstrip(), f"write {expected(name)}")


def _marks(files: Files) -> bool:
    """True if any source could mark a function under another name as one of the seven."""
    return any(b"specname" in (files.read(path) or b"") for path in files.paths if path.endswith(".py"))


def _plain_function(node: ast.AST | None) -> FunctionNode | None:
    """The node if it is a function that nothing but `hookimpl` decorates."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and all(map(_is_hookimpl, node.decorator_list)):
        return node
    return None


def _is_hookimpl(decorator: ast.expr) -> bool:
    return terminal(decorator.func if isinstance(decorator, ast.Call) else decorator) == "hookimpl"


def _is_plain_class(node: ast.ClassDef) -> bool:
    """True if the class has nothing but what its own body shows."""
    return not (node.decorator_list or node.keywords or any(terminal(base) != "object" for base in node.bases))


def _class_bindings(node: ast.ClassDef) -> Iterator[tuple[str, FunctionNode | None]]:
    """Name -> its method if that is certain, else None."""
    scope = Scope(node.name, False, ast.Module(node.body, []))
    if scope.opaque or "__new__" in scope.bindings:
        yield from ((name, None) for name in ALL_SPECS)
        return
    for name in scope.bindings:
        method = scope.sole(name)
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and _method_kind(method):
            yield name, method
        else:
            yield name, None


def _method_kind(method: FunctionNode) -> str:
    others = [terminal(decorator) for decorator in method.decorator_list if not _is_hookimpl(decorator)]
    if not others:
        return "plain"
    return others[0] if others in (["staticmethod"], ["classmethod"]) else ""


def _signature_faults(path: str, shown: str, node: FunctionNode, *, skip: int) -> Iterator[Fault]:
    name = shown.rpartition(".")[2]
    where = f"{path}:{node.lineno}"
    if isinstance(node, ast.AsyncFunctionDef) and name not in MAY_BE_ASYNC:
        yield Fault(where, f"{shown} is async and cannot be", f"write {expected(name)}")
    given = _POSITIONAL[name] + skip
    positional = [*node.args.posonlyargs, *node.args.args]
    required = len(positional) - len(node.args.defaults)
    named = [
        arg.arg for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if default is None
    ]
    if not (required <= given and (given <= len(positional) or node.args.vararg) and not named):
        yield Fault(
            where, f"{shown}({ast.unparse(node.args)}) cannot be called as specified", f"write {expected(name)}"
        )
