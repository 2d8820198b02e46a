"""The realms of private libraries: one for each set, shared by all plugin realms that use it."""

from __future__ import annotations

import copyreg
import logging
import sys
import threading
import time
import warnings
from functools import partial
from types import FunctionType, MethodType
from typing import Any

from ..model import LibraryDir
from .address import address_of_libraries, stem_of
from .leaks import stay
from .space import Space
from .territory import of_libraries


class LibraryRealm(Space):
    """The modules of one set of libraries.

    Args:
        directory: The library dir, complete on disk.
    """

    def __init__(self, directory: LibraryDir) -> None:
        self.directory = directory
        self.key = directory.library_set.key
        libraries = directory.library_set.libraries
        self.label = libraries[0].label + (f" and {len(libraries) - 1} more" if len(libraries) > 1 else "")
        self.closed_at = 0.0
        """On the clock of `time.monotonic`, in seconds."""
        super().__init__(
            stem_of(address_of_libraries(directory.library_set)),
            str(directory.path),
            partial(of_libraries, directory),
        )

    def close(self) -> None:
        """Tear the realm down; what its modules have entered in the interpreter's tables goes, too.

        A plugin has `on_free` for that, a library has nobody who does it.
        """
        self.closed_at = time.monotonic()
        super().close()
        tables: tuple[Any, ...] = (sys.meta_path, sys.path_hooks, warnings.filters)
        for table in tables:
            for entry in [entry for entry in table if self._has_made(entry)]:
                table.remove(entry)
        for logger in [logging.root, *logging.root.manager.loggerDict.values()]:
            if isinstance(logger, logging.Logger):
                for handler in filter(self._has_made, list(logger.handlers)):
                    logger.removeHandler(handler)
                for each in filter(self._has_made, list(logger.filters)):
                    logger.removeFilter(each)
        for cls, reducer in list(copyreg.dispatch_table.items()):
            if self._has_made(cls) or self._has_made(reducer):  # classes of C code do not say whose they are
                copyreg.dispatch_table.pop(cls, None)

    def stays(self) -> bool:
        """True if of the modules of a closed realm only extension modules are left, which Python never unloads."""
        return stay(self.modules.values())

    def _has_made(self, entry: Any) -> bool:
        """True for a class or function of the realm, an instance or method of one, and a tuple that has one."""
        if isinstance(entry, tuple):
            return any(map(self._has_made, entry))
        if isinstance(entry, partial):
            entry = entry.func
        if isinstance(entry, MethodType):
            entry = entry.__func__
        named = entry if isinstance(entry, (type, FunctionType)) else type(entry)
        return str(named.__module__).startswith(self.prefix)


class Libraries:
    """The open realms of libraries, and how many plugin realms use each."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[LibraryRealm, int]] = {}
        self._closed: list[LibraryRealm] = []
        self._lock = threading.Lock()

    def open(self, directory: LibraryDir) -> LibraryRealm:
        """The realm of a set, for one more user; the first one opens it."""
        key = directory.library_set.key
        with self._lock:
            realm, users = self._open.get(key) or (LibraryRealm(directory), 0)
            self._open[key] = realm, users + 1
            return realm

    def close(self, realm: LibraryRealm) -> None:
        """One user is done; the last one takes the realm along."""
        with self._lock:
            _, users = self._open[realm.key]
            if users > 1:
                self._open[realm.key] = realm, users - 1
                return
            del self._open[realm.key]
            realm.close()
            self._closed = [*self.lingering(), realm]

    def lingering(self) -> list[LibraryRealm]:
        """The closed realms that have not been collected; their `holders()` tell why."""
        return [realm for realm in self._closed if realm.alive()]


LIBRARIES = Libraries()
