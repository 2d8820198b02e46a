"""The plain form of a type: how its values are held, how they are read, and what can be told from the form alone."""

from __future__ import annotations

import base64
import binascii
import datetime
import decimal
import pathlib
import uuid
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

from .data import INT_MAX, INT_MIN
from .faults import Unfit, shown, unfit

MARK = "!"
"""Begins the only key of a dict that says which type its value has: `{"!datetime": "2024-05-01T12:00:00"}`."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the values of one type become plain data and come back.

    Both functions are strict: they raise `Unfit` at what is not exactly of the type.
    """

    name: str
    """The type's, as `spelled` gives it."""
    hold: Callable[[Any], Any]
    read: Callable[[Any], Any]
    kinds: frozenset[type]
    """What the plain form may be; by this a union knows when it has to say which member it is."""
    runtime: Callable[[Any], bool] = lambda value: False
    """True for values that are this type's before any other member's of a union."""


def marked(name: str, plain: Any) -> dict[str, Any]:
    """Plain data that says what it is."""
    return {MARK + name: plain}


def mark_of(plain: Any) -> str | None:
    """The name that marked plain data carries, or None."""
    if type(plain) is dict and len(plain) == 1:
        (key,) = plain
        if key.startswith(MARK):
            return str(key[len(MARK) :])
    return None


def unmarked(plain: Any, name: str) -> Any:
    """What a union has marked, where the type is this one alone now."""
    return plain[MARK + name] if mark_of(plain) == name else plain


def not_a(name: str, value: Any) -> Unfit:
    """The error for a value of another type."""
    return unfit(f"{shown(value)} is no {name}")


# --------------------------------------------------------------------------------------------------------- scalars


def _hold_int(value: Any) -> Any:
    if type(value) is not int:
        raise not_a("int", value)
    return value if INT_MIN <= value <= INT_MAX else marked("int", str(value))


def _read_int(plain: Any) -> int:
    if type(plain) is int:
        return plain
    if mark_of(plain) == "int" and type(text := plain["!int"]) is str:
        try:
            return int(text)
        except ValueError:
            raise not_a("int", text) from None
    raise not_a("int", plain)


def _hold_float(value: Any) -> Any:
    if type(value) is int:
        value = _exact(value)
    if type(value) is not float:
        raise not_a("float", value)
    return value if isfinite(value) else marked("float", str(value))


def _read_float(plain: Any) -> float:
    if type(plain) is float:
        return plain
    if type(plain) is int:
        return _exact(plain)
    if mark_of(plain) == "float" and plain["!float"] in ("nan", "inf", "-inf"):
        return float(plain["!float"])
    raise not_a("float", plain)


def _exact(value: int) -> float:
    try:
        if (found := float(value)) == value:
            return found
    except OverflowError:
        pass
    raise unfit(f"{shown(value)} has more digits than a float", "annotate the field as int")


