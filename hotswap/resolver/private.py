"""A set of private libraries for one plugin, chosen together by resolvelib: the host's copy first, then newest first.

A distribution has one copy in a plugin's world. So where the host's copy of one is taken, everything in the host that
this copy uses is the host's too; otherwise the two would hand one another objects of different copies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from packaging.version import Version
from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, ResolutionTooDeep, Resolver
from resolvelib.structs import RequirementInformation

from ..errors import UnfinishedWheelError
from ..model import Candidate, Copy, Library, LibrarySet, Manifest, Shelf, canonical
from .demands import Demand, allows
from .worlds import HOSTS_ALONE, Surroundings, World, plain, shared, why_private

_ROUNDS = 10_000
_HOST: Final = "host"


class Need(NamedTuple):
    """A requirement in resolvelib's sense: a distribution, or one extra of it, in some versions."""

    name: str
    extra: str
    constraint: str
    text: str
    who: str
    """Who asks, in words."""
    depth: int
    prereleases: bool = False
    only: str = ""
    """`host`, or the digest of the one wheel that will do."""


class Pick(NamedTuple):
    """A candidate in resolvelib's sense."""

    name: str
    extra: str
    version: Version
    wheel: Candidate | None
    """None: the host's copy."""


def choose(surroundings: Surroundings, shelf: Shelf, manifest: Manifest, demands: Sequence[Demand]) -> World:
    """The world of one plugin that the host alone does not make; with `missing` if nothing makes it.

    Raises:
        WheelError: A wheel that is needed must not be installed.
    """
    refused = [demand for demand in demands if demand.fault] or _refused(surroundings, demands)
    if refused:
        return World(missing=tuple(refused))
    roots = [need for demand in demands for need in _needs_of(demand)]
    # That a plugin's objects fit the host's counts for more than that the libraries of its own are the newest ones. So
    # what the host meets of the plugin's own requirements is its copy, unless there is no set with it.
    hosts = [need._replace(only=_HOST) for need in roots if _met(surroundings, need)]
    provider = _Provider(surroundings, shelf, manifest)
    try:
        try:
            result = Resolver(provider, BaseReporter()).resolve([*roots, *hosts], max_rounds=_ROUNDS)
        except ResolutionImpossible:
            if not hosts:
                raise
            result = Resolver(provider, BaseReporter()).resolve(roots, max_rounds=_ROUNDS)
    except ResolutionImpossible as impossible:
        # resolvelib stops at the first thing that is nowhere.
        nowhere = [need for need in roots if not provider.has(need)]
        causes = [*nowhere, *(cause.requirement for cause in impossible.causes)]
        return World(missing=tuple(_missing(provider, manifest, causes)))
    except ResolutionTooDeep:
        fault = "but the search for a set of wheels that go together was given up"
        return World(missing=tuple(_with_fault(demand, fault) for demand in demands))
    asks: dict[str, list[Need]] = {}
    for (name, _), criterion in result.criteria.items():
        asks.setdefault(name, []).extend(info.requirement for info in criterion.information)
    own = {pick.name: provider.library(pick) for (_, extra), pick in result.mapping.items() if pick.wheel and not extra}
    copies = []
    for name in sorted(asks):
        wanted = sorted((need for need in asks[name] if not need.only), key=lambda need: (need.depth, need))
        if not wanted:
            continue  # only the host's own copies use it
        if name in own:
            words = [(need.who, need.text, need.constraint) for need in wanted]
            reason = why_private(surroundings, name, words, own)
            copies.append(Copy(name, own[name].version, True, reason))
        else:
            copies.append(shared(surroundings, name, f"{wanted[0].who} requires {wanted[0].text}"))
    libraries = LibrarySet(tuple(own[name] for name in sorted(own))) if own else None
    return World(libraries, tuple(copies), notes=provider.notes)


def _needs_of(demand: Demand) -> Iterator[Need]:
    for extra in ("", *demand.extras):
        yield Need(demand.target, extra, demand.constraint, demand.text, demand.by.label, 0, demand.prereleases)


