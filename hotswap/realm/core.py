"""A realm from opening to tear-down."""

from __future__ import annotations

import builtins
import inspect
import itertools
import linecache
import logging
import re
import sys
import typing
import weakref
from collections.abc import Sequence
from functools import reduce
from importlib.machinery import FileFinder, ModuleSpec, NamespaceLoader
from types import ModuleType
from typing import Any

from .. import realms
from ..errors import LifecycleError
from ..model import SiteDir
from .finder import FINDER, PARENT, path_entry_finder
from .importing import RealmImport
from .leaks import executing, holders
from .owners import claim, release

_serial = itertools.count(1)


class _Anchor:
    """Something that weak references can point at, which dicts are not."""

    __slots__ = ("__weakref__",)


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
        """The modules of a closed realm that still exist."""
        # Modules, functions and frames of the realm all refer to their builtins, so the anchor in them lives as long as
        # any of these; a module object alone may die while its functions live on.
        anchor = _Anchor()
        self._anchor = weakref.ref(anchor)
        own_builtins = ModuleType("builtins")
        self.builtins: dict[str, Any] = vars(own_builtins)
        self.builtins.update(vars(builtins), __hotswap_anchor__=anchor)
        self._import: RealmImport | None = RealmImport(self.prefix, site, own_builtins)
        self._finders: dict[str, FileFinder] = {}

        package = ModuleType(self.name, f"The realm of {manifest.label}.")
        package.__path__ = [self.path]
        package.__package__ = self.name
        package.__spec__ = ModuleSpec(self.name, None, is_package=True)
        package.__spec__.submodule_search_locations = package.__path__
        sys.modules[self.name] = package
        setattr(realms, self.id, package)
        claim(self.name, manifest)
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
        own_import = self._import
        assert own_import is not None, "a closed realm loads nothing"
        try:
            return reduce(getattr, filter(None, attribute.split(".")), own_import.leaf(module))
        except (Exception, SystemExit) as error:
            if isinstance(error, AttributeError):
                error.args = (own_import.plain(str(error)),)
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
        # With a loader, because importlib.resources asks that of a directory of data files.
        namespace = ModuleSpec(fullname, NamespaceLoader(fullname, portions, self.locate), is_package=True)
        namespace.submodule_search_locations = portions
        return namespace

    def alive(self) -> bool:
        """False once a closed realm has been collected: no module, function or frame of it is left."""
        return self._anchor() is not None or len(self.modules) > 0

    def loaded(self) -> list[ModuleType]:
        """The modules that have been imported, in the order of their import."""
        return [module for name in self._names() if isinstance(module := sys.modules.get(name), ModuleType)]

    def executing(self) -> tuple[str, ...]:
        """Who executes in the realm's modules, in words; looks at every object there is."""
        return executing(self.prefix)

    def holders(self) -> tuple[str, ...]:
        """Who still refers to the modules of the closed realm, in words; looks at every object there is."""
        return holders(list(self.modules.values()), self.prefix)

    def close(self) -> None:
        """Tear the realm down: no import reaches it any more, and every cache that hotswap knows of forgets it.

        Module namespaces are left as they are: emptying them would break code that somebody may still hold. They go
        when nobody refers to them.
        """
        own_import, self._import = self._import, None
        if own_import is None:
            return
        self.closed = True
        self.modules.update((module.__name__, module) for module in self.loaded())
        FINDER.remove(self)
        release(self.name)
        for name in self._names():
            sys.modules.pop(name, None)
        vars(realms).pop(self.id, None)
        self._finders.clear()
        self.builtins = {}
        own_import.close()
        caches: tuple[dict[str, Any], ...] = (sys.path_importer_cache, linecache.cache, inspect.modulesbyfile)
        for cache in caches:
            for file in [file for file in list(cache) if self._is_inside(file) or self.prefix in file]:
                cache.pop(file, None)
        overloads: dict[str, Any] = getattr(typing, "_overload_registry", {})  # by module, and never cleared
        for module in [module for module in list(overloads) if module.startswith(self.prefix)]:
            overloads.pop(module, None)
        self._forget_loggers()

    def _forget_loggers(self) -> None:
        """Loggers that somebody else's code made by a module's full name; they would never die."""
        known = logging.root.manager.loggerDict
        for name in [name for name in list(known) if (name + ".").startswith(self.prefix)]:
            known.pop(name, None)
        for parent in (known.get("hotswap"), known.get(PARENT)):
            if isinstance(parent, logging.PlaceHolder):
                for logger in [child for child in list(parent.loggerMap) if (child.name + ".").startswith(self.prefix)]:
                    parent.loggerMap.pop(logger, None)

    def _names(self) -> list[str]:
        return [name for name in list(sys.modules) if name == self.name or name.startswith(self.prefix)]

    def _is_inside(self, file: str) -> bool:
        return file == self.path or file.startswith(self.path + "/")
