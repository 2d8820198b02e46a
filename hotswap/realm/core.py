"""A realm from opening to tear-down."""

from __future__ import annotations

import builtins
import itertools
import linecache
import re
import sys
import weakref
from collections.abc import Sequence
from functools import reduce
from importlib.machinery import FileFinder, ModuleSpec
from types import ModuleType
from typing import Any

from .. import realms
from ..errors import LifecycleError
from ..model import SiteDir
from .finder import FINDER, PARENT, path_entry_finder
from .importing import RealmImport

_serial = itertools.count(1)


class Realm:
    """One loaded plugin version's own world of imports.

    Args:
        site: The site dir, complete on disk.
    """

    def __init__(self, site: SiteDir) -> None:
        manifest = site.manifest
        self.site = site
        self.path = str(site.path)
        # The serial tells a rebound plugin's realm from the one it replaces: same version, same wheel, another life.
        stem = f"{manifest.plugin}_{manifest.version}_{manifest.digest[:4]}_{next(_serial)}"
        self.id = re.sub(r"\W", "_", stem)
        self.name = f"{PARENT}.{self.id}"
        self.prefix = self.name + "."
        self.closed = False
        self.modules: weakref.WeakValueDictionary[str, ModuleType] = weakref.WeakValueDictionary()
        """Every module the realm has ever held and that is still alive, open or not."""
        self.builtins: dict[str, Any] = dict(vars(builtins))
        self.import_ = RealmImport(self.prefix, site, self.builtins)
        self._finders: dict[str, FileFinder] = {}

        package = ModuleType(self.name, f"The realm of {manifest.label}.")
        package.__path__ = [self.path]
        package.__package__ = self.name
        package.__spec__ = ModuleSpec(self.name, None, is_package=True)
        package.__spec__.submodule_search_locations = package.__path__
        self.modules[self.name] = package
        sys.modules[self.name] = package
        setattr(realms, self.id, package)
        FINDER.add(self)

    def __repr__(self) -> str:
        return f"<Realm {self.id}{' closed' if self.closed else ''}>"

    def load(self, module: str, attribute: str = "") -> Any:
        """Import the module an entry point names and return it, or the object inside it.

        Args:
            module: Dotted name as the plugin itself would write it.
            attribute: Dotted path inside the module, or "" for the module.

        Raises:
            LifecycleError: The module's code raised, or the attribute is not there; the exception is its cause.
        """
        try:
            return reduce(getattr, filter(None, attribute.split(".")), self.import_.leaf(module))
        except (Exception, SystemExit) as error:
            raise LifecycleError(self.site.manifest.plugin, f"importing {module}", error, stage="loaded") from error

    def locate(self, fullname: str, path: Sequence[str]) -> ModuleSpec | None:
        """Find one of the realm's modules; called by the finder on `sys.meta_path`."""
        portions: list[str] = []
        for directory in path:
            finder = self._finders.get(directory)
            if finder is None:
                finder = self._finders[directory] = path_entry_finder(directory, self.builtins)
            spec = finder.find_spec(fullname)
            if spec is None:
                continue
            if spec.loader is not None:
                return spec
            portions += spec.submodule_search_locations or ()
        if not portions:
            return None
        namespace = ModuleSpec(fullname, None, is_package=True)
        namespace.submodule_search_locations = portions
        return namespace

    def alive(self) -> list[ModuleType]:
        """The realm's modules that still exist; empty once a closed realm has been collected."""
        self._note_modules()
        return list(self.modules.values())

    def close(self) -> None:
        """Tear the realm down: no import reaches it any more, and every cache that hotswap knows of forgets it.

        Module namespaces are left as they are: emptying them would break code that somebody may still hold. They go
        when nobody refers to them.
        """
        if self.closed:
            return
        self._note_modules()
        self.closed = True
        FINDER.remove(self)
        for name in self._names():
            sys.modules.pop(name, None)
        vars(realms).pop(self.id, None)
        self._finders.clear()
        self.import_.close()
        for directory in [d for d in list(sys.path_importer_cache) if self._is_inside(d)]:
            sys.path_importer_cache.pop(directory, None)
        for file in [f for f in list(linecache.cache) if self._is_inside(f)]:
            linecache.cache.pop(file, None)

    def _names(self) -> list[str]:
        return [name for name in list(sys.modules) if name == self.name or name.startswith(self.prefix)]

    def _note_modules(self) -> None:
        for name in self._names():
            if isinstance(module := sys.modules.get(name), ModuleType):
                self.modules[name] = module

    def _is_inside(self, file: str) -> bool:
        return file == self.path or file.startswith(self.path + "/")
