"""What `wrap` and `unwrap` do: choose the type and its converter, and tell what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Fault, LiveDataError
from ..model import Manifest
from ..realm.owners import is_realms, owner_of
from .annotations import KNOWN, Open, classes_in, settled, understood
from .converters import converter_for, settle
from .data import Data
from .faults import Misfit, Unfit, as_faults, shown
from .migrating import WRITTEN
from .objects import is_object

DEEPEST = 100
"""How many lists and dicts may lie in one another; read they take five to ten frames each, of Python's 1000."""
_FLAT = "hold what refers to the rest by a name or number of its own"
_TOO_DEEP = Misfit("", f"is nested too deeply: more than {DEEPEST} levels", _FLAT)


def held(value: Any, type: Any) -> Data | LiveDataError:
    """What `wrap` returns, or what it raises."""
    annotation = settled(value.__class__ if type is None else type)
    if annotation is Open:
        annotation = value.__class__
    classes = _classes(annotation)
    converter = converter_for(classes)
    form = converter.form(annotation)
    misfits: tuple[Misfit, ...] = ()
    try:
        plain = form.hold(value)
        if _is_deep(plain):
            misfits = (_TOO_DEEP,)
    except Unfit as error:
        misfits = error.misfits
    except RecursionError:
        misfits = (_endless(value),)
    finally:
        settle(converter, annotation)
    owner = _owner_of(classes)
    if owner is None and any(map(is_realms, {cls.__module__ for cls in classes})):
        misfits = (Misfit("", "its plugin has been freed, and its version is forgotten", "wrap it earlier"),)
    if misfits:
        return LiveDataError(f"{form.name} cannot be held as live data", as_faults(form.name, misfits))
    if owner is None:
        return Data(form.name, plain)
    return Data(form.name, plain, owner.plugin, str(owner.version))


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
    classes = _classes(annotation)
    converter = converter_for(classes)
    misfits: tuple[Misfit, ...] = ()
    token = WRITTEN.set(data)
    try:
        return converter.form(annotation).read(data.value)
    except Unfit as error:
        misfits = error.misfits
    except RecursionError:
        misfits = (Misfit("", "is nested too deeply"),)
    finally:
        WRITTEN.reset(token)
        settle(converter, annotation)
    owner = _owner_of(classes)
    reader = f"read by {owner.label}" if owner is not None else "read by the host"
    head = f"{data.type}, written by {data.origin}, {reader}, does not fit"
    return Failed(LiveDataError(head, as_faults(data.type, misfits), data))


def _chosen(data: Data, into: Any) -> Any:
    """The type that reads the data, or why there is none."""
    types: Any = into if isinstance(into, Mapping) else None
    if into is Any or into is object:
        types = {}
    if types is None and not isinstance(into, type):
        types = getattr(into, "live_types", None)
    if types is None:
        name = getattr(into, "__name__", "")
        if data.type != name and is_object(into) and data.type.partition("[")[0] != name:
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
    except (LookupError, SyntaxError):
        pass
    what = f"there is no live type {shown(missing[0] if missing else data.type)}"
    known = ", ".join(sorted(types)) or "none"
    way_out = f'unwrap it with {{"{data.type}": ...}} if it has another name now'
    fault = Fault("", f"{what}; there are: {known}", way_out)
    return Failed(LiveDataError(f"{data.type}, written by {data.origin}", [fault], data))


def _classes(annotation: Any) -> tuple[type, ...]:
    return (annotation,) if isinstance(annotation, type) else tuple(classes_in(annotation))


def _owner_of(classes: tuple[type, ...]) -> Manifest | None:
    """The plugin that a type belongs to: that of the first class in it that has one."""
    for cls in classes:
        if (owner := owner_of(cls.__module__)) is not None:
            return owner
    return None


def _is_deep(plain: Any) -> bool:
    """True if reading it may need more of Python's stack than there is, of which reading takes more than holding."""
    level = [plain]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            if type(each) is list or type(each) is dict
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


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
        if len(above) > 3 * DEEPEST:
            break
    return _TOO_DEEP


def _slots(value: Any) -> list[str]:
    slots: list[str] = []
    for cls in value.__class__.__mro__:
        own = vars(cls).get("__slots__", ())
        slots += [own] if isinstance(own, str) else own
    return slots
