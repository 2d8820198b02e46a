"""Thin stand-ins for the standard modules that take import names as strings.

A realm's `import importlib` yields an overlay: what has to know the realm is replaced, everything else is the original,
and writes go to the original.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.resources
import importlib.util
import logging
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from ..model import SiteDir, canonical


class RealmNames(Protocol):
    """What the overlays need of a realm's import."""

    prefix: str

    def __call__(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        """Import as a statement in the realm would."""
        ...

    def leaf(self, name: str) -> ModuleType:
        """Import an absolute name and return the module itself."""
        ...

    def full(self, name: str) -> str:
        """The name under which the interpreter knows the module."""
        ...

    def plain(self, name: str) -> str:
        """The name by which the plugin knows the module."""
        ...

    def owner_elsewhere(self, name: str) -> str | None:
        """The other plugin the name belongs to, if any."""
        ...

    def refuse_foreign(self, name: str) -> None:
        """Raise ImportError if the name belongs to another plugin."""
        ...


class Overlay(ModuleType):
    """A module that differs from the original in a few attributes only."""

    def __init__(self, original: ModuleType, siblings: dict[str, Overlay], replacements: dict[str, Any]) -> None:
        super().__init__(original.__name__, original.__doc__)
        own = vars(self)
        for name in ("__spec__", "__loader__", "__package__"):
            own.pop(name, None)
        if not hasattr(original, "__all__"):  # for `import *`, which would look into the overlay's dict
            own["__all__"] = [name for name in dir(original) if not name.startswith("_")]
        own.update(replacements, _original=original, _siblings=siblings)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._original, name)
        if isinstance(value, ModuleType):
            return self._siblings.get(value.__name__, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._original, name, value)
        vars(self).pop(name, None)

    def __delattr__(self, name: str) -> None:
        delattr(self._original, name)

    def __dir__(self) -> Iterable[str]:
        return dir(self._original)


def make_overlays(realm: RealmNames, site: SiteDir) -> dict[str, Overlay]:
    """The overlays of one realm, by the name of the module they stand for."""
    overlays: dict[str, Overlay] = {}
    for original, replacements in (
        (importlib, _importlib(realm)),
        (importlib.util, _importlib_util(realm)),
        (importlib.metadata, _importlib_metadata(realm, site)),
        (importlib.resources, _importlib_resources(realm)),
        (pkgutil, _pkgutil(realm)),
        (logging, _logging(realm)),
    ):
        overlays[original.__name__] = Overlay(original, overlays, replacements)
    return overlays


def _importlib(realm: RealmNames) -> dict[str, Any]:
    def import_module(name: str, package: str | None = None) -> ModuleType:
        if not name.startswith("."):
            return realm.leaf(name)
        if not package:
            return importlib.import_module(name, package)  # for its error
        return realm.leaf(importlib.util.resolve_name(name, realm.plain(package)))

    return {"import_module": import_module, "__import__": realm}


def _importlib_util(realm: RealmNames) -> dict[str, Any]:
    def find_spec(name: str, package: str | None = None) -> Any:
        name = importlib.util.resolve_name(name, realm.plain(package) if package else package)
        if realm.owner_elsewhere(name):
            return None
        try:
            return importlib.util.find_spec(realm.full(name))
        except ModuleNotFoundError:
            parent = name.rpartition(".")[0]
            if realm.full(parent) != parent:
                return None  # below a namespace package that the host has no part of
            raise

    return {"find_spec": find_spec}


