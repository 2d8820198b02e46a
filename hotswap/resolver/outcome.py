"""What becomes of each plugin, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import ReloadVetoError
from ..model import Incumbent, LibrarySet, Manifest, Outcome, Step
from .offers import PENDING, UNRELOADABLE, Universe
from .worlds import World


def outcomes(
    universe: Universe, picks: Mapping[str, Manifest], order: Iterable[str], worlds: Mapping[str, World]
) -> dict[str, Step]:
    """One step per plugin, in load order.

    Raises:
        ReloadVetoError: A plugin that may not be replaced imports one that is.
    """
    steps: dict[str, Step] = {}
    moved: dict[str, str] = {plugin: "gone" for plugin in universe.incumbents if plugin not in picks}
    vetoes: list[str] = []
    for plugin in order:
        manifest, incumbent = picks[plugin], universe.incumbents.get(plugin)
        if incumbent is None:
            step = Step(plugin, Outcome.LOADED, manifest, "not loaded yet")
        elif incumbent.manifest.digest != manifest.digest:
            step = Step(
                plugin, Outcome.RELOADED, manifest, _comparison(manifest, incumbent.manifest), incumbent.manifest
            )
        else:
            step = _stay(universe, incumbent, moved, worlds[plugin])
            if step.outcome is Outcome.REBOUND and not incumbent.reloadable:
                vetoes.append(f"{manifest.label} is not reloadable and {step.reason}")
        steps[plugin] = step
        if step.fresh:
            moved[plugin] = _MOVES[step.outcome]
    if vetoes:
        raise ReloadVetoError("\n".join([*vetoes, "keep what they import as it is, or restart the process"]))
    return steps


_MOVES = {Outcome.LOADED: "new", Outcome.RELOADED: "replaced", Outcome.REBOUND: "replaced"}


def removals(universe: Universe, picks: Mapping[str, Manifest]) -> dict[str, Step]:
    """One step per plugin that goes, by name."""
    return {
        plugin: Step(
            plugin,
            Outcome.REMOVED,
            incumbent.manifest,
            "left out by `only`" if plugin in universe.outside else "no longer on offer",
            incumbent.manifest,
        )
        for plugin, incumbent in sorted(universe.incumbents.items())
        if plugin not in picks
    }


def _stay(universe: Universe, incumbent: Incumbent, moved: Mapping[str, str], world: World) -> Step:
    """The step of a plugin whose wheel stays the same."""
    manifest = incumbent.manifest
    plugin = manifest.plugin
    for dependency in incumbent.imports:
        if dependency.name in moved:
            reason = f"imports {dependency.name}, which is {moved[dependency.name]}"
            return Step(plugin, Outcome.REBOUND, manifest, reason, incumbent.manifest)
    if world.fetch or world.libraries != incumbent.libraries:
        reason = f"its private libraries change: {_difference(incumbent.libraries, world.libraries)}"
        return Step(plugin, Outcome.REBOUND, manifest, reason, incumbent.manifest)
    reason = "same wheel"
    why, waiting = universe.kept.get(plugin), universe.waiting.get(plugin)
    if why == UNRELOADABLE:
        if waiting is None:
            reason = "not reloadable, so it stays although it is not on offer"
        elif waiting.digest != manifest.digest:
            reason = f"not reloadable; {waiting.version} waits for the next start of the process"
            return Step(plugin, Outcome.NOT_RELOADABLE, manifest, reason, incumbent.manifest)
    elif why == PENDING:
        reason = why
    return Step(plugin, Outcome.UNCHANGED, manifest, reason, incumbent.manifest)


def _difference(old: LibrarySet | None, new: LibrarySet | None) -> str:
    before, after = ({lib.name: lib for lib in chosen.libraries} if chosen else {} for chosen in (old, new))
    changes = []
    for name in sorted(before.keys() | after.keys()):
        was, will = before.get(name), after.get(name)
        if was is None or will is None:
            changes.append(
                f"{name} {was.version if was else 'not private'} -> {will.version if will else 'not private'}"
            )
        elif was.digest != will.digest:
            changes.append(f"{name} {was.version} -> {will.version}")
    return ", ".join(changes) or "what has to be fetched will tell"


def _comparison(new: Manifest, old: Manifest) -> str:
    if new.version == old.version:
        return f"another wheel of {new.label}"
    return f"{new.label} is {'newer' if new.version > old.version else 'older'} than {old.version}"
