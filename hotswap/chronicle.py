"""What the history on disk is told, and what a rollback reads from it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from .errors import HotswapError, UsageError
from .generation import Generation
from .model import Action, HistoryEntry, LibrarySet, Manifest, RememberedPlugin, Step
from .report import ReloadReport
from .stopwatch import Stopwatch
from .store import Store, wheels_of


class Chronicle:
    """Writes one manager's history.

    Args:
        store: Has the file.
        origin: Tells where plugins come from at this moment.
        run: Identifies the manager among those that share the state dir.
        logger: Takes what prevents writing: a change that has happened is not undone for want of a line.
    """

    def __init__(self, store: Store, origin: Callable[[], str], run: str, logger: logging.Logger) -> None:
        self._store = store
        self._origin = origin
        self._run = run
        self._logger = logger
        self._last: dict[str, RememberedPlugin] = {}
        """What was remembered of the latest generation."""

    def succeeded(self, action: Action, watch: Stopwatch, report: ReloadReport) -> None:
        """Remember a new generation."""
        own = report.plan.libraries
        self._last = {name: self._remembered(step, own.get(name)) for name, step in report.plan.steps.items()}
        self._append(action, watch, report.generation, tuple(self._last.values()), "")

    def failed(self, action: Action, watch: Stopwatch, error: BaseException) -> None:
        """Remember a change that changed nothing."""
        text = "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
        self._append(action, watch, None, (), text)

    def before(self, current: Generation) -> tuple[list[Manifest], dict[str, LibrarySet | None]]:
        """The manifests, and by their digests the libraries, of the latest generation whose wheels differ from now.

        Generations of this manager come before those of others that use the state dir, or have used it; of these count
        only those with the same sources: others may be of another program.

        Raises:
            UsageError: There is none, or its site dirs have been pruned; every missing one is named.
        """
        wheels = {(p.name, p.digest, p.libraries.key if p.libraries else "") for p in current.plugins}
        entries = self._store.entries()
        others, own = ([entry for entry in entries if (entry.run == self._run) is mine] for mine in (False, True))
        origin = self._origin()
        others = [entry for entry in others if entry.sources == origin]
        for entry in reversed([*others, *own]):
            if entry.outcome == "ok" and wheels_of(entry) != wheels:
                return self._manifests(entry), self._libraries(entry)
        raise UsageError("there is nothing to go back to: the history has no generation with other wheels")

    def _manifests(self, entry: HistoryEntry) -> list[Manifest]:
        sites = [(plugin, self._store.find(plugin.digest)) for plugin in entry.plugins]
        missing = [f"{plugin.name} {plugin.version}" for plugin, site in sites if site is None]
        if missing:
            raise UsageError(
                f"generation {entry.generation} cannot come back, its site dirs are gone from {self._store.state_dir}:"
                f" {', '.join(missing)}; put the wheels into the plugin directory and reload"
            )
        return [site.manifest for _, site in sites if site is not None]

    def _libraries(self, entry: HistoryEntry) -> dict[str, LibrarySet | None]:
        found = {p.digest: self._store.find_libraries(p.libraries) if p.libraries else None for p in entry.plugins}
        missing = [f"{p.name} {p.version}" for p in entry.plugins if p.libraries and found[p.digest] is None]
        if missing:
            raise UsageError(
                f"generation {entry.generation} cannot come back, the private libraries that it had are gone from"
                f" {self._store.state_dir}: those of {', '.join(missing)}; put the wheels on offer and reload"
            )
        return found

    def _remembered(self, step: Step, libraries: LibrarySet | None) -> RememberedPlugin:
        manifest, outcome, last = step.manifest, str(step.outcome), self._last.get(step.plugin)
        key = libraries.key if libraries is not None else ""
        if last is not None and (last.digest, last.outcome, last.libraries) == (manifest.digest, outcome, key):
            return last  # as it is with most of many plugins
        return RememberedPlugin(
            name=step.plugin,
            version=str(manifest.version),
            digest=manifest.digest,
            outcome=outcome,
            distribution=manifest.name,
            site=self._store.site_name(manifest),
            libraries=key,
        )

    def _append(
        self,
        action: Action,
        watch: Stopwatch,
        generation: int | None,
        plugins: tuple[RememberedPlugin, ...],
        error: str,
    ) -> None:
        entry = HistoryEntry(
            generation=generation,
            action=action,
            at=watch.started_at,
            seconds=watch.total,
            outcome="ok" if generation is not None else "failed",
            plugins=plugins,
            error=error,
            pid=os.getpid(),
            run=self._run,
            sources=self._origin(),
        )
        try:
            self._store.append(entry)
        except (HotswapError, OSError) as failure:
            self._logger.error("the history could not be written: %s", failure)
