"""The plugins of a parent process in a child that it has spawned: their site dirs are where the parent's are.

The child unpickles a name of the parent's -> site dir (and library dir) by the digests in it -> realm of the same name

Nothing but that is the child's: no manager, no generation, none of the seven functions is called. What a child finds it
holds against pruning, as every process does that uses a state dir.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path

from . import realms
from .errors import FormerNameError, StateDirError
from .model import LibraryDir, SiteDir
from .realm import LIBRARIES, Address, Realm, address_of
from .store import Store, used_by

KEPT = 4
"""How many versions of one plugin a child keeps, besides those that execute."""
_lock = threading.RLock()
_open: dict[str, list[Realm]] = {}
"""Plugin name -> the realms that were opened here, the latest last."""
_absent: set[str] = set()
"""Names that are not looked for again: no site dir fits, or libraries, which have a name of their own here."""


def reopen(address: Address, name: str) -> bool:
    """Open the realm that the parent process calls so; True if it is open now.

    Raises:
        FormerNameError: It cannot be told which wheel is meant.
    """
    with _lock:
        if name in _absent:
            return False
        if any(realm.id == name for realm in _open.get(address.plugin, ())):
            return True  # another thread has opened it a moment ago
        for store in map(_store, _state_dirs()):
            if not address.plugin:
                _open_libraries(store, address)
                continue
            sites = list(_sites(store, address))
            if len(sites) > 1:
                paths = ", ".join(str(site.path) for site in sites)
                text = f"a pickle names {address.label}, which may be any of {paths}: give each change a version"
                raise FormerNameError(text, plugin=address.plugin, former=address.label)
            for site in sites:
                opened = _open.setdefault(address.plugin, [])
                opened.append(Realm(_held(store, site), name))
                opened[-1].go_live()
                _let_go(opened)
                return True
        _absent.add(name)
        return False


def state_dirs_of(pid: int) -> list[str]:
    """The state dirs that another process of this user uses at the moment; none where the system does not say."""
    return list(map(str, used_by(pid)))


def _state_dirs() -> Iterator[str]:
    """Those that are known, then those that the parent has begun to use since."""
    known = realms.STATE_DIRS.inherited
    yield from known
    realms.STATE_DIRS.look()
    yield from (each for each in realms.STATE_DIRS.inherited if each not in known)


def _sites(store: Store, address: Address) -> Iterator[SiteDir]:
    """The site dirs that an address fits, with their libraries."""
    for site in store.starting(address.digest):
        with_libraries = (replace(site, libraries=each) for each in store.libraries_starting(address.libraries))
        for found in with_libraries if address.libraries else [site]:
            chosen = found.libraries.library_set if found.libraries is not None else None
            if address_of(found.manifest, chosen) == address:
                yield found


def _held(store: Store, site: SiteDir) -> SiteDir:
    """The same site dir, which nobody prunes from now on while this process lives."""
    libraries = _held_libraries(store, site.libraries) if site.libraries is not None else None
    with suppress(StateDirError):  # it can be read at least
        site = store.install([site.manifest])[site.manifest.plugin]
    return replace(site, libraries=libraries)


def _held_libraries(store: Store, directory: LibraryDir) -> LibraryDir:
    """The same library dir, held likewise."""
    chosen = directory.library_set
    with suppress(StateDirError):
        return store.install_libraries([chosen])[chosen.key]
    return directory


def _open_libraries(store: Store, address: Address) -> None:
    """Open libraries whose plugin has not come along; they stay open."""
    for directory in store.libraries_starting(address.libraries):
        LIBRARIES.open(_held_libraries(store, directory))


def _let_go(opened: list[Realm]) -> None:
    """Close the oldest of more than enough versions in which nothing executes."""
    for realm in opened[:-KEPT]:
        if not realm.executing():
            opened.remove(realm)
            realm.close()


@cache
def _store(state_dir: str) -> Store:
    store = Store(Path(state_dir), logger=logging.getLogger("hotswap.children"))
    Finalize(None, store.close, exitpriority=0)
    return store
