"""Retired, drained, freed, collected: what happens to a plugin version after its last generation has gone."""

from __future__ import annotations

import gc
import inspect
import itertools
import logging
import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from .calls import Caller
from .exclusion import runs_plugin
from .generation import Generation, Plugin
from .leases import Hold
from .options import as_seconds
from .retired import RealmLike, Record, Retired

GLANCE = 0.2
"""Seconds for which a generation seen through `manager.current` counts as in use: what
`manager.current["x"].invoke_func()` needs between its two steps, with room for a thread that waits for its turn."""
_LOOK_AGAIN = 0.2
"""Seconds after which a wait for the end looks whether anybody still waits for it."""


class Retirement:
    """Frees plugins once they have drained, in a thread of its own or in that of the reload that retired them.

    Args:
        logger: Takes exceptions from `on_free` and late drains.
        free_delay: Seconds between drained and `on_free`.
        drain_timeout: Seconds after which it is logged who still executes in a retired plugin, or None.
        marked: Makes a context in which `on_free` runs, so that a reload started from there can be told.
    """

    def __init__(
        self,
        logger: logging.Logger,
        free_delay: float,
        drain_timeout: float | None,
        marked: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._logger = logger
        self._marked = marked
        self._free_delay = as_seconds("free_delay", free_delay)
        self._drain_timeout = None if drain_timeout is None else as_seconds("drain_timeout", drain_timeout)
        self._records: dict[int, Record] = {}
        self._batches = itertools.count(1)
        self._glanced: list[tuple[float, Hold[Generation]]] = []
        # Reentrant, both of them: the last call may end inside a garbage collection, in any thread.
        self._drained: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._wake: queue.SimpleQueue[bool] = queue.SimpleQueue()
        # Held for moments only: no thread waits for another's `on_free`, which may be waiting for that thread.
        self._state = threading.RLock()
        self._freed = threading.Condition(self._state)
        # Made now, because a thread keeps the `sys.excepthook` of its making, which later may be a plugin's.
        self._thread = self._make_thread()
        self._stopping = False
        self._hurry = False

    def _make_thread(self) -> threading.Thread:
        return threading.Thread(target=self._run, name="hotswap-retirement", daemon=True)

    def enrol(
        self,
        plugin: Plugin,
        realm: RealmLike,
        caller: Caller,
        generation: int,
        bound_to: frozenset[int] = frozenset(),
    ) -> None:
        """Take note of a plugin that becomes live, and of the serials of those it is bound to."""
        with self._state:
            self._records[plugin.serial] = Record(plugin, realm, caller, generation, bound_to=bound_to)

    def retire(self, plugins: Iterable[Plugin], hold: Hold[Generation], *, at_once: bool = False) -> None:
        """No new call reaches these plugins, whose last generation this is; called while `hold` is still held.

        Args:
            plugins: They belong to no newer generation; in load order.
            hold: Of the generation they belong to.
            at_once: Wait neither for who has just glanced at the generation nor for `free_delay`, also for what was
                retired before.
        """
        now = time.monotonic()
        batch = next(self._batches)
        # A plugin's `on_free` may wait for the plugin's own threads, so none of them runs it.
        left_to = None if runs_plugin(self.prefixes()) else threading.get_ident()
        with self._state:
            for rank, plugin in enumerate(plugins):
                record = self._records[plugin.serial]
                record.order = (batch, -rank)
                record.state, record.retired_at, record.left_to = "draining", now, left_to
            if hold.glanced + GLANCE > now and not at_once:
                self._glanced.append((hold.glanced + GLANCE, hold))
                self._give_way(hold)
            self._hurry = self._hurry or at_once
        if not self._thread.is_alive():
            if self._thread.ident is not None:  # a forked child has only its parent's
                self._thread = self._make_thread()  # pragma: no cover - runs in a forked child, which is not measured
            self._thread.start()
        self._wake.put(True)

    def _give_way(self, hold: Hold[Generation], gives_way: bool = True) -> None:
        """Where nobody but a glance keeps a version, its successor answers for what pickles name; see `realm`."""
        for plugin in hold.generation.plugins:
            record = self._records.get(plugin.serial)
            if record is not None and record.state == "draining":
                record.realm.give_way(gives_way and not hold.leases and not record.realm.running())

    def drained(self, plugin: Plugin) -> None:
        """Nobody executes in it any more; may be called from anywhere, at any moment."""
        self._drained.put(plugin.serial)
        self._wake.put(True)

    def sweep(self) -> None:
        """Free what has drained and is due, dependents before dependencies; a plugin's thread leaves it to another."""
        try:
            if not runs_plugin(self.prefixes()):
                while claimed := self._claim():
                    self._free_all(claimed)
        finally:
            with self._state:
                self._forget_collected()
                for record in self._records.values():
                    if record.left_to == threading.get_ident():
                        record.left_to = None
            if threading.current_thread() is not self._thread:
                self._wake.put(True)

    def _claim(self) -> list[Record]:
        """What is to be freed now, by this thread and no other, in order."""
        with self._state:
            now = time.monotonic()
            over = [hold for until, hold in self._glanced if until <= now or self._hurry]
            self._glanced = [(until, hold) for until, hold in self._glanced if until > now and not self._hurry]
            while over:  # emptied, because what is in there cannot drain
                self._give_way(over.pop(), False)  # what goes on draining, somebody uses
            while not self._drained.empty():
                record = self._records.get(self._drained.get())
                if record is not None:  # pragma: no branch - else interrupted before it could go live
                    record.state, record.due = "drained", now + self._free_delay
                    record.realm.give_way(True)
            claimed: list[Record] = []
            needed: set[int] = set()
            # In reverse load order of their last generation; who is bound to a plugin is replaced with it or earlier.
            for record in sorted(self._records.values(), key=lambda record: record.order):
                if record.state not in ("draining", "drained"):
                    continue
                if record.plugin.serial not in needed and self._is_mine(record, now):
                    record.claimed = True
                    claimed.append(record)
                else:
                    needed |= record.bound_to
            return claimed

    def _is_mine(self, record: Record, now: float) -> bool:
        due = record.state == "drained" and (self._hurry or record.due <= now) and not record.claimed
        # An asynchronous on_free cannot be waited for on its own loop: that one is left to the thread.
        return due and record.left_to in (None, threading.get_ident()) and not record.caller.would_block()

    def _free_all(self, claimed: list[Record]) -> None:
        try:
            for record in claimed:
                self._free(record)
        finally:
            for record in claimed:
                record.claimed = False

    def digests(self) -> set[str]:
        """Of all plugins that are live, or retired and still in memory, with the keys of their libraries."""
        plugins = [record.plugin for record in list(self._records.values())]
        return {plugin.digest for plugin in plugins} | {p.libraries.key for p in plugins if p.libraries is not None}

    def prefixes(self) -> list[str]:
        """Module name prefixes of all plugins that have not been freed."""
        records = list(self._records.values())
        return [record.realm.prefix for record in records if record.state != "freed"]

    def needs_this_loop(self) -> bool:
        """True if some `on_free` that is still to run is asynchronous and belongs to the loop of this thread."""
        return any(
            record.plugin.hooks is not None
            and inspect.iscoroutinefunction(record.plugin.hooks.on_free)
            and record.caller.would_block()
            for record in list(self._records.values())
        )

    def snapshot(self, *, holders: bool = False) -> tuple[Retired, ...]:
        """What is retired and still in memory, oldest first; with `holders`, after a full garbage collection."""
        if holders:
            gc.collect()
        with self._state:
            self._forget_collected()
            retired = [record for record in self._records.values() if record.state != "live"]
        return tuple(record.describe(holders=holders) for record in retired)

    def wait(self, timeout: float | None, caller: Caller) -> bool:
        """Block until everything retired has been freed; False if that took longer than `timeout` seconds.

        Raises:
            CancelledError: Nobody waits for the caller any more.
        """
        until = float("inf") if timeout is None else time.monotonic() + timeout
        with self._freed:
            while not all(record.state in ("live", "freed") for record in self._records.values()):
                caller.check()
                if (left := until - time.monotonic()) <= 0:
                    return False
                self._freed.wait(min(left, _LOOK_AGAIN))
        return True

    def stop(self, *, drained: bool) -> None:
        """End the thread; what has not been freed by now stays as it is, unless all has `drained`."""
        self._stopping = True
        self._wake.put(True)
        if drained and self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        looked = time.monotonic()
        while True:
            try:
                self._wake.get(timeout=self._pause(looked))
            except queue.Empty:
                pass
            if self._stopping:
                return
            looked = time.monotonic()
            try:
                self.sweep()
                self._report_late()
            except BaseException as error:  # nobody else takes it, and a dead thread would free nothing any more
                self._logger.error("the retirement goes on after this:\n%s", "".join(traceback.format_exception(error)))

    def _pause(self, looked: float) -> float | None:
        # What was due when it was last looked and is still there waits for another thread, which will wake this one.
        moments = [until for until, _ in self._glanced]
        moments += [r.due for r in list(self._records.values()) if r.state == "drained" and r.due > looked]
        if self._drain_timeout is not None:
            moments += [
                record.retired_at + self._drain_timeout
                for record in list(self._records.values())
                if record.state == "draining" and record.retired_at is not None and not record.reported
            ]
        if not moments:
            return None
        return min(max(0.0, min(moments) - time.monotonic()), threading.TIMEOUT_MAX)

    def _report_late(self) -> None:
        if self._drain_timeout is None:
            return
        now = time.monotonic()
        for record in list(self._records.values()):
            late = record.retired_at is not None and now - record.retired_at >= self._drain_timeout
            if record.state == "draining" and late and not record.reported:
                record.reported = True
                self._logger.warning(
                    "%s %s has not drained %.1f s after it was retired; held by: %s",
                    record.plugin.name,
                    record.plugin.version,
                    self._drain_timeout,
                    "; ".join(record.describe(holders=True).holders) or "nobody that could be found",
                )

    def _free(self, record: Record) -> None:
        try:
            with self._marked():
                record.plugin.free(record.caller, self._logger)
        finally:
            record.plugin.let_go()
            record.realm.close()
            with self._freed:
                record.state = "freed"
                self._freed.notify_all()

    def _forget_collected(self) -> None:
        for serial, record in list(self._records.items()):
            if not record.is_alive:
                del self._records[serial]
