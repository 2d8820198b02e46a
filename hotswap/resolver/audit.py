"""Whether the demands of chosen versions hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..model import Manifest
from .demands import Demand, allows
from .offers import Universe

Extras = dict[str, set[str]]
"""Plugin -> its extras that somebody asks for."""


@dataclass(slots=True)
class Audit:
    """What came to light about a set of chosen versions."""

    extras: Extras
    broken: list[Demand] = field(default_factory=list)
    eager: set[str] = field(default_factory=set)
    """Plugins of which somebody asks for pre-releases."""


def audit(
    universe: Universe, picks: Mapping[str, Manifest], plugins: Iterable[str], extras: Mapping[str, Iterable[str]]
) -> Audit:
    """Check the demands of these plugins and of these extras, and of the extras that they ask for in turn."""
    found = Audit({plugin: set(names) for plugin, names in extras.items()})
    todo = [(plugin, "") for plugin in plugins]
    todo += [(plugin, extra) for plugin, _ in todo for extra in extras.get(plugin, ())]
    for plugin, extra in todo:
        for demand in universe.demands(picks[plugin], extra).plugins:
            target = picks[demand.target]
            holds = not demand.constraint or allows(demand.constraint, target.version)
            for wanted in demand.extras:
                known = found.extras.setdefault(demand.target, set())
                if wanted not in known:
                    known.add(wanted)
                    todo.append((demand.target, wanted))
                holds = holds and not universe.unmet(target, wanted)
            if not holds:
                found.broken.append(demand)
            if demand.prereleases:
                found.eager.add(demand.target)
    return found
