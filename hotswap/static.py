"""Static mode: plugins that are part of the program, with the same lifecycle, without isolation and reload."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import logging
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from packaging.version import InvalidVersion, Version

from .errors import StaticModeError, UsageError
from .generation import Generation
from .libraries import LibraryOptions
from .model import LIVE_PREFIX, Action, BuildInfo, Candidate, Incumbent, Manifest, Plan, SiteDir, canonical
from .planning import Planner, Sources, as_names, as_sources
from .provision import Provision
from .realm import Linked
from .report import ReloadReport
from .resolver import resolve
from .retired import RealmLike
from .sources import read_host
from .stopwatch import Stopwatch
from .store import Store
from .supply import Supply, WheelSupply

Static = Mapping[str, Any]
"""Plugin name -> its module, the object in one that has the seven functions, or a `StaticPlugin`."""


@dataclass(frozen=True, slots=True)
class StaticPlugin:
    """A plugin that is part of the program, with what its wheel would have said of it.

    Attributes:
        target: Its module, or the object that has the seven functions.
        version: Default: that of the installed distribution that brings the module, else "0".
        live_prefix: What the names of its live functions and live types begin with.
    """

    target: Any
    version: str | None = None
    live_prefix: str = LIVE_PREFIX


def make_supply(
    sources: Sources,
    static: Static | None,
    only: Collection[str] | None,
    store: Store,
    logger: logging.Logger,
    libraries: LibraryOptions,
) -> Supply:
    """Wheels from `sources`, or in static mode the program's own plugins.

    Raises:
        UsageError: Both are asked for, or one of them is not what it should be.
    """
    if static is None:
        provision = Provision(libraries, store.wheelhouse, store.find_libraries, logger)
        return WheelSupply(Planner(as_sources(sources), only, store.scratch, logger, provision), store, logger)
    if sources is not None:
        raise UsageError("static= is in place of sources: pass one of them")
    if libraries.given:
        raise UsageError("in static mode plugins have no libraries of their own: leave out static=, or the others")
    return StaticSupply(static, only, logger)


class StaticSupply:
    """Hands out the plugins that the program has imported itself.

    Args:
        static: Plugin name -> plugin.
        only: Names of the plugins to load, or None for all.
        logger: Is told that this is static mode.

    Raises:
        UsageError: Names that are one, versions that are none.
    """

    static = True

    def __init__(self, static: Static, only: Collection[str] | None, logger: logging.Logger) -> None:
        self._only = as_names(only)
        self._logger = logger
        self._targets: dict[str, object] = {}
        self._sites: dict[str, SiteDir] = {}
        if not isinstance(static, Mapping):
            raise UsageError(f"static={static!r} is no mapping: pass {{'name': module, ...}}")
        for name, given in static.items():
            plugin = given if isinstance(given, StaticPlugin) else StaticPlugin(given)
            site = _site(name, plugin)
            if site.manifest.plugin in self._sites:
                raise UsageError(f"static= has {canonical(name)} twice: names are compared as PEP 503 does")
            self._sites[site.manifest.plugin] = site
            self._targets[site.manifest.plugin] = plugin.target

    def check(self, action: Action) -> None:
        """See `Supply`."""
        if action != "load":
            raise _refusal(action)
        self._logger.warning("running in static mode: plugins are not isolated, and cannot be reloaded")

    def plan(
        self,
        action: Action,
        current: Generation | None,
        incumbents: Mapping[str, Incumbent],
        watch: Stopwatch,
        fetch: bool = False,
    ) -> Plan:
        """See `Supply`."""
        manifests = [site.manifest for site in self._sites.values()]
        with watch("resolved"):
            return resolve(manifests, read_host(), incumbents=incumbents, only=self._only)

    def set_sources(self, sources: Sources) -> None:
        """See `Supply`."""
        raise _refusal("set_sources")

    def install(self, plan: Plan, in_use: Collection[str]) -> Mapping[str, SiteDir]:
        """See `Supply`."""
        return self._sites

    def open_realm(self, site: SiteDir) -> RealmLike:
        """See `Supply`."""
        return Linked(site, self._targets[site.manifest.plugin])

    def succeeded(self, action: Action, watch: Stopwatch, report: ReloadReport) -> None:
        """See `Supply`; nothing is written to disk, where a frozen program may have no place."""

    def failed(self, action: Action, watch: Stopwatch, error: BaseException) -> None:
        """See `Supply`."""

    def close(self) -> None:
        """See `Supply`."""


def _refusal(action: str) -> StaticModeError:
    return StaticModeError(
        f"{action}: running in static mode, in which plugins are part of the program; restart it, or leave out static="
    )


def _site(name: str, plugin: StaticPlugin) -> SiteDir:
    module = _module_of(plugin.target)
    entry = module.__name__
    root = _root(entry)
    file = getattr(module, "__file__", None)
    path = Path(file) if file is not None else Path(sys.executable)
    depth = entry.count(".") + (path.stem == "__init__")
    try:
        version = Version(plugin.version if plugin.version is not None else _installed_version(root))
    except InvalidVersion:
        raise UsageError(f"static= gives {name} the version {plugin.version!r}, which is none (PEP 440)") from None
    digest = hashlib.sha256(path.read_bytes() if file is not None and path.is_file() else entry.encode()).hexdigest()
    candidate = Candidate(canonical(name), version, path, digest, "static", in_host=True)
    manifest = Manifest(
        plugin=canonical(name),
        name=canonical(name),
        version=version,
        digest=digest,
        candidate=candidate,
        entry_module=entry,
        entry_attr="",
        provides=(root,),
        dist_info="",
        build=BuildInfo(datetime.now(UTC), live_prefix=plugin.live_prefix),
    )
    return SiteDir(path.parents[depth] if file is not None else path.parent, manifest, reused=True)


def _module_of(target: Any) -> ModuleType:
    module = target if isinstance(target, ModuleType) else inspect.getmodule(target) or inspect.getmodule(type(target))
    assert module is not None
    return module


def _root(module: str) -> str:
    """The outermost package that is not merely a namespace, which may be shared with other plugins."""
    names = module.split(".")
    for depth in range(1, len(names)):
        name = ".".join(names[:depth])
        if getattr(sys.modules.get(name), "__file__", None) is not None:
            return name
    return module


def _installed_version(root: str) -> str:
    top = root.partition(".")[0]
    for distribution in importlib.metadata.packages_distributions().get(top, ()):
        return importlib.metadata.version(distribution)
    return "0"
