"""The plain form of a type: how its values are held, how they are read, and what can be told from the form alone."""

from __future__ import annotations

import base64
import datetime
import decimal
import pathlib
import re
import uuid
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

from ..realm.ownnames import OwnName
from .data import INT_MAX, INT_MIN, is_text
from .faults import shown, unfit
from .marks import marked, not_a, told, unmarked


@dataclass(frozen=True, slots=True)
class Form:
    """How the values of one type become plain data and come back.

    Both functions are strict: they raise `Unfit` at what is not exactly of the type. `read` takes a second argument,
    because cattrs gives one to all of its hooks.
    """

    name: str
    """The type's, as `spelled` gives it."""
    hold: Callable[[Any], Any]
    read: Callable[..., Any]
    kinds: frozenset[type]
    """What the plain form may be; by this a union knows when it has to say which member it is."""
    """Without marks; empty if all of its values are marked by themselves."""
    classes: frozenset[type] = frozenset()
    """Of values that are this type's before any other member's of a union."""
    mark: str = ""
    """The mark that its values have by themselves, all or some of them."""


# --------------------------------------------------------------------------------------------------------- scalars


def _hold_int(value: Any) -> Any:
    if type(value) is not int:
        raise not_a("int", value)
    # In hexadecimal, because Python reads and writes only so many decimal digits.
    return value if INT_MIN <= value <= INT_MAX else marked("int", hex(value))


def _read_int(plain: Any, _: Any = None) -> int:
    if type(plain) is int:
        return plain
    inner = unmarked(plain, "int")
    if inner is plain:
        raise not_a("int", plain)
    return _int_of(inner) if type(inner) is str else _read_int(inner)


def _int_of(text: str) -> int:
    try:
        found = int(text, 16)
    except ValueError:
        found = 0
    if hex(found) != text:
        raise not_a("int", text)
    return found


def _hold_float(value: Any) -> Any:
    if type(value) is int:
        value = _exact(value)
    if type(value) is not float:
        raise not_a("float", value)
    return value if isfinite(value) else marked("float", str(value))


def _read_float(plain: Any, _: Any = None) -> float:
    if type(plain) is float:
        return plain
    if type(plain) is int:
        return _exact(plain)
    inner = unmarked(plain, "float")
    if inner is plain:
        raise not_a("float", plain)
    return float(inner) if inner in ("nan", "inf", "-inf") else _read_float(inner)


def _exact(value: int) -> float:
    try:
        if (found := float(value)) == value:
            return found
    except OverflowError:
        pass
    raise unfit(f"{shown(value)} has more digits than a float", "annotate the field as int")


def _hold_str(value: Any) -> str:
    if type(value) is OwnName:
        return value.plain  # by which it says the same in every version
    if type(value) is not str:
        raise not_a("str", value)
    if not value.isascii() and not is_text(value):
        raise unfit(f"{shown(value)} is not Unicode text", "annotate the field as bytes")
    return value


def _same(kind: type, name: str) -> Callable[..., Any]:
    def same(value: Any, _: Any = None) -> Any:
        if type(value) is kind:
            return value
        inner = unmarked(value, name)
        if inner is value:
            raise not_a(name, value)
        return same(inner)

    return same


def _scalar(kind: type, name: str, hold: Callable[[Any], Any], read: Callable[..., Any]) -> Form:
    return Form(name, hold, read, frozenset({kind}), frozenset({kind}), name)


def _hold_bool(value: Any) -> bool:
    if type(value) is not bool:
        raise not_a("bool", value)
    return value


def _hold_none(value: Any) -> None:
    if value is not None:
        raise not_a("None", value)


NONE = _scalar(type(None), "None", _hold_none, _same(type(None), "None"))
STR = _scalar(str, "str", _hold_str, _same(str, "str"))
SCALARS: dict[Any, Form] = {
    type(None): NONE,
    bool: _scalar(bool, "bool", _hold_bool, _same(bool, "bool")),
    int: _scalar(int, "int", _hold_int, _read_int),
    float: _scalar(float, "float", _hold_float, _read_float),
    str: STR,
}


# ----------------------------------------------------------------------------------------------------- held as text


