"""What is on offer: the manifests that may be chosen from, per plugin, the best first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from packaging.version import Version

from ..errors import Fault, ResolutionError, WheelError
from ..model import Host, Incumbent, LibrarySet, Manifest, Pending, Sharing, Shelf, canonical
from .demands import Demand, Demands, Directory, directory
from .private import choose
from .worlds import (
    Memory,
    Surroundings,
    World,
    final,
    fixed_in_vain,
    holds,
    lenient,
    memory,
    to_be_fetched,
    unmet_by_host,
)

UNRELOADABLE: Final = "not reloadable"
PENDING: Final = "its file is left for the next reload"


@dataclass(frozen=True)
class Universe:
    """Everything that a choice is made from."""

    candidates: Mapping[str, Sequence[Manifest]]
    """Plugin name, in order -> versions to choose from: final releases, then pre-releases, the newest first."""
    kept: Mapping[str, str]
    """Plugins that keep their loaded version whatever is on offer -> why."""
    waiting: Mapping[str, Manifest]
    """Kept plugins -> the best that is on offer for them."""
    outside: frozenset[str]
    """Plugins on offer that the whitelist leaves out."""
    host: Host
    incumbents: Mapping[str, Incumbent]
    directory: Directory
    notes: tuple[str, ...]
    surroundings: Surroundings
    memory: Memory
    fixed: Mapping[str, LibrarySet | None]
    """Digest of a plugin's wheel -> the private libraries that it has to have."""
    _usable: dict[str, list[Manifest]] = field(default_factory=dict)
    _worlds: dict[tuple[str, str, frozenset[str]], World] = field(default_factory=dict)

    def demands(self, manifest: Manifest, extra: str = "") -> Demands:
        """What a manifest, or an extra of it, asks for; of a loaded plugin counts what it really imported."""
        incumbent = self.incumbents.get(manifest.plugin)
        if incumbent is not None and incumbent.manifest.digest == manifest.digest:
            imports = incumbent.imports
        else:
            imports = manifest.imports or ()
        return self.directory.demands(manifest, imports, extra)

    def unmet(self, manifest: Manifest, extra: str = "") -> list[Demand]:
        """The demands that nobody can meet, whatever is chosen."""
        demands = self.demands(manifest, extra)
        unmet = list(demands.unknown)
        if demands.host:
            unmet += self.world(manifest, frozenset({extra} if extra else ())).missing
        return unmet

    def world(self, manifest: Manifest, extras: frozenset[str] = frozenset()) -> World:
        """What a manifest gets beside the plugins that it, or these extras of it, asks for."""
        key = (manifest.plugin, manifest.digest, extras)
        found = self._worlds.get(key)
        if found is None:
            found = self._worlds[key] = self._find_world(manifest, extras)
        return found

    def _find_world(self, manifest: Manifest, extras: frozenset[str]) -> World:
        around, plugin, digest = self.surroundings, manifest.plugin, manifest.digest
        demands: Sequence[Demand] = self.demands(manifest).host
        if extras:
            demands = [*demands, *(d for extra in sorted(extras) for d in self.demands(manifest, extra).host)]
        incumbent = self.incumbents.get(plugin)
        now = incumbent.libraries if incumbent is not None and incumbent.manifest.digest == digest else None
        if self.kept.get(plugin) == UNRELOADABLE:
            # What is loaded for good has its requirements loaded too: the host may install others meanwhile.
            return lenient(around, demands, now)
        if digest in self.fixed or now is not None:
            libraries = self.fixed.get(digest, now)
            held = holds(around, manifest, demands, libraries)
            if held is not None:
                return held
            if digest in self.fixed:
                return World(missing=tuple(fixed_in_vain(around, demands, libraries)))
        world = self.memory.world(around, manifest, demands)
        if world is None and around.shelf is not None:
            world = choose(around, around.shelf, manifest, demands)
        elif world is None:
            world = World(missing=tuple(unmet_by_host(around, demands)))
        if not world.missing or not around.sharing.fetchable or any(demand.fault for demand in demands):
            return world
        return world if any(final(around, demand) for demand in world.missing) else to_be_fetched(around, demands)

    def best(self, plugin: str) -> Manifest | None:
        """The first candidate without unmet demands; None if each has some."""
        return next((manifest for manifest in self.candidates[plugin] if not self.unmet(manifest)), None)

    def usable(self, plugin: str) -> list[Manifest]:
        """The candidates without unmet demands, the best first."""
        found = self._usable.get(plugin)
        if found is None:
            self._usable[plugin] = found = [m for m in self.candidates[plugin] if not self.unmet(m)]
        return found


