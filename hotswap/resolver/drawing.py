"""The graph of a plan as text, for DOT, for Mermaid and as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import networkx as nx

from ..model import Copy, LibrarySet, Manifest, canonical
from .demands import REQUIRES

Living = tuple[Manifest, LibrarySet | None, Sequence[Copy]]
"""A plugin, its private libraries, and whose copies it has."""


def with_libraries(graph: nx.DiGraph[str], worlds: Iterable[Living]) -> nx.DiGraph[str]:
    """The graph of plugins, and below each the libraries that it shares with the host or has as its own.

    Nodes of libraries have `kind` "library", and as `outcome` whose copy it is; plugins with the same private set have
    the same nodes. Edges lead from a library to who requires it, and have `kind` "shared" or "private".
    """
    drawn = graph.copy()
    for manifest, libraries, copies in worlds:
        key = libraries.key[:8] if libraries is not None else ""
        nodes = {copy.name: f"{copy.name} ({key if copy.private else 'host'})" for copy in copies}
        for copy in copies:
            outcome = f"private, set {key}" if copy.private else "the host's"
            drawn.add_node(
                nodes[copy.name], label=copy.name, version=str(copy.version), outcome=outcome, kind="library"
            )
        requirers = [(manifest.plugin, manifest.requires)]
        requirers += [(nodes[lib.name], lib.requires) for lib in (libraries.libraries if libraries is not None else ())]
        kinds = {copy.name: "private" if copy.private else "shared" for copy in copies}
        for requirer, requires in requirers:
            for name in sorted({canonical(requirement.name) for requirement in requires} & nodes.keys()):
                drawn.add_edge(nodes[name], requirer, kind=kinds[name])
    return drawn


def draw_tree(graph: nx.DiGraph[str]) -> str:
    """A tree for people: at the left what nobody depends on, below each plugin what it depends on.

    A plugin that has dependencies and comes up again is drawn once in full and then marked `(see above)`.
    """
    lines: list[str] = []
    drawn: set[str] = set()
    roots = sorted(plugin for plugin in graph if graph.out_degree(plugin) == 0)
    # Plugins in a circle hang from no root; a plan has none, any other graph is drawn nevertheless.
    for root in (*roots, *sorted(graph)):
        if root not in drawn:
            _draw_branches(graph, root, drawn, lines)
    return "\n".join(lines) or "no plugins"


def _draw_branches(graph: nx.DiGraph[str], root: str, drawn: set[str], lines: list[str]) -> None:
    todo = [(root, "", "", "")]  # a stack of its own: chains of plugins may be longer than Python's
    while todo:
        plugin, branch, indent, kind = todo.pop()
        dependencies = sorted(graph.predecessors(plugin))
        again = plugin in drawn and dependencies
        drawn.add(plugin)
        mark = "".join([" (required only)" if kind == REQUIRES else "", " (see above)" if again else ""])
        lines.append(f"{branch}{_label(graph, plugin)}{mark}")
        if again:
            continue
        for dependency in reversed(dependencies):
            last = dependency == dependencies[-1]
            kind = graph.edges[dependency, plugin].get("kind", "")
            todo.append(
                (dependency, f"{indent}{'└── ' if last else '├── '}", f"{indent}{'    ' if last else '│   '}", kind)
            )


def _label(graph: nx.DiGraph[str], plugin: str) -> str:
    name, version, outcome = _attributes(graph, plugin)
    return "".join([name, f" {version}" if version else "", f" [{outcome}]" if outcome else ""])


def _attributes(graph: nx.DiGraph[str], plugin: str) -> tuple[str, str, str]:
    node = graph.nodes[plugin]
    return str(node.get("label", plugin)), str(node.get("version", "")), str(node.get("outcome", ""))


def draw_dot(graph: nx.DiGraph[str]) -> str:
    """The graph in Graphviz' language, arrows from dependency to dependent; dashed where nothing is imported.

    Source: https://graphviz.org/doc/info/lang.html.
    """
    lines = ["digraph plugins {", "  rankdir=LR;", "  node [shape=box];"]
    for plugin in graph:
        label = "\\n".join(_dot_text(text) for text in _attributes(graph, plugin) if text)
        lines.append(f'  "{_dot_text(plugin)}" [label="{label}"];')
    for dependency, dependent, kind in graph.edges(data="kind", default=""):
        style = ", style=dashed" if kind == REQUIRES else ""
        lines.append(f'  "{_dot_text(dependency)}" -> "{_dot_text(dependent)}" [label="{_dot_text(kind)}"{style}];')
    return "\n".join([*lines, "}"])


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def draw_mermaid(graph: nx.DiGraph[str]) -> str:
    """The graph as a Mermaid flowchart, arrows from dependency to dependent; dotted where nothing is imported.

    Source: https://mermaid.js.org/syntax/flowchart.html.
    """
    number = {plugin: f"n{i}" for i, plugin in enumerate(graph)}  # names may be words of the language, e.g. `end`
    lines = ["flowchart LR"]
    for plugin in graph:
        label = "<br/>".join(_mermaid_text(text) for text in _attributes(graph, plugin) if text)
        lines.append(f'  {number[plugin]}["{label}"]')
    for dependency, dependent, kind in graph.edges(data="kind", default=""):
        arrow = "-.->" if kind == REQUIRES else "-->"
        text = f'|"{_mermaid_text(kind)}"|' if kind else ""
        lines.append(f"  {number[dependency]} {arrow}{text} {number[dependent]}")
    return "\n".join(lines)


def _mermaid_text(text: str) -> str:
    return "".join(c if c.isalnum() or c in " .,-_+!" else f"#{ord(c)};" for c in text)


def graph_as_json(graph: nx.DiGraph[str]) -> dict[str, Any]:
    """The graph as plain data: nodes with their attributes, edges with their kind."""
    return {
        "nodes": [{"name": plugin, **data} for plugin, data in graph.nodes(data=True)],
        "edges": [
            {"dependency": dependency, "dependent": dependent, **data}
            for dependency, dependent, data in graph.edges(data=True)
        ],
    }
