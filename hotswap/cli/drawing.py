"""The dependency graph in the forms that people and their tools read."""

from __future__ import annotations

from typing import Any

import networkx as nx

from ..resolver import draw_dot, draw_mermaid, draw_tree

_FORMS = {"tree": draw_tree, "dot": draw_dot, "mermaid": draw_mermaid}


def draw_graph(data: dict[str, Any], form: str) -> str:
    """Draw a graph that came as plain data (see `hotswap.resolver.graph_as_json`)."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for node in data["nodes"]:
        graph.add_node(node["name"], **{key: value for key, value in node.items() if key != "name"})
    for edge in data["edges"]:
        graph.add_edge(edge["dependency"], edge["dependent"], kind=edge["kind"])
    return _FORMS[form](graph)
