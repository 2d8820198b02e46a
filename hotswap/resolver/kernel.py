"""A small part of the choice, solved by resolvelib while everything around it stays as it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import networkx as nx
from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, ResolutionTooDeep, Resolver
from resolvelib.structs import RequirementInformation

from ..model import Manifest
from .demands import Demand, allows
from .offers import Universe

_ROUNDS = 10_000
"""How often resolvelib may try before a kernel counts as too hard; one of ten plugins needs ten to a few hundred."""


class Want(NamedTuple):
    """A requirement in resolvelib's sense: a plugin, or one extra of it, in some of its versions."""

    plugin: str
    extra: str
    constraint: str
    demand: Demand | None
    """Where it comes from; None if it is only that every plugin on offer is wanted."""


class Pick(NamedTuple):
    """A candidate in resolvelib's sense: one version of a plugin, or of one extra of it."""

    plugin: str
    extra: str
    rank: int
    """Position among the versions to choose from."""


class Impossible(Exception):
    """The kernel has no solution; `causes` are the demands that clash in the end."""

    def __init__(self, causes: Sequence[Demand]) -> None:
        self.causes = causes
        super().__init__(f"{len(causes)} demands clash")


class TooHard(Exception):
    """No solution was found, and no proof that there is none."""


class Kernel:
    """Some plugins whose versions are open, among others whose versions are not.

    Args:
        universe: What is on offer.
        domains: Open plugin -> the versions to choose from, the best first.
        around: The versions of the others; one that is absent is left out of account.
        demands: What the others ask of the open ones.
    """

    def __init__(
        self,
        universe: Universe,
        domains: Mapping[str, Sequence[Manifest]],
        around: Mapping[str, Manifest],
        demands: Iterable[Demand] = (),
    ) -> None:
        self.universe = universe
        self.domains = domains
        self.around = around
        self._roots = [*(Want(plugin, "", "", None) for plugin in domains), *chain.from_iterable(map(wants, demands))]

    def solve(self) -> dict[str, Manifest]:
        """The best version of each open plugin.

        Raises:
            Impossible: There is no solution.
            TooHard: The search was given up.
        """
        resolver = Resolver(_Provider(self), BaseReporter())
        try:
            result = resolver.resolve(self._roots, max_rounds=_ROUNDS + 2 * len(self.domains))
        except ResolutionImpossible as impossible:
            raise Impossible([c.requirement.demand for c in impossible.causes if c.requirement.demand]) from None
        except ResolutionTooDeep:
            raise TooHard from None
        return {plugin: self.manifest(result.mapping[plugin, ""]) for plugin in self.domains}

    def versions(self, plugin: str) -> Sequence[Manifest]:
        """The versions to choose from: just one unless the plugin is open."""
        return self.domains[plugin] if plugin in self.domains else (self.around[plugin],)

    def manifest(self, pick: Pick) -> Manifest:
        """What a pick stands for."""
        return self.versions(pick.plugin)[pick.rank]

    def demands(self, pick: Pick) -> Iterator[Demand]:
        """What a pick asks of plugins that are taken into account.

        What a plugin that is not open asks for has been taken into account already, unless it is for an extra.
        """
        if pick.plugin in self.domains or pick.extra:
            for demand in self.universe.demands(self.manifest(pick), pick.extra).plugins:
                if demand.target in self.domains or demand.target in self.around:
                    yield demand


def wants(demand: Demand) -> Iterator[Want]:
    """A demand for `alpha[fast]` wants alpha, and its extra in the same version."""
    yield Want(demand.target, "", demand.constraint, demand)
    for extra in demand.extras:
        yield Want(demand.target, extra, demand.constraint, demand)


class _Provider(AbstractProvider[Want, Pick, tuple[str, str]]):
    """Tells resolvelib what is on offer in a kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._turn = _turns(kernel)

    def identify(self, requirement_or_candidate: Want | Pick) -> tuple[str, str]:
        return requirement_or_candidate.plugin, requirement_or_candidate.extra

    def get_preference(
        self,
        identifier: tuple[str, str],
        resolutions: Mapping[tuple[str, str], Pick],
        candidates: Mapping[tuple[str, str], Iterator[Pick]],
        information: Mapping[tuple[str, str], Iterator[RequirementInformation[Want, Pick]]],
        backtrack_causes: Sequence[RequirementInformation[Want, Pick]],
    ) -> tuple[bool, int, str, str]:
        # Who asks is chosen before who is asked: the newest version of an importer knows best which versions of the
        # others it works with, an old one that names no upper bound merely did not know them yet.
        plugin, extra = identifier
        return plugin in self._kernel.domains, self._turn.get(plugin, 0), plugin, extra

    def find_matches(
        self,
        identifier: tuple[str, str],
        requirements: Mapping[tuple[str, str], Iterator[Want]],
        incompatibilities: Mapping[tuple[str, str], Iterator[Pick]],
    ) -> Collection[Pick]:
        plugin, extra = identifier
        wanted = list(requirements[identifier])
        banned = set(incompatibilities[identifier])
        picks = (Pick(plugin, extra, rank) for rank in range(len(self._kernel.versions(plugin))))
        return [p for p in picks if p not in banned and all(self.is_satisfied_by(want, p) for want in wanted)]

    def is_satisfied_by(self, requirement: Want, candidate: Pick) -> bool:
        manifest = self._kernel.manifest(candidate)
        if requirement.constraint and not allows(requirement.constraint, manifest.version):
            return False
        return not candidate.extra or not self._kernel.universe.unmet(manifest, candidate.extra)

    def get_dependencies(self, candidate: Pick) -> Iterator[Want]:
        if candidate.extra:
            version = self._kernel.manifest(candidate).version
            yield Want(candidate.plugin, "", f"==={version}", None)
        for demand in self._kernel.demands(candidate):
            yield from wants(demand)


def _turns(kernel: Kernel) -> dict[str, int]:
    """The turn at which each open plugin is chosen: those who ask before those who are asked."""
    asks: nx.DiGraph[str] = nx.DiGraph()
    asks.add_nodes_from(kernel.domains)
    for manifests in kernel.domains.values():
        for manifest in manifests:
            for target, _ in kernel.universe.demands(manifest).links:
                if target in kernel.domains:
                    asks.add_edge(manifest.plugin, target)
    circles = nx.condensation(asks)
    return {
        plugin: turn
        for turn, circle in enumerate(nx.topological_sort(circles))
        for plugin in circles.nodes[circle]["members"]
    }
