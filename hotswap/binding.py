"""Bound: what `import_()` asks for is read from its annotations, checked against the exports, and assigned."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin, get_type_hints, is_typeddict

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from .errors import ContractError, Fault
from .model import Dependency, canonical

_IGNORED = "hotswap"


class Requires:
    """The version of a plugin that another one needs: `Annotated[AlphaExport, hotswap.Requires(">=1.2")]`.

    Args:
        specifier: A version specifier (PEP 440).

    Raises:
        ValueError: It is none.
    """

    __slots__ = ("specifier",)

    def __init__(self, specifier: str) -> None:
        try:
            self.specifier = SpecifierSet(specifier)
        except InvalidSpecifier as error:
            raise ValueError(f"hotswap.Requires({specifier!r}) is no version specifier: {error}") from None

    def __repr__(self) -> str:
        return f"Requires({str(self.specifier)!r})"


def ignore(**field_options: Any) -> Any:
    """Mark an attribute of an import object as no dependency; takes the options of `dataclasses.field`."""
    metadata = {**(field_options.pop("metadata", None) or {}), _IGNORED: "-"}
    return dataclasses.field(metadata=metadata, **field_options)


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """One attribute of an import object that waits for an export."""

    dependency: Dependency
    annotation: Any


def wanted(plugin: str, asks: object, file: str) -> tuple[Wanted, ...]:
    """What the object that `import_()` returned asks for, in the order of its annotations.

    Raises:
        ContractError: It is no instance of a class with annotations, or an annotation cannot be understood.
    """
    if asks is None:
        return ()
    where = f"{file}: import_()"
    unevaluated = ""
    if isinstance(asks, type) or not _is_annotated(type(asks)):
        kind = f"the class {asks.__name__}" if isinstance(asks, type) else f"an object of type {type(asks).__name__}"
        fault = Fault(where, f"returns {kind}", "return None or an instance of a class with annotated attributes")
        raise ContractError(plugin, [fault], stage="bound")
    try:
        hints = get_type_hints(type(asks), include_extras=True)
    except Exception as error:
        unevaluated = f"an annotation of {type(asks).__name__} cannot be evaluated: {error}"
    if unevaluated:  # raised out here, because in there it would keep the plugin's exception as its context
        raise ContractError(plugin, [Fault(where, unevaluated)], stage="bound")
    return tuple(
        _wanted(attribute, annotation)
        for attribute, annotation in hints.items()
        if not attribute.startswith("_") and not _is_no_attribute(annotation) and not _is_ignored(asks, attribute)
    )


def bind(plugin: str, asks: object, wants: tuple[Wanted, ...], exports: Mapping[str, Any], file: str) -> None:
    """Assign the exports to the attributes that ask for them.

    Args:
        plugin: The importing plugin's name.
        asks: The object its `import_()` returned.
        wants: What `wanted` made of it.
        exports: Canonical plugin name -> export, for every plugin in the generation.
        file: Where the importer's code lies, for messages.

    Raises:
        ContractError: Exports that do not fit, with every difference, or attributes that cannot be assigned.
    """
    faults: list[Fault] = []
    for want in wants:
        name, attribute = want.dependency.name, want.dependency.attribute
        if name not in exports:
            continue  # optional and absent: the resolver has refused the others
        where = f"{file}: {type(asks).__name__}.{attribute}"
        differences = list(misfits(exports[name], want.annotation))
        faults += [Fault(where, f"the export of {name} does not fit: {difference}") for difference in differences]
        if not differences and want.annotation is not type(None):
            try:
                setattr(asks, attribute, exports[name])
            except Exception as error:
                faults.append(Fault(where, f"cannot be assigned: {error}", "do not freeze the class"))
    if faults:
        raise ContractError(plugin, faults, stage="bound")


def _is_annotated(kind: type) -> bool:
    # A dataclass without fields is what remains when the last dependency goes.
    annotated = any(isinstance(vars(base).get("__annotations__"), dict) for base in kind.__mro__)
    return annotated or dataclasses.is_dataclass(kind)


def _is_no_attribute(annotation: Any) -> bool:
    return ClassVar in (annotation, get_origin(annotation)) or isinstance(annotation, dataclasses.InitVar)


def _wanted(attribute: str, annotation: Any) -> Wanted:
    specifier = SpecifierSet()
    for requires in _requirements(annotation):
        specifier &= requires.specifier
    optional = type(None) in _alternatives(annotation)
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return Wanted(Dependency(canonical(attribute), attribute, specifier, optional), annotation)


def _requirements(annotation: Any) -> Iterator[Requires]:
    """Also of `Annotated[T, Requires(...)] | None`, and through aliases."""
    annotation = _unaliased(annotation)
    if get_origin(annotation) is Annotated or get_origin(annotation) in _UNIONS:
        for part in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
            if isinstance(part, Requires):
                yield part
            else:
                yield from _requirements(part)


def _is_ignored(asks: object, attribute: str) -> bool:
    fields = getattr(type(asks), "__dataclass_fields__", {})
    field = fields.get(attribute, inspect.getattr_static(type(asks), attribute, None))
    return isinstance(field, dataclasses.Field) and field.metadata.get(_IGNORED) == "-"


# ------------------------------------------------------------------------------------- does an export fit?


def is_type(kind: object) -> bool:
    """True for what may stand in an annotation: a class, a Protocol, a generic, a union."""
    return isinstance(kind, type) or kind is Any or get_origin(kind) is not None or _unaliased(kind) is not kind


def misfits(export: object, annotation: Any) -> Iterator[str]:
    """Every difference between an export and the annotation that takes it; none if it fits."""
    alternatives = _alternatives(annotation)
    # `x: None` asks for nothing but the order; `x: T | None` allows None.
    if Any in alternatives or object in alternatives or alternatives == (type(None),):
        return
    if export is None:
        if type(None) not in alternatives:
            yield "it is None"
        return
    differences: list[str] = []
    for alternative in alternatives:
        if alternative is not type(None):
            found = list(_misfits_one(export, alternative))
            if not found:
                return
            differences += found
    yield from differences


_UNIONS = (Union, types.UnionType)


def _unaliased(annotation: Any) -> Any:
    """What stands behind `type Alias = ...` (Python 3.12)."""
    while type(annotation).__name__ == "TypeAliasType":
        annotation = annotation.__value__
    return annotation


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    annotation = _unaliased(annotation)
    if annotation is None:
        return (type(None),)
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in _UNIONS:
        return tuple(inner for arg in get_args(annotation) for inner in _alternatives(arg))
    return (annotation,)


def _misfits_one(export: object, annotation: Any) -> Iterator[str]:
    kind = get_origin(annotation) or annotation
    if not isinstance(kind, type) or is_typeddict(kind):
        return  # a Callable's parameters, a TypeVar, a Literal: nothing that could be checked honestly
    if getattr(kind, "_is_protocol", False):
        yield from _misfits_protocol(export, kind)
    elif not isinstance(export, kind):
        has, wants = type(export).__name__, kind.__name__
        if has == wants:  # both sides have a copy of their own: the modules tell them apart
            has, wants = f"{type(export).__module__}.{has}", f"{kind.__module__}.{wants}"
        yield f"it is of type {has}, not {wants}"


def _misfits_protocol(export: object, protocol: type) -> Iterator[str]:
    for name in sorted(_protocol_members(protocol)):
        try:
            actual = getattr(export, name)
        except AttributeError:
            yield f"it lacks {name}, which {protocol.__name__} has"
            continue
        except Exception as error:
            yield f"its {name} raises {type(error).__name__}: {error}"
            continue
        member = inspect.getattr_static(protocol, name, None)
        if isinstance(member, (staticmethod, classmethod)):
            member = member.__func__
        if not inspect.isfunction(member):
            continue  # a data member or property: being there is all a Protocol asks at run time
        if not callable(actual):
            yield f"{name} is {type(actual).__name__}, no function"
            continue
        static = isinstance(inspect.getattr_static(protocol, name), staticmethod)
        difference = _signature_difference(member, actual, bound=not static)
        if difference:
            yield f"{protocol.__name__} has {name}{inspect.signature(member)}; {difference}"


def _protocol_members(protocol: type) -> set[str]:
    members: set[str] = set()
    for base in protocol.__mro__:
        if getattr(base, "_is_protocol", False) and base.__module__ != "typing":
            members |= vars(base).get("__annotations__", {}).keys()
            members |= {name for name, value in vars(base).items() if _is_member(name, value)}
    return members


_NO_MEMBERS = frozenset({"_abc_impl", "_is_protocol", "_is_runtime_protocol"})
_MADE_BY_TYPING = frozenset({"__init__", "__new__", "__init_subclass__", "__subclasshook__", "__class_getitem__"})


def _is_member(name: str, value: object) -> bool:
    if name.startswith("__") and name.endswith("__"):
        return inspect.isfunction(value) and name not in _MADE_BY_TYPING
    return name not in _NO_MEMBERS


def _signature_difference(expected: Any, actual: Any, *, bound: bool) -> str:
    """Why a call that `expected` allows would fail on `actual`; "" if it would not."""
    try:
        has = inspect.signature(actual)
    except (TypeError, ValueError):
        return ""  # written in C without a text signature
    wants = list(inspect.signature(expected).parameters.values())[1 if bound else 0 :]
    kinds = inspect.Parameter
    by_position = [p for p in wants if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    by_keyword = {p.name: p for p in wants if p.kind is kinds.KEYWORD_ONLY}
    needed = [p for p in by_position if p.default is kinds.empty]
    needed_names = [p.name for p in by_keyword.values() if p.default is kinds.empty]
    calls: list[tuple[list[object], list[str]]] = [
        ([None] * len(needed), needed_names),
        ([None] * len(by_position), list(by_keyword)),
    ]
    if expected.__name__ == "__call__" or not expected.__name__.startswith("__"):
        # Whoever writes against the protocol may pass these by name as well; operators do not.
        nameless = sum(p.kind is kinds.POSITIONAL_ONLY for p in by_position)
        calls.append(([None] * nameless, [*(p.name for p in by_position[nameless:]), *by_keyword]))
    if any(p.kind is kinds.VAR_POSITIONAL for p in wants):
        calls.append(([None] * (len(by_position) + 8), needed_names))
    if any(p.kind is kinds.VAR_KEYWORD for p in wants):
        calls.append(([None] * len(by_position), [*by_keyword, "any_other_keyword"]))
    for arguments, names in calls:
        try:
            has.bind(*arguments, **dict.fromkeys(names))
        except TypeError as error:
            return f"the export has {getattr(actual, '__name__', 'it')}{has} ({error})"
    if inspect.iscoroutinefunction(actual) and not _may_be_awaited(expected):
        return "the export's is async"
    if inspect.iscoroutinefunction(expected) and not inspect.iscoroutinefunction(actual) and _is_plain(has):
        return f"the export's is not async, and returns {inspect.formatannotation(has.return_annotation)}"
    return ""


def _may_be_awaited(expected: Any) -> bool:
    returns = str(inspect.signature(expected).return_annotation)
    return inspect.iscoroutinefunction(expected) or "Awaitable" in returns or "Coroutine" in returns


def _is_plain(has: inspect.Signature) -> bool:
    """True if the result is declared to be something that cannot be awaited; unannotated it may be anything."""
    returns = has.return_annotation
    if not isinstance(returns, type):
        return returns is None
    return returns not in (inspect.Signature.empty, object) and not hasattr(returns, "__await__")
