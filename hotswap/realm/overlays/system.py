"""`sys`, whose `modules` knows the realm's modules by their plain names, and whose lists are views."""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from typing import Any

from ..plainkeys import PlainKey
from ..territory import PARENT, plain_names
from .entries import Entries
from .path import RealmPath
from .thin import Kept, RealmNames


def sys_(realm: RealmNames) -> dict[str, Any]:
    """What differs in a realm's `sys`."""
    lists = {name: Entries(realm, name) for name in ("meta_path", "path_hooks")}
    return {"modules": RealmModules(realm), "path": RealmPath(realm), **lists}


class RealmModules(dict[str, Any], Kept):
    """A view of `sys.modules`: names that the realm or its libraries own are theirs, all others the interpreter's.

    It is a dict to those who ask, and has nothing in it: every operation goes to `sys.modules`.
    """

    def __init__(self, realm: RealmNames) -> None:
        super().__init__()
        self._realm = realm

    def assigned(self, value: Any) -> Any:
        """The plugin's libraries see what the plugin sees."""
        if self._realm.libraries is not None:
            self._realm.libraries.overlay("sys").modules = value
        return self if isinstance(value, RealmModules) else value

    def __getitem__(self, name: str) -> Any:
        full = self._full(name)
        try:
            module = sys.modules[full]
        except KeyError:
            raise KeyError(name) from None
        return self._realm.overlay(full) or module

    def __setitem__(self, name: str, module: Any) -> None:
        sys.modules[self._full(name)] = module

    def __delitem__(self, name: str) -> None:
        try:
            del sys.modules[self._full(name)]
        except KeyError:
            raise KeyError(name) from None

    def __contains__(self, name: object) -> bool:
        return (self._full(name) if isinstance(name, str) else name) in sys.modules

    def __iter__(self) -> Iterator[str]:
        """Every name that is answered for: of the realm's modules the plain and the full one."""
        for name in list(sys.modules):
            if type(name) is PlainKey:
                continue
            if not name.startswith(PARENT + "."):
                if self._full(name) == name:
                    yield name
                continue
            yield name
            plain = plain_names(name)
            if plain and self._full(plain) == name:
                yield plain

    def __len__(self) -> int:
        return sum(1 for _ in self)

    # The rest of a mapping, in terms of these. As a base class MutableMapping would be at odds with dict.
    __eq__ = MutableMapping.__eq__
    __ne__ = MutableMapping.__ne__
    __hash__ = None  # type: ignore[assignment]
    get = MutableMapping.get  # type: ignore[assignment]
    keys = MutableMapping.keys  # type: ignore[assignment]
    values = MutableMapping.values  # type: ignore[assignment]
    items = MutableMapping.items  # type: ignore[assignment]
    popitem = MutableMapping.popitem
    clear = MutableMapping.clear
    update = MutableMapping.update
    setdefault = MutableMapping.setdefault

    def pop(self, name: str, *default: Any) -> Any:
        """See `dict.pop`."""
        try:
            module = self[name]
        except KeyError:
            if default:
                return default[0]
            raise
        del self[name]
        return module

    def __repr__(self) -> str:
        return repr(dict(self.items()))

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self))

    def copy(self) -> dict[str, Any]:
        """The modules as they are now."""
        return dict(self.items())

    def __or__(self, other: Any) -> Any:
        return self.copy() | other

    def __ror__(self, other: Any) -> Any:
        return other | self.copy()

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def _full(self, name: str) -> str:
        return self._realm.names_for(name).full(name)
