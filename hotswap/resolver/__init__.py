"""Resolved: one version per plugin, what becomes of each, and the order in which they are loaded.

    offers, incumbents, host  ->  Universe  ->  Choice  ->  links, order  ->  outcomes  ->  Plan
                                 offers.py    choice.py      order.py        outcome.py

Pure: it reads no disk and runs no plugin code, and a plan can be thrown away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ..model import Host, Incumbent, Manifest, Pending, Plan
from .choice import Choice
from .drawing import draw_dot, draw_mermaid, draw_tree, graph_as_json
from .offers import survey
from .order import draw, load_order
from .outcome import outcomes, removals
from .rebinding import rebind

__all__ = ["draw_dot", "draw_mermaid", "draw_tree", "graph_as_json", "rebind", "resolve"]


def resolve(
    offers: Sequence[Manifest],
    host: Host,
    *,
    incumbents: Mapping[str, Incumbent] | None = None,
    only: Collection[str] | None = None,
    pending: Sequence[Pending] = (),
) -> Plan:
    """Choose one version per plugin and say what becomes of each.

    Args:
        offers: Every verified manifest of all sources, any number of versions per plugin.
        host: What plugins' other requirements are checked against.
        incumbents: Plugin name -> what is loaded now.
        only: The plugins to consider, in any spelling; None for all.
        pending: Files that are left for the next reload.

    Raises:
        ResolutionError: The whitelist names what is not on offer, or what is on offer is ambiguous.
        WheelError: Nothing on offer for a plugin fits this interpreter.
        UnknownDependencyError: A plugin imports one that is not on offer.
        VersionConflictError: No versions satisfy everybody, or the host lacks what a plugin requires.
        CyclicDependencyError: Plugins depend on one another in a circle.
        ReloadVetoError: A plugin that is not reloadable imports one that is replaced.
    """
    universe = survey(offers, host, incumbents or {}, only, pending)
    choice = Choice(universe)
    links = tuple((plugin, choice.links(plugin)) for plugin in choice.picks)
    steps = outcomes(universe, choice.picks, load_order(links))
    return Plan(
        steps=steps,
        removed=removals(universe, choice.picks),
        graph=draw(steps, links),
        pending=tuple(pending),
        notes=(*universe.notes, *choice.notes()),
    )
