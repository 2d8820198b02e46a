"""What is made of a plan: binding it anew to actual imports, and drawing it."""

from __future__ import annotations

import networkx as nx
import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from test_resolver_choice import HOST, manifest

from hotswap.errors import CyclicDependencyError, UnknownDependencyError, VersionConflictError
from hotswap.model import Dependency, Plan
from hotswap.resolver import draw_dot, draw_mermaid, draw_tree, graph_as_json, rebind, resolve


def dependency(name: str, specifier: str = "", optional: bool = False) -> Dependency:
    return Dependency(name, name, SpecifierSet(specifier), optional)


@pytest.fixture
def plan() -> Plan:
    """alpha <- beta <- gamma by imports, alpha <- delta by a requirement."""
    return resolve(
        [
            manifest("alpha", "1", {}),
            manifest("beta", "1", {"alpha": ""}),
            manifest("gamma", "1", {"beta": ""}),
            manifest("delta", "1", {}, ("alpha",)),
        ],
        HOST,
    )


def edges(plan: Plan) -> set[str]:
    return {f"{dep} -> {by}: {kind}" for dep, by, kind in plan.graph.edges(data="kind")}


def test_rebind_takes_edges_and_order_from_actual_imports(plan: Plan) -> None:
    """A plugin that imports otherwise than its source showed gets its place by what it really imports."""
    bound = rebind(plan, {"alpha": [dependency("gamma", "==1"), dependency("omega", optional=True)], "beta": []})
    assert list(bound.steps) == ["beta", "gamma", "alpha", "delta"]
    assert edges(bound) == {"beta -> gamma: imports", "gamma -> alpha: imports", "alpha -> delta: requires"}
    assert bound.graph.nodes["alpha"] == {"version": "1", "outcome": "loaded"}
    assert list(plan.steps) == ["alpha", "beta", "delta", "gamma"], "the plan itself is frozen"
    assert edges(plan) == {"alpha -> beta: imports", "beta -> gamma: imports", "alpha -> delta: requires"}


def test_rebind_joins_imports_with_requirements(plan: Plan) -> None:
    """What is required and now imported too is one edge that says both, and back again."""
    bound = rebind(plan, {"delta": [dependency("alpha"), dependency("alpha")]})
    assert "alpha -> delta: imports, requires" in edges(bound)
    assert edges(rebind(bound, {"delta": []})) == edges(plan)


def test_rebind_without_news_is_the_plan(plan: Plan) -> None:
    """Imports that are as foreseen change nothing."""
    assert rebind(plan, {"beta": [dependency("alpha")]}) is plan


def test_rebind_names_all_unknown(plan: Plan) -> None:
    """Every import of a plugin that is not in the plan is named, with near misses."""
    with pytest.raises(UnknownDependencyError) as caught:
        rebind(plan, {"alpha": [dependency("betta")], "delta": [dependency("omega", ">=1")]})
    assert caught.value.reasons == (
        "alpha 1 imports betta, no plugin on offer; did you mean beta?",
        "delta 1 imports omega>=1, no plugin on offer",
    )
    assert caught.value.plugins == ("alpha", "delta")


def test_rebind_names_all_wrong_versions(plan: Plan) -> None:
    """Every import of another version than the plan's is named, optional ones too."""
    with pytest.raises(VersionConflictError, match="alpha 1, beta 1") as caught:
        rebind(plan, {"gamma": [dependency("beta", ">=2"), dependency("alpha", "<1", optional=True)]})
    assert caught.value.requirements == (("gamma 1", "beta>=2"), ("gamma 1", "alpha<1"))


@pytest.mark.parametrize(
    ("importer", "imported", "cycle"),
    [("alpha", "gamma", "alpha gamma beta alpha"), ("gamma", "gamma", "gamma gamma")],
)
def test_rebind_finds_circles(plan: Plan, importer: str, imported: str, cycle: str) -> None:
    """A circle that only the actual imports show is an error with its path, importers first."""
    with pytest.raises(CyclicDependencyError) as caught:
        rebind(plan, {importer: [dependency(imported)]})
    assert " ".join(caught.value.cycle) == cycle