def _importlib_metadata(realm: RealmNames, site: SiteDir) -> dict[str, Any]:
    md = importlib.metadata
    own_name = site.manifest.name

    class RealmEntryPoint(md.EntryPoint):
        """An entry point of the plugin's own distribution: it loads from the realm."""

        def load(self) -> Any:
            target: Any = realm.leaf(self.module)
            for name in filter(None, (self.attr or "").split(".")):
                target = getattr(target, name)
            return target

    class RealmDistribution(md.PathDistribution):
        """The plugin's own distribution, in its site dir."""

        @property
        def entry_points(self) -> md.EntryPoints:
            return md.EntryPoints(
                RealmEntryPoint(point.name, point.value, point.group)._for(self)  # type: ignore[attr-defined]
                for point in super().entry_points
            )

    own = RealmDistribution(Path(site.path) / site.manifest.dist_info)

    def name_of(found: md.Distribution) -> str:
        metadata = found.metadata  # of a half-removed distribution it may be empty
        return canonical(metadata["Name"]) if "Name" in metadata else ""

    def distribution(distribution_name: str) -> md.Distribution:
        return own if canonical(distribution_name) == own_name else md.distribution(distribution_name)

    def distributions(**criteria: Any) -> Iterator[md.Distribution]:
        asked = criteria.get("name")
        if "path" not in criteria and (asked is None or canonical(asked) == own_name):
            yield own
        for found in md.distributions(**criteria):
            if name_of(found) != own_name or "path" in criteria:
                yield found

    def entry_points(**params: Any) -> md.EntryPoints:
        first: dict[str, md.Distribution] = {}
        for found in distributions():
            first.setdefault(name_of(found), found)
        points = md.EntryPoints(point for found in first.values() for point in found.entry_points)
        # Python 3.11 groups them where nothing is asked for.
        groups: Any = getattr(md, "SelectableGroups", None)
        selected: md.EntryPoints = (groups.load(points) if groups else points).select(**params)
        return selected

    def packages_distributions() -> dict[str, list[str]]:
        found = dict(md.packages_distributions())
        for name in site.manifest.provides:
            top, dot, _ = name.partition(".")
            found[top] = [*dict.fromkeys([own.metadata["Name"], *(found.get(top, ()) if dot else ())])]
        return found

    return {
        "distribution": distribution,
        "distributions": distributions,
        "entry_points": entry_points,
        "packages_distributions": packages_distributions,
        "version": lambda name: distribution(name).version,
        "metadata": lambda name: distribution(name).metadata,
        "requires": lambda name: distribution(name).requires,
        "files": lambda name: distribution(name).files,
    }


def _importlib_resources(realm: RealmNames) -> dict[str, Any]:
    def anchored(name: str) -> Callable[..., Any]:
        function = getattr(importlib.resources, name)

        def call(anchor: Any = None, *args: Any, **kwargs: Any) -> Any:
            if anchor is None:
                # The original looks at its caller's frame, which would be this one.
                anchor = kwargs.pop("package", None) or sys._getframe(1).f_globals["__name__"]
            if isinstance(anchor, str):
                anchor = realm.leaf(anchor)
            return function(anchor, *args, **kwargs)

        return call

    names = ("files", "contents", "is_resource", "open_binary", "open_text", "path", "read_binary", "read_text")
    return {name: anchored(name) for name in names if hasattr(importlib.resources, name)}


def _pkgutil(realm: RealmNames) -> dict[str, Any]:
    def get_data(package: str, resource: str) -> bytes | None:
        realm.refuse_foreign(package)
        return pkgutil.get_data(realm.full(package), resource)

    def resolve_name(name: str) -> Any:
        module, colon, attribute = name.partition(":")
        realm.refuse_foreign(module)
        return pkgutil.resolve_name(realm.full(module) + colon + attribute)

    def walk_packages(
        path: Iterable[str] | None = None, prefix: str = "", onerror: Callable[[str], None] | None = None
    ) -> Iterator[pkgutil.ModuleInfo]:
        # The original imports packages by `prefix + name` with the host's import.
        full = realm.full(prefix.rstrip(".")) + "." if prefix else ""
        told = (lambda name: onerror(realm.plain(name))) if onerror is not None and prefix != full else onerror
        for info in pkgutil.walk_packages(path, full, told):
            yield info if prefix == full else info._replace(name=realm.plain(info.name))

    return {"get_data": get_data, "resolve_name": resolve_name, "walk_packages": walk_packages}


def _logging(realm: RealmNames) -> dict[str, Any]:
    def get_logger(name: str | None = None) -> logging.Logger:
        # Users configure logging by the plugin's own module names, and a logger never dies: the realm's name would
        # leave one behind with every reload.
        return logging.getLogger(realm.plain(name) if name else name)

    return {"getLogger": get_logger}
