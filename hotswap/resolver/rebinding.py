"""The plan once more, after the plugins have said what they really import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import UnknownDependencyError, VersionConflictError
from ..model import Dependency, Plan
from .demands import IMPORTS, REQUIRES, allows, joined
from .offers import near
from .order import draw, load_order


def rebind(plan: Plan, imports: Mapping[str, Sequence[Dependency]]) -> Plan:
    """The same plan with the edges and the order that follow from the actual imports.

    Args:
        plan: A plan of `resolve`.
        imports: Plugin name -> what the object that its `import_()` returned asks for; other plugins keep their edges.

    Raises:
        UnknownDependencyError: A plugin imports one that is not in the plan.
        VersionConflictError: A plugin imports another version than the plan's.
        CyclicDependencyError: Plugins import one another in a circle.
    """
    _check(plan, imports)
    actual = {plugin: _kinds(plan, plugin, asked) for plugin, asked in imports.items()}
    if all(kinds == _drawn(plan, plugin) for plugin, kinds in actual.items()):
        return plan
    links = [
        (plugin, tuple(sorted((actual[plugin] if plugin in actual else _drawn(plan, plugin)).items())))
        for plugin in sorted(plan.steps)
    ]
    steps = {plugin: plan.steps[plugin] for plugin in load_order(tuple(links))}
    return replace(plan, steps=steps, graph=draw(steps, links))


def _drawn(plan: Plan, plugin: str) -> dict[str, str]:
    """What the plan says a plugin depends on -> the kind of the edge."""
    return {dependency: edge["kind"] for dependency, edge in plan.graph.pred[plugin].items()}


def _kinds(plan: Plan, plugin: str, asked: Sequence[Dependency]) -> dict[str, str]:
    """The same as it should be, with what the plugin really imports."""
    kinds = {dependency: REQUIRES for dependency, kind in _drawn(plan, plugin).items() if kind != IMPORTS}
    for dependency in asked:
        if dependency.name in plan.steps:
            kinds[dependency.name] = joined(kinds.get(dependency.name, IMPORTS), IMPORTS)
    return kinds


def _check(plan: Plan, imports: Mapping[str, Sequence[Dependency]]) -> None:
    asked = [(plan.steps[plugin].manifest, dependency) for plugin in sorted(imports) for dependency in imports[plugin]]
    unknown = [(m, d) for m, d in asked if d.name not in plan.steps and not d.optional]
    if unknown:
        raise UnknownDependencyError(
            "plugins import what is not there",
            plugins=sorted({manifest.plugin for manifest, _ in unknown}),
            reasons=[
                f"{manifest.label} imports {dependency}, no plugin on offer{near(dependency.name, plan.steps)}"
                for manifest, dependency in unknown
            ],
        )
    wrong = [
        (manifest, dependency)
        for manifest, dependency in asked
        if dependency.name in plan.steps
        and not allows(str(dependency.specifier), plan.steps[dependency.name].manifest.version)
    ]
    if wrong:
        chosen = sorted({plan.steps[dependency.name].manifest.label for _, dependency in wrong})
        raise VersionConflictError(
            f"what plugins import does not fit the versions chosen: {', '.join(chosen)}",
            [(manifest.label, f"{dependency.name}{dependency.specifier}") for manifest, dependency in wrong],
            plugins=sorted({name for manifest, dependency in wrong for name in (manifest.plugin, dependency.name)}),
        )
