"""The realms of private libraries: one for each set, shared by all plugin realms that use it."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Sequence
from functools import partial
from importlib.machinery import ModuleSpec

from ..errors import PrivateCopyError
from ..model import LibraryDir, Manifest
from ..solitary import HOSTS_ONLY, SOLITARY
from .address import address_of_libraries, stem_of
from .bundled import Bundled, bundled, refuse_other_files
from .finder import FINDER
from .leaks import stay
from .space import Space
from .tables import TABLES
from .territory import of_libraries


class LibraryRealm(Space):
    """The modules of one set of libraries.

    Args:
        directory: The library dir, complete on disk.
    """

    def __init__(self, directory: LibraryDir) -> None:
        self.directory = directory
        self.key = directory.library_set.key
        self.label = directory.library_set.label
        self.closed_at = 0.0
        """On the clock of `time.monotonic`, in seconds."""
        super().__init__(
            stem_of(address_of_libraries(directory.library_set)),
            str(directory.path),
            partial(of_libraries, directory),
        )
        TABLES.note(self.prefix)

    def locate(self, fullname: str, path: Sequence[str]) -> ModuleSpec | None:
        """See `Space`.

        Raises:
            ImportError: No private copy of the module may be imported.
        """
        plain = fullname.removeprefix(self.prefix)
        if (reason := HOSTS_ONLY.get(plain)) is not None:
            raise ImportError(
                f"{self.territory.label}: {plain} cannot be private, because {reason}: let the host provide setuptools",
                name=plain,
            )
        return super().locate(fullname, path)

    def close(self) -> None:
        """Tear the realm down; what its modules have entered in the interpreter's tables goes, too.

        A plugin has `on_free` for that, a library has nobody who does it.
        """
        self.closed_at = time.monotonic()
        super().close()
        TABLES.clear(self.prefix)

    def stays(self) -> bool:
        """True if of the modules of a closed realm only extension modules are left, which Python never unloads."""
        return stay(self.modules.values())


def _tops(directory: LibraryDir) -> frozenset[str]:
    """The top-level names that a set brings."""
    return frozenset(name for library in directory.library_set.libraries for name in library.provides)


def refuse_inside(manifest: Manifest) -> None:
    """Refuse a plugin that has a package in its own wheel of which a process can have one copy.

    Raises:
        PrivateCopyError: It has.
    """
    for name in sorted(SOLITARY.keys() & manifest.provides):
        reason = f"{manifest.label} has {name} in its own wheel (let it require {name})"
        raise PrivateCopyError(name, SOLITARY[name].reason, plugins=[manifest.plugin], reasons=[reason])


def _forget_by_thread(text: str) -> None:
    """Take what a copy that is closed has left under a name in the states of all threads.

    The interpreter shows a thread's state to no other thread. But it is a dict that the collector knows, like others.
    """
    for found in gc.get_objects():
        if type(found) is dict and type(found.get(text)).__name__ == text:
            del found[text]


class Libraries:
    """The open realms of libraries, and how many plugin realms use each."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[LibraryRealm, int]] = {}
        self._closed: list[LibraryRealm] = []
        self._had: set[str] = set()
        """The packages of which a process can have one copy that there has been one of."""
        self._bundled: dict[str, dict[str, Bundled]] = {}
        """By set: the C libraries that the open ones bring."""
        self._directories: set[str] = set()
        """Of all sets that have been opened."""
        self._lock = threading.Lock()

    def open(self, directory: LibraryDir, plugin: str = "") -> LibraryRealm:
        """The realm of a set, for one more user; the first one opens it.

        Args:
            directory: The set, complete on disk.
            plugin: Name of the plugin that uses it.

        Raises:
            PrivateCopyError: The set has a package, or a C library, that cannot be there beside another copy.
        """
        key = directory.library_set.key
        with self._lock:
            if key not in self._open:
                for name in _tops(directory) & SOLITARY.keys():
                    self._make_room(name, plugin, directory)
                brought = bundled(directory)
                refuse_other_files(brought, plugin, self._bundled.values(), self._directories)
                self._bundled[key] = brought
                self._directories.add(str(directory.path))
            realm, users = self._open.get(key) or (LibraryRealm(directory), 0)
            self._open[key] = realm, users + 1
            return realm

    def _make_room(self, name: str, plugin: str, directory: LibraryDir) -> None:
        """See to it that there is no other copy of a package: nothing of former ones, and nobody has one."""
        solitary = SOLITARY[name]
        others = [realm.territory.label for realm, _ in self._open.values() if name in _tops(realm.directory)]
        if FINDER.host_has(name):
            others.append("what the host can import")
        if others:
            label = next(library.label for library in directory.library_set.libraries if name in library.provides)
            beside = [f"{plugin or 'a plugin'} would get {label} for itself, beside {other}" for other in others]
            raise PrivateCopyError(name, solitary.reason, plugins=filter(None, [plugin]), reasons=beside)
        if name in self._had and solitary.by_thread:
            _forget_by_thread(solitary.by_thread)
        self._had.add(name)

    def close(self, realm: LibraryRealm) -> None:
        """One user is done; the last one takes the realm along."""
        with self._lock:
            _, users = self._open[realm.key]
            if users > 1:
                self._open[realm.key] = realm, users - 1
                return
            del self._open[realm.key], self._bundled[realm.key]
            realm.close()
            self._closed = [*self.lingering(), realm]

    def lingering(self) -> list[LibraryRealm]:
        """The closed realms that have not been collected; their `holders()` tell why."""
        return [realm for realm in self._closed if realm.alive()]


LIBRARIES = Libraries()
