"""Which extension module asks: read from the native stack, where Python's own does not show it.

A C function has no Python frame. Called by somebody else than its own realm, a bound method that was handed out say, it
would ask for modules in the name of the caller. The return addresses on the native stack tell which library is asking.
It is consulted only where Python frames leave it open, and never for an import statement.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from weakref import ref

from .territory import Reach

if TYPE_CHECKING:
    from .unwinding import Unwinder

_SYSTEM = ("/libc.", "/libc-", "/libstdc++.", "/libgcc_s.", "/libpthread", "/ld-linux", "/libffi", "/_ctypes.")


class NativeStack:
    """Knows the libraries of all realms, and finds them on the stack of the running thread."""

    def __init__(self) -> None:
        self._owners: dict[str, ref[Reach]] = {}
        self._reaches: dict[str, ref[Reach]] = {}
        self._lock = threading.Lock()
        self._unwinder: Unwinder | None = None

    def learn(self, path: str, reach: Reach) -> None:
        """A library, or all in a directory whose name ends with a slash, belongs to a realm from now on."""
        from .unwinding import Unwinder  # not before there is a library: ctypes takes a while to import

        with self._lock:
            self._owners[path] = ref(reach)
            self._reaches[reach.territory.prefix] = ref(reach)
            self._unwinder = self._unwinder or Unwinder()
            self._unwinder.forget()

    def forget(self, prefix: str) -> None:
        """A realm has been closed."""
        with self._lock:
            known = self._reaches.pop(prefix, None)
            self._owners = {path: each for path, each in self._owners.items() if each is not known}

    def may_mean_another(self, name: str, full: str) -> bool:
        """True if some realm's libraries mean another module by a plain name than the one of that full name."""
        reaches = [each() for each in list(self._reaches.values())]
        return any(reach is not None and reach.full(name) not in (name, full) for reach in reaches)

    def asker(self, entries: int) -> Reach | None:
        """The realm whose library is the nearest on the stack.

        Args:
            entries: How many Python functions called from C, and whatever those call, do not count: the one that asks
                this, and the importing machinery. Behind them it is either a library that asks, or a Python function.
        """
        unwinder = self._unwinder
        if unwinder is None or unwinder.interpreter is None:
            return None
        inside = False
        for file, is_eval in unwinder.places():
            if file == unwinder.interpreter:
                inside = True
                entries -= is_eval
                if entries < 0:
                    return None
            elif inside and not any(part in file for part in _SYSTEM):
                return self._owner(file)
        return None  # pragma: no cover - in threads that run no Python function, where nothing is measured

    def _owner(self, file: str) -> Reach | None:
        found = self._owners.get(file)
        if found is None:
            found = next(
                (each for path, each in self._owners.items() if path[-1] == "/" and file.startswith(path)), None
            )
        reach = found() if found is not None else None
        return reach if reach is not None and not reach.closed else None


STACK = NativeStack()
