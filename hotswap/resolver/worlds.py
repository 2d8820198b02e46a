"""Whose copy of each distribution a plugin gets: the host's, or a private one.

demands of one plugin --the host meets all-->  nothing private
        | the set it has now still holds  -->  that set
        v
    private.py  -->  a set of libraries chosen together, or what nobody can meet
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from packaging.requirements import Requirement

from ..model import Copy, Host, Library, LibrarySet, Manifest, Sharing, Shelf, canonical
from .demands import Demand, Environment, allows, applies

HOSTS_ALONE: Final = frozenset({"hotswap"})
"""What can only be the host's: a second copy would be another program."""


@dataclass(frozen=True, slots=True)
class World:
    """What one plugin version, with some of its extras, gets beside the plugins that it asks for."""

    libraries: LibrarySet | None = None
    copies: tuple[Copy, ...] = ()
    missing: tuple[Demand, ...] = ()
    """What nobody can meet; each says why."""
    fetch: tuple[str, ...] = ()
    """Requirements for which wheels would have to be fetched from an index first."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Surroundings:
    """What worlds are made of: the same for all plugins of one resolution."""

    host: Host
    environment: Environment
    shelf: Shelf | None
    sharing: Sharing
    plugins: Collection[str]
    """Distributions that are plugins, which libraries do not import."""
    _used: dict[str, frozenset[str]] = field(default_factory=dict)

    def met_by_host(self, name: str, constraint: str, extras: Iterable[str] = ()) -> bool:
        """Whether the host's copy of a distribution will do."""
        version = self.host.distributions.get(name)
        if version is None or (constraint and not allows(constraint, version)):
            return False
        return all(self._has_extra(name, extra) for extra in extras)

    def serves(self, name: str, constraint: str, extras: Iterable[str] = ()) -> bool:
        """Whether the host's copy of a distribution will do, and may be taken."""
        return name not in self.sharing.private and self.met_by_host(name, constraint, extras)

    def asked(self, requires: Iterable[Requirement], extra: str = "") -> Iterator[Requirement]:
        """Those requirements that apply here; of a marker that means nothing the requirement does not."""
        return (requirement for requirement in requires if applies(requirement.marker, extra, self.environment, False))

    def used_by_host(self, name: str) -> frozenset[str]:
        """The distributions in the host that have to go along with its copy of a distribution: what it uses.

        None go along with what share= names, and with hotswap itself, which hands no objects of others to plugins.
        """
        if name in self.sharing.share | HOSTS_ALONE:
            return frozenset()
        found = self._used.get(name)
        if found is None:
            reached, todo = {name}, [name]
            while todo:
                for requirement in self.asked(self.host.requires.get(todo.pop(), ())):
                    target = canonical(requirement.name)
                    if target not in reached and target in self.host.distributions:
                        reached.add(target)
                        todo.append(target)
            found = self._used[name] = frozenset(reached - {name})
        return found

    def _has_extra(self, name: str, extra: str) -> bool:
        """Whether the host has what an extra of one of its distributions asks for."""
        return all(
            self.met_by_host(canonical(requirement.name), str(requirement.specifier))
            for requirement in self.asked(self.host.requires.get(name, ()), extra)
        )


class Memory:
    """The worlds that one host makes alone, from one resolution to the next; most plugins live in one."""

    def __init__(self, host: Host, sharing: Sharing) -> None:
        self._of = (host.distributions, sharing)
        self._known: dict[tuple[str, str], tuple[Sequence[Demand], World | None]] = {}
        self._known_before: dict[tuple[str, str], tuple[Sequence[Demand], World | None]] = {}

    def is_of(self, host: Host, sharing: Sharing) -> bool:
        """True if nothing that counts has changed."""
        distributions, known = self._of
        return distributions is host.distributions and known == sharing

    def begin(self) -> None:
        """A new resolution begins: what the last one did not ask for is forgotten."""
        self._known, self._known_before = {}, self._known

    def world(self, surroundings: Surroundings, manifest: Manifest, demands: Sequence[Demand]) -> World | None:
        """As `world_of_host`; `demands` is the same object as long as it says the same."""
        key = (manifest.plugin, manifest.digest)
        known = self._known.get(key) or self._known_before.get(key)
        if known is None or known[0] is not demands:
            known = (demands, world_of_host(surroundings, demands))
        self._known[key] = known
        return known[1]


_memory: list[Memory] = []


def memory(host: Host, sharing: Sharing) -> Memory:
    """What is remembered of this host; only of the last one that was asked about."""
    if not _memory or not _memory[0].is_of(host, sharing):
        _memory[:] = [Memory(host, sharing)]
    found = _memory[0]
    found.begin()
    return found


def world_of_host(surroundings: Surroundings, demands: Sequence[Demand]) -> World | None:
    """The world of a plugin that the host meets in everything; None if it does not."""
    copies = {}
    for demand in demands:
        if demand.fault or not surroundings.serves(demand.target, demand.constraint, demand.extras):
            return None
        if demand.target not in copies:
            copies[demand.target] = shared(surroundings, demand.target, f"{demand.by.label} requires {demand.text}")
    return World(copies=tuple(copies[name] for name in sorted(copies)))


def shared(surroundings: Surroundings, name: str, reason: str) -> Copy:
    """The host's copy of a distribution that it has."""
    version = surroundings.host.distributions[name]
    return Copy(name, version, False, f"{reason}; share= says so" if name in surroundings.sharing.share else reason)


