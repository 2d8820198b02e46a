"""`importlib`, `importlib.util` and `pkgutil`: what imports, or looks for, modules by name."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from os import PathLike, fspath
from types import ModuleType
from typing import Any

from ..loaders import RealmSourceLoader
from ..ownnames import OwnName
from ..territory import in_plain_words
from .thin import RealmNames


def importlib_(realm: RealmNames) -> dict[str, Any]:
    """What differs in a realm's `importlib`."""

    def import_module(name: str, package: str | None = None) -> ModuleType:
        if not name.startswith("."):
            return realm.leaf(name)
        if not package:
            return importlib.import_module(name, package)  # for its error
        return realm.leaf(importlib.util.resolve_name(name, realm.plain(package)))

    return {"import_module": import_module, "__import__": realm}


def importlib_util(realm: RealmNames) -> dict[str, Any]:
    """What differs in a realm's `importlib.util`."""

    def find_spec(name: str, package: str | None = None) -> Any:
        name = importlib.util.resolve_name(name, realm.plain(package) if package else package)
        names = realm.names_for(name)
        if names.owner_elsewhere(name):
            return None
        try:
            return importlib.util.find_spec(names.full(name))
        except ModuleNotFoundError as error:
            parent = name.rpartition(".")[0]
            if any(parent in territory.namespaces for territory in names.territories()):
                return None  # below a namespace package that the host has no part of
            in_plain_words(error)
            raise

    def spec_from_file_location(name: str, location: Any = None, *, loader: Any = None, **options: Any) -> Any:
        full = realm.full(name)
        if loader is None and isinstance(location, (str, PathLike)) and fspath(location).endswith(".py"):
            loader = RealmSourceLoader(full, fspath(location))
            loader.builtins = realm.builtins
        return importlib.util.spec_from_file_location(full, location, loader=loader, **options)

    return {"find_spec": find_spec, "spec_from_file_location": spec_from_file_location}


def pkgutil_(realm: RealmNames) -> dict[str, Any]:
    """What differs in a realm's `pkgutil`."""

    def get_data(package: str, resource: str) -> bytes | None:
        names = realm.names_for(package)
        names.refuse_foreign(package)
        return pkgutil.get_data(names.full(package), resource)

    def resolve_name(name: str) -> Any:
        module, colon, attribute = name.partition(":")
        names = realm.names_for(module)
        names.refuse_foreign(module)
        return pkgutil.resolve_name(names.full(module) + colon + attribute)

    def walk_packages(
        path: Iterable[str] | None = None, prefix: str = "", onerror: Callable[[str], None] | None = None
    ) -> Iterator[pkgutil.ModuleInfo]:
        # The original imports packages by `prefix + name` with the host's import.
        full = realm.full(prefix.rstrip(".")) + "." if prefix else ""
        told = (lambda name: onerror(realm.plain(name))) if onerror is not None and prefix != full else onerror
        name = OwnName if type(prefix) is OwnName else str if prefix == full else realm.plain
        for info in pkgutil.walk_packages(path, full, told):
            yield info._replace(name=name(info.name))

    def extend_path(path: Any, name: str) -> Any:
        return pkgutil.extend_path(path, realm.full(name))

    replaced = {
        "get_data": get_data,
        "resolve_name": resolve_name,
        "walk_packages": walk_packages,
        "extend_path": extend_path,
    }
    for finder in ("find_loader", "get_loader"):
        if hasattr(pkgutil, finder):  # pragma: no branch - Python 3.14 has them no more
            replaced[finder] = _by_full_name(realm, getattr(pkgutil, finder))
    return replaced


def _by_full_name(realm: RealmNames, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def call(name: Any) -> Any:
        return function(realm.full(name) if isinstance(name, str) else name)

    return call
