"""Which extension module asks: read from the native stack, where Python's own does not show it.

A C function has no Python frame. Called by somebody else than its own realm, a bound method that was handed out say, it
would ask for modules in the name of the caller. The return addresses on the native stack tell which library is asking.
It is consulted only where Python frames leave it open, and never for an import statement.
"""

from __future__ import annotations

import os
import threading
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING, Literal, TypeAlias
from weakref import ref

from .territory import Reach

if TYPE_CHECKING:
    from .unwinding import Unwinder

_SYSTEM = ("/libc.", "/libc-", "/libstdc++.", "/libgcc_s.", "/libpthread", "/ld-linux", "/libffi", "/_ctypes.")
_EXTENSIONS = tuple(EXTENSION_SUFFIXES)
_DEPTHS = (16, 128)
"""How many addresses are read, and then, if those do not say it."""
_MEMORY = 4096
"""How many stacks are remembered."""
_Answer: TypeAlias = 'ref[Reach] | Literal["nobody\'s", "host\'s", "open"]'


class NativeStack:
    """Knows the libraries of all realms, and finds them on the stack of the running thread."""

    def __init__(self) -> None:
        self._owners: dict[str, ref[Reach]] = {}
        self._reaches: dict[str, ref[Reach]] = {}
        self._answers: dict[tuple[int, bytes], ref[Reach] | _Answer] = {}
        self._lock = threading.Lock()
        self._unwinder: Unwinder | None = None

    def unlock(self) -> None:  # pragma: no cover - where nothing is measured
        """In a forked process: a thread that held the lock is not there."""
        self._lock = threading.Lock()

    def learn(self, path: str, reach: Reach) -> None:
        """A library, or all in a directory whose name ends with a slash, belongs to a realm from now on."""
        from .unwinding import Unwinder  # not before there is a library: ctypes takes a while to import

        with self._lock:
            self._owners[path] = ref(reach)
            self._reaches[reach.territory.prefix] = ref(reach)
            self._unwinder = self._unwinder or Unwinder()
            self._unwinder.forget()
            self._answers = {}

    def forget(self, prefix: str) -> None:
        """A realm has been closed."""
        with self._lock:
            known = self._reaches.pop(prefix, None)
            self._owners = {path: each for path, each in self._owners.items() if each is not known}
            self._answers = {}

    def may_mean_another(self, name: str, full: str) -> bool:
        """True if some realm's libraries mean another module by a plain name than the one of that full name."""
        reaches = [each() for each in list(self._reaches.values())]
        return any(reach is not None and reach.full(name) not in (name, full) for reach in reaches)

    def asker(self, entries: int) -> Reach | Literal["host's"] | None:
        """The realm whose extension is the nearest on the stack; None if it is none, but a Python function that asks.

        The standard library's extensions and builtin functions ask for whoever called them, and so do libraries that
        are no extensions.

        Args:
            entries: How many Python functions called from C, and whatever those call, do not count: the one that asks
                this, and the importing machinery. Behind them it is either a library that asks, or a Python function.
        """
        unwinder = self._unwinder
        if unwinder is None or unwinder.interpreter is None:
            return None
        for depth in _DEPTHS:  # pragma: no branch - it ends in threads that run no Python function: not measured
            # The native functions below this one are always the same, so the same stack is met again and again.
            stack = entries, unwinder.addresses(depth)
            answers = self._answers
            answer = answers.get(stack)
            if answer is None:
                if len(answers) >= _MEMORY:
                    answers.clear()
                answer = answers[stack] = self._answer(unwinder, *stack)
            if isinstance(answer, ref):
                reach = answer()
                return reach if reach is not None and not reach.closed else None
            if answer != "open":
                return None if answer == "nobody's" else answer
        return None  # pragma: no cover - as above

    def _answer(self, unwinder: Unwinder, entries: int, addresses: bytes) -> _Answer:
        inside = False
        for file, is_eval in unwinder.places(addresses):
            if file == unwinder.interpreter:
                inside = True
                entries -= is_eval
                if entries < 0:
                    return "nobody's"
            elif inside and not any(part in file for part in _SYSTEM):
                if (owner := self._owner(file)) is not None:
                    return owner
                if file.endswith(_EXTENSIONS) and not file.startswith(unwinder.standard):
                    return "host's"
        return "open"

    def _owner(self, file: str) -> ref[Reach] | None:
        found = self._owners.get(file)
        if found is None:
            owners = self._owners.items()
            found = next((each for path, each in owners if path[-1] == "/" and file.startswith(path)), None)
        return found


STACK = NativeStack()
os.register_at_fork(after_in_child=STACK.unlock)
