"""The one finder on `sys.meta_path`, and which realms it answers for."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder
from itertools import count
from types import ModuleType
from typing import Any, Protocol

from ..model import Manifest, canonical
from .address import realm_id
from .asking import asker, seeker
from .ownkeys import OWN_KEYS, answers
from .ownnames import exact
from .plainkeys import KEYS
from .succession import Formers, Successor
from .tables import made_in
from .territory import PARENT, Reach, Territory, in_plain_words

_PREFIX = PARENT + "."
_ASKED_BY_NAME = frozenset({"get_code", "get_source", "get_filename", "is_package", "get_resource_reader"})
"""What a loader tells of a module whose name it wants to hear."""
_EVERYBODY = DistributionFinder.Context()


class FinderRealm(Successor, Protocol):
    """What the finder needs of a realm."""

    id: str
    territory: Territory
    guarded: bool
    """True once C code, or the standard library by string, may ask for its modules by their plain names."""

    def locate(self, fullname: str, path: Sequence[str]) -> ModuleSpec | None:
        """The spec of one of the realm's modules, or None."""
        ...


class AliasLoader:
    """Hands out a module that is there already under another name.

    Args:
        reach: Whose module it is.
        plain: The name it was asked by.
        module: The module.
    """

    def __init__(self, reach: Reach, plain: str, module: ModuleType) -> None:
        self._reach = reach
        self._plain = plain
        self._module = module
        self._spec = getattr(module, "__spec__", None)

    def __getattr__(self, name: str) -> Any:
        asked = getattr(getattr(self._spec, "loader", None), name)
        return (lambda *_: asked(self._module.__name__)) if name in _ASKED_BY_NAME else asked

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """See `importlib.abc.Loader`."""
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """See `importlib.abc.Loader`."""
        try:
            module.__spec__ = self._spec
        except AttributeError:
            pass  # something else that a module has put in its own place
        KEYS.put(self._reach, self._plain)


class RealmFinder(MetaPathFinder):
    """Answers for `hotswap.realms.*`, and for plain names when it is a realm's C code that asks."""

    def __init__(self) -> None:
        self._realms: dict[str, FinderRealm] = {}
        self._claims: Counter[str] = Counter()
        self._tops: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._serials = count(1)
        self.formers = Formers(self._realms)
        """Who answers for realms that are not open."""

    def new_id(self, stem: str) -> str:
        """A name for a realm that no other has."""
        ids = (realm_id(stem, self._serials) for _ in count())
        return next(name for name in ids if name not in self._realms)

    def add(self, realm: FinderRealm) -> None:
        """Open a realm to imports; with the first one the finder takes its place on `sys.meta_path`."""
        with self._lock:
            self._realms[realm.id] = realm
            KEYS.admit(realm.territory.prefix)
            self._tops.update(realm.territory.all_tops)
            if realm.manifest is not None:
                self._claims.update(realm.territory.all_tops)
            if self not in sys.meta_path:
                # First, because the standard path finder behind it would find the same files with the host's loaders.
                sys.meta_path.insert(0, self)

    def remove(self, realm: FinderRealm) -> None:
        """Close a realm to imports; with the last one the finder leaves `sys.meta_path`."""
        with self._lock:
            if self._realms.pop(realm.id, None) is not None:
                # Subtraction of counters drops what has come down to zero.
                self._tops -= Counter(realm.territory.all_tops)
                if realm.manifest is not None:
                    self._claims -= Counter(realm.territory.all_tops)
            if not self._realms and self in sys.meta_path:
                sys.meta_path.remove(self)
                self.formers.forget()

    def claims(self, top: str) -> bool:
        """True if any plugin with an open realm has modules below this top-level name."""
        return top in self._claims

    def host_has(self, top: str) -> bool:
        """True if the host has a top-level module, or any finder finds it for the host: an editable one's, too."""
        theirs = [each for each in list(sys.meta_path) if each is not self and not made_in(_PREFIX, each)]
        finds = [getattr(each, "find_spec", None) for each in theirs]
        return KEYS.host_has(top) or any(find is not None and find(top, None) for find in finds)

    def owners_of(self, name: str) -> Iterator[Manifest]:
        """The plugins with an open realm that a module name, as plugins write it, belongs to."""
        manifests = [realm.manifest for realm in list(self._realms.values()) if realm.manifest is not None]
        while name:
            for manifest in manifests:
                if name in manifest.provides:
                    yield manifest
            name = name.rpartition(".")[0]

    def realms_of(self, plugin: str) -> list[Any]:
        """The open realms of one plugin's versions, the latest last."""
        return [each for each in list(self._realms.values()) if each.manifest and each.manifest.plugin == plugin]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        fullname = exact(fullname)  # `sys.modules` is to have text for keys
        if fullname.startswith(_PREFIX):
            named, dot, _ = fullname[len(_PREFIX) :].partition(".")
            realm: Any = self._realms.get(named)
            if realm is None or OWN_KEYS.has(fullname):  # then it has been imported, and is not found by who asks
                return self.formers.find_spec(fullname)
            if realm.prefix in OWN_KEYS and not answers(realm):
                return self.formers.find_spec(fullname, OWN_KEYS.key_for_others(realm, fullname))
            return realm.locate(fullname, path) if dot and path is not None else None
        top = fullname.partition(".")[0]
        return self._find_plain(fullname, target) if top in self._tops and top not in sys.stdlib_module_names else None

    def find_distributions(self, context: Any = _EVERYBODY) -> Iterable[Distribution]:
        """The distributions of the realm that asks, before the host's; see `importlib.metadata.DistributionFinder`."""
        own: Any = asker()
        if own is None or "path" in vars(context):
            return []
        asked = context.name and canonical(context.name)
        return [found for name, found in own.distributions().items() if asked in (None, name)]

    def invalidate_caches(self) -> None:
        """Site dirs never change, so there is nothing to forget."""

    def _find_plain(self, name: str, target: ModuleType | None) -> ModuleSpec | None:
        """Answer C code and the standard library, who ask by the plain name for a module that was not yet there."""
        reach = seeker(name, entered=False)
        full = reach.full(name) if reach is not None else name
        if reach is None or full == name:
            for realm in list(self._realms.values()):
                if realm.guarded and realm.territory.owns(name):
                    KEYS.put(realm.territory, name)  # before the host's own
            KEYS.renew(name)
            return None
        if target is not None:
            return None  # a module without a spec is reloaded: C code has made it, and there is nothing to find
        try:
            module = import_module(full)
        except ImportError as error:
            in_plain_words(error)
            raise
        # The name must not become the host's, so the module is told to be another one that is not imported yet. That
        # the name is there all the same, if C code has asked for it meanwhile, importlib must not see.
        KEYS.hide_once(full)
        alias = f"{reach.territory.prefix}@{name}"
        spec = ModuleSpec(alias, AliasLoader(reach, name, module), origin=getattr(module, "__file__", None))  # type: ignore[arg-type]
        spec.submodule_search_locations = getattr(module, "__path__", None)
        return spec


FINDER = RealmFinder()
