"""Resolved: one version per plugin, what becomes of each, and the order in which they are loaded.

    offers, incumbents, host  ->  Universe  ->  Choice  ->  links, order  ->  outcomes  ->  Plan
                                 offers.py    choice.py      order.py        outcome.py
    host, shelf of libraries  ->  World of each plugin: which copies it shares with the host, which are its own
                                 worlds.py, private.py

Pure: it reads no disk and runs no plugin code, and a plan can be thrown away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ..model import Host, Incumbent, LibrarySet, Manifest, Pending, Plan, Sharing, Shelf
from .choice import Choice
from .drawing import draw_dot, draw_mermaid, draw_tree, graph_as_json, with_libraries
from .offers import survey
from .order import draw, load_order
from .outcome import outcomes, removals
from .rebinding import rebind
from .solitary import refuse_copies_inside, refuse_second_copies

__all__ = ["draw_dot", "draw_mermaid", "draw_tree", "graph_as_json", "rebind", "resolve", "with_libraries"]


def resolve(
    offers: Sequence[Manifest],
    host: Host,
    *,
    incumbents: Mapping[str, Incumbent] | None = None,
    only: Collection[str] | None = None,
    pending: Sequence[Pending] = (),
    shelf: Shelf | None = None,
    sharing: Sharing | None = None,
    fixed: Mapping[str, LibrarySet | None] | None = None,
) -> Plan:
    """Choose one version per plugin and say what becomes of each.

    Args:
        offers: Every verified manifest of all sources, any number of versions per plugin.
        host: What plugins' other requirements are checked against.
        incumbents: Plugin name -> what is loaded now.
        only: The plugins to consider, in any spelling; None for all.
        pending: Files that are left for the next reload.
        shelf: Wheels on offer as private libraries; None: there is nothing but the host's copies.
        sharing: What the host says of whose copies plugins get.
        fixed: Digest of a plugin's wheel -> the private libraries that it has to have, None if none.

    Raises:
        ResolutionError: The whitelist names what is not on offer, or what is on offer is ambiguous.
        WheelError: Nothing on offer for a plugin fits this interpreter, or a library's wheel is bad.
        UnknownDependencyError: A plugin imports one that is not on offer.
        VersionConflictError: No versions satisfy everybody, or what a plugin requires is neither in the host nor on
            offer.
        PrivateCopyError: A package of which there can be one copy would be private beside another one.
        CyclicDependencyError: Plugins depend on one another in a circle.
        ReloadVetoError: A plugin that is not reloadable imports one that is replaced.
    """
    universe = survey(offers, host, incumbents or {}, only, pending, shelf, sharing, fixed)
    choice = Choice(universe)
    links = tuple((plugin, choice.links(plugin)) for plugin in choice.picks)
    worlds = choice.worlds()
    libraries = {plugin: world.libraries for plugin, world in worlds.items() if world.libraries is not None}
    refuse_copies_inside(choice.picks.values())
    refuse_second_copies(libraries, host, universe.incumbents)
    steps = outcomes(universe, choice.picks, load_order(links), worlds)
    return Plan(
        steps=steps,
        removed=removals(universe, choice.picks),
        graph=draw(steps, links),
        pending=tuple(pending),
        notes=tuple(dict.fromkeys([*universe.notes, *choice.notes(), *(n for w in worlds.values() for n in w.notes)])),
        libraries=libraries,
        copies={plugin: world.copies for plugin, world in worlds.items() if world.copies},
        fetch={plugin: world.fetch for plugin, world in worlds.items() if world.fetch},
    )
