"""What a manifest asks for, once markers are evaluated and it is known who answers to a name.

    Manifest.imports        --plugin names--------------------------\\
                                                                     > Demands: of plugins, of the host, of nobody
    Manifest.requires  --markers, extras--> distribution names------/

The result depends on the manifest and on the names on offer alone, so it is kept from one resolution to the next, and
forgotten when that one did not ask for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..model import Dependency, Manifest, canonical

IMPORTS: Final = "imports"
REQUIRES: Final = "requires"
BOTH: Final = "imports, requires"

Names = frozenset[tuple[str, str]]
"""Pairs of (distribution name, plugin name)."""
Environment = frozenset[tuple[str, str]]
"""The environment of markers as pairs."""


def allows(constraint: str, version: Version) -> bool:
    """Whether a specifier, given as text, contains a version; pre-releases are weighed where versions are ranked."""
    if not constraint:
        return True
    if "===" in constraint:  # compares spellings, and 1.0 and 1.0.0 are one key in the cache
        return _contains.__wrapped__(constraint, version)
    return _contains(constraint, version)


@lru_cache(maxsize=2**12)
def _contains(constraint: str, version: Version) -> bool:
    return SpecifierSet(constraint).contains(version, prereleases=True)


@lru_cache(maxsize=2**12)
def _holds(marker: Marker, extra: str, environment: Environment) -> bool:
    return marker.evaluate({**dict(environment), "extra": extra})


def applies(marker: Marker | None, extra: str, environment: Environment, senseless: bool | None = None) -> bool:
    """Whether a requirement belongs to a distribution itself, or to this extra of it and not to itself.

    Args:
        marker: Of the requirement.
        extra: "" for the distribution itself.
        environment: Of the interpreter.
        senseless: The answer for a marker that cannot be evaluated; None raises what packaging raises.
    """
    if marker is None:
        return not extra
    try:
        plain = _holds(marker, "", environment)
        return not plain and _holds(marker, extra, environment) if extra else plain
    except (UndefinedComparison, UndefinedEnvironmentName):
        if senseless is None:
            raise
        return senseless


@dataclass(frozen=True, slots=True)
class Demand:
    """One thing that one manifest asks for."""

    by: Manifest
    target: str
    """Canonical name: of a plugin, or of a distribution where the host has to answer."""
    text: str
    """The demand as its author would write it, e.g. `alpha[fast]>=2`."""
    constraint: str = ""
    """The specifier as text; empty if every version will do."""
    extras: tuple[str, ...] = ()
    prereleases: bool = False
    """True if the specifier asks for pre-releases."""
    imported: bool = False
    """True if it comes from `import_()` and so names a plugin, False for a Requires-Dist."""
    direct: bool = False
    """True if it names an address: an index may have something else by that name."""
    fault: str = ""
    """Why the demand itself makes no sense."""


@dataclass(frozen=True, slots=True)
class Demands:
    """Everything that one manifest, or one extra of it, asks for."""

    by: Manifest
    imports: tuple[Dependency, ...]
    plugins: tuple[Demand, ...]
    host: tuple[Demand, ...]
    unknown: tuple[Demand, ...]
    """Imports of plugins that are not there."""
    links: tuple[tuple[str, str], ...]
    """Pairs of (plugin it depends on, kind of the edge)."""


class Directory:
    """Who answers to which name: plugins to their own and to their distribution's, the host to all others."""

    def __init__(self, names: Names, environment: Environment) -> None:
        self.plugin_of = dict(names)
        self.plugins = frozenset(self.plugin_of.values())
        self.environment = environment
        self._known: dict[tuple[str, str, str], Demands] = {}
        self._known_before: dict[tuple[str, str, str], Demands] = {}

    def begin(self) -> None:
        """A new resolution begins: what the last one did not ask for is forgotten."""
        self._known, self._known_before = {}, self._known

    def demands(self, manifest: Manifest, imports: tuple[Dependency, ...], extra: str = "") -> Demands:
        """What a manifest asks for; with `extra`, what that extra asks for on top."""
        key = (manifest.plugin, manifest.digest, extra)
        known = self._known.get(key) or self._known_before.get(key)
        # Compared and not just looked up: a digest stands for the wheel, but imports may come from a running plugin.
        if known is not None and not (known.by is manifest and known.imports is imports):
            was = known.by
            same = (was.version, was.requires, known.imports) == (manifest.version, manifest.requires, imports)
            # What is equal is the same object at the next look: specifiers take long to compare.
            known = replace(known, by=manifest, imports=imports) if same else None
        found = known or self._find(manifest, imports, extra)
        self._known[key] = found
        return found

    def _find(self, manifest: Manifest, imports: tuple[Dependency, ...], extra: str) -> Demands:
        plugins: list[Demand] = []
        host: list[Demand] = []
        unknown: list[Demand] = []
        kinds: dict[str, str] = {}
        for dependency in () if extra else imports:
            demand = _imported(manifest, dependency)
            if demand.target in self.plugins:
                plugins.append(demand)
                kinds[demand.target] = IMPORTS
            elif not dependency.optional:
                unknown.append(demand)
        for requirement in manifest.requires:
            try:
                if not applies(requirement.marker, extra, self.environment):
                    continue
            except (UndefinedComparison, UndefinedEnvironmentName) as error:
                host.append(_required(manifest, requirement, fault=f"its marker cannot be evaluated: {error}"))
                continue
            demand = _required(manifest, requirement)
            if demand.target not in self.plugin_of:
                host.append(demand)
                continue
            plugin = self.plugin_of[demand.target]
            plugins.append(replace(demand, target=plugin))
            if plugin != manifest.plugin:  # `alpha[fast]` among alpha's own requirements turns on an extra of itself
                kinds[plugin] = joined(kinds.get(plugin, REQUIRES), REQUIRES)
        return Demands(manifest, imports, tuple(plugins), tuple(host), tuple(unknown), tuple(sorted(kinds.items())))


def joined(one: str, other: str) -> str:
    """The kind of an edge that there are two reasons for."""
    return one if one == other else BOTH


def _imported(manifest: Manifest, dependency: Dependency) -> Demand:
    constraint = str(dependency.specifier)
    text = f"{dependency.name}{constraint}"
    return Demand(manifest, dependency.name, text, constraint, (), bool(dependency.specifier.prereleases), True)


def _required(manifest: Manifest, requirement: Requirement, fault: str = "") -> Demand:
    constraint = str(requirement.specifier)
    extras = tuple(sorted(map(canonical, requirement.extras)))
    listed = f"[{','.join(extras)}]" if extras else ""
    return Demand(
        by=manifest,
        target=canonical(requirement.name),
        text=f"{requirement.name}{listed}{constraint}" + (" @ ..." if requirement.url else ""),  # may have a password
        constraint=constraint,
        extras=extras,
        prereleases=bool(requirement.specifier.prereleases),
        direct=requirement.url is not None,
        fault=fault,
    )


@lru_cache(maxsize=8)
def directory(names: Names, environment: Environment) -> Directory:
    """The directory for these names; the same object for the same names, with all it remembers."""
    return Directory(names, environment)
