"""The fields of a class, whichever kind it is, and how an object is made of them."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MemberDescriptorType
from typing import Any, ClassVar, Generic, Protocol

from .annotations import evaluated, substituted
from .faults import Unfit, unfit

MISSING: Any = object()
"""An attribute that has no value."""
HEAP_TYPE = 1 << 9
"""Py_TPFLAGS_HEAPTYPE: made by a class statement. Source: https://docs.python.org/3/c-api/typeobj.html"""


@dataclass(frozen=True, slots=True)
class Broken:
    """Stands for the type of a field whose annotation cannot be understood."""

    error: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class LiveField:
    """One field."""

    name: str
    annotation: Any
    required: bool = True
    """False if data may lack it."""
    parameter: str | None = None
    """What the constructor calls it; None if it does not take it."""
    default: Callable[[], Any] | None = None


@dataclass(frozen=True, slots=True)
class _Raw:
    name: str
    annotation: Any
    default: Callable[[], Any] | None
    parameter: str | None


def is_dataclass(cls: type) -> bool:
    """True for a dataclass."""
    return hasattr(cls, "__dataclass_fields__")


def is_attrs(cls: type) -> bool:
    """True for an attrs class, also of a copy of attrs that is not the host's."""
    return hasattr(cls, "__attrs_attrs__")


def is_namedtuple(cls: type) -> bool:
    """True for a named tuple."""
    return issubclass(cls, tuple) and hasattr(cls, "_fields")


def is_plain(cls: type) -> bool:
    """True for a class whose attributes are annotated in its body or a base's."""
    return any(map(_annotations, _bases(cls))) and not is_protocol(cls)


def is_protocol(cls: type) -> bool:
    """True for a Protocol itself, which has no objects of its own."""
    return bool(getattr(cls, "_is_protocol", False))


def has_foreign_state(cls: type) -> bool:
    """True if objects of the class hold what no field shows: exceptions, subclasses of list, and the like."""
    return any(not base.__flags__ & HEAP_TYPE for base in cls.__mro__ if base not in (object, Generic))


def fields_of(cls: Any) -> tuple[LiveField, ...]:
    """All fields of a class or a generic alias of one."""
    origin = typing.get_origin(cls) or cls
    arguments = _arguments(cls)
    if typing.is_typeddict(origin):
        return tuple(_keys(origin, arguments))
    accepted, _ = _parameters(origin)
    fields = []
    for each in _raw(origin):
        owner = next((base for base in origin.__mro__ if each.name in _annotations(base)), origin)
        fields.append(
            LiveField(
                each.name,
                _evaluated(each.annotation, owner, arguments.get(owner, {})),
                each.default is None and each.parameter is not None and not accepted.get(each.parameter, False),
                each.parameter if each.parameter in accepted else None,
                each.default,
            )
        )
    return tuple(fields)


def stray(value: Any, names: frozenset[str]) -> list[str]:
    """Public attributes of an object that no field holds."""
    cls = type(value)
    return [
        name
        for name in getattr(value, "__dict__", ())
        if name not in names
        and not name.startswith("_")
        and not isinstance(inspect.getattr_static(cls, name, None), functools.cached_property)
    ]


def overlooked(cls: Any, names: frozenset[str]) -> list[str]:
    """Annotated attributes that are no fields, as of a class whose base is a dataclass and which is none itself."""
    if typing.is_typeddict(cls):
        return []
    return [name for base in _bases(cls) for name in _annotations(base) if name not in names]


def maker(cls: Any, fields: tuple[LiveField, ...]) -> Callable[[dict[str, Any]], Any]:
    """A function that makes an object of the values of its fields.

    The constructor makes it, if what it asks for are fields. Otherwise the object is made without it. What it does not
    take, or has made something else of, is set afterwards: the values were those of an object that had been made.
    """
    origin: Any = typing.get_origin(cls) or cls
    if typing.is_typeddict(origin):
        return dict
    accepted, every = _parameters(origin)
    known = {field.parameter for field in fields}
    fits = all(optional or name in known for name, optional in accepted.items()) and not every
    parameters = {field.name: field.parameter for field in fields if field.parameter is not None}
    defaults = {field.name: field.default for field in fields if field.default is not None}

    if is_namedtuple(origin):
        return lambda values: origin(**values)
    computed = {
        field.name for field in fields if isinstance(inspect.getattr_static(origin, field.name, None), property)
    }

    def make(values: dict[str, Any]) -> Any:
        if fits:
            made = origin(**{parameters[name]: value for name, value in values.items() if name in parameters})
        else:
            made = origin.__new__(origin)
            values = {name: default() for name, default in defaults.items() if name not in values} | values
        for name, value in values.items():
            if name not in computed and getattr(made, name, MISSING) is not value:
                object.__setattr__(made, name, value)  # frozen ones too
        return made

    return make