def test_tree(plan: Plan) -> None:
    """The tree starts at what nobody depends on, and draws shared branches once."""
    plan = rebind(plan, {"delta": [dependency("gamma")]})
    plan.graph.add_node("zeta")
    plan.graph.add_edge("gamma", "zeta")
    assert draw_tree(plan.graph).splitlines() == [
        "delta 1 [loaded]",
        "├── alpha 1 [loaded] (required only)",
        "└── gamma 1 [loaded]",
        "    └── beta 1 [loaded]",
        "        └── alpha 1 [loaded]",
        "zeta",
        "└── gamma 1 [loaded] (see above)",
    ]


def test_tree_of_nothing_and_of_a_circle() -> None:
    """An empty graph is a sentence; a circle, which no plan has, is drawn all the same; neither is endless."""
    assert draw_tree(nx.DiGraph()) == "no plugins"
    assert draw_tree(nx.DiGraph([("a", "b"), ("b", "a")])) == "a\n└── b\n    └── a (see above)"


def test_tree_is_as_deep_as_it_has_to_be() -> None:
    """A chain longer than Python's recursion limit is drawn."""
    graph = nx.path_graph(3000, nx.DiGraph)
    assert len(draw_tree(nx.relabel_nodes(graph, str)).splitlines()) == 3000


def test_dot(plan: Plan) -> None:
    """DOT has a box per plugin and an arrow per edge, with everything quoted."""
    plan.graph.add_node('o"d\\d\n', version="2")
    plan.graph.add_edge("alpha", 'o"d\\d\n')
    text = draw_dot(plan.graph)
    assert text.startswith("digraph plugins {")
    assert text.endswith("}")
    assert '  "alpha" [label="alpha\\n1\\nloaded"];' in text
    assert '  "alpha" -> "beta" [label="imports"];' in text
    assert '  "alpha" -> "delta" [label="requires", style=dashed];' in text
    assert '  "o\\"d\\\\d\\n" [label="o\\"d\\\\d\\n\\n2"];' in text


def test_mermaid(plan: Plan) -> None:
    """Mermaid has a node per plugin under a number of its own, and everything special as an entity."""
    plan.graph.add_node('end"]')
    plan.graph.add_edge("alpha", 'end"]')
    assert draw_mermaid(plan.graph).splitlines() == [
        "flowchart LR",
        '  n0["alpha<br/>1<br/>loaded"]',
        '  n1["beta<br/>1<br/>loaded"]',
        '  n2["delta<br/>1<br/>loaded"]',
        '  n3["gamma<br/>1<br/>loaded"]',
        '  n4["end#34;#93;"]',
        '  n0 -->|"imports"| n1',
        '  n0 -.->|"requires"| n2',
        "  n0 --> n4",
        '  n1 -->|"imports"| n3',
    ]


def test_json(plan: Plan) -> None:
    """As plain data the graph has its nodes with attributes and its edges with their kind."""
    data = graph_as_json(plan.graph)
    assert data["nodes"][0] == {"name": "alpha", "version": "1", "outcome": "loaded"}
    assert {"dependency": "alpha", "dependent": "delta", "kind": "requires"} in data["edges"]
    assert (len(data["nodes"]), len(data["edges"])) == (4, 3)


def test_plan_keeps_spelling_of_equal_versions() -> None:
    """1.0 and 1.0.0 are equal, and yet each plan shows the one on offer."""
    shown = [
        resolve([manifest("alpha", text, {})], HOST).graph.nodes["alpha"]["version"] for text in ("1.0", "1.0.0", "1.0")
    ]
    assert shown == ["1.0", "1.0.0", "1.0"]
    assert Version("1.0") == Version("1.0.0")
