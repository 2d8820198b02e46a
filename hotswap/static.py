"""Static mode: plugins that are part of the program, with the same lifecycle, without isolation and reload."""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from packaging.version import InvalidVersion, Version

from .errors import StaticModeError, UsageError
from .generation import Generation
from .libraries import LibraryOptions
from .model import (
    ENTRY_POINT_GROUP,
    LIVE_PREFIX,
    Action,
    Candidate,
    Incumbent,
    Manifest,
    Plan,
    SiteDir,
    canonical,
    is_name,
)
from .options import as_names
from .planning import Planner, Sources, as_sources
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
        package: The package or module whose code is the plugin's own, as a dotted name. Default: the outermost one
            around the target that is called like the plugin, else the target itself if it is a module.
    """

    target: Any
    version: str | None = None
    live_prefix: str = LIVE_PREFIX
    package: str | None = None


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
        provision = Provision(libraries, store.wheelhouse, store.find_libraries, store.find_library, logger)
        return WheelSupply(Planner(as_sources(sources), only, store.scratch, logger, provision), store, logger)
    if sources is not None:
        raise UsageError("static= is in place of sources: pass one of them")
    if libraries.given:
        raise UsageError("in static mode plugins have no libraries of their own: leave out static=, or the others")
    return StaticSupply(static, only, store, logger)


class StaticSupply:
    """Hands out the plugins that the program has imported itself.

    Args:
        static: Plugin name -> plugin.
        only: Names of the plugins to load, or None for all.
        store: Serves whoever asks for the history or prunes; nothing is installed or remembered.
        logger: Is told that this is static mode.

    Raises:
        UsageError: It is not what it should be; everything wrong with it is listed.
    """

    static = True

    def __init__(self, static: Static, only: Collection[str] | None, store: Store, logger: logging.Logger) -> None:
        if not isinstance(static, Mapping):
            raise UsageError(f"static= is a {type(static).__name__} and no mapping: pass {{'name': module, ...}}")
        self._only = as_names(only)
        self._logger = logger
        self.close = store.close
        plugins = {
            name: given if isinstance(given, StaticPlugin) else StaticPlugin(given) for name, given in static.items()
        }
        if faults := list(_faults(plugins)):
            raise UsageError(f"static= cannot be used: {'; '.join(faults)}")
        self._targets = {canonical(name): plugin.target for name, plugin in plugins.items()}
        self._sites = {canonical(name): _site(canonical(name), plugin) for name, plugin in plugins.items()}

    def check(self, action: Action) -> None:
        """See `Supply`."""
        if action != "load":
            raise _refusal(action)

    def plan(
        self,
        action: Action,
        current: Generation | None,
        incumbents: Mapping[str, Incumbent],
        watch: Stopwatch,
        fetching: Callable[[], None] | None = None,
    ) -> Plan:
        """See `Supply`."""
        manifests = [site.manifest for site in self._sites.values()]
        with watch("resolved"):
            plan = resolve(manifests, read_host(), incumbents=incumbents, only=self._only)
        return replace(plan, notes=(*plan.notes, "running in static mode: nothing is reloaded")) if incumbents else plan

    def set_sources(self, sources: Sources) -> None:
        """See `Supply`."""
        raise _refusal("set_sources")

    def install(self, plan: Plan, in_use: Collection[str]) -> Mapping[str, SiteDir]:
        """See `Supply`; nothing is to be done but to say so."""
        self._logger.warning("running in static mode: plugins are not isolated, and cannot be reloaded")
        return self._sites

    def open_realm(self, site: SiteDir) -> RealmLike:
        """See `Supply`."""
        return Linked(site, self._targets[site.manifest.plugin])

    def succeeded(self, action: Action, watch: Stopwatch, report: ReloadReport) -> None:
        """See `Supply`; nothing is written to disk, where a frozen program may have no place."""

    def failed(self, action: Action, watch: Stopwatch, error: BaseException) -> None:
        """See `Supply`."""


def _refusal(action: str) -> StaticModeError:
    return StaticModeError(
        f"{action}: running in static mode, in which plugins are part of the program; restart it, or leave out static="
    )


# ------------------------------------------------------------------------------------- what the host has passed


def _faults(plugins: Mapping[Any, StaticPlugin]) -> Iterator[str]:
    """Everything that is wrong with it, in words."""
    names: dict[str, Any] = {}
    for name, plugin in plugins.items():
        if not isinstance(name, str) or not is_name(name):
            yield f"the name {name!r} is not made of ASCII letters, digits, `-`, `_` and `.`"
        elif (first := names.setdefault(canonical(name), name)) != name:
            yield f"{first} and {name} are one name (PEP 503)"
        if plugin.target is None or isinstance(plugin.target, str):
            yield f"{name} is {plugin.target!r}: pass the imported module, or the object that has the seven functions"
        if plugin.version is not None and not _is_version(plugin.version):
            yield f"{name} has the version {plugin.version!r}, which is none (PEP 440)"
        prefix: Any = plugin.live_prefix
        if not isinstance(prefix, str) or not prefix.isidentifier() or not prefix.strip("_"):
            yield f"{name} has the live prefix {prefix!r}, with which no name of a function begins"
        if plugin.package is not None and not isinstance(sys.modules.get(plugin.package), ModuleType):
            yield f"{name} has the package {plugin.package!r}, which has not been imported"


def _is_version(text: object) -> bool:
    try:
        return isinstance(text, str) and Version(text) is not None
    except InvalidVersion:
        return False


def _site(name: str, plugin: StaticPlugin) -> SiteDir:
    """What a wheel's site dir and manifest would say of it."""
    module = _module_name(plugin.target)
    file = getattr(sys.modules.get(module), "__file__", None)
    root, entry = _place(module, Path(file or sys.executable).absolute())
    own = _own(name, plugin, module)
    digest = _digest(file, module)
    version = Version(plugin.version or _installed_version(name, own or module))
    manifest = Manifest(
        plugin=name,
        name=name,
        version=version,
        digest=digest,
        candidate=Candidate(name, version, Path(file or sys.executable), digest, "static", in_host=True),
        entry_module=entry,
        entry_attr="",
        provides=(own,) if own else (),
        dist_info="",
        live_prefix=plugin.live_prefix,
    )
    return SiteDir(root, manifest, reused=True)


