"""The plain form of enums: the member's name, which outlives other values; flags by value, as they combine."""

from __future__ import annotations

import enum
from typing import Any

from .faults import shown, unfit
from .forms import LEAVES, Form
from .marks import not_a, unmarked


def enumeration(cls: type[enum.Enum]) -> Form:
    """The form of an enum: the member's name, which outlives other values; flags by value, as they combine."""
    if issubclass(cls, enum.Flag):
        return _flags(cls)
    members, names = dict(cls.__members__), ", ".join(cls.__members__)

    def hold(value: Any) -> str:
        if type(value) is not cls:
            raise not_a(cls.__name__, value)
        return str(value.name)

    def read(plain: Any, _: Any = None) -> Any:
        plain = unmarked(plain, cls.__name__)
        if type(plain) is not str or plain not in members:
            raise unfit(f"{shown(plain)} is no member of {cls.__name__} ({names})", "rename it in a migration")
        return members[plain]

    return Form(cls.__name__, hold, read, frozenset({str}), frozenset({cls}))


def _flags(cls: type[enum.Flag]) -> Form:
    def hold(value: Any) -> Any:
        if type(value) is not cls:
            raise not_a(cls.__name__, value)
        return LEAVES[int].hold(value.value)

    def read(plain: Any, _: Any = None) -> Any:
        plain = unmarked(plain, cls.__name__, "int")
        try:
            return cls(LEAVES[int].read(plain))
        except ValueError:
            raise unfit(f"{shown(plain)} has flags that {cls.__name__} has not", "map them in a migration") from None

    return Form(cls.__name__, hold, read, frozenset({int}), frozenset({cls}), "int")
