"""What a module binds at its top level, as far as its source shows without being executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_REFLECTION = frozenset(
    {
        "__annotations__",
        "__delattr__",
        "__dict__",
        "__getattr__",
        "__getattribute__",
        "__globals__",
        "__import__",
        "__setattr__",
        "_getframe",
        "currentframe",
        "delattr",
        "eval",
        "exec",
        "f_globals",
        "f_locals",
        "global_enum",
        "globals",
        "import_module",
        "locals",
        "modules",
        "setattr",
        "vars",
    }
)
"""Names by which a module can bind what its statements do not show."""
_READING = frozenset({"copy", "get", "items", "keys", "values"})
_HARMLESS_USERS_OF_NAME = frozenset({"getLogger", "get_logger"})

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Scope:
    """The top-level bindings of one module.

    Errs towards "bound": whatever a statement anywhere might bind counts, so that a name which is absent here is
    absent from the module, and one with a single binding here has no other.
    """

    def __init__(self, module: str, is_package: bool, tree: ast.Module) -> None:
        self.module = module
        self.package = module if is_package else module.rpartition(".")[0]
        self.bindings: dict[str, list[ast.AST]] = {}
        self.marked: set[str] = set()
        """Names that a `specname=` gives to functions under other names."""
        self.stored_attributes: set[str] = set()
        """Attributes that are assigned on any object: it might be the module, or a class in it."""
        self.opaque = False
        """True if the module may bind more than its statements show."""
        self._direct = {id(node) for node in tree.body}
        self._collect_bindings(tree)
        self._collect_tricks(tree)
        self.opaque |= not _REFLECTION.isdisjoint(self.bindings)

    def sole(self, name: str) -> ast.AST | None:
        """The one statement that binds the name, if it certainly runs and nothing else binds it."""
        found = self.bindings.get(name, [])
        if len(found) == 1 and id(found[0]) in self._direct and name not in self.stored_attributes:
            return found[0]
        return None

    def origin(self, node: ast.AST) -> str:
        """The absolute dotted name of what an expression names, through the module's imports; "" if not clear."""
        if isinstance(node, ast.Attribute):
            base = self.origin(node.value)
            return f"{base}.{node.attr}" if base else ""
        if not isinstance(node, ast.Name):
            return ""
        found = self.bindings.get(node.id, [])
        if not found:
            return f"builtins.{node.id}"
        statement = found[0]
        if len(found) > 1 or not isinstance(statement, ast.Import | ast.ImportFrom):
            return ""
        alias = next(alias for alias in statement.names if _bound_name(alias) == node.id)
        if isinstance(statement, ast.ImportFrom):
            return f"{self._base(statement)}.{alias.name}"
        return alias.name if alias.asname else node.id

    def _base(self, statement: ast.ImportFrom) -> str:
        if not statement.level:
            return statement.module or ""
        parts = self.package.split(".")
        parts = parts[: len(parts) - statement.level + 1]
        return ".".join([*parts, *([statement.module] if statement.module else [])])

    def _bind(self, name: str, node: ast.AST) -> None:
        self.bindings.setdefault(name, []).append(node)

    def _collect_bindings(self, tree: ast.Module) -> None:
        pending: list[ast.AST] = list(tree.body)
        while pending:
            node = pending.pop()
            skipped: set[int] = set()
            match node:
                case (
                    ast.FunctionDef(name=name, body=body)
                    | ast.AsyncFunctionDef(name=name, body=body)
                    | ast.ClassDef(name=name, body=body)
                ):
                    self._bind(name, node)
                    skipped = {id(statement) for statement in body}
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._bind(name, node)
                    pending.append(value)
                    continue
                case ast.AnnAssign(target=ast.Name(id=name), value=annotated):
                    if annotated is not None:
                        self._bind(name, node)
                        pending.append(annotated)
                    continue
                case ast.Import(names=names) | ast.ImportFrom(names=names):
                    for alias in names:
                        self._bind(_bound_name(alias), node)
                case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                    self._bind(name, node)
                case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                    self._bind(name, node)
                case ast.MatchMapping(rest=str(name)):
                    self._bind(name, node)
                case _:
                    pass
            pending.extend(child for child in ast.iter_child_nodes(node) if id(child) not in skipped)

    def _collect_tricks(self, tree: ast.Module) -> None:
        reading: set[int] = set()
        for node in ast.walk(tree):  # breadth first: a call's surroundings are seen before the call
            match node:
                case ast.Subscript(value=ast.Call(func=func), ctx=ast.Load()):
                    reading.add(id(func))
                case ast.Attribute(value=ast.Call(func=func), attr=attr) if attr in _READING:
                    reading.add(id(func))
                case ast.Compare(comparators=comparators):
                    reading.update(id(side.func) for side in comparators if isinstance(side, ast.Call))
                case ast.Global(names=names):
                    for name in names:
                        self._bind(name, node)
                case ast.alias(name=name):
                    self.opaque |= name == "*" or name in _REFLECTION
                case ast.Call():
                    self._collect_call(node)
            if isinstance(node, ast.Attribute):
                self.opaque |= node.attr in _REFLECTION
                if not isinstance(node.ctx, ast.Load):
                    self.stored_attributes.add(node.attr)
            elif isinstance(node, ast.Name) and node.id in _REFLECTION:
                self.opaque |= node.id != "globals" or id(node) not in reading

    def _collect_call(self, node: ast.Call) -> None:
        for keyword in node.keywords:
            if keyword.arg == "specname":
                if isinstance(keyword.value, ast.Constant):
                    self.marked.add(str(keyword.value.value))
                else:
                    self.opaque = True
        if terminal(node.func) not in _HARMLESS_USERS_OF_NAME:
            self.opaque |= any(isinstance(argument, ast.Name) and argument.id == "__name__" for argument in node.args)


def _bound_name(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def terminal(node: ast.AST) -> str:
    """The last part of a dotted name; "" for any other expression."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def returns(function: FunctionNode) -> Iterator[ast.Return | ast.Yield | ast.YieldFrom]:
    """The `return` and `yield` of a function itself, not those of functions inside it."""
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))