def _module_name(target: Any) -> str:
    """The module that a target is, or that its class is from."""
    if isinstance(target, ModuleType):
        return target.__name__
    return str((target if isinstance(target, type) else type(target)).__module__)


def _own(name: str, plugin: StaticPlugin, module: str) -> str | None:
    """The package or module that belongs to the plugin alone; the host's own must not be among it.

    Rejected: the outermost package, as with wheels. A program that has its plugins in a package of its own would be
    the plugin, and could not close its manager.
    """
    if plugin.package is not None:
        return plugin.package
    parts = module.split(".")
    around = [".".join(parts[: depth + 1]) for depth, part in enumerate(parts) if _is_called(part, name)]
    return around[0] if around else module if isinstance(plugin.target, ModuleType) else None


def _is_called(part: str, name: str) -> bool:
    return canonical(part) == name


def _place(module: str, file: Path) -> tuple[Path, str]:
    """Where an import would have found the file, and by which name."""
    stem = file.parent if file.stem == "__init__" else file.with_suffix("")
    parts = module.split(".")
    if list(stem.parts[-len(parts) :]) != parts:
        return file.parent, file.stem  # what is run as `__main__`, or imported by a path
    return stem.parents[len(parts) - 1], module


def _digest(file: str | None, module: str) -> str:
    try:
        content = Path(file or "").read_bytes()
    except OSError:  # in an archive, or in the program's own file
        content = module.encode()
    return hashlib.sha256(content).hexdigest()


def _installed_version(name: str, package: str) -> str:
    """The version of the distribution that declares the plugin, else of the only one that brings its package."""
    top = package.partition(".")[0]
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        if canonical(point.name) == name and point.module.partition(".")[0] == top and point.dist is not None:
            return point.dist.version
    owners = {*importlib.metadata.packages_distributions().get(top, ())}
    return importlib.metadata.version(owners.pop()) if len(owners) == 1 else "0"