def _met(surroundings: Surroundings, need: Need) -> bool:
    return surroundings.serves(need.name, need.constraint, [need.extra] if need.extra else ())


def _refused(surroundings: Surroundings, demands: Sequence[Demand]) -> list[Demand]:
    """The demands that only the host may meet, and does not."""
    found = []
    for demand in demands:
        name = demand.target
        if name not in surroundings.sharing.share | HOSTS_ALONE:
            continue
        if not surroundings.met_by_host(name, demand.constraint, demand.extras):
            found.append(_with_fault(demand, _only_hosts(surroundings, name)))
    return found


def _only_hosts(surroundings: Surroundings, name: str) -> str:
    version = surroundings.host.distributions.get(name)
    has = f"but the host has {name} {version}" if version is not None else f"but the host has no {name}"
    return f"{has}, and only the host's will do" + (" (share=)" if name in surroundings.sharing.share else "")


def _with_fault(demand: Demand, fault: str) -> Demand:
    return replace(demand, fault=fault)


def _missing(provider: _Provider, manifest: Manifest, causes: Sequence[Need]) -> Iterator[Demand]:
    """What clashes, or is nowhere, as demands of the plugin."""
    told = {(need.text, need.who): need for need in sorted(causes, key=lambda need: (need.depth, need), reverse=True)}
    for need in reversed(told.values()):
        via = f" (asked for by {need.who})" if need.depth else ""
        yield Demand(manifest, need.name, f"{need.text}{via}", need.constraint, fault=provider.why_not(need))