def survey(
    offers: Iterable[Manifest],
    host: Host,
    incumbents: Mapping[str, Incumbent],
    only: Collection[str] | None,
    pending: Iterable[Pending],
    shelf: Shelf | None = None,
    sharing: Sharing | None = None,
    fixed: Mapping[str, LibrarySet | None] | None = None,
) -> Universe:
    """Sort what is on offer, and refuse what is ambiguous.

    Raises:
        ResolutionError: A whitelisted plugin is not on offer; two wheels or distributions claim one name.
        WheelError: Nothing that is on offer for a plugin fits this interpreter.
    """
    offered: dict[str, list[Manifest]] = {}
    for manifest in offers:
        offered.setdefault(manifest.plugin, []).append(manifest)
    allowed = None if only is None else frozenset(map(canonical, only))
    considered = offered if allowed is None else {name: offered[name] for name in offered if name in allowed}
    fitting = {plugin: [m for m in manifests if not m.unfit] for plugin, manifests in considered.items()}
    unfinished = {p.name for p in pending}
    kept = dict(_kept(fitting, incumbents, allowed, unfinished))
    if allowed is not None:
        _check_presence(allowed, known=[*considered, *kept], offered=offered, unfinished=unfinished)
    open_to_choice = {plugin: manifests for plugin, manifests in fitting.items() if plugin not in kept}
    _check_fitness({plugin: considered[plugin] for plugin, fit in open_to_choice.items() if not fit})

    candidates: dict[str, Sequence[Manifest]] = {plugin: (incumbents[plugin].manifest,) for plugin in kept}
    faults: list[str] = []
    ambiguous: list[str] = []
    for plugin, manifests in open_to_choice.items():
        if len(manifests) > 1:
            found = list(_ambiguities(plugin, manifests))
            faults += found
            ambiguous += [plugin] * bool(found)
            manifests = _ranked(manifests)
        candidates[plugin] = manifests
    names = frozenset((manifests[0].name, plugin) for plugin, manifests in candidates.items())
    faults += _shared_distributions(candidates)
    if faults:
        raise ResolutionError("what is on offer is ambiguous", plugins=ambiguous, reasons=faults)
    asked = directory(names, frozenset(host.markers.items()))
    asked.begin()
    return Universe(
        candidates=dict(sorted(candidates.items())),
        kept=kept,
        waiting={plugin: _ranked(fitting[plugin])[0] for plugin in kept if fitting.get(plugin)},
        outside=frozenset(offered).difference(candidates),
        host=host,
        incumbents=incumbents,
        directory=asked,
        notes=(*sorted(_unfit_notes(considered)), *sorted(_pending_notes(kept, incumbents))),
        surroundings=Surroundings(host, asked.environment, shelf, sharing or Sharing(), asked.plugin_of.keys()),
        memory=memory(host, sharing or Sharing()),
        fixed=fixed or {},
    )


def near(name: str, known: Iterable[str]) -> str:
    """The question whether another name was meant, or nothing."""
    close = get_close_matches(name, list(known), n=2, cutoff=0.7)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def preference(manifest: Manifest) -> tuple[bool, Version]:
    """Sort key: pre-releases count only where there is nothing else, as packaging's specifiers have it."""
    return not manifest.version.is_prerelease, manifest.version


def _ranked(manifests: Iterable[Manifest]) -> list[Manifest]:
    one_each = {manifest.version: manifest for manifest in manifests}
    return sorted(one_each.values(), key=preference, reverse=True)


def _kept(
    fitting: Mapping[str, Sequence[Manifest]],
    incumbents: Mapping[str, Incumbent],
    allowed: frozenset[str] | None,
    unfinished: Collection[str | None],
) -> Iterator[tuple[str, str]]:
    for plugin, incumbent in incumbents.items():
        if not incumbent.reloadable:
            yield plugin, UNRELOADABLE
        elif incumbent.manifest.name in unfinished and (allowed is None or plugin in allowed):
            # A wheel that is just being written over its predecessor is no reason to fall back to an older one.
            loaded = incumbent.manifest.version
            if all(manifest.version < loaded for manifest in fitting.get(plugin, ())):
                yield plugin, PENDING


def _check_presence(
    allowed: Iterable[str], known: Collection[str], offered: Iterable[str], unfinished: Collection[str | None]
) -> None:
    missing = sorted(set(allowed).difference(known))
    if missing:
        raise ResolutionError(
            "plugins that `only` asks for are not on offer",
            plugins=missing,
            reasons=[
                f"{name}: {PENDING}" if name in unfinished else f"{name}: nothing of that name{near(name, offered)}"
                for name in missing
            ],
        )


def _check_fitness(unfit: Mapping[str, Sequence[Manifest]]) -> None:
    if unfit:
        plugins = sorted(unfit)
        faults: list[Fault] = [fault for plugin in plugins for manifest in unfit[plugin] for fault in manifest.unfit]
        head = f"{', '.join(plugins)}: nothing on offer fits this interpreter"
        raise WheelError(plugins[0], faults, stage="resolved", head=head)


def _ambiguities(plugin: str, manifests: Sequence[Manifest]) -> Iterator[str]:
    by_distribution = {manifest.name: manifest for manifest in manifests}
    if len(by_distribution) > 1:
        claims = " and ".join(f"{name} ({m.candidate.path})" for name, m in sorted(by_distribution.items()))
        yield f"{plugin} is the plugin name of two distributions: {claims}; remove one"
    wheels: dict[tuple[str, Version], dict[str, Manifest]] = {}
    for manifest in manifests:
        wheels.setdefault((manifest.name, manifest.version), {}).setdefault(manifest.digest, manifest)
    for (name, version), different in sorted(wheels.items()):
        if len(different) > 1:
            files = " and ".join(sorted(str(m.candidate.path) for m in different.values()))
            yield f"{name} {version} is on offer as different wheels: {files}; remove one of them"


def _shared_distributions(candidates: Mapping[str, Sequence[Manifest]]) -> Iterator[str]:
    owner: dict[str, Manifest] = {}
    for manifests in candidates.values():
        first = owner.setdefault(manifests[0].name, manifests[0])
        if first is not manifests[0]:
            claims = " and ".join(sorted(f"{m.plugin} ({m.candidate.path})" for m in (first, manifests[0])))
            yield f"{first.name} is the distribution of two plugins: {claims}; remove one"


def _unfit_notes(considered: Mapping[str, Iterable[Manifest]]) -> Iterator[str]:
    for manifests in considered.values():
        for manifest in manifests:
            if manifest.unfit:
                yield f"{manifest.label} is passed over: {'; '.join(map(str, manifest.unfit))}"


def _pending_notes(kept: Mapping[str, str], incumbents: Mapping[str, Incumbent]) -> Iterator[str]:
    for plugin, why in kept.items():
        if why == PENDING:
            yield f"{incumbents[plugin].manifest.label} is kept: {PENDING}"
