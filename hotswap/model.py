"""The frozen values that travel between the stages.

    found -> verified -> resolved -> installed -> loaded -> bound -> live
    Candidate  Manifest    Plan        SiteDir

Stage packages import this module and `errors`, never one another. The values of libraries are in `library`, and are
handed on from here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.utils import canonicalize_name
from packaging.version import Version

from .errors import Fault
from .library import Copy as Copy
from .library import Library as Library
from .library import LibraryDir as LibraryDir
from .library import LibrarySet as LibrarySet
from .library import Sharing as Sharing

if TYPE_CHECKING:
    import networkx as nx  # takes longer to import than all the rest, and only graphs need it

ENTRY_POINT_GROUP = "hotswap.plugins"
LIVE_PREFIX = "live_"
"""What the names of live functions and live types begin with, unless a wheel says otherwise."""


def canonical(name: str) -> str:
    """The canonical form of a plugin or distribution name: case, `-`, `_` and `.` are one.

    Source: https://packaging.python.org/en/latest/specifications/name-normalization/ (PEP 503).
    """
    return str(canonicalize_name(name))


_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


def is_name(text: str) -> bool:
    """True for what may name a plugin or distribution.

    Source: https://packaging.python.org/en/latest/specifications/name-normalization/.
    """
    return _NAME.fullmatch(text) is not None


class Outcome(StrEnum):
    """What one load or reload did to one plugin."""

    LOADED = "loaded"
    RELOADED = "reloaded"
    REBOUND = "rebound"
    UNCHANGED = "unchanged"
    NOT_RELOADABLE = "not reloadable"
    REMOVED = "removed"


# ---------------------------------------------------------------------------------------------------------- found


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One file of an installed distribution: where it belongs in a site dir, and where it lies now."""

    relative: str
    """POSIX path relative to the site dir."""
    path: Path
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """One version of one distribution that a source offers; nothing about it has been checked but its name's form."""

    name: str
    """Canonical distribution name."""
    version: Version
    path: Path
    """The wheel file, or the dist-info directory of an installed distribution."""
    digest: str
    """sha256, hexadecimal: of the wheel file, or of an installed distribution's sorted relative paths and hashes."""
    source: str
    """The source that offers it, in words, e.g. `plugins/` or `environment`."""
    tree: tuple[TreeFile, ...] | None = None
    """The files of an installed distribution; None for a wheel file."""
    in_host: bool = False
    """True if the host itself can import these modules, because they are installed in its environment."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A file that is left for the next reload, and why (somebody is still writing it)."""

    path: Path
    reason: str
    name: str | None = None
    """Canonical distribution name as far as the file name tells."""


@dataclass(frozen=True, slots=True)
class Project:
    """A source tree that has to be built into a wheel before it is a candidate."""

    path: Path
    source: str
    """The source that offers it, in words."""
    isolated: bool = True
    """Build in an environment of its own with the backend's requirements, as pip does; False: in the running one."""
    in_host: bool = False
    """True if the host itself can import the project's modules, because it is installed as editable."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one source offers at this moment."""

    candidates: tuple[Candidate, ...] = ()
    projects: tuple[Project, ...] = ()
    pending: tuple[Pending, ...] = ()
    faults: tuple[Fault, ...] = ()
    """Files that call themselves wheels and are none."""


class Source(Protocol):
    """A place where plugins come from."""

    def find(self) -> Finding:
        """List what is on offer now; nothing is executed, built or unpacked.

        Raises:
            UsageError: The place does not exist or cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Host:
    """What the running interpreter brings along: plugins' requirements are checked against it."""

    markers: Mapping[str, str]
    """The environment of PEP 508 markers, as `packaging.markers.default_environment()` gives it."""
    distributions: Mapping[str, Version]
    """Canonical distribution name -> installed version; may be computed lazily."""
    requires: Mapping[str, tuple[Requirement, ...]] = field(default_factory=dict)
    """Canonical distribution name -> its Requires-Dist; may be computed lazily."""


# ------------------------------------------------------------------------------------------------------- verified


