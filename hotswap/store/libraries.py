"""What a library dir says of itself: HOTSWAP.json at its root, written last."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.version import Version

from hotswap.errors import StateDirError, WheelError
from hotswap.model import Library, LibrarySet

from .layout import DIGEST_DIGITS, check_safe, is_digest
from .site import RECORD, SiteRecord, flaw

_FORMAT = 1


def library_name(libraries: LibrarySet) -> str:
    """Name of the library dir of a set, e.g. `numpy-2.1.0-and-2-more-<first 16 digits of the key>`.

    Raises:
        WheelError: A name or digest is not in the form that makes a safe directory name.
    """
    faults = [
        fault for library in libraries.libraries for fault in check_safe(library.path, library.name, library.digest)
    ]
    first, *others = libraries.libraries
    if faults:
        raise WheelError(first.name, faults, stage="installed")
    more = f"-and-{len(others)}-more" if others else ""
    return f"{first.name}-{first.version}{more}-{libraries.key[:DIGEST_DIGITS]}"


def write_library_record(directory: Path, libraries: LibrarySet, sizes: Mapping[str, int]) -> None:
    """Write HOTSWAP.json; from then on the library dir is complete."""
    content = {
        "format": _FORMAT,
        "key": libraries.key,
        "libraries": [_library_as_json(library) for library in libraries.libraries],
        "sizes": dict(sizes),
    }
    (directory / RECORD).write_text(json.dumps(content, separators=(",", ":")), encoding="ascii")


def read_libraries(directory: Path) -> LibrarySet | None:
    """The set that a complete library dir holds; None if it is none, or damaged."""
    record = _read(directory)
    if record is None or flaw(directory, record) is not None:
        return None
    try:
        libraries = LibrarySet(tuple(_library_from_json(data) for data in record.plain["libraries"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return libraries if libraries.key == record.digest else None


def check_libraries(directory: Path, libraries: LibrarySet) -> str | None:
    """Say why a library dir cannot serve for a set; None if it can, "" if it is not there.

    Raises:
        StateDirError: It holds another set, whose key begins alike.
    """
    record = _read(directory)
    if record is None:
        return f"no readable {RECORD}" if os.path.lexists(directory) else ""
    if record.digest != libraries.key:
        raise StateDirError(
            f"{directory}: holds another set of libraries, of key {record.digest}, where one of key {libraries.key} "
            "belongs; remove it, or choose another state dir"
        )
    return flaw(directory, record)


def digests_in(directory: Path) -> frozenset[str]:
    """The sha256 of every wheel in a library dir, which may be damaged; none if it does not say."""
    record = _read(directory)
    try:
        return frozenset(str(data["digest"]) for data in record.plain["libraries"]) if record else frozenset()
    except (KeyError, TypeError):
        return frozenset()


def _read(directory: Path) -> SiteRecord | None:
    try:
        content = json.loads((directory / RECORD).read_bytes())
        known = content["format"] == _FORMAT and is_digest(content["key"])
        return (
            SiteRecord(content["key"], dict(content["sizes"]), {"libraries": content["libraries"]}) if known else None
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _library_as_json(library: Library) -> dict[str, Any]:
    return {
        "name": library.name,
        "version": str(library.version),
        "path": str(library.path),
        "digest": library.digest,
        "provides": list(library.provides),
        "dist_info": library.dist_info,
        "requires": [str(requirement) for requirement in library.requires],
    }


def _library_from_json(data: Mapping[str, Any]) -> Library:
    library = Library(
        name=data["name"],
        version=Version(data["version"]),
        path=Path(data["path"]),
        digest=data["digest"],
        provides=tuple(data["provides"]),
        dist_info=data["dist_info"],
    )
    return replace(library, requires=tuple(Requirement(text) for text in data["requires"]))
