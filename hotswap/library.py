"""The frozen values of plugins' libraries, from what the host says to what lies on disk.

    Sharing    Library    LibrarySet    Copy    LibraryDir
    what the   a wheel    a plugin's,   whose   a set that is
    host says             as one        it is   installed

`model` has them too: stage packages import them from there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from .errors import Fault


@dataclass(frozen=True, slots=True)
class Sharing:
    """What the host says of whose copies plugins get."""

    share: frozenset[str] = frozenset()
    """Canonical distribution names of which only the host's copy will do."""
    private: frozenset[str] = frozenset()
    """Canonical distribution names of which the host's copy will not do."""
    fetchable: bool = False
    """True if wheels that are missing could be fetched from an index."""


@dataclass(frozen=True, slots=True)
class Library:
    """One wheel that is no plugin: a plugin's private copy of a distribution."""

    name: str
    """Canonical distribution name."""
    version: Version
    path: Path
    """The wheel file."""
    digest: str
    """sha256 of the wheel file, hexadecimal."""
    provides: tuple[str, ...]
    """Import names it brings, as `Manifest.provides`."""
    dist_info: str
    """Name of its dist-info directory."""
    requires: tuple[Requirement, ...] = ()
    """Requires-Dist, markers not yet evaluated."""
    unfit: tuple[Fault, ...] = ()
    """As `Manifest.unfit`."""

    @property
    def label(self) -> str:
        """Name and version, e.g. `numpy 2.1.0`."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class LibrarySet:
    """The private libraries of a plugin, chosen together; plugins with the same set share one library dir and realm."""

    libraries: tuple[Library, ...]
    """Sorted by name; not empty."""

    @property
    def label(self) -> str:
        """What to call it in messages, e.g. `numpy 2.1.3 and 3 more`."""
        rest = len(self.libraries) - 1
        return self.libraries[0].label + (f" and {rest} more" if rest else "")

    @property
    def key(self) -> str:
        """sha256 over names, versions and digests, hexadecimal."""
        lines = (f"{library.name}\0{library.version}\0{library.digest}\n" for library in self.libraries)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Copy:
    """Whose copy of one distribution a plugin gets, and why."""

    name: str
    """Canonical distribution name."""
    version: Version
    private: bool
    """False: the host's, shared with it."""
    reason: str
    """One sentence, e.g. `alpha 1.0 requires numpy>=2, the host has 1.26.4`."""


@dataclass(frozen=True, slots=True)
class LibraryDir:
    """A set of private libraries unpacked on disk: complete, byte-compiled, and never changed afterwards."""

    path: Path
    library_set: LibrarySet
    reused: bool = False
    """True if it had been there already."""
