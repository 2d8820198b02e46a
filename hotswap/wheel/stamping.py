"""The stamp that says how a wheel was built: the file `hotswap-build.json` in its dist-info directory."""

from __future__ import annotations

import json
import os
import re
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import Fault, UsageError
from ..model import BuildInfo

STAMP = "hotswap-build.json"
MAX_STAMP = 64 << 10
"""Bytes of a stamp that is parsed."""

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHA256 = re.compile(r"(?:[0-9a-f]{64})?")
_WAY_OUT = "build the wheel anew with hotswap build"


def fixed_time() -> datetime | None:
    """The time that `SOURCE_DATE_EPOCH` fixes, in UTC; None where it is not set.

    Source: https://reproducible-builds.org/specs/source-date-epoch/

    Raises:
        UsageError: `SOURCE_DATE_EPOCH` is no time.
    """
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    if not fixed:
        return None
    try:
        return datetime.fromtimestamp(int(fixed), UTC)
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"SOURCE_DATE_EPOCH={fixed} is no time: give whole seconds since 1970, or unset it") from None


def write_stamp(build: BuildInfo) -> bytes:
    """The stamp as the content of a file."""
    return (json.dumps({"hotswap": __version__, **build.as_json()}, indent=2) + "\n").encode()


def read_stamp(raw: bytes, where: str, faults: list[Fault]) -> BuildInfo | None:
    """Parse a stamp; None, with a fault for each field that is wrong. Unknown fields are a later version's."""
    if len(raw) > MAX_STAMP:
        faults.append(Fault(where, f"has {len(raw)} bytes, more than the limit of {MAX_STAMP}", _WAY_OUT))
        return None
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        faults.append(Fault(where, f"is not valid JSON: {error}", _WAY_OUT))
        return None
    if not isinstance(content, dict):
        faults.append(Fault(where, "is not a JSON object", _WAY_OUT))
        return None
    wrong = [] if "at" in content else [Fault(where, "has no at", _WAY_OUT)]
    known = {}
    for field, (read, form) in _FIELDS.items():
        if field in content:
            try:
                known[field] = read(content[field])
            except (TypeError, ValueError, OverflowError):
                wrong.append(Fault(where, f"{field} is {_short(content[field])}, not {form}", _WAY_OUT))
    faults += wrong
    return None if wrong else BuildInfo(**known)


def peek(wheel: Path) -> BuildInfo | None:
    """The stamp of a wheel that has not been verified; None if it has none that can be read."""
    try:
        if not wheel.is_file():  # opening a FIFO would wait for its writer
            return None
        with zipfile.ZipFile(wheel) as archive:
            (entry,) = (e for e in archive.infolist() if re.fullmatch(rf"[^/]+\.dist-info/{STAMP}", e.filename))
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                return None
            with archive.open(entry) as file:
                return read_stamp(file.read(MAX_STAMP + 1), entry.filename, [])
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return None


def _time(value: Any) -> datetime:
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError(value)
    return at.astimezone(UTC)


def _text(pattern: re.Pattern[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(value)
        return str(value)

    return read


def _commit(value: Any) -> str | None:
    return None if value is None else _text(_COMMIT)(value)


def _flag(value: Any) -> bool | None:
    if not isinstance(value, bool | None):
        raise TypeError(value)
    return value


def _prefix(value: Any) -> str:
    if not isinstance(value, str) or not value.isidentifier():
        raise ValueError(value)
    return value


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


_FIELDS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "at": (_time, "a time with its zone in ISO 8601"),
    "revision": (_commit, "a git commit in full, or null"),
    "dirty": (_flag, "true, false or null"),
    "live_prefix": (_prefix, "the beginning of an identifier"),
    "source": (_text(_SHA256), "a SHA-256 in hexadecimal"),
}
