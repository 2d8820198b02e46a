"""Who may still execute in a plugin: pins, holds and leases.

Nothing is counted. A `Pin` stands for one loaded plugin and is referred to by everything that may execute in it: the
holds of the generations it belongs to, the pins of the plugins that were bound to it, the frame that dispatches a call,
the wrapper around a generator or coroutine that a call returned. When the last of them lets go the pin dies, and its
weak reference tells the retirement. A `Hold` is the same for a whole generation.

Rejected: a locked count per call (0.7-1.4 µs, and a lock on the way of every call), a slot per thread (does not follow
generators and tasks), pinning by references to the public objects (a variable or a stored traceback that merely shows
a generation would keep `on_free` waiting for ever: frames therefore drop their pin when they end).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from contextvars import ContextVar, Token
from types import AsyncGeneratorType, CoroutineType, GeneratorType, TracebackType
from typing import Any, Generic, Protocol, TypeVar


class Holdable(Protocol):
    """What can be held: a generation."""

    def let_go(self) -> None:
        """Nobody executes in it any more."""
        ...


G = TypeVar("G", bound=Holdable)


AnyFuture = TypeVar("AnyFuture", "asyncio.Future[Any]", "concurrent.futures.Future[Any]")


class Pin:
    """Alive as long as somebody may execute in one plugin."""

    __slots__ = ("__weakref__", "_dependencies")

    def __init__(self, dependencies: tuple[Pin, ...]) -> None:
        # Who may execute in a plugin may thereby execute in what it imports.
        self._dependencies = dependencies


class Hold(Generic[G]):
    """Alive as long as somebody may execute anywhere in one generation."""

    __slots__ = ("__weakref__", "_pins", "generation", "glanced", "leases")

    def __init__(self, generation: G, pins: list[Pin]) -> None:
        self.generation = generation
        self._pins = pins
        self.glanced = float("-inf")
        self.leases: dict[int, str] = {}
        # By identity, and only where each was taken: a lease here would be a cycle that only the collector ends.

    def __del__(self) -> None:
        # In reverse load order, so that of plugins that drain together the last loaded reports first.
        while self._pins:
            self._pins.pop()
        self.generation.let_go()


class Lease(Generic[G]):
    """A generation, pinned from `with` to its end, also as `async with`; made by `manager.lease()`.

    Inside, in the same thread or task and in the tasks it starts, `manager.invoke` and `manager.current` mean the
    leased generation.
    """

    __slots__ = ("_acquire", "_hold", "_token", "_variable")

    def __init__(self, acquire: Callable[[], Hold[G]], variable: ContextVar[Hold[G] | None]) -> None:
        self._acquire = acquire
        self._variable = variable
        self._hold: Hold[G] | None = None
        self._token: Token[Hold[G] | None] | None = None

    def __enter__(self) -> G:
        return self._enter()

    def _enter(self) -> G:
        if self._hold is not None:
            raise RuntimeError("this lease is in use: call manager.lease() for each `with`")
        hold = self._acquire()
        caller = sys._getframe(2)
        hold.leases[id(self)] = f"{caller.f_code.co_filename}:{caller.f_lineno}"
        self._hold = hold
        self._token = self._variable.set(hold)
        return hold.generation

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        token, self._token = self._token, None
        hold, self._hold = self._hold, None
        if token is not None and hold is not None:
            hold.leases.pop(id(self), None)
            try:
                self._variable.reset(token)
            except ValueError:
                pass  # entered in another context, which an abandoned generator is closed outside of

    async def __aenter__(self) -> G:
        return self._enter()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


# ------------------------------------------------------------------------- results that go on after the call


class _HeldCoroutine(Coroutine[Any, Any, Any]):
    """A coroutine that keeps a pin until it has ended.

    Rejected: an `async def` around it. Cancelled before its first step, its frame stays in the traceback with the pin,
    and the coroutine inside is reported as never awaited.
    """

    __slots__ = ("__weakref__", "_inner", "_pin")

    def __init__(self, inner: CoroutineType[Any, Any, Any], pin: Pin) -> None:
        self._inner = inner
        self._pin: Pin | None = pin

    def __repr__(self) -> str:
        return repr(self._inner)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)  # `cr_frame`, `__qualname__` and the like, for debuggers and asyncio

    def send(self, value: Any) -> Any:
        try:
            return self._inner.send(value)
        except BaseException:
            self._let_go()
            raise

    def throw(self, *error: Any) -> Any:
        try:
            return self._inner.throw(*error)
        except BaseException:
            self._let_go()
            raise

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._let_go()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._awaited().__await__()

    async def _awaited(self) -> Any:
        try:
            return await self._inner
        finally:
            self._let_go()

    def _let_go(self) -> None:
        if self._inner.cr_frame is None:  # it has ended, and not merely refused to run in two places at once
            self._pin = None


def _hold_generator(generator: Generator[Any, Any, Any], pin: Pin) -> Generator[Any, Any, Any]:
    outer = _held_generator(generator, pin)
    next(outer)  # past the first line: an exception thrown into a frame that has not begun keeps what the frame holds
    return outer


def _held_generator(generator: Generator[Any, Any, Any], pin: Pin) -> Generator[Any, Any, Any]:
    try:
        sent = yield
        if sent is not None:
            generator.send(sent)  # refused, as by every generator that has not begun
        return (yield from generator)
    finally:
        del pin


def _begin(generator: AsyncGenerator[Any, Any]) -> Awaitable[Any]:
    # Unseen by the event loop: when it ends it closes all generators it knows at once, this one beside its wrapper.
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return anext(generator)
    finally:
        sys.set_asyncgen_hooks(*hooks)


async def _hold_async_generator(generator: AsyncGenerator[Any, Any], pin: Pin) -> AsyncGenerator[Any, Any]:
    # There is no `yield from` for these: values, exceptions and the end are handed through by hand.
    try:
        item = await _begin(generator)
        while True:
            try:
                sent = yield item
            except GeneratorExit:
                await generator.aclose()
                raise
            except BaseException as error:
                item = await generator.athrow(error)
            else:
                item = await generator.asend(sent)
    except StopAsyncIteration:
        return
    finally:
        del pin


def _named(wrap: Callable[[Any, Pin], Any]) -> Callable[[Any, Pin], Any]:
    def wrapped(inner: Any, pin: Pin) -> Any:
        outer = wrap(inner, pin)
        outer.__name__, outer.__qualname__ = inner.__name__, inner.__qualname__
        return outer

    return wrapped


def _until_done(future: AnyFuture, pin: Pin) -> AnyFuture:
    if not future.done():
        # concurrent.futures keeps its callbacks, so they must not keep the pin.
        held = [pin]
        future.add_done_callback(lambda _: held.clear())
    return future


HOLDERS: dict[type, Callable[[Any, Pin], Any]] = {
    CoroutineType: _HeldCoroutine,
    GeneratorType: _named(_hold_generator),
    AsyncGeneratorType: _named(_hold_async_generator),
    asyncio.Task: _until_done,
    asyncio.Future: _until_done,
    concurrent.futures.Future: _until_done,
}
"""By exact type of a call's result: what keeps the pin until the result has come to its end.

Wrapping was chosen over tying the pin to the object's life by weak reference: a finished task keeps its coroutine as
long as somebody keeps the task, though nothing executes any more.
"""