@dataclass(frozen=True, slots=True)
class Dependency:
    """A plugin that another one names in the object its `import_()` returns."""

    name: str
    """Canonical plugin name."""
    attribute: str
    """The attribute that takes the export."""
    specifier: SpecifierSet = field(default_factory=SpecifierSet)
    optional: bool = False
    """True if the annotation allows None: it may be absent, and then stays None."""

    def __str__(self) -> str:
        return f"{self.name}{self.specifier}" + (" (optional)" if self.optional else "")


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """How `hotswap build` made a wheel, as the wheel's `hotswap-build.json` has recorded it."""

    at: datetime
    """When, in UTC."""
    revision: str | None = None
    """The git commit of the project's directory, in full; None where git does not know it."""
    dirty: bool | None = None
    """True if files of the project differed from that commit; None where git does not know it."""
    live_prefix: str = LIVE_PREFIX
    """What the names of its live functions and live types begin with."""
    source: str = ""
    """sha256, hexadecimal, of what the wheel was built from: files, flags, config settings."""

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data, the time in ISO 8601."""
        return {**asdict(self), "at": self.at.isoformat()}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a verified wheel (or installed distribution) says of itself."""

    plugin: str
    """Canonical plugin name: the name of its entry point."""
    name: str
    """Canonical distribution name."""
    version: Version
    digest: str
    candidate: Candidate
    entry_module: str
    """Dotted name of the module that the entry point names."""
    entry_attr: str
    """Dotted path of the object inside it, or "" for the module itself."""
    provides: tuple[str, ...]
    """Import names it brings: top-level modules and packages; for a namespace package the regular packages inside
    it, e.g. `acme.alpha`."""
    dist_info: str
    """Name of its dist-info directory."""
    requires: tuple[Requirement, ...] = ()
    """Requires-Dist, markers not yet evaluated."""
    requires_python: SpecifierSet = field(default_factory=SpecifierSet)
    tags: frozenset[Tag] = frozenset()
    summary: str = ""
    imports: tuple[Dependency, ...] | None = None
    """The plugins its `import_()` names, as far as the source shows; None if it does not show."""
    unfit: tuple[Fault, ...] = ()
    """Why this interpreter cannot use it although it is well made: foreign tags, Requires-Python."""
    build: BuildInfo | None = None
    """None for a wheel that was not built by `hotswap build`."""
    live_prefix: str = LIVE_PREFIX
    """What the names of its live functions and live types begin with."""

    @property
    def label(self) -> str:
        """Plugin name and version, e.g. `alpha 1.2.0`."""
        return f"{self.plugin} {self.version}"


# ------------------------------------------------------------------------------------------------------- resolved


class Shelf(Protocol):
    """Wheels on offer as private libraries; each is opened and checked only if it is asked for."""

    def find(self, name: str) -> Sequence[Candidate]:
        """Of a distribution's wheels those that fit this interpreter, the best of each version, the newest first."""
        ...

    def passed_over(self, name: str) -> Sequence[str]:
        """Sentences on its wheels that are on offer and do not fit."""
        ...

    def open(self, candidate: Candidate) -> Library:
        """Verify one.

        Raises:
            WheelError: It must not be installed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Incumbent:
    """What the resolver has to know of a plugin that is loaded now."""

    manifest: Manifest
    reloadable: bool
    imports: tuple[Dependency, ...]
    """What its `import_()` really asked for, absent optional ones included."""
    libraries: LibrarySet | None = None
    """Its private libraries."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a plan does with one plugin, and why."""

    plugin: str
    outcome: Outcome
    manifest: Manifest
    """The version that will be live; for a removed plugin the one that goes."""
    reason: str
    previous: Manifest | None = None
    """The version that is live now."""

    @property
    def fresh(self) -> bool:
        """True if the plugin is imported afresh."""
        return self.outcome in (Outcome.LOADED, Outcome.RELOADED, Outcome.REBOUND)


