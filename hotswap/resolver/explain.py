"""Why no set of versions could be chosen, or not the newest: in sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ..errors import ResolutionError, UnknownDependencyError, VersionConflictError
from ..model import Manifest
from .demands import Demand
from .offers import Universe, near


def nothing_usable(universe: Universe, plugins: Sequence[str]) -> ResolutionError:
    """The error for plugins of which every version asks for something that nobody has."""
    unmet = [demand for plugin in sorted(plugins) for m in universe.candidates[plugin] for demand in universe.unmet(m)]
    if any(demand.imported for demand in unmet):
        return UnknownDependencyError(
            "plugins ask for what is not there",
            plugins=sorted(plugins),
            reasons=[f"{demand.by.label} {_wish(universe, demand)}" for demand in unmet],
        )
    return cannot_run(universe, unmet)


def cannot_run(universe: Universe, unmet: Sequence[Demand]) -> VersionConflictError:
    """The error for demands that neither the host nor a wheel on offer meets."""
    plugins = sorted({demand.by.plugin for demand in unmet})
    way_out = "install what is missing into its environment"
    if universe.surroundings.shelf is not None:
        way_out += (
            ", put wheels of it beside the plugins or into a directory of find_links=, allow an index (index=True)"
        )
    return VersionConflictError(
        f"{_listed(plugins)} cannot run in this host: {way_out}, or offer versions that are content with it",
        [(demand.by.label, f"{demand.text}, {_lack(universe, demand)}") for demand in unmet],
        plugins=plugins,
    )


def conflict(universe: Universe, causes: Sequence[Demand]) -> VersionConflictError:
    """The error for demands that clash, with what the other versions of those who ask would have asked for."""
    targets = sorted({demand.target for demand in causes})
    askers = sorted({demand.by.plugin for demand in causes})
    requirements = {(demand.by.label, demand.text): None for demand in causes}
    for asker in askers:
        for manifest in universe.usable(asker):
            for demand in universe.demands(manifest).plugins:
                if demand.target in targets and demand.constraint:
                    requirements[manifest.label, demand.text] = None
    offers = "; ".join(f"{target}: {_versions(universe, target)}" for target in targets)
    return VersionConflictError(
        f"no versions satisfy everybody. On offer are {offers}. Offer one that does, or take one of those who ask away",
        sorted(requirements),
        plugins=sorted({*targets, *askers}),
    )


def too_hard(plugins: Collection[str]) -> ResolutionError:
    """The error for a search that was given up."""
    return ResolutionError(
        f"gave up the search for versions of {len(plugins)} plugins that satisfy everybody; "
        "take versions that nobody needs off the offer",
        plugins=sorted(plugins),
    )


def passed_over(
    universe: Universe, manifest: Manifest, objections: Sequence[Demand], picks: Mapping[str, Manifest]
) -> str:
    """A sentence that says why a version was not chosen."""
    reasons: list[str] = []
    for demand in objections:
        if demand.by.plugin != manifest.plugin:
            reasons.append(f"{demand.by.label} requires {demand.text}")
        elif demand.target not in picks or demand in universe.unmet(manifest):
            reasons.append(f"it {_wish(universe, demand)}")
        else:
            reasons.append(f"it requires {demand.text}, chosen is {picks[demand.target].label}")
    return f"{manifest.label} is passed over: {'; '.join(sorted({*reasons}))}"


def _wish(universe: Universe, demand: Demand) -> str:
    return f"{'imports' if demand.imported else 'requires'} {demand.text}, {_lack(universe, demand)}"


def _lack(universe: Universe, demand: Demand) -> str:
    """What is the matter with a demand that nobody can meet."""
    name = demand.target
    if demand.fault:
        return demand.fault
    if name in universe.outside:
        return "a plugin on offer that `only` leaves out"
    if demand.imported:
        plugin = universe.directory.plugin_of.get(name)
        hint = (
            f"; the plugin of the distribution {name} is called {plugin}" if plugin else near(name, universe.candidates)
        )
        return f"no plugin on offer{hint}"
    version = universe.host.distributions.get(name)
    if version is None:
        return f"neither a plugin on offer nor in the host{near(name, universe.directory.plugin_of)}"
    return f"but the host has {name} {version}"


def _versions(universe: Universe, plugin: str) -> str:
    texts = []
    for manifest in universe.candidates[plugin]:
        unmet = universe.unmet(manifest)
        why = universe.kept.get(plugin)
        if unmet:
            texts.append(f"{manifest.version} (unusable: {'; '.join(_wish(universe, demand) for demand in unmet)})")
        elif why:
            texts.append(f"{manifest.version} (kept: {why})")
        else:
            texts.append(str(manifest.version))
    return ", ".join(texts)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(sorted(names))