class _Provider(AbstractProvider[Need, Pick, tuple[str, str]]):
    """Tells resolvelib what the host and the shelf have."""

    def __init__(self, surroundings: Surroundings, shelf: Shelf, manifest: Manifest) -> None:
        self._surroundings = surroundings
        self._shelf = shelf
        self._plugin = manifest.label
        self._askers: dict[str, tuple[int, str]] = {}
        """Distribution -> depth and words of who asked first."""
        self._libraries: dict[Candidate, Library | None] = {}
        self._unusable: dict[str, set[str]] = {}
        """Distribution -> sentences on its wheels that cannot be used now."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on wheels that were passed over."""
        return tuple(sorted(note for notes in self._unusable.values() for note in notes))

    def library(self, pick: Pick) -> Library:
        """What a pick of the shelf stands for."""
        assert pick.wheel is not None
        library = self._open(pick.wheel)
        assert library is not None, "only what can be used is offered"
        return library

    def why_not(self, need: Need) -> str:
        """Why a need cannot be met, or not together with others."""
        name, surroundings = need.name, self._surroundings
        version = surroundings.host.distributions.get(name)
        only_hosts = need.only == _HOST or name in surroundings.sharing.share | HOSTS_ALONE
        if only_hosts and not need.only:
            return _only_hosts(surroundings, name)
        if name in surroundings.plugins:
            return f"and {name} is a plugin: libraries do not import plugins"
        parts = []
        if version is None:
            parts.append("neither a plugin on offer nor in the host")
        elif name in surroundings.sharing.private:
            parts.append("never the host's (private=)")
        else:
            parts.append(f"{'while' if allows(need.constraint, version) else 'but'} the host has {name} {version}")
        wheels = [
            str(wheel.version) for wheel in self._shelf.find(name) if self._libraries.get(wheel, wheel) is not None
        ]
        parts.append(f"on offer as wheels: {', '.join(wheels)}" if wheels else "no wheel of it is on offer")
        return "; ".join([", ".join(parts), *self._shelf.passed_over(name), *sorted(self._unusable.get(name, ()))])

    def identify(self, requirement_or_candidate: Need | Pick) -> tuple[str, str]:
        return requirement_or_candidate.name, requirement_or_candidate.extra

    def get_preference(
        self,
        identifier: tuple[str, str],
        resolutions: Mapping[tuple[str, str], Pick],
        candidates: Mapping[tuple[str, str], Iterator[Pick]],
        information: Mapping[tuple[str, str], Iterator[RequirementInformation[Need, Pick]]],
        backtrack_causes: Sequence[RequirementInformation[Need, Pick]],
    ) -> tuple[bool, int, str, str]:
        first = next(candidates[identifier], None)
        depth = min(info.requirement.depth for info in information[identifier])
        return first is None or first.wheel is not None, depth, *identifier

    def find_matches(
        self,
        identifier: tuple[str, str],
        requirements: Mapping[tuple[str, str], Iterator[Need]],
        incompatibilities: Mapping[tuple[str, str], Iterator[Pick]],
    ) -> Callable[[], Iterator[Pick]]:
        name, extra = identifier
        needs = list(requirements[identifier])
        banned = set(incompatibilities[identifier])
        asker = min((need.depth, need.who) for need in needs)
        self._askers[name] = min(asker, self._askers.get(name, asker))
        return lambda: (
            pick
            for pick in self._picks(name, extra, needs)
            if pick not in banned and all(self.is_satisfied_by(need, pick) for need in needs)
        )

    def is_satisfied_by(self, requirement: Need, candidate: Pick) -> bool:
        if requirement.only and requirement.only != (candidate.wheel.digest if candidate.wheel else _HOST):
            return False
        if candidate.wheel is None and not requirement.only and candidate.name in self._surroundings.sharing.private:
            return False
        return allows(requirement.constraint, candidate.version)

    def get_dependencies(self, candidate: Pick) -> Iterator[Need]:
        name = candidate.name
        depth, who = self._askers[name]
        if candidate.extra:
            only = candidate.wheel.digest if candidate.wheel else _HOST
            yield Need(name, "", "", name, who, depth, only=only)
        if candidate.wheel is None:
            uses = sorted(self._surroundings.used_by_host(name)) if not candidate.extra else ()
            for target in uses:
                yield Need(target, "", "", f"the host's {target}", f"the host's {name}", depth + 1, only=_HOST)
            return
        library = self.library(candidate)
        label = f"{library.label} for {who}"
        for requirement in self._surroundings.asked(library.requires, candidate.extra):
            constraint, ahead = str(requirement.specifier), bool(requirement.specifier.prereleases)
            for extra in ("", *sorted(map(canonical, requirement.extras))):
                yield Need(canonical(requirement.name), extra, constraint, plain(requirement), label, depth + 1, ahead)

    def has(self, need: Need) -> bool:
        """True if there is a copy that a need is content with."""
        return any(self.is_satisfied_by(need, pick) for pick in self._picks(need.name, need.extra, [need]))

    def _picks(self, name: str, extra: str, needs: Iterable[Need]) -> Iterator[Pick]:
        """The copies to choose from, the best first; pre-releases as `packaging` has it."""
        host = self._surroundings.host.distributions.get(name)
        if host is not None and self._surroundings.met_by_host(name, "", [extra] if extra else ()):
            yield Pick(name, extra, host, None)
        if name in self._surroundings.sharing.share | HOSTS_ALONE or name in self._surroundings.plugins:
            return
        constraints = [need.constraint for need in needs]
        fitting = [w for w in self._shelf.find(name) if all(allows(text, w.version) for text in constraints)]
        if not any(need.prereleases for need in needs):
            fitting = [w for w in fitting if not w.version.is_prerelease] or fitting
        for wheel in fitting:
            if self._open(wheel) is not None:
                yield Pick(name, extra, wheel.version, wheel)

    def _open(self, wheel: Candidate) -> Library | None:
        """The library in a wheel; None if it cannot be used now."""
        if wheel not in self._libraries:
            try:
                library: Library | None = self._shelf.open(wheel)
            except UnfinishedWheelError as error:
                self._unusable.setdefault(wheel.name, set()).add(f"{wheel.path.name} is passed over: {error}")
                library = None
            if library is not None and library.unfit:
                why = "; ".join(map(str, library.unfit))
                self._unusable.setdefault(wheel.name, set()).add(f"{library.label} is passed over: {why}")
                library = None
            self._libraries[wheel] = library
        return self._libraries[wheel]
