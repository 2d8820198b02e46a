"""Annotations: from the source text to a type, from a type to its name, and back."""

from __future__ import annotations

import ast
import collections
import collections.abc
import datetime
import decimal
import enum
import pathlib
import sys
import types
import typing
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NewType, Union

from .faults import unfit


class Open:
    """Stands for `Any`, `object`, and whatever else leaves the type open."""


KNOWN: dict[str, Any] = {
    "None": type(None),
    "Any": Open,
    "Literal": Literal,
    **{each.__name__: each for each in (bool, int, float, str, bytes, bytearray)},
    **{each.__name__: each for each in (list, tuple, set, frozenset, dict)},
    **{each.__name__: each for each in (collections.deque, collections.OrderedDict, collections.Counter)},
    **{each.__name__: each for each in (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)},
    **{each.__name__: each for each in (decimal.Decimal, uuid.UUID, pathlib.Path, pathlib.PurePosixPath)},
    **{each.__name__: each for each in (pathlib.PurePath, pathlib.PureWindowsPath, collections.defaultdict)},
    **{each.__name__: each for each in (collections.abc.Sequence, collections.abc.MutableSequence)},
    **{each.__name__: each for each in (collections.abc.Mapping, collections.abc.MutableMapping)},
    **{each.__name__: each for each in (collections.abc.Set, collections.abc.MutableSet)},
    **{each.__name__: each for each in (collections.abc.Collection, collections.abc.Iterable)},
}
"""Names that a type's name may use without being live."""

OUR_PATH = type(pathlib.Path())
"""The class of every Path of this system, which `settled` knows as Path."""
_WRAPPERS = [typing.Annotated, typing.Final, typing.Required, typing.NotRequired]
if sys.version_info >= (3, 13):
    _WRAPPERS.append(typing.ReadOnly)


def is_union(annotation: Any) -> bool:
    """True for `X | Y` and `Optional[X]`."""
    return typing.get_origin(annotation) in (Union, types.UnionType)


def settled(annotation: Any) -> Any:
    """The annotation without what says nothing of the form: Annotated, Final, NewType, aliases, type variables."""
    while True:
        if annotation is Any or annotation is object or annotation is typing.Final:
            return Open
        if annotation is None:
            return type(None)
        if isinstance(annotation, type):
            return pathlib.Path if annotation is OUR_PATH else annotation
        if isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, typing.TypeVar):
            bound = annotation.__bound__
            annotation = (Any if isinstance(bound, typing.ForwardRef) else bound) or (
                Union[annotation.__constraints__] if annotation.__constraints__ else Any  # noqa: UP007
            )
        elif typing.get_origin(annotation) in _WRAPPERS:
            annotation = typing.get_args(annotation)[0]
        elif (alias := _alias(annotation)) is not None:
            if _refers_to_itself(annotation):
                return Open
            annotation = alias.__value__ if annotation is alias else alias.__value__[annotation.__args__]
        else:
            return annotation


def _alias(annotation: Any) -> Any:
    """What a `type` statement of Python 3.12 has made, with arguments or without, else None."""
    for each in (annotation, getattr(annotation, "__origin__", None)):
        if type(each).__name__ == "TypeAliasType":
            return each
    return None


def _refers_to_itself(annotation: Any, outer: tuple[Any, ...] = ()) -> bool:
    """True for `type Json = int | list[Json]`, which no expression of types can spell."""
    alias = _alias(annotation)
    if alias in outer:
        return True
    inner = [*typing.get_args(annotation), *([alias.__value__] if alias is not None else [])]
    return any(_refers_to_itself(each, (*outer, alias) if alias is not None else outer) for each in inner)


def classes_in(annotation: Any) -> Iterator[type]:
    """Every class that an annotation mentions."""
    annotation = settled(annotation)
    origin = typing.get_origin(annotation)
    if isinstance(annotation, type) and origin is None:
        yield annotation
    elif origin is Literal:
        yield from (type(value) for value in typing.get_args(annotation))
    else:
        if isinstance(origin, type):
            yield origin
        for inner in typing.get_args(annotation):
            yield from classes_in(inner)