def _raw(cls: type) -> Iterator[_Raw]:
    if is_attrs(cls):
        for attribute in typing.cast(Any, cls).__attrs_attrs__:
            annotation = Any if attribute.type is None else attribute.type
            default = None if repr(attribute.default) == "NOTHING" else _attrs_default(attribute.default)
            yield _Raw(attribute.name, annotation, default, _alias(attribute) if attribute.init else None)
    elif is_dataclass(cls):
        for field in dataclasses.fields(cls):
            default = None
            if field.default is not dataclasses.MISSING:
                default = functools.partial(_same, field.default)
            elif field.default_factory is not dataclasses.MISSING:
                default = field.default_factory
            yield _Raw(field.name, field.type, default, field.name if field.init else None)
    elif is_namedtuple(cls):
        annotations, defaults = _annotations(cls), typing.cast(Any, cls)._field_defaults
        for base in cls.__mro__[1:]:
            annotations = {**_annotations(base), **annotations}
        for name in typing.cast(Any, cls)._fields:
            default = functools.partial(_same, defaults[name]) if name in defaults else None
            yield _Raw(name, annotations.get(name, Any), default, name)
    else:
        annotations = {name: text for base in _bases(cls) for name, text in _annotations(base).items()}
        for name, annotation in annotations.items():
            value = inspect.getattr_static(cls, name, MISSING)
            has_default = value is not MISSING and not isinstance(value, MemberDescriptorType | property)
            default = functools.partial(_same, value) if has_default else None
            yield _Raw(name, annotation, default, name)


def _attrs_default(default: Any) -> Callable[[], Any] | None:
    if not hasattr(default, "factory"):
        return functools.partial(_same, default)
    # What takes the object itself is left to the constructor.
    return typing.cast("Callable[[], Any]", default.factory) if not default.takes_self else _needs_constructor


def _needs_constructor() -> Any:
    raise TypeError("a default is made by the constructor, which asks for what is no field")


def _alias(attribute: Any) -> str:
    return str(getattr(attribute, "alias", None) or attribute.name.lstrip("_"))


def _same(value: Any) -> Any:
    return value


def _keys(cls: Any, arguments: Mapping[type, Mapping[Any, Any]]) -> Iterator[LiveField]:
    for name, annotation in cls.__annotations__.items():
        if not name.isidentifier():
            raise unfit(f"the key {name!r} of {cls.__name__} is no identifier", "declare it as dict[str, ...]")
        resolved = _evaluated(annotation, cls, arguments.get(cls, {}))
        required = name in cls.__required_keys__
        marks = [resolved, *(typing.get_args(resolved)[:1] if typing.get_origin(resolved) is typing.Annotated else ())]
        origins: list[Any] = [typing.get_origin(mark) for mark in marks]
        if typing.Required in origins or typing.NotRequired in origins:
            required = typing.Required in origins
        yield LiveField(name, resolved, required, name)


def _evaluated(annotation: Any, owner: type, arguments: Mapping[Any, Any]) -> Any:
    try:
        return evaluated(annotation, owner, arguments)
    except Unfit as error:
        return Broken(error.misfits)


def _bases(cls: type) -> list[type]:
    return [base for base in reversed(cls.__mro__) if base.__module__ not in ("builtins", "typing")]


def _annotations(cls: type) -> dict[str, Any]:
    """Of this class alone, without ClassVars and InitVars."""
    own = vars(cls).get("__annotations__")
    return {name: each for name, each in own.items() if not _is_no_field(each)} if isinstance(own, dict) else {}


def _is_no_field(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.partition("[")[0].rpartition(".")[2].strip() in ("ClassVar", "InitVar")
    return (
        annotation is ClassVar
        or typing.get_origin(annotation) is ClassVar
        or dataclasses.InitVar in (annotation, type(annotation))
    )


def _parameters(cls: type) -> tuple[dict[str, bool], bool]:
    """Constructor parameter -> whether it may be left out; and whether it asks for some without a name."""
    make: Any = inspect.getattr_static(cls, "__new__").__func__ if is_namedtuple(cls) else getattr(cls, "__init__")  # noqa: B009
    if make is object.__init__:
        return {}, False
    accepted: dict[str, bool] = {}
    nameless = False
    for parameter in list(inspect.signature(make).parameters.values())[1:]:
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            accepted[parameter.name] = parameter.default is not parameter.empty
        elif parameter.kind is parameter.POSITIONAL_ONLY and parameter.default is parameter.empty:
            nameless = True
    return accepted, nameless


def _arguments(cls: Any) -> dict[type, dict[Any, Any]]:
    """Generic class -> what its type variables stand for, along all bases."""
    found: dict[type, dict[Any, Any]] = {}

    def follow(alias: Any, outer: Mapping[Any, Any]) -> None:
        origin = typing.get_origin(alias) or alias
        parameters = getattr(origin, "__parameters__", ())
        given = [substituted(arg, outer) for arg in typing.get_args(alias)] if alias is not origin else []
        own = dict(zip(parameters, given, strict=False))
        found.setdefault(origin, {}).update(own)
        for base in getattr(origin, "__orig_bases__", ()):
            if typing.get_origin(base) not in (Generic, Protocol, None):
                follow(base, own)

    follow(cls, {})
    return found
