"""HOTSWAP.json, which site dirs and library dirs hold: what lies there, with sizes. It is written last."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hotswap.errors import StateDirError

from .layout import is_digest

RECORD = "HOTSWAP.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Record:
    """The content of a HOTSWAP.json."""

    digest: str
    """Of the wheel, or key of the set of libraries."""
    sizes: Mapping[str, int]
    """Relative POSIX path -> size in bytes, of every file but this one."""
    plain: Any
    """The manifest or the libraries as plain data: a reused directory does not need it parsed."""


def write_record(path: Path, digest: str, plain: Any, sizes: Mapping[str, int]) -> None:
    """Write a HOTSWAP.json; from then on its directory is complete."""
    content = {"format": _FORMAT, "digest": digest, "content": plain, "sizes": dict(sizes)}
    path.write_text(json.dumps(content, separators=(",", ":")), encoding="ascii")


def read_record(path: Path) -> Record | None:
    """Read a HOTSWAP.json; None if there is none in a form this version knows."""
    try:
        content = json.loads(path.read_bytes())
        known = content["format"] == _FORMAT and is_digest(content["digest"])
        return Record(content["digest"], dict(content["sizes"]), content["content"]) if known else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def flaw(directory: Path, record: Record) -> str | None:
    """Say what a directory lacks of what was installed; None if it is complete. Sizes are compared, not content."""
    prefix = f"{directory}/"  # joining Paths would take longer than asking for the sizes
    for relative, size in record.sizes.items():
        try:
            found = os.stat(prefix + relative).st_size  # noqa: PTH116
        except OSError:
            return f"{relative} is missing"
        if found != size:
            return f"{relative} has {found} bytes instead of {size}"
    return None


def check_record(directory: Path, path: Path, digest: str, what: str, wanted: str) -> str | None:
    """Say why a directory cannot serve; None if it can, "" if it is not there.

    Args:
        directory: A site dir or library dir.
        path: Its HOTSWAP.json.
        digest: What belongs there.
        what: The kind of what it may hold instead, for the message.
        wanted: What belongs there, in words.

    Raises:
        StateDirError: It holds something else, whose digest begins alike.
    """
    record = read_record(path)
    if record is None:
        return f"no readable {RECORD}" if os.path.lexists(directory) else ""
    if record.digest != digest:
        raise StateDirError(
            f"{directory}: holds another {what}, of digest {record.digest}, where {wanted} of digest {digest} belongs; "
            "remove it, or choose another state dir"
        )
    return flaw(directory, record)