def spelled(annotation: Any) -> str:
    """The name of a type, without the modules: `Live_Job`, `dict[str, Live_Job | None]`."""
    annotation = settled(annotation)
    if annotation is Open:
        return "Any"
    if annotation is type(None):
        return "None"
    if annotation is ...:
        return "..."
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if is_union(annotation):
        # In an order of its own: unions are equal whatever theirs, and marks have to be the same for equal ones.
        return " | ".join(sorted(map(spelled, args), key=lambda name: (name == "None", name)))
    if origin is Literal:
        return f"Literal[{', '.join(sorted(map(_literal, args)))}]"
    if origin is not None:
        return f"{spelled(origin)}[{', '.join(map(spelled, args)) or '()'}]"
    return getattr(annotation, "__name__", None) or repr(annotation)


def _literal(value: Any) -> str:
    return f"{type(value).__name__}.{value.name}" if isinstance(value, enum.Enum) else repr(value)


def understood(name: str, find: Callable[[str], Any]) -> Any:
    """The type that a name spells; the inverse of `spelled`.

    Args:
        name: E.g. `list[Live_Job]`.
        find: Gives the type of a single name, or raises LookupError.

    Raises:
        LookupError: A name in it is not known.
        SyntaxError: It is no name of a type, e.g. `int[3]`, or too deeply nested.
    """

    def meant(node: ast.expr) -> Any:
        match node:
            case ast.Name(id=one):
                return find(one)
            case ast.Constant(value=None):
                return None
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return Union[meant(left), meant(right)]  # noqa: UP007 - of None too
            case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.expr() as slice):
                values = slice.elts if isinstance(slice, ast.Tuple) else [slice]
                return Literal[tuple(literal(value) for value in values)]
            case ast.Subscript(value=ast.Name(id=one), slice=ast.expr() as slice):
                args = [meant(each) for each in slice.elts] if isinstance(slice, ast.Tuple) else [meant(slice)]
                return find(one)[tuple(args)]
            case ast.Constant(value=value) if value is ...:
                return ...
        raise SyntaxError(name)

    def literal(node: ast.expr) -> Any:
        match node:
            case ast.Attribute(value=ast.Name(id=one), attr=member):
                return find(one)[member]  # of an enum
        value = ast.literal_eval(node)
        hash(value)
        return value

    try:
        return meant(ast.parse(name, mode="eval").body)
    except (AttributeError, MemoryError, RecursionError, TypeError, ValueError):
        pass
    raise SyntaxError("no name of a type")


def evaluated(annotation: Any, owner: type, arguments: Mapping[Any, Any]) -> Any:
    """A field's annotation as a type.

    Args:
        annotation: As the class has it: a type, or its text.
        owner: The class whose body it stands in.
        arguments: Type variable -> what it stands for.

    Raises:
        Unfit: It names something that cannot be found, or is no type.
    """
    module = sys.modules.get(owner.__module__)
    namespace = vars(module) if module is not None else {}
    # The class itself and its type parameters are no globals where a function made it.
    local = {owner.__name__: owner, **{str(each): each for each in getattr(owner, "__type_params__", ())}}
    failure = ""
    for for_type_checkers in (False, True):
        holder = type(owner.__name__, (), {"__annotations__": {"field": annotation}, "__module__": owner.__module__})
        try:
            found = {**(_for_type_checkers(module) if for_type_checkers else {}), **local}
            resolved = typing.get_type_hints(holder, {**namespace}, found, include_extras=True)["field"]
            return substituted(resolved, arguments)
        except Exception as error:
            # In words, because the error holds the namespace.
            failure = f"{type(error).__name__}: {error}"
            if not isinstance(error, NameError):
                break
    text = annotation if isinstance(annotation, str) else repr(annotation)
    raise unfit(f"its annotation {text} cannot be understood ({failure})", "import what it names in the same module")


def _for_type_checkers(module: types.ModuleType | None) -> dict[str, Any]:
    """What a module imports `if TYPE_CHECKING:` only, imported now."""
    file = getattr(module, "__file__", None)
    if module is None or file is None:
        return {}
    found: dict[str, Any] = {key: value for key, value in vars(module).items() if key.startswith("__")}
    for node in ast.walk(ast.parse(pathlib.Path(file).read_bytes())):
        if isinstance(node, ast.If) and ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING":
            imports: list[ast.stmt] = [each for each in node.body if isinstance(each, ast.Import | ast.ImportFrom)]
            exec(compile(ast.Module(imports, []), file, "exec"), found)
    return found


def substituted(annotation: Any, arguments: Mapping[Any, Any]) -> Any:
    """The annotation with its type variables replaced."""
    if annotation in arguments:
        return arguments[annotation]
    parameters = getattr(annotation, "__parameters__", ())
    if not parameters or isinstance(annotation, type):
        return annotation
    return annotation[tuple(arguments.get(each, each) for each in parameters)]