def why_private(
    surroundings: Surroundings, name: str, asks: Sequence[tuple[str, str, str]], own: Collection[str]
) -> str:
    """The reason for a private copy.

    Args:
        surroundings: Has the host's copy, or not.
        name: Of the distribution.
        asks: Who asks, in what words, with which specifier.
        own: The names of the whole set.
    """
    version = surroundings.host.distributions.get(name)
    who, text, _ = asks[0]
    if name in surroundings.sharing.private:
        return f"{who} requires {text}; private= says so"
    if version is None:
        return f"{who} requires {text}, which the host does not have"
    for who, text, constraint in asks:
        if constraint and not allows(constraint, version):
            return f"{who} requires {text}, the host has {version}"
    used = sorted(surroundings.used_by_host(name).intersection(own))
    if used:
        return f"{who} requires {text}; the host's {version} uses the host's {', '.join(used)}"
    return f"{who} requires {text}, and the host's {version} was not to be had with the rest"


def holds(
    surroundings: Surroundings, manifest: Manifest, demands: Sequence[Demand], libraries: LibrarySet | None
) -> World | None:
    """The world of a plugin with a given set; None if with that set not everything is met.

    Nothing is looked for on the shelf: the wheels of a set that lies on disk may be gone.
    """
    own: dict[str, Library] = {library.name: library for library in libraries.libraries} if libraries else {}
    if surroundings.sharing.share.intersection(own) or any(demand.fault for demand in demands):
        return None
    asks: dict[str, list[tuple[str, str, str]]] = {}
    todo = [
        (demand.target, extra, demand.by.label, demand.text, demand.constraint)
        for demand in demands
        for extra in ("", *demand.extras)
    ]
    done: set[tuple[str, str]] = set()
    while todo:
        name, extra, who, text, constraint = todo.pop()
        asks.setdefault(name, []).append((who, text, constraint))
        library = own.get(name)
        if library is None:
            if not surroundings.serves(name, constraint, [extra] if extra else ()):
                return None
            if surroundings.used_by_host(name).intersection(own):
                return None
            continue
        if constraint and not allows(constraint, library.version):
            return None
        if (name, extra) not in done:
            done.add((name, extra))
            label = f"{library.label} for {who}"
            todo += [
                (canonical(r.name), wanted, label, plain(r), str(r.specifier))
                for r in surroundings.asked(library.requires, extra)
                for wanted in ("", *sorted(map(canonical, r.extras)))
            ]
    copies = []
    for name in sorted(asks):
        first = sorted(asks[name], key=lambda ask: ask[0] != manifest.label)
        if name in own:
            copies.append(Copy(name, own[name].version, True, why_private(surroundings, name, first, own)))
        else:
            copies.append(shared(surroundings, name, f"{first[0][0]} requires {first[0][1]}"))
    return World(libraries, tuple(copies))


def plain(requirement: Requirement) -> str:
    """A requirement without its marker, as its author would write it."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{requirement.specifier}"


def lenient(surroundings: Surroundings, demands: Sequence[Demand], libraries: LibrarySet | None) -> World:
    """The world of a plugin that is loaded for good, whatever the host has installed meanwhile."""
    own = {library.name: library for library in libraries.libraries} if libraries else {}
    copies = {name: Copy(name, library.version, True, "loaded for good") for name, library in own.items()}
    for demand in demands:
        version = surroundings.host.distributions.get(demand.target)
        if version is not None:
            copies.setdefault(demand.target, Copy(demand.target, version, False, "loaded for good"))
    return World(libraries, tuple(copies[name] for name in sorted(copies)))


def to_be_fetched(surroundings: Surroundings, demands: Sequence[Demand]) -> World:
    """The world of a plugin as far as it is known before wheels have been fetched; `missing` if some never are."""
    met: list[Demand] = []
    missing: list[Demand] = []
    fetch: dict[str, None] = {}
    for demand in demands:
        if surroundings.serves(demand.target, demand.constraint, demand.extras):
            met.append(demand)
        elif not demand.direct:
            fetch[demand.text] = None
        elif surroundings.shelf is None or not surroundings.shelf.find(demand.target):
            missing.append(replace(demand, fault="and from the address that it names nothing is fetched"))
    if missing:
        return World(missing=tuple(missing))
    known = world_of_host(surroundings, met)
    return replace(known or World(), fetch=tuple(sorted(fetch)))


def final(surroundings: Surroundings, demand: Demand) -> bool:
    """True for an unmet demand that no wheel can meet."""
    return bool(demand.target in surroundings.sharing.share | HOSTS_ALONE) or demand.target in surroundings.plugins


def unmet_by_host(surroundings: Surroundings, demands: Sequence[Demand]) -> Iterator[Demand]:
    """The demands that the host does not meet, where nobody else could."""
    return (
        demand
        for demand in demands
        if demand.fault or not surroundings.met_by_host(demand.target, demand.constraint, demand.extras)
    )


def fixed_in_vain(
    surroundings: Surroundings, demands: Sequence[Demand], libraries: LibrarySet | None
) -> Iterator[Demand]:
    """Why a set that a plugin has to have will not do."""
    fixed = ", ".join(library.label for library in libraries.libraries) if libraries else "none"
    for demand in demands:
        version = surroundings.host.distributions.get(demand.target)
        has = f"{demand.target} {version}" if version is not None else f"no {demand.target}"
        fault = (
            demand.fault or f"but its private libraries are fixed ({fixed}), and with the host's {has} they do not do"
        )
        yield replace(demand, fault=fault)
