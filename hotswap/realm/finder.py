"""The one finder on `sys.meta_path`, and the loaders that give a module its realm's builtins."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Protocol

from ..model import Manifest, SiteDir

PARENT = "hotswap.realms"
_PREFIX = PARENT + "."


class FinderRealm(Protocol):
    """What the finder needs of a realm."""

    id: str
    site: SiteDir

    def locate(self, fullname: str, path: Sequence[str]) -> ModuleSpec | None:
        """The spec of one of the realm's modules, or None."""
        ...


class RealmSourceLoader(SourceFileLoader):
    """Loads a .py file, from its byte code where the store has made some, with its realm's builtins."""

    builtins: dict[str, Any]

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        # `exec` adds builtins only where there are none, so setting them first is all it takes.
        module.__dict__["__builtins__"] = self.builtins
        super().exec_module(module)

    def get_code(self, fullname: str) -> CodeType | None:
        """The module's code, from the site dir's own byte code also where the host keeps its elsewhere."""
        if sys.pycache_prefix is not None and (cached := _inside_cache(self.path)).is_file():
            return SourcelessFileLoader(fullname, str(cached)).get_code(fullname)
        return super().get_code(fullname)

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Write no byte code: site dirs never change."""


def _inside_cache(source: str) -> Path:
    """Where byte code lies beside its source, which `importlib.util.cache_from_source` tells only without a prefix."""
    level = f".opt-{sys.flags.optimize}" if sys.flags.optimize else ""
    path = Path(source)
    return path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}{level}.pyc"


class RealmSourcelessLoader(SourcelessFileLoader):
    """Loads a .pyc file that lies where the source would, with its realm's builtins."""

    builtins: dict[str, Any]

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        module.__dict__["__builtins__"] = self.builtins
        super().exec_module(module)


def path_entry_finder(directory: str, builtins: dict[str, Any]) -> FileFinder:
    """A finder for one directory that makes realm loaders.

    It is not taken from `sys.path_importer_cache`, which would hand out the host's loaders and keep the directory.
    """

    def with_builtins(loader_type: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
        def make(fullname: str, path: str) -> Any:
            loader = loader_type(fullname, path)
            loader.builtins = builtins
            return loader

        return make

    return FileFinder(
        directory,
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (with_builtins(RealmSourceLoader), SOURCE_SUFFIXES),  # type: ignore[arg-type]
        (with_builtins(RealmSourcelessLoader), BYTECODE_SUFFIXES),  # type: ignore[arg-type]
    )


class RealmFinder(MetaPathFinder):
    """Answers for `hotswap.realms.*` and nothing else."""

    def __init__(self) -> None:
        self._realms: dict[str, FinderRealm] = {}
        self._claims: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, realm: FinderRealm) -> None:
        """Open a realm to imports; with the first one the finder takes its place on `sys.meta_path`."""
        with self._lock:
            self._realms[realm.id] = realm
            self._claims.update(_tops(realm))
            if self not in sys.meta_path:
                # First, because the standard path finder behind it would find the same files with the host's loaders.
                sys.meta_path.insert(0, self)

    def remove(self, realm: FinderRealm) -> None:
        """Close a realm to imports; with the last one the finder leaves `sys.meta_path`."""
        with self._lock:
            if self._realms.pop(realm.id, None) is not None:
                # Subtraction of counters drops what has come down to zero.
                self._claims -= Counter(_tops(realm))
            if not self._realms and self in sys.meta_path:
                sys.meta_path.remove(self)

    def claims(self, top: str) -> bool:
        """True if any open realm has modules below this top-level name; the quick question before `owners_of`."""
        return top in self._claims

    def owners_of(self, name: str) -> Iterator[Manifest]:
        """The plugins with an open realm that a module name, as plugins write it, belongs to."""
        realms = list(self._realms.values())
        while name:
            for realm in realms:
                if name in realm.site.manifest.provides:
                    yield realm.site.manifest
            name = name.rpartition(".")[0]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        if not fullname.startswith(_PREFIX):
            return None
        realm_id, dot, _ = fullname[len(_PREFIX) :].partition(".")
        realm = self._realms.get(realm_id)
        return realm.locate(fullname, path) if realm is not None and dot and path is not None else None

    def invalidate_caches(self) -> None:
        """Site dirs never change, so there is nothing to forget."""


def _tops(realm: FinderRealm) -> set[str]:
    return {name.partition(".")[0] for name in realm.site.manifest.provides}


FINDER = RealmFinder()
