"""What `wrap` and `unwrap` do: choose the type and its converter, and tell what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packaging.version import Version

from ..errors import Fault, LiveDataError
from ..model import Manifest
from ..realm.owners import owner_of
from .annotations import KNOWN, Open, classes_in, settled, spelled, understood
from .converters import converter_for, settle
from .data import Data
from .faults import Misfit, Unfit, as_faults
from .migrating import WRITTEN, Written
from .objects import is_object


def held(value: Any, type: Any) -> Data | LiveDataError:
    """What `wrap` returns, or what it raises."""

    annotation = settled(value.__class__ if type is None else type)
    if annotation is Open:
        annotation = value.__class__
    name = spelled(annotation)
    converter = converter_for(annotation)
    misfits: tuple[Misfit, ...] = ()
    try:
        plain = converter.form(annotation).hold(value)
    except Unfit as error:
        misfits = error.misfits
    except RecursionError:
        misfits = (_endless(value),)
    finally:
        settle(converter, annotation)
    if misfits:
        return LiveDataError(f"{name} cannot be held as live data", as_faults(name, misfits))
    owner = _owner_of(annotation)
    if owner is None:
        return Data(name, plain)
    return Data(name, plain, owner.plugin, str(owner.version))


class Failed:
    """What is returned in place of a value: an error that is raised further out."""

    def __init__(self, error: LiveDataError) -> None:
        self.error = error


def read(data: Data, into: Any) -> Any:
    """What `unwrap` returns, or `Failed` with what it raises."""

    annotation = _chosen(data, into)
    if isinstance(annotation, Failed):
        return annotation
    annotation = settled(annotation)
    converter = converter_for(annotation)
    misfits: tuple[Misfit, ...] = ()
    token = WRITTEN.set(Written(data.plugin, Version(data.version) if data.version is not None else None))
    try:
        return converter.form(annotation).read(data.value)
    except Unfit as error:
        misfits = error.misfits
    except RecursionError:
        misfits = (Misfit("", "is nested too deeply"),)
    finally:
        WRITTEN.reset(token)
        settle(converter, annotation)
    owner = _owner_of(annotation)
    reader = f"read by {owner.label}" if owner is not None else "read by the host"
    head = f"{data.type}, written by {data.origin}, {reader}, does not fit"
    return Failed(LiveDataError(head, as_faults(data.type, misfits), data))


def _chosen(data: Data, into: Any) -> Any:
    """The type that reads the data, or why there is none."""

    types = into if isinstance(into, Mapping) else None
    if types is None and not isinstance(into, type):
        types = getattr(into, "live_types", None)
    if types is None:
        if is_object(into) and data.type.partition("[")[0] != (name := into.__name__):
            way_out = f"unwrap it with {{{data.type!r}: {name}}} if {name} is its new name"
            fault = Fault("", f"it is a {data.type} and no {name}", way_out)
            return Failed(LiveDataError(f"live data of {data.origin}", [fault], data))
        return into
    missing: list[str] = []

    def find(name: str) -> Any:
        if name in types:
            return types[name]
        if name not in KNOWN:
            missing.append(name)
        return KNOWN[name]

    if data.type in types:
        return types[data.type]
    try:
        return understood(data.type, find)
    except (LookupError, SyntaxError, TypeError, AttributeError, ValueError):
        pass
    what = f"there is no live type {missing[0] if missing else data.type!r}"
    known = ", ".join(sorted(types)) or "none"
    way_out = f'unwrap it with {{"{data.type}": ...}} if it has another name now'
    fault = Fault("", f"{what}; there are: {known}", way_out)
    return Failed(LiveDataError(f"{data.type}, written by {data.origin}", [fault], data))


def _owner_of(annotation: Any) -> Manifest | None:
    """The plugin that a type belongs to: that of the first class in it that has one."""

    owners = (owner_of(cls.__module__) for cls in classes_in(annotation))
    return next((owner for owner in owners if owner is not None), None)


def _endless(value: Any) -> Any:
    """The way to where a value contains itself, or what is nested too deeply."""

    stack: list[tuple[Any, str, dict[int, str]]] = [(value, "", {})]
    while stack:
        each, path, above = stack.pop()
        if id(each) in above:
            return Misfit(path, f"contains itself: it is the value of {above[id(each)] or 'the whole'} again", _FLAT)
        above = {**above, id(each): path}
        inner: Any = ()
        if isinstance(each, Mapping):
            inner = ((f"[{key!r}]", item) for key, item in each.items())
        elif isinstance(each, list | tuple):
            inner = ((f"[{index}]", item) for index, item in enumerate(each))
        elif hasattr(each, "__dict__") or hasattr(each, "__slots__"):
            names = [*getattr(each, "__dict__", ()), *_slots(each)]
            inner = ((f".{name}", getattr(each, name)) for name in names if hasattr(each, name))
        stack += [(item, path + step, above) for step, item in inner if not isinstance(item, str | int | float | bytes)]
        if len(above) > _DEEP:
            break
    return Misfit("", "is nested too deeply", _FLAT)


_DEEP = 300
_FLAT = "hold what refers to the rest by a name or number of its own"


def _slots(value: Any) -> list[str]:
    slots: list[str] = []
    for cls in value.__class__.__mro__:
        own = vars(cls).get("__slots__", ())
        slots += [own] if isinstance(own, str) else own
    return slots
