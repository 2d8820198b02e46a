"""C libraries that private libraries bring: the system has one of a name in the process, whoever asks for it.

What an extension needs is looked for by name (`DT_NEEDED`) among what is loaded, before any file is looked for. Tools
that put C libraries into wheels give them names with a part of their hash, for that reason, and a number in a name
promises that one will do for the other. Where files of a name with neither differ, an extension would get the one that
is there, and may end the process.
Source: https://man7.org/linux/man-pages/man3/dlopen.3.html, "if the same shared object is opened again".
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import PrivateCopyError
from ..model import LibraryDir

_MAPS = Path("/proc/self/maps")
_RECORDED = re.compile(r"^((?:[^,\n\"]*/)?(lib[^/.,\n\"]*\.so)),sha256=([\w-]+)", re.MULTILINE)
_HASHED = re.compile(r"-[0-9a-f]{8}\b")
_ALIKE = frozenset({"libsf_error_state.so"})
"""scipy's: a table of what to do about errors, which is the same in all releases."""


@dataclass(frozen=True, slots=True)
class Bundled:
    """One C library that a set brings."""

    library: str
    """Canonical name of the distribution."""
    label: str
    root: Path
    """Of the set."""
    path: Path
    digest: str
    """As in a RECORD."""


def bundled(directory: LibraryDir) -> dict[str, Bundled]:
    """The C libraries that a set brings, by file name, as its RECORD files list them."""
    found = {}
    for library in directory.library_set.libraries:
        record = Path(directory.path) / library.dist_info / "RECORD"
        for path, name, digest in _RECORDED.findall(record.read_text("utf-8") if record.is_file() else ""):
            if name not in _ALIKE and _HASHED.search(name) is None:
                root = Path(directory.path)
                found[name] = Bundled(library.name, library.label, root, root / path, digest)
    return found


def refuse_other_files(
    brought: dict[str, Bundled], plugin: str, others: Iterable[dict[str, Bundled]], directories: Iterable[str]
) -> None:
    """Refuse a set that brings a C library of which the process has, or will have, another file.

    What lies elsewhere, in the system's directories say, is everybody's.

    Args:
        brought: What the set brings.
        plugin: Name of the plugin that would use it.
        others: What the open sets bring.
        directories: Where what is loaded is somebody's copy, besides the host's `sys.path`.

    Raises:
        PrivateCopyError: There is such a file.
    """
    clashes: dict[str, Path] = {}
    for other in others:
        clashes |= {
            name: other[name].path for name in brought.keys() & other if other[name].digest != brought[name].digest
        }
    for path in _mapped((*filter(None, sys.path), *directories)) if brought else ():
        own = brought.get(path.name)
        if own is not None and path != own.path and path.name not in clashes and _digest(path) != own.digest:
            clashes[path.name] = path
    for name, path in sorted(clashes.items()):
        own = brought[name]
        if not _is_needed(own):
            continue  # what is loaded by its path is another library
        raise PrivateCopyError(
            own.library,
            f"the system loads one {name} for the whole process, and keeps it",
            plugins=filter(None, [plugin]),
            reasons=[f"{plugin or 'a plugin'} would get {own.label} with {own.path}, beside {path}"],
        )


def _mapped(directories: tuple[str, ...]) -> Iterator[Path]:
    """The files below some directories that are loaded; none where the system does not tell."""
    maps = _MAPS.read_text("utf-8", "surrogateescape") if _MAPS.is_file() else ""
    starts = tuple(f"{directory}/" for directory in directories)
    for text in dict.fromkeys(line.partition("/")[2] for line in maps.splitlines() if ".so" in line):
        if f"/{text}".startswith(starts):
            yield Path(f"/{text.removesuffix(' (deleted)')}")


def _is_needed(own: Bundled) -> bool:
    """True if another file of the set asks for it by name."""
    name = b"\0" + own.path.name.encode() + b"\0"
    return any(name in file.read_bytes() for file in sorted(own.root.rglob("*.so*")) if file != own.path)


def _digest(path: Path) -> str:
    """As in a RECORD; "" for a file that is there no more."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