def textual(
    kind: type, write: Callable[[Any], str], parse: Callable[[str], Any], name: str = "", *, is_exact: bool = True
) -> Form:
    """The form of a type whose values are held as text; if `is_exact`, what would be written differently is refused."""
    name = name or kind.__name__

    def hold(value: Any) -> str:
        if type(value) is not kind:
            raise not_a(name, value)
        return write(value)

    def read(plain: Any, _: Any = None) -> Any:
        plain = unmarked(plain, name)
        found = None
        if type(plain) is str:
            try:
                found = parse(plain)
            except (ValueError, ArithmeticError, LookupError, OSError):  # OSError: of time zones called as directories
                pass
        if found is None or (is_exact and write(found) != plain):
            raise not_a(name, plain)
        return found

    return Form(name, hold, read, frozenset({str}), frozenset({kind}))


def _write_moment(value: datetime.datetime | datetime.time) -> str:
    # A suffix in brackets names the zone. Source: RFC 9557, section 3.
    zone, suffix = value.tzinfo, ""
    if isinstance(zone, zoneinfo.ZoneInfo) and zone.key is not None:
        suffix = f"[{zone.key}]"
    elif zone is not None and type(zone) is not datetime.timezone:
        raise unfit(f"the time zone {type(zone).__name__} has no name", "use zoneinfo.ZoneInfo or datetime.timezone")
    return value.isoformat() + suffix + ("[fold=1]" if value.fold else "")


_MOMENT = re.compile(r"([^\[]+)(?:\[([^\[\]=]+)\])?(\[fold=1\])?")


def _moment(kind: Any) -> Form:
    def parse(text: str) -> Any:
        match = _MOMENT.fullmatch(text)
        if match is None:
            raise ValueError(text)
        iso, zone, fold = match.groups()
        found: Any = kind.fromisoformat(iso)
        if found.isoformat() != iso:
            raise ValueError(text)
        # The zone and the time on its clocks count, as for Python, not the offset: the zone's rules may have changed.
        if zone is not None:
            found = found.replace(tzinfo=zoneinfo.ZoneInfo(zone))
        return found if fold is None else found.replace(fold=1)

    return textual(kind, _write_moment, parse, is_exact=False)


def _base64(kind: Any) -> Form:
    # Always marked: a str would be read as bytes, and bytes as a str, where a field has another type now.
    name = kind.__name__

    def hold(value: Any) -> Any:
        if type(value) is not kind:
            raise not_a(name, value)
        return marked(name, base64.b64encode(value).decode())

    def read(plain: Any, _: Any = None) -> Any:
        text = told(plain, name, name)
        try:
            return kind(base64.b64decode(text, validate=True))
        except (TypeError, ValueError):
            pass
        raise not_a(name, text)

    return Form(name, hold, read, frozenset(), frozenset({kind}), name)


def _path(kind: Any) -> Form:
    real = type(kind())  # of Path and PurePath the one of this system
    return textual(real, lambda value: _hold_str(str(value)), real, kind.__name__)


TEXTS: dict[Any, Form] = {
    bytes: _base64(bytes),
    bytearray: _base64(bytearray),
    datetime.datetime: _moment(datetime.datetime),
    datetime.date: textual(datetime.date, datetime.date.isoformat, datetime.date.fromisoformat),
    datetime.time: _moment(datetime.time),
    decimal.Decimal: textual(decimal.Decimal, str, decimal.Decimal),
    uuid.UUID: textual(uuid.UUID, str, uuid.UUID),
    **{kind: _path(kind) for kind in (pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.Path, pathlib.PurePath)},
}


def _hold_span(value: Any) -> dict[str, Any]:
    if type(value) is not datetime.timedelta:
        raise not_a("timedelta", value)
    return marked("timedelta", [value.days, value.seconds, value.microseconds])


def _read_span(plain: Any, _: Any = None) -> datetime.timedelta:
    plain = told(plain, "timedelta", "timedelta")
    if type(plain) is list and len(plain) == 3 and all(type(each) is int for each in plain):
        try:
            return datetime.timedelta(*plain)
        except OverflowError:
            pass
    raise unfit(f"{shown(plain)} is no timedelta: a list of days, seconds, microseconds")


SPAN = Form("timedelta", _hold_span, _read_span, frozenset(), frozenset({datetime.timedelta}), "timedelta")

LEAVES: dict[Any, Form] = {**SCALARS, **TEXTS, datetime.timedelta: SPAN}
"""Types that are not made of others."""
