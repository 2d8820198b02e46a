"""`sys.meta_path` and `sys.path_hooks`, in which a realm does not meet other copies of its packages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import takewhile
from types import FunctionType, MethodType
from typing import Any

from ..ownnames import exact
from .thin import Kept, RealmNames

_READING = (
    *("__getitem__", "__len__", "__iter__", "__reversed__", "__contains__", "index", "count", "copy"),
    *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__add__", "__mul__", "__rmul__", "__repr__"),
)
_CHANGING = (
    *("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"),
    *("__setitem__", "__delitem__", "__iadd__", "__imul__"),
)


class Entries(list[Any], Kept):
    """A view of a list in `sys`. It is a list to those who ask, and has nothing in it.

    Changes are made to the interpreter's list, in which what the view does not show keeps its place. Assigned another
    list, the attribute is another view, of a list of its own, until it is assigned this one again.

    Args:
        realm: Whose view it is.
        name: The attribute of `sys`.
    """

    def __init__(self, realm: RealmNames, name: str) -> None:
        super().__init__()
        self._realm = realm
        self._name = name
        self._aside: list[Any] | None = None
        """The list that it shows while the attribute is something else."""
        self._current = self
        """Of the first view, the one that the attribute is at present."""

    def assigned(self, value: Any) -> Any:
        """See `Kept`."""
        current = self._current
        if value is current and current._aside is None:
            return value
        before = current._list
        if not isinstance(value, list):
            current._aside = before
            setattr(sys, self._name, value)
            return value
        if value is self._aside:  # what the view is of, as `vars(sys)` shows it
            value = self
        if isinstance(value, Entries) and value._realm is self._realm and value._aside is not None:
            view, present = value, value._aside
        else:
            view, present = self._another(before, list(value), current)
        current._aside, view._aside = before, None
        setattr(sys, self._name, present)
        self._current = view
        view._taken()
        return view

    def _another(self, before: list[Any], after: list[Any], current: Entries) -> tuple[Entries, list[Any]]:
        """A view that shows other entries than the present one, and the list that it is of."""
        view = type(self)(self._realm, self._name)
        view._aside = list(before)
        view._write(current._seen(), after)
        same = len(before) == len(view._aside) and all(map(_is, before, view._aside))
        return view, before if same else view._aside

    @property
    def _list(self) -> list[Any]:
        return getattr(sys, self._name) if self._aside is None else self._aside

    def _seen(self) -> list[Any]:
        """The entries that it shows."""
        return list(filter(self._shows, self._list))

    def _shows(self, entry: Any) -> bool:
        """False for what another copy of a package that the realm has for itself, be it the host's, has entered."""
        while isinstance(entry, (partial, MethodType)):
            entry = entry.func if isinstance(entry, partial) else entry.__func__
        named = entry if isinstance(entry, (type, FunctionType)) else type(entry)
        module = exact(str(named.__module__))
        plain = self._realm.plain(module)
        return self._realm.full(plain) in (plain, module)

    def _write(self, before: Sequence[Any], after: Sequence[Any]) -> None:
        """Show other entries than before; what is not among these, also what somebody adds meanwhile, stays."""
        real, shown = self._list, set(map(id, before))
        places = [place for place, entry in enumerate(real) if id(entry) in shown]
        before = [real[place] for place in places]
        same = _common(before, after)
        end = min(_common(before[::-1], after[::-1]), len(before) - same, len(after) - same)
        replaced = places[same : len(places) - end]
        new = after[same : len(after) - end]
        if replaced:
            first, last = replaced[0], replaced[-1] + 1
        else:
            first = last = (places[same] if same < len(places) else len(real)) if same else 0
        real[first:last] = [*new, *(entry for entry in real[first:last] if id(entry) not in shown)]

    def _taken(self) -> None:
        """The attribute is this view from now on."""

    def __radd__(self, other: list[Any]) -> list[Any]:
        return other + self._seen()

    def __reduce__(self) -> Any:
        return list, (self._seen(),)


def _is(one: object, other: object) -> bool:
    return one is other


def _common(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many entries two sequences have in common at their beginning."""
    return sum(takewhile(bool, map(_is, one, other)))


def _reading(method: Callable[..., Any]) -> Callable[..., Any]:
    def read(self: Entries, *arguments: Any) -> Any:
        # C code would look into a view as if it was any list.
        return method(self._seen(), *(list(each) if isinstance(each, Entries) else each for each in arguments))

    return read


def _changing(method: Callable[..., Any]) -> Callable[..., Any]:
    def change(self: Entries, *arguments: Any, **named: Any) -> Any:
        before = self._seen()
        after = before.copy()
        result = method(after, *arguments, **named)
        self._write(before, after)
        return self if result is after else result

    return change


for _name in _READING:
    setattr(Entries, _name, _reading(getattr(list, _name)))
for _name in _CHANGING:
    setattr(Entries, _name, _changing(getattr(list, _name)))
