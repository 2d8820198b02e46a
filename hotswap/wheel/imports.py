"""The plugins that `import_()` names, as far as the source shows."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ..model import Dependency, canonical
from .files import Files
from .layout import find_module
from .scope import FunctionNode, Scope, returns
from .source import read_scope

_TYPING = ("typing", "typing_extensions")


class _UnclearError(Exception):
    """The source does not show it."""


@dataclass(frozen=True, slots=True)
class _Hint:
    """What an annotation asks for."""

    optional: bool = False
    specifier: SpecifierSet = field(default_factory=SpecifierSet)
    is_dependency: bool = True

    def __or__(self, other: _Hint) -> _Hint:
        return _Hint(self.optional or other.optional, self.specifier & other.specifier, True)


def imported_plugins(function: FunctionNode | None, scope: Scope | None, files: Files) -> tuple[Dependency, ...] | None:
    """The dependencies in the object that `import_()` returns; None if the source does not show them."""
    if function is None or scope is None:
        return None
    try:
        made = _returned_class(function, scope)
        if made is None:
            return ()
        return tuple(_class_dependencies(*_find_class(made, scope, files)).values())
    except (_UnclearError, RecursionError, SyntaxError):
        return None


def _returned_class(function: FunctionNode, scope: Scope) -> ast.expr | None:
    """The class whose instance the function returns; None if it returns None."""
    values: list[ast.expr | None] = []
    for node in returns(function):
        if not isinstance(node, ast.Return):
            raise _UnclearError
        values.append(node.value)
    if all(_is_none(value) for value in values):
        return None
    (value, *others) = values
    if others:
        raise _UnclearError
    if isinstance(value, ast.Name):
        value = _assigned(value.id, function, scope)
    if not isinstance(value, ast.Call):
        raise _UnclearError
    return value.func


def _assigned(name: str, function: FunctionNode, scope: Scope) -> ast.expr | None:
    """What the one assignment to a name inside the function, or else at the module's top level, assigns."""
    inside = [
        node
        for statement in function.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
    ]
    if not inside:
        return getattr(scope.sole(name), "value", None)
    for statement in function.body:
        match statement:
            case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=value):
                if inside == [target]:
                    return value
    raise _UnclearError


def _find_class(named: ast.expr, scope: Scope, files: Files) -> tuple[ast.ClassDef, Scope]:
    """The class an expression names: in the module itself, or in another module of the wheel that it imports from."""
    if isinstance(named, ast.Name) and isinstance(node := scope.sole(named.id), ast.ClassDef):
        return node, scope
    module, _, name = scope.origin(named).rpartition(".")
    path = find_module(files.paths, module) if module else None
    there = read_scope(module, path, files) if path else None
    if there is None or there.opaque or not isinstance(node := there.sole(name), ast.ClassDef):
        raise _UnclearError
    return node, there


def _class_dependencies(node: ast.ClassDef, scope: Scope) -> dict[str, Dependency]:
    """Attribute -> dependency, those of base classes first."""
    if node.keywords or not all(_is_dataclass(decorator, scope) for decorator in node.decorator_list):
        raise _UnclearError
    found: dict[str, Dependency] = {}
    for base in reversed(node.bases):
        if scope.origin(base) == "builtins.object":
            continue
        parent = scope.sole(base.id) if isinstance(base, ast.Name) else None
        if not isinstance(parent, ast.ClassDef) or parent is node:
            raise _UnclearError
        found |= _class_dependencies(parent, scope)
    direct = [statement for statement in node.body if isinstance(statement, ast.AnnAssign)]
    nested = sum(isinstance(inner, ast.AnnAssign) for statement in node.body for inner in _own_nodes(statement))
    if nested != len(direct):
        raise _UnclearError
    for statement in direct:
        if isinstance(statement.target, ast.Name):
            attribute = statement.target.id
            found.pop(attribute, None)
            dependency = _dependency(attribute, statement, scope)
            if dependency is not None:
                found[attribute] = dependency
    return found


