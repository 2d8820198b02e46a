"""Retired, drained, freed, collected: what happens to a plugin version after its last generation has gone."""

from __future__ import annotations

import gc
import inspect
import logging
import queue
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from .calls import Caller
from .generation import Generation, Plugin
from .leases import Hold

GLANCE = 0.2
"""Seconds for which a generation seen through `manager.current` counts as in use: what
`manager.current["x"].invoke_func()` needs between its two steps, with room for a thread that waits for its turn."""


class RealmLike(Protocol):
    """What the retirement needs of a realm."""

    prefix: str

    def close(self) -> None:
        """Tear it down."""
        ...

    def alive(self) -> bool:
        """True until it has been collected."""
        ...

    def executing(self) -> tuple[str, ...]:
        """Who executes in it, in words."""
        ...

    def holders(self) -> tuple[str, ...]:
        """Who refers to it although it is closed, in words."""
        ...


@dataclass(frozen=True, slots=True)
class Retired:
    """A plugin version that is no longer part of the current generation and still in memory.

    Attributes:
        plugin: Its name.
        version: Its version.
        generation: Number of the generation that loaded it.
        state: "draining": somebody executes in it; "drained": `on_free` is due; "freed": it only waits to be collected.
        seconds: Since it was retired.
        holders: Who holds it, in words; filled by `manager.leaks()` and when `drain_timeout` has passed.
    """

    plugin: str
    version: str
    generation: int
    state: str
    seconds: float
    holders: tuple[str, ...] = ()


@dataclass
class _Record:
    plugin: Plugin
    realm: RealmLike | None
    caller: Caller
    generation: int
    retired_at: float | None = None
    due: float = 0.0
    state: str = "live"
    reported: bool = False


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
        self._free_delay = free_delay
        self._drain_timeout = drain_timeout
        self._records: dict[int, _Record] = {}
        self._glanced: list[tuple[float, Hold[Generation]]] = []
        self._holds: weakref.WeakSet[Hold[Generation]] = weakref.WeakSet()
        # Reentrant, both of them: the last call may end inside a garbage collection, in any thread.
        self._drained: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._wake: queue.SimpleQueue[bool] = queue.SimpleQueue()
        # Two locks: one for the records, held for moments, and one for freeing, held while an `on_free` runs.
        self._state = threading.RLock()
        self._freed = threading.Condition(self._state)
        self._freeing = threading.RLock()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._hurry = False

    def enrol(self, plugin: Plugin, realm: RealmLike | None, caller: Caller, generation: int) -> None:
        """Take note of a plugin that becomes live."""
        self._records[plugin.serial] = _Record(plugin, realm, caller, generation)

    def retire(self, plugins: Iterable[Plugin], hold: Hold[Generation], *, at_once: bool = False) -> None:
        """No new call reaches these plugins, whose last generation this is; called while `hold` is still held.

        Args:
            plugins: They belong to no newer generation.
            hold: Of the generation they belong to.
            at_once: Wait neither for who has just glanced at the generation nor for `free_delay`, also for what was
                retired before.
        """
        now = time.monotonic()
        for plugin in plugins:
            record = self._records[plugin.serial]
            record.state, record.retired_at = "draining", now
        if hold.glanced + GLANCE > now and not at_once:
            self._glanced.append((hold.glanced + GLANCE, hold))
        self._hurry = self._hurry or at_once
        self._holds.add(hold)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hotswap-retirement", daemon=True)
            self._thread.start()
        self._wake.put(True)

    def drained(self, plugin: Plugin) -> None:
        """Nobody executes in it any more; may be called from anywhere, at any moment."""
        self._drained.put(plugin.serial)
        self._wake.put(True)

    def sweep(self) -> None:
        """Free what has drained and is due, dependents before dependencies."""
        # On a loop that an on_free needs, waiting for whoever is freeing might never end; that thread looks again.
        on_needed_loop = any(record.caller.would_block() for record in list(self._records.values()))
        if not self._freeing.acquire(blocking=not on_needed_loop):
            return
        try:
            while ready := self._ready():
                for record in ready:
                    self._free(record)
        finally:
            self._freeing.release()
        with self._state:
            self._forget_collected()

    def _ready(self) -> list[_Record]:
        """What is to be freed now by this thread, in order."""
        with self._state:
            now = time.monotonic()
            self._glanced = [(until, hold) for until, hold in self._glanced if until > now and not self._hurry]
            while not self._drained.empty():
                record = self._records[self._drained.get()]
                record.state, record.due = "drained", now + self._free_delay
            # An asynchronous on_free cannot be waited for on its own loop: that one is left to the thread.
            ready = [
                record
                for record in self._records.values()
                if record.state == "drained" and (self._hurry or record.due <= now) and not record.caller.would_block()
            ]
            return sorted(ready, key=lambda record: -record.plugin.serial)

    def digests(self) -> set[str]:
        """Of all plugins that are live, or retired and still in memory."""
        return {record.plugin.digest for record in list(self._records.values())}

    def prefixes(self) -> list[str]:
        """Module name prefixes of all plugins that have not been freed."""
        records = list(self._records.values())
        return [record.realm.prefix for record in records if record.realm is not None and record.state != "freed"]

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
        return tuple(self._describe(record, holders) for record in retired)

    def wait(self, timeout: float | None) -> bool:
        """Block until everything retired has been freed; False if that took longer than `timeout` seconds."""
        with self._freed:
            return self._freed.wait_for(
                lambda: all(record.state in ("live", "freed") for record in self._records.values()), timeout
            )

    def stop(self) -> None:
        """End the thread; what has not been freed by now stays as it is."""
        self._stopping = True
        self._wake.put(True)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._wake.get(timeout=self._pause())
            except queue.Empty:
                pass
            self.sweep()
            self._report_late()

    def _pause(self) -> float | None:
        moments = [until for until, _ in self._glanced]
        moments += [record.due for record in list(self._records.values()) if record.state == "drained"]
        if self._drain_timeout is not None:
            moments += [
                record.retired_at + self._drain_timeout
                for record in list(self._records.values())
                if record.state == "draining" and record.retired_at is not None and not record.reported
            ]
        return max(0.0, min(moments) - time.monotonic()) if moments else None

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
                    "; ".join(self._describe(record, True).holders) or "nobody that could be found",
                )

    def _free(self, record: _Record) -> None:
        try:
            with self._marked():
                record.plugin.free(record.caller, self._logger)
        finally:
            record.plugin.let_go()
            if record.realm is not None:
                record.realm.close()
            with self._freed:
                record.state = "freed"
                self._freed.notify_all()

    def _forget_collected(self) -> None:
        for serial, record in list(self._records.items()):
            if record.state == "freed" and not (record.realm and record.realm.alive()):
                del self._records[serial]

    def _describe(self, record: _Record, holders: bool) -> Retired:
        plugin = record.plugin
        return Retired(
            plugin=plugin.name,
            version=str(plugin.version),
            generation=record.generation,
            state=record.state,
            seconds=time.monotonic() - (record.retired_at or time.monotonic()),
            holders=tuple(self._holders(record)) if holders else (),
        )

    def _holders(self, record: _Record) -> list[str]:
        if record.state == "freed":
            return list(record.realm.holders()) if record.realm else []
        leases = [
            f"a lease of generation {hold.generation.number} taken at {where}"
            for hold in list(self._holds)
            if record.plugin in hold.generation.plugins
            for where in list(hold.leases.values())
        ]
        return [*leases, *(record.realm.executing() if record.realm else ())]
