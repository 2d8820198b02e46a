"""What a host holds in its hands: the stages themselves are carried out, in order, by `engine.py`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from .calls import Caller, DirectCaller, LoopCaller, offload, running_loop
from .engine import LAST, Engine, ReloadCallback
from .errors import ReentrantReloadError, UsageError
from .exclusion import Exclusion, refuse_from_plugin
from .generation import Generation
from .leases import Hold, Lease
from .libraries import LibraryKeywords, LibraryOptions
from .model import Action, HistoryEntry, Plan
from .options import as_logger, as_state_dir
from .planning import Sources
from .report import ReloadReport
from .retired import Retired, libraries_left
from .retirement import Retirement
from .static import Static, make_supply
from .store import PruneReport, Store

if TYPE_CHECKING:
    from .control import ControlServer


class PluginManager:
    """Loads plugins and replaces them while the program runs.

    Args:
        sources: A directory of wheels, a source, a list of either; None is the environment of the running interpreter.
        state_dir: Site dirs, history, control socket; default `$HOTSWAP_STATE_DIR`, else `.hotswap`.
        only: Names of the plugins to load; one that is not on offer is an error. None: all that are.
        extension: Called once per generation; its result is `vault.extension`.
        on_reload: Called as `on_reload(new, old)` before each swap of a reload or rollback; raising vetoes it.
        free_delay: Seconds between drained and `on_free`.
        drain_timeout: Seconds after which it is logged who still executes in a retired plugin; `close` waits no longer.
        static: Plugin name -> module, in place of `sources`: the same lifecycle, no isolation, no reload, no state dir.
        logger: Default `logging.getLogger("hotswap")`.
        keep_history: Number of history entries kept, with the site dirs they need; a rollback's goal is kept beyond.
        libraries: `find_links=`, `index=`, `share=`, `private=`, `lock=`; see `LibraryOptions`.
    """

    def __init__(
        self,
        sources: Sources = None,
        *,
        state_dir: str | Path | None = None,
        only: Collection[str] | None = None,
        extension: Callable[[], Any] | None = None,
        on_reload: ReloadCallback | None = None,
        free_delay: float = 0.0,
        drain_timeout: float | None = None,
        static: Static | None = None,
        logger: logging.Logger | None = None,
        keep_history: int = 50,
        **libraries: Unpack[LibraryKeywords],
    ) -> None:
        logger = as_logger(logger)
        self._store = Store(as_state_dir(state_dir), logger=logger, keep_history=keep_history)
        exclusion = Exclusion()
        self._retirement = Retirement(logger, free_delay, drain_timeout, exclusion.marked)
        supply = make_supply(sources, static, only, self._store, logger, LibraryOptions.of(libraries))
        self._engine = Engine(supply, self._retirement, exclusion, extension, on_reload, logger)
        self._current = self._engine.current
        self._pinned: ContextVar[Hold[Generation] | None] = ContextVar("hotswap_lease", default=None)
        self._drain_timeout = drain_timeout
        self._server: ControlServer | None = None

    # ------------------------------------------------------------------------------------------------ changing

    def load(self, data: Any = None) -> ReloadReport:
        """Load everything on offer for the first time.

        Args:
            data: Handed to every `on_load`.

        Raises:
            UsageError: Something is loaded already.
            HotswapError: See `reload`.
        """
        return self._engine.change("load", DirectCaller(), data, None)

    def reload(self, data: Any = LAST, callback: ReloadCallback | None = None) -> ReloadReport:
        """Bring what is on offer now live, whole or not at all.

        Args:
            data: Handed to every `on_load` that runs; default: the data of the load or reload before.
            callback: Called as `callback(new, old)` after `on_reload`, before the swap; raising vetoes the reload.

        Raises:
            NotLoadedError: Nothing has been loaded yet.
            StaticModeError: In static mode.
            ReentrantReloadError: Called from where it would wait for itself.
            WheelError, ContractError, LifecycleError, ResolutionError, ReloadVetoError, StateDirError: Whose fault it
                was; the current generation is the same object as before.
        """
        return self._engine.change("reload", DirectCaller(), data, callback)

    def rollback(self, data: Any = LAST, callback: ReloadCallback | None = None) -> ReloadReport:
        """Go back to the exact wheels of the previous generation that differs from the current one.

        It is a reload of its own: a new generation, and what can undo a rollback is another one.

        Raises:
            UsageError: The history knows no such generation, or its site dirs have been pruned.
            HotswapError: See `reload`.
        """
        return self._engine.change("rollback", DirectCaller(), data, callback)

    async def aload(self, data: Any = None) -> ReloadReport:
        """`load` that never blocks the event loop; `on_load` and `on_init` may be async."""
        return await self._achange("load", data)

    async def areload(self, data: Any = LAST, callback: ReloadCallback | None = None) -> ReloadReport:
        """`reload` that never blocks the event loop; cancelling it before the swap undoes it."""
        return await self._achange("reload", data, callback)

    async def arollback(self, data: Any = LAST, callback: ReloadCallback | None = None) -> ReloadReport:
        """`rollback` that never blocks the event loop."""
        return await self._achange("rollback", data, callback)

    async def _achange(self, action: Action, data: Any, callback: ReloadCallback | None = None) -> ReloadReport:
        self._engine.exclusion.refuse_reentry(f"a{action}")

        def work(caller: LoopCaller) -> ReloadReport:
            return self._engine.change(action, caller, data, callback)

        return await offload(work, self._engine.exclusion.expect)

    # ------------------------------------------------------------------------------------------------- calling

    @property
    def current(self) -> Generation:
        """The current generation, or inside a lease the leased one.

        To look at, or to call through at once; around more than one call, hold a lease.

        Raises:
            NotLoadedError: Before the first load and after `close`.
        """
        hold = self._acquire()
        hold.glanced = time.monotonic()
        # If swapped in between, whoever retired it may not have seen the glance.
        while self._pinned.get() is None and self._current.hold is not hold:  # pragma: no cover - hits a few bytecodes
            hold = self._acquire()
            hold.glanced = time.monotonic()
        return hold.generation

    def lease(self) -> Lease[Generation]:
        """Pin the current generation: `with manager.lease() as plugins:`, or `async with`.

        Inside, in this thread or task and in the tasks it starts, `manager.invoke` and `manager.current` mean the
        leased generation, whatever is reloaded meanwhile.

        Raises:
            NotLoadedError: On entering, before the first load and after `close`.
        """
        return Lease(self._acquire, self._pinned)

    def invoke(self, name: str, func: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call `invoke_func(func, *args, **kwargs)` of a plugin: one leased call.

        Raises:
            NotLoadedError: Before the first load and after `close`.
            PluginNotFoundError: There is no such plugin.
        """
        hold = self._pinned.get() or self._current.hold
        if hold is None:
            raise self._engine.not_loaded()
        try:
            plugin = hold.generation[name]
            if args or kwargs:
                return plugin.invoke_func(func, *args, **kwargs)
            return plugin.invoke_func(func)  # handing on what is empty would cost 50 ns
        finally:
            del hold  # an exception that somebody stores keeps this frame, and must not keep the generation

    def _acquire(self) -> Hold[Generation]:
        hold = self._pinned.get() or self._current.hold
        if hold is None:
            raise self._engine.not_loaded()
        return hold

    # ------------------------------------------------------------------------------------------------- looking

    def plan(self) -> Plan:
        """What a reload would do now, and why; no plugin code is executed and nothing is installed.

        Raises:
            WheelError, ResolutionError, UsageError: Why a reload would fail before it begins.
        """
        return self._engine.plan()

    @property
    def reload_count(self) -> int:
        """How many reloads and rollbacks have succeeded."""
        return max(0, self._engine.number - 1)

    @property
    def static_mode(self) -> bool:
        """True if the plugins are part of the program: not isolated, and not reloaded."""
        return self._engine.supply.static

    @property
    def state_dir(self) -> Path:
        """Where site dirs, history and the control socket lie."""
        return self._store.state_dir

    def history(self) -> tuple[HistoryEntry, ...]:
        """Loads, reloads and rollbacks of this state dir, failed ones included, oldest first."""
        return self._store.entries()

    def retired(self) -> tuple[Retired, ...]:
        """What is no longer current and still in memory: plugin versions, oldest first, then private libraries."""
        return self._retirement.snapshot() + libraries_left(self.state_dir)

    def leaks(self) -> tuple[Retired, ...]:
        """Collect all garbage, which stops every thread, then say who holds each retired version still in memory."""
        return self._retirement.snapshot(holders=True) + libraries_left(self.state_dir, holders=True)

    def set_sources(self, sources: Sources) -> None:
        """Take plugins from elsewhere, beginning with the next reload.

        Raises:
            StaticModeError: In static mode.
        """
        self._engine.supply.set_sources(sources)

    def prune(self, *, dry_run: bool = False) -> PruneReport:
        """Remove site and library dirs that no generation in the kept history and no running process uses."""
        if not self.state_dir.is_dir():  # static mode makes none
            return PruneReport()
        self._store.hold(in_use := self._retirement.digests())
        return self._store.prune(keep=in_use, dry_run=dry_run)

    def serve_control(self) -> Path:
        """Open the Unix socket that the command line talks to, and return its path.

        Raises:
            ControlError: Another process serves this state dir, or the socket cannot be made.
            NotLoadedError: The manager has been closed.
        """
        if self._engine.closed:  # nobody would close the socket any more
            raise self._engine.not_loaded()
        # Imported here because the control room stands above the manager: only who asks for it pays for it.
        from .control import ControlServer

        if self._server is None:
            self._server = ControlServer(self, running_loop())
        return self._server.path

    # ------------------------------------------------------------------------------------------------- closing

    def close(self) -> None:
        """Wait until everything has drained, then free all plugins in reverse order; further calls are refused.

        With `drain_timeout`, what has not drained by then is logged and left unfreed.

        Raises:
            ReentrantReloadError: Called from inside a lease or a plugin's own call, which it would wait for.
        """
        self._refuse_waiting("close")
        if self._retirement.needs_this_loop():
            raise ReentrantReloadError("close would block the event loop that an on_free needs: await aclose() instead")
        self._close(DirectCaller())

    async def aclose(self) -> None:
        """`close` that never blocks the event loop; `on_free` may be async."""
        self._refuse_waiting("aclose")
        await offload(self._close, self._engine.exclusion.expect)

    def _refuse_waiting(self, action: str) -> None:
        self._engine.exclusion.refuse_reentry(action)
        if self._pinned.get() is not None:
            raise UsageError(f"{action} was called inside a lease, which it would wait for")
        refuse_from_plugin(action, self._retirement.prefixes())

    def _close(self, caller: Caller) -> None:
        if self._server is not None:
            self._server.close()
        self._engine.close(caller, self._drain_timeout)

    def __enter__(self) -> PluginManager:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    async def __aenter__(self) -> PluginManager:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()
