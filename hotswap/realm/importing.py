"""The `__import__` of a realm: own names to the realm, its libraries' to theirs, the rest to the host."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from importlib.metadata import Distribution
from types import ModuleType
from typing import Any

from .asking import ANCHOR, asker, by_statement, seeker
from .finder import FINDER
from .overlays import Overlays
from .overlays.metadata import realm_distributions
from .ownnames import OwnName, exact
from .plainkeys import KEYS
from .territory import PARENT, Territory, in_plain_words, plain_names

_host_import = builtins.__import__
_TOP = PARENT.partition(".")[0]
_BY_STRING = frozenset(
    {"logging.config", "pickle", "_pickle", "unittest", "unittest.mock", "runpy", "doctest", "zoneinfo"}
)
"""Modules of the standard library that import by string for their callers, with the host's import."""


class RealmImport:
    """Decides for every import statement of a realm where it goes.

    Args:
        territory: What the realm owns.
        own_builtins: Its dict is what the realm's modules run with, and it is their `builtins`; gets the `__import__`.
        libraries: The import of the private libraries, if there are any.
        meet: Is told, once, of every top-level name of the host's that the realm imports.
        guard: Is called before the standard library gets to import by string.
    """

    def __init__(
        self,
        territory: Territory,
        own_builtins: ModuleType,
        libraries: RealmImport | None = None,
        meet: Callable[[str], object] = str,
        guard: Callable[[], object] = object,
    ) -> None:
        self.territory = territory
        self.prefix = territory.prefix
        self.closed = False
        self.libraries = libraries
        self._tops = territory.tops
        self._namespaces = territory.namespaces
        self._outer_tops: frozenset[str] = libraries.territory.all_tops if libraries is not None else frozenset()
        self._meet = meet
        self._met: set[str] = set()
        self._guard = guard
        self._overlays = Overlays(self, own_builtins)
        self.overlay = self._overlays.get
        self.builtins = vars(own_builtins)
        self.builtins["__import__"] = self

    def __call__(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Stand in for `builtins.__import__`."""
        if type(name) is OwnName:  # the package it returns is the author's top-level one
            name = name.plain if self.full(name.plain) == exact(name) else exact(name)
        if level:
            beyond = self._beyond(name, globals, level)
            if beyond is None:
                return self._translated(_host_import, name, globals, locals, fromlist, level)
            name = beyond
        top = name.partition(".")[0]
        if type(fromlist) is list and not fromlist and top not in sys.stdlib_module_names:
            # C code, by PyImport_Import, which drops the result and looks into sys.modules. It may be another realm's.
            asks: Any = seeker(name, entered=True, above=1)
            if asks is None and not self.closed and ANCHOR in sys._getframe(1).f_builtins:
                return _host_import(name, globals, locals, fromlist)  # C code of the host's, that the realm's calls
            if asks is not None and asks.territory not in self.territories():
                return asks(name, globals, locals, fromlist)  # type: ignore[no-any-return]
        if top in self._tops:
            leaf = self._translated(_host_import, self.prefix + name, globals, locals, fromlist or ("__name__",), 0)
            module = leaf if fromlist else sys.modules[self.prefix + top]
        elif top in self._namespaces:
            module = self._import_namespace(name, globals, locals, fromlist)
        else:
            return self._outer(name, globals, locals, fromlist)
        if type(fromlist) is list and not fromlist:
            KEYS.put(self.territory, name)
        return module

    def leaf(self, name: str) -> ModuleType:
        """Import an absolute name and return the module itself, as `importlib.import_module` does."""
        return self(name, fromlist=("__name__",))

    def full(self, name: str) -> str:
        """The name under which the interpreter knows a module that the realm's code calls `name`."""
        if type(name) is OwnName:
            return exact(name)
        if self.territory.owns(name):
            return self.prefix + name
        if self.libraries is not None and name.partition(".")[0] in self._outer_tops:
            return self.libraries.full(name)
        return name

    def plain(self, name: str) -> str:
        """The name by which the author knows a module; the inverse of `full`."""
        return plain_names(name)

    def territories(self) -> tuple[Territory, ...]:
        """What the realm owns, behind what its libraries own."""
        return (*(self.libraries.territories() if self.libraries is not None else ()), self.territory)

    def distributions(self) -> dict[str, Distribution]:
        """The distributions that are not the host's, by canonical name; the realm's own win."""
        own = realm_distributions(self.territory, self.leaf)
        if self.libraries is not None:
            return {**realm_distributions(self.libraries.territory, self.libraries.leaf), **own}
        if not self.territory.plugin and isinstance(caller := asker(beyond=self), RealmImport):
            return {**realm_distributions(caller.territory, caller.leaf), **own}
        return own

    def names_for(self, name: str) -> RealmImport:
        """Who answers for a name: this, or the plugin on whose behalf a library asks."""
        top = name.partition(".")[0]
        return (self._on_behalf(name) if FINDER.claims(top) and self.full(name) == name else None) or self

    def owner_elsewhere(self, name: str) -> str | None:
        """The other plugin that a module name belongs to, if any.

        A name that the host provides by itself, not merely because that plugin is installed there, is the host's.
        """
        name = exact(name)
        if self.full(name) != name:
            return None
        for owner in FINDER.owners_of(name):
            top = name.partition(".")[0]
            if owner.plugin != self.territory.plugin and (
                owner.candidate.in_host or not self._is_hosts(top, owner.provides)
            ):
                return owner.plugin
        return None

    def refuse_foreign(self, name: str) -> None:
        """Say how plugins reach one another.

        Raises:
            ImportError: The module belongs to another plugin.
        """
        if (owner := self.owner_elsewhere(name)) is not None:
            raise ImportError(
                f"{self.territory.label} imports {name!r}, which belongs to the plugin {owner!r}: plugins do not import"
                f" one another's code; name {owner!r} in the object that import_() returns, and use its export",
                name=name,
            )

    def serves_host(self, name: str) -> bool:
        """True if code of the host that the realm calls may have a module of the realm's by that name.

        That is so if the host cannot import anything of that name by itself.
        """
        return self.territory.owns(name) and not self.is_hosts(name.partition(".")[0])

    def is_hosts(self, top: str) -> bool:
        """True if the host has a top-level module, or can import it."""
        return FINDER.host_has(top)

    def close(self) -> None:
        """From now on the realm's own modules cannot be imported any more."""
        self.closed = True

    @staticmethod
    def _is_hosts(top: str, provided: Collection[str]) -> bool:
        # A module that is there already may have no spec, at which find_spec would stumble.
        return top in provided and (top in sys.modules or importlib.util.find_spec(top) is not None)

    def _outer(
        self,
        name: str,
        globals: Mapping[str, Any] | None,
        locals: Mapping[str, Any] | None,
        fromlist: Sequence[str] | None,
    ) -> ModuleType:
        """Import what is not the realm's own: a library's, or the host's."""
        top = name.partition(".")[0]
        if self.libraries is not None and top in self._outer_tops:
            return self.libraries(name, globals, locals, fromlist, 0)
        if top == _TOP and not fromlist and name.startswith(self.prefix):
            return self._top_of(name)
        if name in _BY_STRING:
            self._guard()
        if name in self._overlays or top in self._overlays:
            module = _host_import(name, globals, locals, fromlist or (), 0)
            return self._overlays.of(module)
        if FINDER.claims(top):
            if (behalf := self._on_behalf(name)) is not None:
                return behalf(name, globals, locals, fromlist, 0)
            # `from acme import beta` names the foreign package only in its fromlist.
            for asked in (name, *(f"{name}.{item}" for item in fromlist or ())):
                self.refuse_foreign(asked)
        module = _host_import(name, globals, locals, fromlist or (), 0)
        if top not in self._met:
            self._met.add(top)
            self._meet(top)
        return module

    def _top_of(self, name: str) -> ModuleType:
        """Import an own module by its full name, and return what leads to it by the rest of either name.

        Who asks goes on from the part before the first dot. That is the realm's if the name was put together of parts
        of a module's name, and `hotswap` if it is the text of one.
        """
        self._translated(importlib.import_module, name)
        top = sys.modules[self.prefix + name.removeprefix(self.prefix).partition(".")[0]]
        module = ModuleType(top.__name__)
        vars(module).clear()
        vars(module).update(realms=sys.modules[PARENT], __getattr__=partial(getattr, top))
        return module

    def _on_behalf(self, name: str) -> RealmImport | None:
        """The plugin that a library imports a module for, by string: the one beneath whose call it is."""
        if self.territory.plugin or by_statement():
            return None
        caller: Any = asker(beyond=self)
        return caller if caller is not None and caller.full(name) != name else None

    def _import_namespace(
        self,
        name: str,
        globals: Mapping[str, Any] | None,
        locals: Mapping[str, Any] | None,
        fromlist: Sequence[str] | None,
    ) -> ModuleType:
        """Import below a namespace package, of which the realm, its libraries and the host may have portions.

        What is not the realm's is hung into its own namespace module, so that all are reached through it.
        """
        top = name.partition(".")[0]
        namespace = self._translated(_host_import, self.prefix + top, None, None, ("__name__",), 0)
        module = namespace if name == top else self._namespace_member(name)
        if not fromlist:
            return namespace
        if name in self._namespaces:
            for item in fromlist:
                if item != "*" and not hasattr(module, item):
                    self._namespace_member(f"{name}.{item}")
            return module
        return self._translated(_host_import, module.__name__, globals, locals, fromlist, 0)

    def _namespace_member(self, name: str) -> ModuleType:
        if self.territory.owns(name):
            return self._translated(importlib.import_module, self.prefix + name)
        module = self._outer(name, None, None, ("__name__",))
        parent, _, child = name.rpartition(".")
        if parent in self._namespaces:
            setattr(self._translated(importlib.import_module, self.prefix + parent), child, module)
        else:
            self._namespace_member(parent)
        return module

    def _beyond(self, name: str, globals: Mapping[str, Any] | None, level: int) -> str | None:
        """The absolute name that a relative one means, where it leaves the realm for the rest of a namespace package.

        Raises:
            ImportError: It leads out of the realm altogether.
        """
        package = exact((globals or {}).get("__package__") or "") + "."
        if not package.startswith(self.prefix):
            return None
        if level == 1 and not self._namespaces and len(package) > len(self.prefix):
            return None  # the most frequent, within a package
        parts = package[len(self.prefix) :].split(".")[:-1]
        if level > len(parts):
            kind = "beyond top-level package" if parts else "with no known parent package"
            raise ImportError(f"attempted relative import {kind}")
        absolute = ".".join([*parts[: len(parts) - level + 1], *filter(None, [name])])
        return absolute if absolute in self._namespaces or not self.territory.owns(absolute) else None

    def _translated(self, function: Callable[..., ModuleType], *arguments: Any) -> ModuleType:
        """Call, and let an ImportError speak of names as the plugin writes them."""
        if self.closed:
            raise self.territory.freed()
        try:
            return function(*arguments)
        except ImportError as error:
            in_plain_words(error)
            raise
