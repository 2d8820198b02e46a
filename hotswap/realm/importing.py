"""The `__import__` of a realm: own names to the realm, other plugins' names refused, the rest to the host."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from types import ModuleType
from typing import Any

from ..model import SiteDir
from .finder import FINDER
from .overlays import make_overlays

_host_import = builtins.__import__


class RealmImport:
    """Decides for every import statement of a realm where it goes.

    Args:
        prefix: `hotswap.realms.<id>.`
        site: The site dir.
        own_builtins: Its dict is what the realm's modules run with, and it is their `builtins`; gets the `__import__`.
    """

    def __init__(self, prefix: str, site: SiteDir, own_builtins: ModuleType) -> None:
        self.prefix = prefix
        self.label = site.manifest.label
        self._plugin = site.manifest.plugin
        self._closed = False
        provides = site.manifest.provides
        # A namespace package is shared: `acme` is neither the realm's nor the host's, `acme.alpha` is the realm's.
        self._owned = frozenset(provides)
        self._owned_tops = frozenset(name for name in provides if "." not in name)
        self._namespaces = frozenset(
            ".".join(parts[:length])
            for parts in (name.split(".") for name in provides)
            for length in range(1, len(parts))
        )
        self._overlays: dict[str, ModuleType] = {**make_overlays(self, site), "builtins": own_builtins}
        vars(own_builtins)["__import__"] = self

    def __call__(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Stand in for `builtins.__import__`."""
        if level:
            beyond = self._beyond(name, globals, level)
            if beyond is None:
                return self._translated(_host_import, name, globals, locals, fromlist, level)
            name = beyond
        top = name.partition(".")[0]
        if top in self._owned_tops:
            leaf = self._translated(_host_import, self.prefix + name, globals, locals, fromlist or ("__name__",), 0)
            return leaf if fromlist else sys.modules[self.prefix + top]
        if top in self._namespaces:
            return self._import_namespace(name, globals, locals, fromlist)
        if name in self._overlays or top in self._overlays:
            module = _host_import(name, globals, locals, fromlist, 0)
            return self._overlays.get(module.__name__, module)
        return self._import_host(name, globals, locals, fromlist)

    def leaf(self, name: str) -> ModuleType:
        """Import an absolute name and return the module itself, as `importlib.import_module` does."""
        return self(name, fromlist=("__name__",))

    def full(self, name: str) -> str:
        """The name under which the interpreter knows a module that the plugin calls `name`."""
        return self.prefix + name if self.owns(name) else name

    def plain(self, name: str) -> str:
        """The name by which the plugin itself knows a module; the inverse of `full`."""
        # Not only as a prefix: loggers are called things like `app.<module>`.
        return "" if name == self.prefix[:-1] else name.replace(self.prefix, "")

    def owns(self, name: str) -> bool:
        """True if the realm answers for an absolute module name."""
        if name in self._namespaces or name.partition(".")[0] in self._owned_tops:
            return True
        return bool(self._namespaces) and any(name == own or name.startswith(own + ".") for own in self._owned)

    def owner_elsewhere(self, name: str) -> str | None:
        """The other plugin that a module name belongs to, if any.

        A name that the host provides by itself, not merely because that plugin is installed there, is the host's.
        """
        if self.owns(name):
            return None
        for owner in FINDER.owners_of(name):
            top = name.partition(".")[0]
            if owner.plugin != self._plugin and (owner.candidate.in_host or not self._is_hosts(top, owner.provides)):
                return owner.plugin
        return None

    def refuse_foreign(self, name: str) -> None:
        """Say how plugins reach one another.

        Raises:
            ImportError: The module belongs to another plugin.
        """
        if (owner := self.owner_elsewhere(name)) is not None:
            raise ImportError(
                f"{self.label} imports {name!r}, which belongs to the plugin {owner!r}: plugins do not import"
                f" one another's code; name {owner!r} in the object that import_() returns, and use its export",
                name=name,
            )

    def close(self) -> None:
        """From now on the realm's own modules cannot be imported any more."""
        self._closed = True

    @staticmethod
    def _is_hosts(top: str, provided: Collection[str]) -> bool:
        # A module that is there already may have no spec, at which find_spec would stumble.
        return top in provided and (top in sys.modules or importlib.util.find_spec(top) is not None)

    def _import_host(
        self,
        name: str,
        globals: Mapping[str, Any] | None,
        locals: Mapping[str, Any] | None,
        fromlist: Sequence[str] | None,
    ) -> ModuleType:
        if FINDER.claims(name.partition(".")[0]):
            # `from acme import beta` names the foreign package only in its fromlist.
            for asked in (name, *(f"{name}.{item}" for item in fromlist or ())):
                self.refuse_foreign(asked)
        return _host_import(name, globals, locals, fromlist or (), 0)

    def _import_namespace(
        self,
        name: str,
        globals: Mapping[str, Any] | None,
        locals: Mapping[str, Any] | None,
        fromlist: Sequence[str] | None,
    ) -> ModuleType:
        """Import below a namespace package, of which the realm has some portions and the host may have others.

        What the host provides is hung into the realm's own namespace module, so that both are reached through it.
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
        if self.owns(name):
            return self._translated(importlib.import_module, self.prefix + name)
        self._import_host(name, None, None, ("__name__",))
        module = sys.modules[name]
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
        package = (globals or {}).get("__package__") or ""
        if not (package + ".").startswith(self.prefix):
            return None
        parts = (package + ".")[len(self.prefix) :].split(".")[:-1]
        if level > len(parts):
            kind = "beyond top-level package" if parts else "with no known parent package"
            raise ImportError(f"attempted relative import {kind}")
        absolute = ".".join([*parts[: len(parts) - level + 1], *filter(None, [name])])
        return absolute if absolute in self._namespaces or not self.owns(absolute) else None

    def _translated(self, function: Callable[..., ModuleType], *arguments: Any) -> ModuleType:
        """Call, and let an ImportError speak of names as the plugin writes them."""
        if self._closed:
            raise ImportError(f"{self.label} has been freed and imports nothing of its own any more")
        try:
            return function(*arguments)
        except ImportError as error:
            if error.msg:
                error.msg = error.msg.replace(self.prefix, "")
                error.args = (error.msg, *error.args[1:])
            if error.name:
                error.name = error.name.replace(self.prefix, "")
            raise
