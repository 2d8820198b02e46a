"""The graph of a plan, and the order in which plugins are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import networkx as nx

from ..errors import CyclicDependencyError
from ..model import Step
from .demands import BOTH, IMPORTS, REQUIRES

Links = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
"""Per plugin: pairs of (plugin it depends on, kind of the edge)."""


@lru_cache(maxsize=8)  # most reloads change versions and leave the links as they are
def load_order(links: Links) -> tuple[str, ...]:
    """The plugins with dependencies first, and by name where that leaves a choice.

    Raises:
        CyclicDependencyError: Some depend on one another in a circle.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(plugin for plugin, _ in links)
    graph.add_edges_from((dependency, plugin) for plugin, pairs in links for dependency, _ in pairs)
    try:
        return tuple(nx.lexicographical_topological_sort(graph))
    except nx.NetworkXUnfeasible:
        raise CyclicDependencyError(_cycle(graph)) from None


def draw(steps: Mapping[str, Step], links: Iterable[tuple[str, Iterable[tuple[str, str]]]]) -> nx.DiGraph[str]:
    """The graph of a plan: edges dependency -> dependent with their kind, nodes with version and outcome."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(
        (plugin, {"version": str(step.manifest.version), "outcome": step.outcome.value})
        for plugin, step in steps.items()
    )
    kinds = {kind: {"kind": kind} for kind in (IMPORTS, REQUIRES, BOTH)}  # networkx copies them
    graph.add_edges_from([(dependency, plugin, kinds[kind]) for plugin, pairs in links for dependency, kind in pairs])
    return graph


def _cycle(graph: nx.DiGraph[str]) -> list[str]:
    """A shortest cycle through the smallest name that is on one, from importer to imported."""
    circles = [c for c in nx.strongly_connected_components(graph) if len(c) > 1 or graph.has_edge(*(*c, *c))]
    circle = min(circles, key=min)
    first = min(circle)
    imports = graph.subgraph(circle).reverse()
    paths = (nx.shortest_path(imports, imported, first) for imported in sorted(imports.successors(first)))
    return [first, *min(paths, key=len)]
