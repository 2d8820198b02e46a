"""What a library dir says of itself: HOTSWAP.json at its root."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.version import Version

from hotswap.errors import WheelError
from hotswap.model import Library, LibrarySet

from .layout import DIGEST_DIGITS, check_safe
from .record import RECORD, check_record, flaw, read_record, write_record


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


def write_libraries(directory: Path, libraries: LibrarySet, sizes: Mapping[str, int]) -> None:
    """Say what a library dir holds; from then on it is complete."""
    plain = [_library_as_json(library) for library in libraries.libraries]
    write_record(directory / RECORD, libraries.key, plain, sizes)


def check_libraries(directory: Path, libraries: LibrarySet) -> str | None:
    """Say why a library dir cannot serve for a set; None if it can, "" if it is not there.

    Raises:
        StateDirError: It holds another set, whose key begins alike.
    """
    return check_record(directory, directory / RECORD, libraries.key, "set of libraries", "one")


def read_libraries(directory: Path, *, whole: bool = True) -> LibrarySet | None:
    """The set that a library dir holds; None if it does not say.

    Args:
        directory: Where to look.
        whole: Whether a damaged one counts as none.
    """
    record = read_record(directory / RECORD)
    if record is None or (whole and flaw(directory, record) is not None):
        return None
    try:
        libraries = LibrarySet(tuple(_library_from_json(data) for data in record.plain))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return libraries if libraries.key == record.digest else None


def libraries_in(directories: Iterable[Path]) -> dict[str, Library]:
    """What library dirs, which may be damaged, were made of: sha256 of each wheel -> what was verified of it."""
    sets = (read_libraries(directory, whole=False) for directory in directories)
    return {library.digest: library for found in sets if found is not None for library in found.libraries}


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
    return Library(
        name=data["name"],
        version=Version(data["version"]),
        path=Path(data["path"]),
        digest=data["digest"],
        provides=tuple(data["provides"]),
        dist_info=data["dist_info"],
        requires=tuple(Requirement(text) for text in data["requires"]),
    )
