"""What is held of a live object: plain data, the name of its type, and who wrapped it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from packaging.version import Version

from ..errors import Fault, LiveDataError

INT_MIN, INT_MAX = -(2**63), 2**64 - 1
"""What MessagePack can hold. Source: https://github.com/msgpack/msgpack/blob/master/spec.md#int-format-family"""

_KEYS = ("type", "value", "plugin", "version")
_PLAIN = "JSON and MessagePack both hold None, bool, int of 64 bits, finite float, str, list, and dict with str keys"


def is_text(value: str) -> bool:
    """False for a str with surrogates, which UTF-8 has not."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Data:
    """Live data: it refers to no class and no module, so it outlives every version of the code that made it.

    Made by `wrap`; a job queue may keep it in memory, pickle it, or store it as JSON or MessagePack.
    """

    type: str
    """The name of its type, e.g. `Live_Job`, `int`, `list[Live_Job]`."""
    value: Any
    """Plain data: None, bool, int of 64 bits, finite float, str, list, and dict with str keys, nothing else."""
    plugin: str | None = None
    """The plugin that the type belonged to when it was wrapped; None for the host's own types."""
    version: str | None = None
    """That plugin's version."""

    @property
    def origin(self) -> str:
        """Who wrapped it, e.g. `guardian 1.0`."""
        return f"{self.plugin} {self.version}" if self.plugin is not None else "the host"

    def as_plain(self) -> dict[str, Any]:
        """One dict of plain data, for JSON, MessagePack, or a database."""
        return {key: getattr(self, key) for key in _KEYS}

    @classmethod
    def from_plain(cls, plain: Any) -> Data:
        """The inverse of `as_plain`.

        Raises:
            LiveDataError: It is something else; everything that is wrong with it is listed.
        """
        faults = tuple(_faults_of(plain))
        if faults:
            raise LiveDataError("this is no live data", faults)
        return cls(**plain)

    def to_json(self) -> str:
        """The data as JSON (RFC 8259) on one line."""
        return json.dumps(self.as_plain(), ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Data:
        """The inverse of `to_json`.

        Raises:
            LiveDataError: It is something else; everything that is wrong with it is listed.
        """
        fault = None
        try:
            plain = json.loads(text)
        except (ValueError, RecursionError) as error:
            fault = Fault("", f"not JSON: {error}")
        if fault is not None:
            raise LiveDataError("this is no live data", (fault,))
        return cls.from_plain(plain)


def _faults_of(plain: Any) -> Iterator[Fault]:
    if type(plain) is not dict:
        yield Fault("", f"a {type(plain).__name__} and no dict", "give what as_plain() or to_json() returned")
        return
    for key in _KEYS:
        if key not in plain:
            yield Fault(key, "missing")
    for key in plain:
        if key not in _KEYS:
            yield Fault(str(key), "unknown")
    if type(plain.get("type", "")) is not str:
        yield Fault("type", f"a {type(plain['type']).__name__} and no str")
    for key in ("plugin", "version"):
        if not isinstance(plain.get(key), str | None):
            yield Fault(key, f"a {type(plain[key]).__name__}, neither str nor None")
    if isinstance(version := plain.get("version"), str):
        try:
            Version(version)
        except ValueError:  # also of numbers with more digits than Python reads
            yield Fault("version", f"{version[:60]!r} is no version")
    yield from _unplain(plain.get("value"))


def _unplain(value: Any) -> Iterator[Fault]:
    """What plain data must not contain; the walk keeps its own stack, because foreign data may be nested deeply."""
    # Of all that the walk is inside of: its identity, its key in what is around it, and what of it is still to come.
    stack: list[tuple[int, Any, Iterator[tuple[Any, Any]]]] = [(0, None, iter([("value", value)]))]
    inside: set[int] = set()

    def fault(what: str) -> Fault:
        _, *keys = [key for _, key, _ in stack[1:]] + [key]
        return Fault("value" + "".join(f"[{each!r}]" for each in keys), what, _PLAIN)

    while stack:
        key, value = next(stack[-1][2], (None, stack))
        if value is stack:
            inside.discard(stack.pop()[0])
            continue
        kind = type(value)
        if kind is dict or kind is list:
            if id(value) in inside:
                yield fault("contains itself")
                continue
            if kind is dict:
                for each in value:
                    if type(each) is not str:
                        yield fault(f"the key {each!r} is a {type(each).__name__} and no str")
                    elif not each.isascii() and not is_text(each):
                        yield fault(f"the key {each!r} is not Unicode text")
            inside.add(id(value))
            stack.append((id(value), key, iter(value.items() if kind is dict else enumerate(value))))
        elif kind is str:
            if not value.isascii() and not is_text(value):
                yield fault("not Unicode text")
        elif kind is int:
            if not INT_MIN <= value <= INT_MAX:
                yield fault("an int of more than 64 bits")
        elif kind is float:
            if not isfinite(value):
                yield fault(f"{value} is not finite")
        elif value is not None and kind is not bool:
            yield fault(f"a {kind.__name__}")