def _own_nodes(statement: ast.stmt) -> list[ast.AST]:
    """A statement of a class body and what is inside it, without the bodies of functions and classes."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return []
    return list(ast.walk(statement))


def _dependency(attribute: str, statement: ast.AnnAssign, scope: Scope) -> Dependency | None:
    default = _default(statement.value, scope)
    if attribute.startswith("_") or default == "ignored":
        return None
    hint = _hint(statement.annotation, scope)
    if not hint.is_dependency:
        return None
    if default == "unclear":
        raise _UnclearError
    return Dependency(canonical(attribute), attribute, hint.specifier, hint.optional)


def _is_dataclass(decorator: ast.expr, scope: Scope) -> bool:
    return scope.origin(decorator.func if isinstance(decorator, ast.Call) else decorator) == "dataclasses.dataclass"


def _default(value: ast.expr | None, scope: Scope) -> Literal["ignored", "plain", "unclear"]:
    """What an attribute's default says: `hotswap.ignore()` makes it none of the dependencies."""
    match value:
        case None | ast.Constant():
            return "plain"
        case ast.Call(func=func, keywords=keywords):
            origin = scope.origin(func)
            if _is_ours(origin, "ignore"):
                return "ignored"
            if origin == "dataclasses.field" and all(keyword.arg not in (None, "metadata") for keyword in keywords):
                return "plain"
    return "unclear"


def _is_ours(origin: str, name: str) -> bool:
    return origin.startswith("hotswap.") and origin.endswith(f".{name}")


def _is_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def _hint(node: ast.expr, scope: Scope) -> _Hint:
    match node:
        case ast.Constant(value=str(text)):
            return _hint(ast.parse(text.strip(), mode="eval").body, scope)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union([left, right], scope)
        case ast.Subscript(value=generic, slice=inner):
            return _subscript(generic, inner, scope)
        case ast.Name(id=name):
            return _named(name, node, scope)
        case ast.Attribute() if scope.origin(node):
            return _Hint(is_dependency=_typing_name(node, scope) != "ClassVar")
        case _:
            raise _UnclearError


def _union(parts: list[ast.expr], scope: Scope) -> _Hint:
    hint = _Hint()
    for part in parts:
        hint |= _Hint(optional=True) if _is_none(part) else _hint(part, scope)
    if str(hint.specifier):
        raise _UnclearError  # only an outermost Annotated carries a version
    return hint


def _subscript(generic: ast.expr, inner: ast.expr, scope: Scope) -> _Hint:
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    match _typing_name(generic, scope):
        case "ClassVar":
            return _Hint(is_dependency=False)
        case "Optional":
            return _union([inner, ast.Constant(None)], scope)
        case "Union":
            return _union(parts, scope)
        case "Annotated":
            hint = _hint(parts[0], scope)
            for extra in parts[1:]:
                hint = replace(hint, specifier=hint.specifier & _specifier(extra, scope))
            return hint
        case _:
            return _hint(generic, scope)


def _named(name: str, node: ast.expr, scope: Scope) -> _Hint:
    found = scope.bindings.get(name, [])
    if len(found) == 1 and isinstance(found[0], ast.Assign):
        return _hint(found[0].value, scope)
    if not all(isinstance(statement, ast.Import | ast.ImportFrom | ast.ClassDef) for statement in found):
        raise _UnclearError
    return _Hint(is_dependency=_typing_name(node, scope) != "ClassVar")


def _typing_name(node: ast.expr, scope: Scope) -> str:
    """The name in `typing` that an expression means, or ""."""
    origin = scope.origin(node)
    module, _, name = origin.rpartition(".")
    if origin == "dataclasses.InitVar":
        raise _UnclearError
    return name if module in _TYPING else ""


def _specifier(extra: ast.expr, scope: Scope) -> SpecifierSet:
    """The versions that one of the extras in `Annotated[...]` allows."""
    match extra:
        case ast.Constant():
            return SpecifierSet()
        case ast.Call(func=func, args=args, keywords=keywords):
            origin = scope.origin(func)
            if origin and not _is_ours(origin, "Requires"):
                return SpecifierSet()
            match args:
                case [ast.Constant(value=str(text))] if origin and not keywords:
                    try:
                        return SpecifierSet(text)
                    except InvalidSpecifier:
                        pass  # the load names it
    raise _UnclearError
