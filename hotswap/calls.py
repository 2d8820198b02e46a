"""How one of the seven functions is called: directly, or with an event loop behind it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from .errors import LifecycleError

T = TypeVar("T")
_LOOK_AGAIN = 1.0
"""Seconds after which it is looked whether a loop that was asked for something still runs; it does not tell."""


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this thread."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Caller(Protocol):
    """Runs lifecycle functions."""

    def __call__(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call the function and, if it is asynchronous, see it through to its result."""
        ...

    def finish(self, function: Callable[[], Any]) -> Any:
        """The same for what has to be done in any case, though nobody waits for the work any more."""
        ...

    def check(self) -> None:
        """Raise CancelledError if nobody waits for the work any more."""
        ...

    def would_block(self) -> bool:
        """True if an asynchronous function could not be waited for in this thread."""
        ...


class DirectCaller:
    """Calls in this thread; what turns out to be asynchronous is refused."""

    def __call__(self, function: Callable[..., Any], *args: Any) -> Any:
        """See `Caller`.

        Raises:
            TypeError: The function is asynchronous.
        """
        result = function(*args)
        if inspect.isawaitable(result):
            if inspect.iscoroutine(result):
                result.close()
            raise TypeError("it is async: use aload, areload and aclose, or make it a plain function")
        return result

    finish = __call__

    def check(self) -> None:
        """See `Caller`."""

    def would_block(self) -> bool:
        """See `Caller`."""
        return False


class LoopCaller:
    """Calls in a worker thread, and awaits what is asynchronous on the event loop that the worker serves."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._abandoned = False
        self._task: asyncio.Task[Any] | None = None
        """What may be cancelled; touched on the loop's thread only."""

    def __call__(self, function: Callable[..., Any], *args: Any) -> Any:
        """See `Caller`."""
        self.check()
        return self._see_through(function(*args), may_be_cancelled=True)

    def finish(self, function: Callable[[], Any]) -> Any:
        """See `Caller`."""
        return self._see_through(function(), may_be_cancelled=False)

    def check(self) -> None:
        """See `Caller`."""
        if self._abandoned:
            raise asyncio.CancelledError

    def would_block(self) -> bool:
        """See `Caller`."""
        return running_loop() is self.loop

    def abandon(self) -> None:
        """Make the work end at its next step, with everything undone; called on the loop's thread."""
        self._abandoned = True
        if self._task is not None:
            self._task.cancel()

    def _see_through(self, result: Any, *, may_be_cancelled: bool) -> Any:
        if not inspect.isawaitable(result):
            return result
        if not self.loop.is_running():
            # The loop that loaded the plugin is gone or at rest; its `on_free` still has to run. In a thread of its
            # own, because this one may have a running loop.
            with concurrent.futures.ThreadPoolExecutor(1, "hotswap") as executor:
                return executor.submit(contextvars.copy_context().run, asyncio.run, _await(result)).result()
        # Not run_coroutine_threadsafe: the future of that is cancelled before the function has dealt with it, and also
        # when the function has just ended, whose result would be lost.
        ended: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self.loop.call_soon_threadsafe(self._begin, result, ended, may_be_cancelled)
        while not concurrent.futures.wait([ended], timeout=_LOOK_AGAIN).done:
            if not self.loop.is_running():  # pragma: no branch - else it only takes longer than a look
                raise RuntimeError("its event loop has stopped before it ended")
        return ended.result()

    def _begin(self, awaitable: Any, ended: concurrent.futures.Future[Any], may_be_cancelled: bool) -> None:
        task = self.loop.create_task(awaitable if inspect.iscoroutine(awaitable) else _await(awaitable))
        if may_be_cancelled:
            self._task = task
            if self._abandoned:  # pragma: no cover - abandoned a moment ago
                task.cancel()

        def end(task: asyncio.Task[Any]) -> None:
            self._task = None
            if task.cancelled():
                ended.set_exception(asyncio.CancelledError())
            elif (error := task.exception()) is not None:
                ended.set_exception(error)
            else:
                ended.set_result(task.result())

        task.add_done_callback(end)


async def _await(awaitable: Awaitable[T]) -> T:
    return await awaitable


async def offload(work: Callable[[LoopCaller], T], expect: Callable[[LoopCaller], None]) -> T:
    """Run blocking work in a thread of its own, never blocking the loop; cancelling undoes it before it returns.

    `expect` is told of the caller on the loop's thread, before the work begins.

    A thread of its own, because the loop's default executor may be full of calls that wait for this very work.
    """
    loop = asyncio.get_running_loop()
    caller = LoopCaller(loop)
    expect(caller)
    context = contextvars.copy_context()
    with concurrent.futures.ThreadPoolExecutor(1, "hotswap") as executor:
        future = loop.run_in_executor(executor, context.run, work, caller)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():
                caller.abandon()
                try:
                    await asyncio.wait([future])
                except asyncio.CancelledError:
                    continue
            if not future.cancelled():  # pragma: no branch - depends on who is first
                future.exception()  # seen, and of no interest to who has cancelled
            raise


def call_hook(
    call: Callable[..., Any], plugin: str, shown: str, stage: str, function: Callable[..., Any], *args: Any
) -> Any:
    """Call a function of a plugin, by way of `call`: a caller, or its `finish`; messages have it as `shown`.

    Raises:
        LifecycleError: It raised, SystemExit included; the exception is the cause. KeyboardInterrupt is the user's and
            passes, and so does the cancellation of the task that waits.
    """
    try:
        return call(function, *args)
    except (Exception, SystemExit) as error:
        raise LifecycleError(plugin, shown, error, stage=stage) from error
