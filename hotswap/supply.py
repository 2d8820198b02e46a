"""Where the plugins of a change come from, and where it is remembered: found to installed, without the loading."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Protocol

from . import realms
from .chronicle import Chronicle
from .generation import Generation
from .model import Action, Incumbent, Plan, SiteDir
from .planning import Planner, Sources, as_sources
from .realm import Realm
from .report import ReloadReport
from .retired import RealmLike
from .stopwatch import Stopwatch
from .store import Store


class Supply(Protocol):
    """What the engine asks for plugins: wheels, or in static mode modules of the program itself."""

    static: bool

    def check(self, action: Action) -> None:
        """Refuse what it cannot serve.

        Raises:
            StaticModeError: A reload or rollback in static mode.
        """
        ...

    def plan(
        self,
        action: Action,
        current: Generation | None,
        incumbents: Mapping[str, Incumbent],
        watch: Stopwatch,
        fetching: Callable[[], None] | None = None,
    ) -> Plan:
        """Found, verified, resolved: what a change would do now; `fetching` as in `Planner.plan`."""
        ...

    def set_sources(self, sources: Sources) -> None:
        """Take plugins from elsewhere from now on.

        Raises:
            StaticModeError: In static mode.
        """
        ...

    def install(self, plan: Plan, in_use: Collection[str]) -> Mapping[str, SiteDir]:
        """Installed: where the plugins that a plan imports afresh lie; `in_use` are digests to be kept."""
        ...

    def open_realm(self, site: SiteDir) -> RealmLike:
        """Where the modules of a site dir are going to live."""
        ...

    def succeeded(self, action: Action, watch: Stopwatch, report: ReloadReport) -> None:
        """Remember a new generation."""
        ...

    def failed(self, action: Action, watch: Stopwatch, error: BaseException) -> None:
        """Remember a change that changed nothing."""
        ...

    def close(self) -> None:
        """Nothing more is asked for."""
        ...


class WheelSupply:
    """Plugins from wheels and installed distributions, in site dirs and realms of their own.

    Args:
        planner: Finds, verifies and resolves.
        store: Installs and remembers.
        logger: Takes what prevents remembering.
    """

    static = False

    def __init__(self, planner: Planner, store: Store, logger: logging.Logger) -> None:
        self._planner = planner
        self._store = store
        self._chronicle = Chronicle(store, lambda: planner.origin, uuid.uuid4().hex, logger)
        self.succeeded = self._chronicle.succeeded
        self.failed = self._chronicle.failed
        self._announced = ""

    def check(self, action: Action) -> None:
        """See `Supply`."""

    def plan(
        self,
        action: Action,
        current: Generation | None,
        incumbents: Mapping[str, Incumbent],
        watch: Stopwatch,
        fetching: Callable[[], None] | None = None,
    ) -> Plan:
        """See `Supply`."""
        if action != "rollback":
            return self._planner.plan(incumbents, watch, fetching=fetching)
        assert current is not None, "the engine has checked"
        return self._planner.go_back(*self._chronicle.before(current), incumbents, watch)

    def set_sources(self, sources: Sources) -> None:
        """See `Supply`."""
        self._planner.sources = as_sources(sources)

    def install(self, plan: Plan, in_use: Collection[str]) -> Mapping[str, SiteDir]:
        """See `Supply`."""
        sets = plan.libraries
        plugins = (step.manifest.digest for step in plan.steps.values())
        self._store.hold({*in_use, *plugins, *(libraries.key for libraries in sets.values())})
        fresh = [step.manifest for step in plan.steps.values() if step.fresh]
        own = self._store.install_libraries(sets[m.plugin] for m in fresh if m.plugin in sets)
        sites = self._store.install(fresh)
        return {
            name: replace(site, libraries=own[sets[name].key]) if name in sets else site for name, site in sites.items()
        }

    def open_realm(self, site: SiteDir) -> RealmLike:
        """See `Supply`."""
        if not self._announced:
            self._announced = str(self._store.state_dir)
            realms.STATE_DIRS.announce(self._announced)
        return Realm(site)

    def close(self) -> None:
        """See `Supply`."""
        if self._announced:
            realms.STATE_DIRS.withdraw(self._announced)
            self._announced = ""
        self._store.close()
