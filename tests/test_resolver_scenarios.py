"""Every file in `scenarios/` is one resolution: what is on offer and loaded, and what should come of it.

    {
      "shows": "one sentence",
      "offers": ["alpha 1.0", {"name": "beta 1.0", "imports": ["alpha>=1"], "requires": ["requests"], ...}],
      "incumbents": [{"name": "alpha 0.9", "reloadable": false, "imports": []}],
      "host": {"requests": "2.31"}, "only": ["alpha"], "pending": ["gamma"],
      "expect": {"plan": {"alpha": "1.0 reloaded"}, "removed": ["x"], "edges": [], "reasons": {}, "notes": []}
             or {"error": "VersionConflictError", "says": ["fragments", "of the message"]}
    }

An import that ends in `?` is optional. The order of `plan` is the load order.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.version import Version

from hotswap import errors
from hotswap.errors import Fault
from hotswap.model import Candidate, Dependency, Host, Incumbent, Manifest, Pending
from hotswap.resolver import resolve

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.json"))


def dependency(text: str) -> Dependency:
    requirement = Requirement(text.removesuffix("?"))
    return Dependency(requirement.name, requirement.name, requirement.specifier, text.endswith("?"))


def manifest(entry: str | dict[str, Any]) -> Manifest:
    """A manifest from "alpha 1.0", or from a mapping with "name" and what else differs from the ordinary."""
    if isinstance(entry, str):
        entry = {"name": entry}
    plugin, version = entry["name"].split()
    name = entry.get("distribution", plugin)
    wheel = entry.get("file", f"{name}-{version}.whl")
    digest = entry.get("digest", f"{name}-{version}")
    imports = entry.get("imports")
    return Manifest(
        plugin=plugin,
        name=name,
        version=Version(version),
        digest=digest,
        candidate=Candidate(name, Version(version), Path("plugins", wheel), digest, "plugins/"),
        entry_module=plugin,
        entry_attr="",
        provides=(plugin,),
        dist_info=f"{name}-{version}.dist-info",
        requires=tuple(map(Requirement, entry.get("requires", ()))),
        imports=None if imports is None else tuple(map(dependency, imports)),
        unfit=tuple(Fault(wheel, what) for what in entry.get("unfit", ())),
    )


def incumbent(entry: str | dict[str, Any]) -> Incumbent:
    if isinstance(entry, str):
        entry = {"name": entry}
    imports = tuple(map(dependency, entry.get("imports", ())))
    return Incumbent(manifest(entry), entry.get("reloadable", True), imports)


def arguments(scenario: dict[str, Any]) -> dict[str, Any]:
    markers = {key: str(value) for key, value in default_environment().items()}
    loaded = [incumbent(entry) for entry in scenario.get("incumbents", ())]
    distributions = {name: Version(version) for name, version in scenario.get("host", {}).items()}
    return {
        "offers": [manifest(entry) for entry in scenario.get("offers", ())],
        "host": Host(markers | scenario.get("markers", {}), distributions),
        "incumbents": {one.manifest.plugin: one for one in loaded},
        "only": scenario.get("only"),
        "pending": [Pending(Path(f"{n}.whl"), "still being written", n) for n in scenario.get("pending", ())],
    }


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    """What is resolved, or refused, is what the scenario says."""
    scenario = json.loads(path.read_text())
    expected = scenario["expect"]
    if "error" in expected:
        with pytest.raises(errors.HotswapError) as caught:
            resolve(**arguments(scenario))
        assert type(caught.value).__name__ == expected["error"], str(caught.value)
        missing = [fragment for fragment in expected["says"] if fragment not in str(caught.value)]
        assert not missing, str(caught.value)
        return
    plan = resolve(**arguments(scenario))
    assert list(plan.steps) == list(expected["plan"]), "load order"
    got = {name: f"{step.manifest.version} {step.outcome}" for name, step in plan.steps.items()}
    assert got == expected["plan"]
    assert list(plan.removed) == expected.get("removed", [])
    edges = {f"{dep} -> {by}: {kind}" for dep, by, kind in plan.graph.edges(data="kind")}
    assert edges == set(expected.get("edges", edges))
    steps = {**plan.steps, **plan.removed}
    assert {name: steps[name].reason for name in expected.get("reasons", ())} == expected.get("reasons", {})
    assert list(plan.notes) == expected.get("notes", [])
    nodes = {name: f"{data['version']} {data['outcome']}" for name, data in plan.graph.nodes(data=True)}
    assert nodes == expected["plan"]


def test_every_scenario_says_what_it_shows() -> None:
    """A scenario without a sentence, or with a key that nobody reads, is a mistake in the file."""
    known = {"shows", "offers", "incumbents", "host", "markers", "only", "pending", "expect"}
    scenarios = [json.loads(path.read_text()) for path in SCENARIOS]
    assert len(scenarios) >= 25
    assert [s for s in scenarios if not s.get("shows") or not s.keys() <= known] == []