def _hold_str(value: Any) -> str:
    if type(value) is not str:
        raise not_a("str", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise unfit(f"{ascii(value)[:60]} is not Unicode text", "annotate the field as bytes") from None
    return value


def _read_str(plain: Any) -> str:
    plain = unmarked(plain, "str")
    if type(plain) is not str:
        raise not_a("str", plain)
    return plain


def _same(kind: type) -> Callable[[Any], Any]:
    def same(value: Any) -> Any:
        if type(value) is not kind:
            raise not_a("None" if kind is type(None) else kind.__name__, value)
        return value

    return same


def _scalar(kind: type, name: str, hold: Callable[[Any], Any], read: Callable[[Any], Any]) -> Form:
    return Form(name, hold, read, frozenset({kind}), lambda value: type(value) is kind)


NONE = _scalar(type(None), "None", _same(type(None)), _same(type(None)))
STR = _scalar(str, "str", _hold_str, _read_str)
SCALARS: dict[Any, Form] = {
    type(None): NONE,
    bool: _scalar(bool, "bool", _same(bool), _same(bool)),
    int: _scalar(int, "int", _hold_int, _read_int),
    float: _scalar(float, "float", _hold_float, _read_float),
    str: STR,
}


# ----------------------------------------------------------------------------------------------------- held as text


def textual(kind: type, write: Callable[[Any], str], parse: Callable[[str], Any], name: str = "") -> Form:
    """The form of a type whose values are held as text; text that would be written differently is refused."""
    name = name or kind.__name__

    def hold(value: Any) -> str:
        if type(value) is not kind:
            raise not_a(name, value)
        return write(value)

    def read(plain: Any) -> Any:
        plain = unmarked(plain, name)
        found = None
        if type(plain) is str:
            try:
                found = parse(plain)
            except (ValueError, ArithmeticError, LookupError):
                pass
        if found is None or write(found) != plain:
            raise not_a(name, plain)
        return found

    return Form(name, hold, read, frozenset({str}), lambda value: type(value) is kind)


def _write_moment(value: datetime.datetime | datetime.time) -> str:
    # A suffix in brackets names the zone. Source: RFC 9557, section 3.
    zone, suffix = value.tzinfo, ""
    if isinstance(zone, zoneinfo.ZoneInfo) and zone.key is not None:
        suffix = f"[{zone.key}]"
    elif zone is not None and type(zone) is not datetime.timezone:
        raise unfit(f"the time zone {type(zone).__name__} has no name", "use zoneinfo.ZoneInfo or datetime.timezone")
    # With a zone the offset tells which of two equal times it is; nothing else does.
    return value.isoformat() + suffix + ("[fold=1]" if value.fold else "")


def _zoned(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    def moment(text: str) -> Any:
        text, *suffixes = text.replace("]", "").split("[")
        found = parse(text)
        for suffix in suffixes:
            found = found.replace(fold=1) if suffix == "fold=1" else found.replace(tzinfo=zoneinfo.ZoneInfo(suffix))
        return found

    return moment


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError(text) from None


def _base64(value: bytes | bytearray) -> str:
    return base64.b64encode(value).decode()


def _path(kind: type) -> Form:
    return textual(kind, lambda value: _hold_str(str(value)), kind)


TEXTS: dict[Any, Form] = {
    bytes: textual(bytes, _base64, _unbase64),
    bytearray: textual(bytearray, _base64, lambda text: bytearray(_unbase64(text))),
    datetime.datetime: textual(datetime.datetime, _write_moment, _zoned(datetime.datetime.fromisoformat)),
    datetime.date: textual(datetime.date, datetime.date.isoformat, datetime.date.fromisoformat),
    datetime.time: textual(datetime.time, _write_moment, _zoned(datetime.time.fromisoformat)),
    decimal.Decimal: textual(decimal.Decimal, str, decimal.Decimal),
    uuid.UUID: textual(uuid.UUID, str, uuid.UUID),
    pathlib.PurePosixPath: _path(pathlib.PurePosixPath),
    pathlib.PureWindowsPath: _path(pathlib.PureWindowsPath),
}
_HERE = type(pathlib.Path())
for _kind, _real in ((pathlib.Path, _HERE), (pathlib.PurePath, type(pathlib.PurePath()))):
    TEXTS[_kind] = textual(_real, lambda value: _hold_str(str(value)), _real, _kind.__name__)


def _hold_span(value: Any) -> list[int]:
    if type(value) is not datetime.timedelta:
        raise not_a("timedelta", value)
    return [value.days, value.seconds, value.microseconds]


def _read_span(plain: Any) -> datetime.timedelta:
    plain = unmarked(plain, "timedelta")
    if type(plain) is list and len(plain) == 3 and all(type(each) is int for each in plain):
        try:
            return datetime.timedelta(*plain)
        except OverflowError:
            pass
    raise unfit(f"{shown(plain)} is no timedelta: a list of days, seconds, microseconds")


SPAN = Form(
    "timedelta",
    _hold_span,
    _read_span,
    frozenset({list}),
    lambda value: type(value) is datetime.timedelta,
)

LEAVES: dict[Any, Form] = {**SCALARS, **TEXTS, datetime.timedelta: SPAN}
"""Types that are not made of others."""
