"""A package of modules below `hotswap.realms`, from opening to tear-down: what every realm is."""

from __future__ import annotations

import builtins
import inspect
import linecache
import logging
import sys
import typing
import weakref
from collections.abc import Callable, Sequence
from importlib.machinery import FileFinder, ModuleSpec, NamespaceLoader
from types import ModuleType
from typing import Any

from .. import realms
from ..model import Manifest
from .asking import ANCHOR, Anchor
from .finder import FINDER
from .importing import RealmImport
from .leaks import executing, holders
from .loaders import path_entry_finder
from .naming import module_name
from .native import forget
from .ownnames import OwnName
from .plainkeys import KEYS
from .territory import PARENT, Territory


class Space:
    """Modules of one directory, with an import of their own.

    Args:
        stem: What its name begins with; a serial number follows.
        path: The directory, complete on disk.
        territory: Makes what it owns, from its prefix.
        manifest: The plugin whose modules they are; None for libraries.
        libraries: The import of its private libraries.
        meet: Is told, once, of every top-level name of the host's that it imports.
        name: Its whole name, if that is not to be made from the stem: that of a realm in the parent process.
    """

    def __init__(
        self,
        stem: str,
        path: str,
        territory: Callable[[str], Territory],
        manifest: Manifest | None = None,
        libraries: RealmImport | None = None,
        meet: Callable[[str], object] = str,
        name: str | None = None,
    ) -> None:
        self.id = name or FINDER.new_id(stem)
        self.path = path
        self.name = f"{PARENT}.{self.id}"
        self.prefix = self.name + "."
        self.manifest = manifest
        self.territory = territory(self.prefix)
        self.guarded = False
        self.closed = False
        self.live_since = 0
        """Greater for what went live later; 0 for what is not live yet."""
        self.modules: weakref.WeakValueDictionary[str, ModuleType] = weakref.WeakValueDictionary()
        """The modules that still exist although the realm is closed, under keys that mean nothing."""
        # Modules, functions and frames of the realm all refer to their builtins, so the anchor in them lives as long as
        # any of these; a module object alone may die while its functions live on.
        anchor = Anchor()
        self._anchor = weakref.ref(anchor)
        own_builtins = ModuleType("builtins")
        self.builtins: dict[str, Any] = vars(own_builtins)
        self.builtins.update({**vars(builtins), ANCHOR: anchor})
        anchor.reach = own_import = RealmImport(self.territory, own_builtins, libraries, meet, self.guard)
        self._import: RealmImport | None = own_import
        self._finders: dict[str, FileFinder] = {}

        package = ModuleType(self.name, f"The realm of {self.territory.label}.")
        package.__path__ = [self.path]
        package.__package__ = self.name
        package.__spec__ = ModuleSpec(self.name, None, is_package=True)
        package.__spec__.submodule_search_locations = package.__path__
        sys.modules[self.name] = package
        setattr(realms, self.id, package)
        FINDER.add(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}{' closed' if self.closed else ''}>"

    def locate(self, fullname: str, path: Sequence[str]) -> ModuleSpec | None:
        """Find one of the realm's modules; called by the finder on `sys.meta_path`."""
        portions: list[str] = []
        for directory in path:
            finder = self._finders.get(directory)
            if finder is None:
                finder = self._finders[directory] = path_entry_finder(directory, self)
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

    @property
    def reach(self) -> RealmImport | None:
        """How its modules, and those of who uses it, import; None once it is closed."""
        return self._import

    def guard(self) -> None:
        """From now on no code finds the host's copy of a module that is the realm's, in whatever way it looks."""
        if not self.guarded:
            self.guarded = True
            KEYS.guard(self.territory)

    def alive(self) -> bool:
        """False once a closed realm has been collected: no module, function or frame of it is left."""
        return self._anchor() is not None or len(self.modules) > 0

    def loaded(self) -> list[ModuleType]:
        """The modules that have been imported, in the order of their import."""
        names = [name for name in self._names() if not name.startswith(self.prefix + "@")]
        # Not `isinstance`: objects that modules put in their own place may say that they are modules, cffi's do.
        modules: list[Any] = [sys.modules.get(name) for name in names]
        return [module for module in modules if issubclass(type(module), ModuleType)]

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
        own_import.close()
        self.modules.update((f"{index} {module_name(module)}", module) for index, module in enumerate(self.loaded()))
        FINDER.remove(self)
        KEYS.drop(self.prefix)
        forget(self.prefix)
        for name in self._names():
            self.leave(name)
        KEYS.check()
        vars(realms).pop(self.id, None)
        self._finders.clear()
        self.builtins = {}
        caches: tuple[dict[str, Any], ...] = (sys.path_importer_cache, linecache.cache, inspect.modulesbyfile)
        for cache in caches:
            files = [file for file in list(cache) if isinstance(file, str)]
            for file in [file for file in files if self._is_inside(file) or self.prefix in file]:
                cache.pop(file, None)
        overloads: dict[str, Any] = getattr(typing, "_overload_registry", {})  # by module, and never cleared
        for module in [module for module in list(overloads) if str(module).startswith(self.prefix)]:
            overloads.pop(module, None)
        self._forget_loggers()

    def leave(self, name: str) -> None:
        """Take a module of the closed realm out of `sys.modules`."""
        sys.modules.pop(name, None)

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
        return [
            name
            for name in list(sys.modules)
            if type(name) in (str, OwnName) and (name == self.name or name.startswith(self.prefix))
        ]

    def _is_inside(self, file: str) -> bool:
        return file == self.path or file.startswith(self.path + "/")
