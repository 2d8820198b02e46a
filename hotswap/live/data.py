"""What is held of a live object: plain data, the name of its type, and who wrapped it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from packaging.version import InvalidVersion, Version

from ..errors import Fault, LiveDataError

INT_MIN, INT_MAX = -(2**63), 2**64 - 1
"""What MessagePack can hold. Source: https://github.com/msgpack/msgpack/blob/master/spec.md#int-format-family"""

_KEYS = ("type", "value", "plugin", "version")
_PLAIN = "JSON and MessagePack both hold None, bool, int of 64 bits, finite float, str, list, and dict with str keys"


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
        except InvalidVersion:
            yield Fault("version", f"{version!r} is no version")
    yield from _unplain(plain.get("value"), "value")


def _unplain(value: Any, where: str) -> Iterator[Fault]:
    """What plain data must not contain; the walk keeps its own stack, because foreign data may be nested deeply."""
    stack: list[tuple[Any, str, tuple[int, ...]]] = [(value, where, (id(value),))]
    while stack:
        value, where, above = stack.pop()
        kind = type(value)
        if kind is dict:
            for key in value:
                if type(key) is not str:
                    yield Fault(where, f"the key {key!r} is a {type(key).__name__} and no str", _PLAIN)
        if kind in (dict, list):
            inner = value.items() if kind is dict else enumerate(value)
            for key, item in inner:
                if id(item) in above and type(item) in (dict, list):
                    yield Fault(f"{where}[{key!r}]", "contains itself", _PLAIN)
                else:
                    stack.append((item, f"{where}[{key!r}]", (*above, id(item))))
        elif kind is int and not INT_MIN <= value <= INT_MAX:
            yield Fault(where, f"{value} has more than 64 bits", _PLAIN)
        elif kind is float and not isfinite(value):
            yield Fault(where, f"{value} is not finite", _PLAIN)
        elif kind not in (type(None), bool, int, float, str):
            yield Fault(where, f"a {kind.__name__}", _PLAIN)