@dataclass(frozen=True)
class Plan:
    """What a reload would do: it can be printed and thrown away."""

    steps: Mapping[str, Step]
    """Plugin name -> step, in load order; removed plugins are not among them."""
    removed: Mapping[str, Step]
    graph: nx.DiGraph[str]
    """Edges dependency -> dependent; each edge has `kind`: "imports", "requires", or "imports, requires"."""
    pending: tuple[Pending, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences for the reader, e.g. which versions were passed over and why."""
    libraries: Mapping[str, LibrarySet] = field(default_factory=dict)
    """Plugin name -> its private libraries; plugins that have none are not among them."""
    copies: Mapping[str, tuple[Copy, ...]] = field(default_factory=dict)
    """Plugin name -> whose copy of every distribution that it requires, directly or not, sorted by name."""
    fetch: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Plugin name -> requirements for which wheels would be fetched from the index first."""

    @property
    def changes(self) -> bool:
        """True if a reload by this plan would replace, add or remove anything."""
        return bool(self.removed) or any(step.fresh for step in self.steps.values())

    def __str__(self) -> str:
        lines = [
            f"{step.plugin} {step.manifest.version}: {step.outcome} ({step.reason})"
            for step in (*self.steps.values(), *self.removed.values())
        ]
        lines += [
            f"{plugin}: {'private' if copy.private else 'shared'} {copy.name} {copy.version} ({copy.reason})"
            for plugin, copies in self.copies.items()
            for copy in copies
        ]
        lines += [f"{plugin}: to be fetched: {', '.join(wanted)}" for plugin, wanted in self.fetch.items()]
        lines += [f"{pending.path.name}: left for the next reload ({pending.reason})" for pending in self.pending]
        return "\n".join([*lines, *self.notes]) or "nothing to load"

    def as_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {
            "plugins": [
                {
                    "name": step.plugin,
                    "outcome": str(step.outcome),
                    "version": str(step.manifest.version),
                    "previous": str(step.previous.version) if step.previous else None,
                    "digest": step.manifest.digest,
                    "file": str(step.manifest.candidate.path),
                    "reason": step.reason,
                    **self._libraries_as_json(step),
                }
                for step in (*self.steps.values(), *self.removed.values())
            ],
            "order": list(self.steps),
            "pending": [{"file": str(p.path), "reason": p.reason} for p in self.pending],
            "notes": list(self.notes),
            "changes": self.changes,
        }

    def _libraries_as_json(self, step: Step) -> dict[str, Any]:
        own = self.libraries.get(step.plugin) if step.outcome is not Outcome.REMOVED else None
        return {
            "distribution": step.manifest.name,
            "copies": [
                {"name": copy.name, "version": str(copy.version), "private": copy.private, "reason": copy.reason}
                for copy in self.copies.get(step.plugin, ())
            ],
            "libraries": [
                {
                    "name": library.name,
                    "version": str(library.version),
                    "digest": library.digest,
                    "file": str(library.path),
                }
                for library in (own.libraries if own is not None else ())
            ],
            "fetch": list(self.fetch.get(step.plugin, ())),
        }


# ------------------------------------------------------------------------------------------------------ installed


@dataclass(frozen=True, slots=True)
class SiteDir:
    """One plugin version unpacked on disk: complete, byte-compiled, and never changed afterwards."""

    path: Path
    manifest: Manifest
    reused: bool = False
    """True if it had been there already."""
    libraries: LibraryDir | None = None
    """Where the plugin's private libraries lie."""


# ------------------------------------------------------------------------------------------------------ remembered


Action = Literal["load", "reload", "rollback"]
"""What makes a new generation."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One load, reload or rollback as the history on disk remembers it."""

    generation: int | None
    """Number of the generation it made; None if it failed and made none."""
    action: Action
    at: float
    """Seconds since the epoch."""
    seconds: float
    outcome: Literal["ok", "failed"]
    plugins: tuple[RememberedPlugin, ...] = ()
    """In load order."""
    error: str = ""
    pid: int = 0
    run: str = ""
    """Identifies the manager that wrote it; generation numbers count within one run."""
    sources: str = ""
    """Where its plugins came from, in a form that is the same when the host starts again; "" where it was not noted."""


@dataclass(frozen=True, slots=True)
class RememberedPlugin:
    """One plugin of a remembered generation."""

    name: str
    version: str
    digest: str
    outcome: str
    distribution: str = ""
    site: str = ""
    """Name of its site dir under the state dir."""
    libraries: str = ""
    """Key of its set of private libraries; empty if it had none."""
