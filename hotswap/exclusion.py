"""Reloads are serialised; one that could only wait for itself is refused."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

from .calls import Caller, LoopCaller
from .errors import ReentrantReloadError

_LOOK_AGAIN = 0.2
"""Seconds after which a change that waits for another looks whether that can ever end."""


class _Running:
    """A load, reload or rollback on its way, as the code it runs sees it by its context."""

    __slots__ = ("active", "by")

    def __init__(self, by: object) -> None:
        self.by = by
        self.active = True


# Whether it is still running is asked of the object, because tasks that a plugin starts in `on_load` inherit the
# context and live on.
_inside: ContextVar[_Running | None] = ContextVar("hotswap_inside", default=None)


class Exclusion:
    """Lets one change at a time happen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.loading: list[str] = []
        """Module name prefixes of the realms that the running change has opened, and of those that hand over."""
        self._loops: set[Caller] = set()

    def expect(self, caller: LoopCaller) -> None:
        """Take note, on the loop's own thread, that a change is going to need this loop."""
        self._loops.add(caller)

    def refuse_reentry(self, action: str) -> None:
        """Raise where waiting for the running change could never end.

        Raises:
            ReentrantReloadError: Called from what that change itself runs (`on_load`, a callback, ...).
        """
        running = _inside.get()
        if running is not None and running.active and running.by is self:
            raise ReentrantReloadError(
                f"{action} was called from inside a running load, reload or on_free: return first"
            )

    @contextmanager
    def __call__(self, action: str, caller: Caller) -> Iterator[None]:
        """Hold the lock while one change happens.

        Raises:
            ReentrantReloadError: It would wait for itself, or block the event loop that the running change needs.
        """
        try:
            self.refuse_reentry(action)
            if any(other.would_block() for other in list(self._loops)):
                raise ReentrantReloadError(
                    f"{action} would block the event loop that a running reload needs: await a{action} instead"
                )
            self._wait(action, caller)
            try:
                with self._alone():
                    yield
            finally:
                self._lock.release()
        finally:
            self._loops.discard(caller)  # there since `expect`, if it serves a loop

    def _wait(self, action: str, caller: Caller) -> None:
        """Acquire the lock; give up as soon as the running change waits for this very thread, or task.

        It may begin to while this waits: an `on_load` that joins what it has started, an `on_handover` that stops a
        thread of its own, or awaits the task that has started this change and been cancelled.
        """
        while not self._lock.acquire(blocking=False):
            caller.check()
            if runs_plugin(self.loading):
                raise ReentrantReloadError(
                    f"{action} was called by code that is just being loaded or replaced: try again when that is done"
                )
            if self._lock.acquire(timeout=_LOOK_AGAIN):
                return

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with self.marked():
                yield
        finally:
            self.loading = []

    @contextmanager
    def marked(self) -> Iterator[None]:
        """Whatever is called inside is known to be part of the change."""
        running = _Running(self)
        token = _inside.set(running)
        try:
            yield
        finally:
            running.active = False
            _inside.reset(token)


def refuse_from_plugin(action: str, prefixes: list[str]) -> None:
    """Raise if code of a plugin is on this thread's stack: waiting for its call to end would never end.

    Raises:
        ReentrantReloadError: It is.
    """
    if runs_plugin(prefixes):
        raise ReentrantReloadError(f"{action} was called from inside a plugin's own call, which it would wait for")


def runs_plugin(prefixes: list[str]) -> bool:
    """True if code of a plugin is on this thread's stack, as it is in every thread that a plugin has started."""
    wanted = tuple(prefixes)
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__")
        if isinstance(name, str) and f"{name}.".startswith(wanted):
            return True
        frame = frame.f_back
    return False
