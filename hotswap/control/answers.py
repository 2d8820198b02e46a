"""What each command of the control socket does with the manager."""

from __future__ import annotations

import inspect
import os
import platform
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..errors import ControlError, NotLoadedError, UsageError
from .protocol import VERSION, Request

if TYPE_CHECKING:
    import asyncio

    from ..generation import Generation
    from ..manager import PluginManager
    from ..report import ReloadReport

_LOOK = 0.5
"""Seconds between looks at whether the event loop that a reload waits for still exists."""


class Answers:
    """Carries out requests, each in the thread that calls.

    Args:
        manager: Whose plugins it is about.
        loop: Where reloads and rollbacks run, so that asynchronous plugins can be awaited; None: in the calling thread.
    """

    def __init__(self, manager: PluginManager, loop: asyncio.AbstractEventLoop | None) -> None:
        self._manager = manager
        self._loop = loop
        self._began = time.monotonic()
        self._commands: dict[str, Callable[..., dict[str, Any]]] = {
            "ping": self._ping,
            "status": self._status,
            "plan": self._plan,
            "reload": self._reload,
            "rollback": self._rollback,
            "history": self._history,
            "graph": self._graph,
            "prune": self._prune,
        }

    def __call__(self, request: Request) -> dict[str, Any]:
        """The result of a request, as plain data.

        Raises:
            UsageError: There is no such command, or it has no such arguments.
            HotswapError: What the manager raises.
        """
        command = self._commands.get(request.command)
        if command is None:
            raise UsageError(f"no command is called {request.command!r}; there are: {', '.join(self._commands)}")
        try:
            bound = inspect.signature(command).bind(**request.arguments)
        except TypeError as error:
            raise UsageError(f"{request.command}: {error}") from None
        return command(*bound.args, **bound.kwargs)

    def _ping(self) -> dict[str, Any]:
        return {"pid": os.getpid(), "protocol": VERSION}

    def _status(self) -> dict[str, Any]:
        generation = self._generation()
        return {
            "pid": os.getpid(),
            "python": platform.python_version(),
            "uptime": time.monotonic() - self._began,
            "state_dir": str(self._manager.state_dir),
            "generation": None if generation is None else generation.number,
            "reload_count": self._manager.reload_count,
            "plugins": [
                {
                    "name": plugin.name,
                    "version": str(plugin.version),
                    "digest": plugin.digest,
                    "outcome": str(plugin.outcome),
                    "reloadable": plugin.reloadable,
                    "loaded_at": plugin.loaded_at.isoformat(),
                    "site_dir": None if plugin.site_dir is None else str(plugin.site_dir),
                    "dependencies": list(plugin.dependencies),
                }
                for plugin in (() if generation is None else generation.plugins)
            ],
            "retired": [asdict(retired) for retired in self._manager.retired()],
        }

    def _plan(self) -> dict[str, Any]:
        from ..libraries import this_environment  # the command line, which imports this room, does without

        return {**self._manager.plan().as_json(), "environment": this_environment()}

    def _reload(self) -> dict[str, Any]:
        return self._change(self._manager.reload, self._manager.areload)

    def _rollback(self) -> dict[str, Any]:
        return self._change(self._manager.rollback, self._manager.arollback)

    def _history(self) -> dict[str, Any]:
        return {"entries": [asdict(entry) for entry in self._manager.history()]}

    def _graph(self, libraries: bool = False) -> dict[str, Any]:
        if not isinstance(libraries, bool):
            raise UsageError(f"graph: libraries must be true or false, not {libraries!r}")
        # In memory by now; the command line, which imports this room, does without.
        from ..resolver import graph_as_json, with_libraries

        current = self._manager.current
        if not libraries:
            return graph_as_json(current.graph)
        return graph_as_json(
            with_libraries(current.graph, [(p.manifest, p.libraries, p.copies) for p in current.plugins])
        )

    def _prune(self, dry_run: bool = False) -> dict[str, Any]:
        if not isinstance(dry_run, bool):
            raise UsageError(f"prune: dry_run must be true or false, not {dry_run!r}")
        return asdict(self._manager.prune(dry_run=dry_run))

    def _generation(self) -> Generation | None:
        try:
            return self._manager.current
        except NotLoadedError:
            return None

    def _change(
        self, directly: Callable[[], ReloadReport], awaited: Callable[[], Coroutine[Any, Any, ReloadReport]]
    ) -> dict[str, Any]:
        # A host whose loop has ended may go on without one.
        if self._loop is None or self._loop.is_closed():
            return directly().as_json()
        return _on_loop(awaited(), self._loop).as_json()


def _on_loop(change: Coroutine[Any, Any, ReloadReport], loop: asyncio.AbstractEventLoop) -> ReloadReport:
    """Run a coroutine on the loop of another thread, and wait for its result.

    Raises:
        ControlError: The loop ended before the coroutine did.
    """
    import asyncio  # in memory by now, as above
    import concurrent.futures

    over = ControlError("the host's event loop has ended before the plugins were replaced")
    try:
        future = asyncio.run_coroutine_threadsafe(change, loop)
        # A loop that is closed forgets what it had been given: the future alone would be waited for forever.
        while not concurrent.futures.wait([future], _LOOK).done:
            if loop.is_closed():
                raise over
    except RuntimeError:  # closed a moment ago
        raise over from None
    finally:
        if inspect.getcoroutinestate(change) == inspect.CORO_CREATED:
            change.close()
    try:
        return future.result()
    except concurrent.futures.CancelledError:
        raise over from None
    finally:
        del future  # an exception holds this frame, the frame must not hold the exception
