"""One version per plugin.

    the newest of each  --all demands hold-->  the best there is
           | some do not: who asks and who is asked are a kernel, the rest stays as it is
           v
       resolvelib  --no solution-->  nor for the kernel alone: a conflict; otherwise widen it by its neighbours
           |
           v
    raise again what need not have been lowered

resolvelib alone is quadratic: each of its rounds looks at every plugin and copies its state, while the conflicts of a
real set are few and small.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import networkx as nx

from ..model import Manifest
from .audit import Audit, Extras, audit
from .demands import Demand, joined
from .explain import cannot_run, conflict, nothing_usable, passed_over, too_hard
from .kernel import Impossible, Kernel, TooHard
from .offers import Universe
from .worlds import World


class Choice:
    """One version of each plugin, such that every demand holds and no single plugin could be newer.

    Raises:
        UnknownDependencyError: No version of some plugin finds all that it imports.
        VersionConflictError: No version of some plugin finds in the host what it requires; or versions clash.
        ResolutionError: The search was given up.
    """

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.extras: Extras = {}
        self._eager: set[str] = set()
        self._askers: dict[str, set[str]] = {}
        self.picks: dict[str, Manifest] = {}
        for plugin in universe.candidates:
            best = universe.best(plugin)
            if best is not None:
                self.picks[plugin] = best
        if len(self.picks) < len(universe.candidates):
            raise nothing_usable(universe, sorted(universe.candidates.keys() - self.picks))
        found = self._audit()
        while eager := found.eager - self._eager:
            self._eager |= eager
            self.picks |= {plugin: self._ranked(plugin)[0] for plugin in eager}
            found = self._audit()
        if found.broken:
            self._settle(found)

    def links(self, plugin: str) -> tuple[tuple[str, str], ...]:
        """Pairs of what the chosen version depends on, and the kind of the edge."""
        links = self.universe.demands(self.picks[plugin]).links
        if plugin not in self.extras:
            return links
        kinds = dict(links)
        for extra in self.extras[plugin]:
            for target, kind in self.universe.demands(self.picks[plugin], extra).links:
                kinds[target] = joined(kinds.get(target, kind), kind)
        return tuple(sorted(kinds.items()))

    def worlds(self) -> dict[str, World]:
        """What each chosen version gets beside the plugins that it asks for.

        Raises:
            VersionConflictError: All that is asked of one plugin, extras included, cannot be met together.
        """
        worlds = {p: self.universe.world(pick, frozenset(self.extras.get(p, ()))) for p, pick in self.picks.items()}
        missing = [demand for world in worlds.values() for demand in world.missing]
        if missing:
            raise cannot_run(self.universe, missing)
        return worlds

    def notes(self) -> Iterator[str]:
        """Why some plugins are not at the best version on offer."""
        for plugin, pick in self.picks.items():
            candidates = self.universe.candidates[plugin]
            if candidates[0] is not pick:
                for manifest in self._better(plugin, candidates):
                    objections = self.universe.unmet(manifest) or self._trial(manifest).broken
                    yield passed_over(self.universe, manifest, objections, self.picks)

    def _best_first(self, plugin: str, manifests: Sequence[Manifest]) -> Sequence[Manifest]:
        """The same versions in order, which is another one if somebody asks for pre-releases."""
        return sorted(manifests, key=lambda m: m.version, reverse=True) if plugin in self._eager else manifests

    def _better(self, plugin: str, manifests: Sequence[Manifest]) -> Sequence[Manifest]:
        ranked = self._best_first(plugin, manifests)
        return ranked[: ranked.index(self.picks[plugin])]

    def _ranked(self, plugin: str) -> Sequence[Manifest]:
        return self._best_first(plugin, self.universe.usable(plugin))

    def _audit(self) -> Audit:
        found = audit(self.universe, self.picks, self.picks, {})
        self.extras = found.extras
        if self.extras:
            self._index(self.picks)
        return found

    def _settle(self, found: Audit) -> None:
        """Lower versions until every demand holds, then raise those that need not have been lowered."""
        lowered: set[str] = set()
        self._index(self.picks)
        while found.broken:
            asks: nx.Graph[str] = nx.Graph((demand.by.plugin, demand.target) for demand in found.broken)
            for cluster in sorted(nx.connected_components(asks), key=min):
                solved = self._solve(cluster)
                lowered.update(solved)
                self.picks |= solved
                self._index(solved)
                if self.extras:  # a solution may ask for other extras, which have demands of their own
                    break
            found = self._audit()
        raised = True
        while raised:
            raised = any([self._raise(plugin) for plugin in sorted(lowered)])  # noqa: C419 - all, not up to the first

    def _solve(self, kernel: set[str]) -> dict[str, Manifest]:
        """A solution for the kernel, or for the smallest widening of it that has one."""
        rings = 1
        while True:
            domains = {plugin: self._ranked(plugin) for plugin in sorted(kernel)}
            askers = set().union(*(self._askers.get(plugin, ()) for plugin in kernel)) - kernel
            demands = [d for plugin in sorted(askers) for d in self._demands(plugin) if d.target in kernel]
            try:
                return Kernel(self.universe, domains, self.picks, demands).solve()
            except (Impossible, TooHard):
                wider = kernel
                for _ in range(rings):
                    wider = wider.union(*(self._neighbours[plugin] for plugin in wider))
                rings *= 2  # a long chain of plugins that go together would take as many attempts as it has links
            try:
                Kernel(self.universe, domains, {}).solve()
            except Impossible as impossible:
                raise conflict(self.universe, impossible.causes) from None
            except TooHard:
                if wider == kernel:
                    raise too_hard(kernel) from None
            kernel = wider

    def _raise(self, plugin: str) -> bool:
        """Take a better version if nobody objects."""
        for manifest in self._better(plugin, self.universe.usable(plugin)):
            trial = self._trial(manifest)
            if not trial.broken:
                self.picks[plugin] = manifest
                self._index([plugin])
                if trial.extras:
                    self._audit()
                return True
        return False

    def _trial(self, manifest: Manifest) -> Audit:
        """What would come to light if this version were chosen and the others stayed."""
        plugin = manifest.plugin
        picks = ChainMap({plugin: manifest}, self.picks)
        return audit(self.universe, picks, sorted({plugin, *self._askers.get(plugin, ())}), self.extras)

    def _demands(self, plugin: str) -> Iterator[Demand]:
        """What the chosen version of a plugin asks of other plugins."""
        for extra in ("", *sorted(self.extras.get(plugin, ()))):
            yield from self.universe.demands(self.picks[plugin], extra).plugins

    def _index(self, plugins: Iterable[str]) -> None:
        """Note who asks something of whom; an entry may outlive its demand, which costs a look and nothing else."""
        for plugin in plugins:
            for demand in self._demands(plugin):
                self._askers.setdefault(demand.target, set()).add(plugin)

    @cached_property
    def _neighbours(self) -> dict[str, set[str]]:
        """Plugin -> those that ask something of it, or it of them, in any version or extra."""
        neighbours: dict[str, set[str]] = {plugin: set() for plugin in self.picks}
        todo = [(plugin, "") for plugin in self.picks]
        known = set(todo)
        for plugin, extra in todo:
            for manifest in self.universe.usable(plugin):
                for demand in self.universe.demands(manifest, extra).plugins:
                    neighbours[plugin].add(demand.target)
                    neighbours[demand.target].add(plugin)
                    new = {(demand.target, wanted) for wanted in demand.extras} - known
                    known |= new
                    todo += sorted(new)
        return neighbours
