"""The stages in order: one load, reload or rollback from found to swapped, and the end of it all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from .calls import Caller
from .errors import NotLoadedError, ReloadVetoError, UsageError
from .exclusion import Exclusion
from .generation import Generation
from .model import Action, Incumbent, Plan
from .options import as_callback
from .report import ReloadReport
from .retirement import Retirement
from .stopwatch import Stopwatch
from .supply import Supply
from .transition import Current, Transition

ReloadCallback = Callable[[Generation, Generation], object]
LAST: Any = object()
"""Stands for the data of the load or reload before."""


class Engine:
    """Carries out changes, one at a time, whole or not at all.

    Args:
        supply: Finds, verifies, resolves, installs, and remembers.
        retirement: Frees what has drained.
        exclusion: Serialises changes.
        extension: Called once per generation.
        on_reload: Asked before each swap of a reload or rollback.
        logger: Is told of every new generation.
    """

    def __init__(
        self,
        supply: Supply,
        retirement: Retirement,
        exclusion: Exclusion,
        extension: Callable[[], Any] | None,
        on_reload: ReloadCallback | None,
        logger: logging.Logger,
    ) -> None:
        self.supply = supply
        self.retirement = retirement
        self.current = Current()
        self.exclusion = exclusion
        self.number = 0
        self.closed = False
        self._extension = as_callback("extension", extension)
        self._on_reload = as_callback("on_reload", on_reload)
        self._logger = logger
        self._data: Any = None

    def change(self, action: Action, caller: Caller, data: Any, callback: ReloadCallback | None) -> ReloadReport:
        """Load, reload or roll back, and remember how it went."""
        as_callback("callback", callback)
        try:
            with self.exclusion(action, caller):
                self._check(action)
                watch = Stopwatch()
                try:
                    report = self._carry_out(action, caller, self._data if data is LAST else data, callback, watch)
                except BaseException as error:
                    self.supply.failed(action, watch, error)
                    raise
                self.supply.succeeded(action, watch, report)
            return report
        finally:
            # What nobody executes in any more is free before the caller hears of it; the rest when it has drained.
            self.retirement.sweep()

    def _carry_out(
        self, action: Action, caller: Caller, data: Any, callback: ReloadCallback | None, watch: Stopwatch
    ) -> ReloadReport:
        old = self.generation
        plan = self.supply.plan(action, old, self.incumbents(), watch, fetching=caller.check)
        caller.check()
        with watch("installed"):
            sites = self.supply.install(plan, self.retirement.digests())
        with Transition(
            plan, sites, self.supply.open_realm, self.current, caller, self.retirement, self._logger
        ) as transition:
            self.exclusion.loading = transition.prefixes
            with watch("loaded"):
                transition.load()
            with watch("bound"):
                transition.bind()
            with watch("live"):
                # Not `self.number` alone: Ctrl-C may have come between the last swap and its being noted.
                number = max(self.number, old.number if old is not None else 0) + 1
                generation = transition.start(number, data, self._extension)
                transition.hand_over()
                if old is not None:
                    self._ask(caller, self._on_reload, generation, old)
                    self._ask(caller, callback, generation, old)
            caller.check()
            with watch("swapped"):
                transition.commit(generation)
        # retired, drained, freed and collected: see retirement.py
        self.number, self._data = generation.number, data
        report = ReloadReport(generation.number, transition.plan, watch.seconds)
        self._logger.info("generation %d: %s", generation.number, report or "no plugins")
        return report

    def close(self, caller: Caller, timeout: float | None) -> None:
        """Retire everything, wait until it has drained and been freed, and end."""
        with self.exclusion("close", caller):
            self.closed = True
            hold, self.current.hold = self.current.hold, None
            if hold is not None:
                self.retirement.retire(hold.generation.plugins, hold, at_once=True)
                del hold
        # Waited for outside: a call in flight that asks for a reload is refused, and would be waited for for ever.
        self.retirement.sweep()
        self.retirement.stop(drained=self.retirement.wait(timeout, caller))
        self.supply.close()

    @property
    def generation(self) -> Generation | None:
        """The current generation, leases apart."""
        hold = self.current.hold
        return hold.generation if hold is not None else None

    def incumbents(self) -> Mapping[str, Incumbent]:
        """What is loaded, as the resolver sees it."""
        generation = self.generation  # read once: a close in another thread takes it away
        return {plugin.name: plugin.incumbent for plugin in (generation.plugins if generation is not None else ())}

    def plan(self) -> Plan:
        """What a reload would do now."""
        if self.closed:
            raise self.not_loaded()
        return self.supply.plan("reload", self.generation, self.incumbents(), Stopwatch())

    def not_loaded(self) -> NotLoadedError:
        """Why there is no generation."""
        return NotLoadedError("the manager has been closed" if self.closed else "nothing is loaded: call load() first")

    def _check(self, action: Action) -> None:
        self.supply.check(action)
        if self.closed or (action != "load" and self.current.hold is None):
            raise self.not_loaded()
        if action == "load" and self.current.hold is not None:
            raise UsageError("the plugins are loaded already: call reload()")

    def _ask(self, caller: Caller, callback: ReloadCallback | None, new: Generation, old: Generation) -> None:
        try:
            if callback is not None:
                caller(callback, new, old)
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError):
                caller.check()  # if it is not the waiting task that was cancelled, it is the callback's own doing
            name = getattr(callback, "__qualname__", repr(callback))
            raise ReloadVetoError(f"{name} vetoed the reload: {type(error).__name__}: {error}") from error
