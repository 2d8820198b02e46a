"""What keeps a plugin pinned, and that it lets go at the very end and not before."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import inspect
import weakref
from collections.abc import AsyncIterator, Callable, Generator
from contextvars import ContextVar, copy_context
from types import SimpleNamespace
from typing import Any

import pytest

from hotswap.leases import HOLDERS, Hold, Lease, Pin


class Pinned:
    """A call's result with a pin that nobody else holds."""

    def __init__(self, inner: Any) -> None:
        pin = Pin(())
        self._pin = weakref.ref(pin)
        self.outer = HOLDERS[type(inner)](inner, pin)

    @property
    def held(self) -> bool:
        return self._pin() is not None

    def drop(self) -> bool:
        """Drop the result; True if the pin is gone with it."""
        del self.outer
        gc.collect()
        return not self.held


# ---------------------------------------------------------------------------------------------------- generators


def talk() -> Generator[Any, Any, str]:
    heard = []
    while True:
        try:
            heard.append((yield heard[-1] if heard else None))
        except KeyError as error:
            heard.append(repr(error))
        if heard[-1] == "end":
            return "ended"


def test_generator_through_its_life() -> None:
    """A generator takes values and exceptions, returns its value, and is pinned from the call to its end."""
    pinned = Pinned(talk())
    assert inspect.isgenerator(pinned.outer)
    assert pinned.outer.__name__ == "talk"
    assert next(pinned.outer) is None
    assert pinned.outer.send(1) == 1
    assert pinned.outer.throw(KeyError("k")) == "KeyError('k')"
    assert pinned.held
    with pytest.raises(StopIteration) as caught:
        pinned.outer.send("end")
    assert caught.value.value == "ended"
    assert not pinned.held


def test_generator_refuses_an_early_value() -> None:
    """A generator that has not begun refuses a value, as every generator does."""
    pinned = Pinned(talk())
    with pytest.raises(TypeError, match="just-started"):
        pinned.outer.send(1)
    assert not pinned.held


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("end", ["close", "throw", "drop"])
def test_generator_ended_early(started: bool, end: str) -> None:
    """A generator that is closed, thrown into or dropped lets go, started or not, though the exception is stored."""
    pinned = Pinned(talk())
    stored = None
    if started:
        next(pinned.outer)
    assert pinned.held
    if end == "close":
        pinned.outer.close()
    elif end == "throw":
        with pytest.raises(ValueError) as stored:
            pinned.outer.throw(ValueError("v"))
    else:
        assert pinned.drop()
    assert not pinned.held
    assert (stored is not None) == (end == "throw")


def test_generator_cleans_up_while_pinned() -> None:
    """What a dropped generator does in its `finally` still happens under the pin."""
    seen = []

    def careful() -> Generator[None]:
        try:
            yield
        finally:
            seen.append(pinned.held)

    pinned = Pinned(careful())
    next(pinned.outer)
    assert pinned.drop()
    assert seen == [True]


# ---------------------------------------------------------------------------------------------------- coroutines


async def answer(wait: asyncio.Event | None = None, error: Exception | None = None) -> str:
    if wait is not None:
        await wait.wait()
    if error is not None:
        raise error
    return "answer"


@pytest.mark.parametrize(
    "run",
    [
        lambda outer: asyncio.run(outer),
        lambda outer: asyncio.run(_awaited(outer)),
        lambda outer: asyncio.run(_gathered(outer)),
    ],
    ids=["run", "await", "gather"],
)
def test_coroutine_to_its_end(run: Callable[[Any], Any]) -> None:
    """A coroutine can be run, awaited and gathered, and is pinned until it has returned."""
    pinned = Pinned(answer())
    assert asyncio.iscoroutine(pinned.outer)
    assert inspect.isawaitable(pinned.outer)
    assert pinned.outer.__name__ == "answer"
    assert "answer" in repr(pinned.outer)
    assert pinned.held
    assert run(pinned.outer) == "answer"
    assert not pinned.held


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


async def _gathered(awaitable: Any) -> Any:
    return (await asyncio.gather(awaitable))[0]


def test_coroutine_pinned_while_it_waits() -> None:
    """A task that waits inside a plugin pins it, until it is let on."""

    async def main() -> None:
        gate = asyncio.Event()
        pinned = Pinned(answer(gate))
        task = asyncio.create_task(pinned.outer)
        await asyncio.sleep(0)
        assert pinned.held
        gate.set()
        assert await task == "answer"
        assert not pinned.held

    asyncio.run(main())


@pytest.mark.parametrize("awaited", [False, True])
def test_coroutine_with_a_stored_exception(awaited: bool) -> None:
    """An exception that somebody stores with its traceback does not keep the pin."""
    pinned = Pinned(answer(error=ValueError("v")))
    with pytest.raises(ValueError) as stored:
        asyncio.run(_awaited(pinned.outer) if awaited else pinned.outer)
    assert stored.value.__traceback__ is not None
    assert not pinned.held


@pytest.mark.parametrize("started", [False, True])
def test_coroutine_cancelled(started: bool) -> None:
    """A cancelled task that somebody keeps lets go, though it never began."""

    async def main() -> None:
        pinned = Pinned(answer(asyncio.Event()))
        task = asyncio.create_task(pinned.outer)
        if started:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not pinned.held
        assert task.cancelled()

    asyncio.run(main())


def test_coroutine_never_started() -> None:
    """A coroutine that is dropped unawaited lets go, and Python warns once, by its own name."""
    pinned = Pinned(answer())
    with pytest.warns(RuntimeWarning, match="coroutine 'answer' was never awaited") as warned:
        assert pinned.drop()
    assert len(warned) == 1


def test_coroutine_closed_unstarted() -> None:
    """A coroutine that is closed before it began lets go without a word."""
    pinned = Pinned(answer())
    pinned.outer.close()
    assert not pinned.held


def test_coroutine_dropped_on_its_way_cleans_up_while_pinned() -> None:
    """What a dropped coroutine does in its `finally` still happens under the pin."""
    seen = []

    async def careful() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            seen.append(pinned.held)

    pinned = Pinned(careful())
    pinned.outer.send(None)
    assert pinned.drop()
    assert seen == [True]


def test_coroutine_that_refuses_to_run_twice_at_once() -> None:
    """A second step from inside the first is refused, and the first stays pinned."""
    seen = []

    async def twice() -> None:
        with pytest.raises(ValueError, match="already executing"):
            pinned.outer.send(None)
        seen.append(pinned.held)

    pinned = Pinned(twice())
    asyncio.run(pinned.outer)
    assert seen == [True]
    assert not pinned.held


def test_coroutine_awaited_twice() -> None:
    """Awaiting a coroutine that somebody awaits already, or that has ended, is refused as ever."""

    async def main() -> None:
        gate = asyncio.Event()
        pinned = Pinned(answer(gate))
        task = asyncio.create_task(_awaited(pinned.outer))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="being awaited already"):
            await pinned.outer
        assert pinned.held
        gate.set()
        await task
        with pytest.raises(RuntimeError, match="cannot reuse"):
            await pinned.outer

    asyncio.run(main())


# ------------------------------------------------------------------------------------------ asynchronous generators


async def count() -> AsyncIterator[Any]:
    heard = None
    while heard != "end":
        try:
            heard = yield heard
        except KeyError as error:
            heard = repr(error)


def test_async_generator_through_its_life() -> None:
    """An asynchronous generator takes values and exceptions, and is pinned to its end."""

    async def main() -> None:
        pinned = Pinned(count())
        assert inspect.isasyncgen(pinned.outer)
        assert await anext(pinned.outer) is None
        assert await pinned.outer.asend(1) == 1
        assert await pinned.outer.athrow(KeyError("k")) == "KeyError('k')"
        assert pinned.held
        with pytest.raises(StopAsyncIteration):
            await pinned.outer.asend("end")
        assert not pinned.held

    asyncio.run(main())


def test_async_generator_in_a_loop() -> None:
    """An asynchronous generator can be looped over, and lets go when it is exhausted."""

    async def three() -> AsyncIterator[int]:
        for number in range(3):
            yield number

    async def main() -> None:
        pinned = Pinned(three())
        assert [number async for number in pinned.outer] == [0, 1, 2]
        assert not pinned.held

    asyncio.run(main())


@pytest.mark.parametrize("end", ["aclose", "athrow", "drop", "loop"])
def test_async_generator_ended_early(end: str) -> None:
    """An asynchronous generator cleans up under its pin, and lets go, whichever way it is ended early."""
    seen = []

    async def careful() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            seen.append(pinned.held)

    async def main() -> None:
        await anext(pinned.outer)
        if end == "aclose":
            await pinned.outer.aclose()
        elif end == "athrow":
            with pytest.raises(ValueError) as stored:
                await pinned.outer.athrow(ValueError("v"))
            assert stored.value.__traceback__ is not None
        elif end == "drop":
            pinned.drop()
            while not seen:
                await asyncio.sleep(0)

    pinned = Pinned(careful())
    asyncio.run(main())
    gc.collect()
    assert seen == [True]
    assert not pinned.held


def test_async_generator_never_started() -> None:
    """An asynchronous generator that is dropped before it began lets go."""
    assert Pinned(count()).drop()


# ----------------------------------------------------------------------------------------------------- futures


@pytest.mark.parametrize("end", ["result", "exception", "cancel"])
@pytest.mark.parametrize("kind", ["asyncio", "concurrent"])
def test_future(kind: str, end: str) -> None:
    """A future pins until it is done, in whichever way, also while somebody keeps it."""

    async def main() -> None:
        future: Any = asyncio.get_running_loop().create_future() if kind == "asyncio" else concurrent.futures.Future()
        pinned = Pinned(future)
        assert pinned.outer is future
        assert pinned.held
        if end == "cancel":
            future.cancel()
        else:
            getattr(future, f"set_{end}")(ValueError("v") if end == "exception" else 1)
        await asyncio.sleep(0)
        assert not pinned.held
        assert future.done()
        if end == "exception":
            assert isinstance(future.exception(), ValueError)

    asyncio.run(main())


def test_task() -> None:
    """A task that a plugin returns pins it until it is done."""

    async def main() -> None:
        pinned = Pinned(asyncio.create_task(answer()))
        assert pinned.held
        assert await pinned.outer == "answer"
        await asyncio.sleep(0)
        assert not pinned.held

    asyncio.run(main())


def test_future_of_a_closed_loop() -> None:
    """A future that is done already pins nothing and asks nothing of its loop."""
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    future.set_result(1)
    loop.close()
    assert not Pinned(future).held


# ------------------------------------------------------------------------------------------------- pins and leases


def test_pin_holds_what_it_is_bound_to() -> None:
    """A plugin that is pinned keeps the plugins pinned that it is bound to."""
    below = Pin(())
    reference = weakref.ref(below)
    above = Pin((below,))
    del below
    assert reference() is not None
    del above
    assert reference() is None


def test_hold_lets_go_in_reverse_order() -> None:
    """The pins of a generation die in reverse load order."""
    died: list[int] = []
    pins = [Pin(()) for _ in range(3)]
    references = [weakref.ref(pin, lambda _, n=number: died.append(n)) for number, pin in enumerate(pins)]  # type: ignore[misc]
    hold = Hold(SimpleNamespace(let_go=int), pins)  # type: ignore[arg-type]
    del pins
    del hold
    assert died == [2, 1, 0]
    assert len(references) == 3


CURRENT: ContextVar[Hold | None] = ContextVar("CURRENT", default=None)


def leased() -> tuple[Lease, Callable[[], bool]]:
    generation: Any = SimpleNamespace(number=1, let_go=int)
    hold = [Hold(generation, [])]
    reference = weakref.ref(hold[0])
    return Lease(hold.pop, CURRENT), lambda: reference() is not None


def test_lease() -> None:
    """Inside a lease its generation is held and current in this context; afterwards neither."""
    lease, held = leased()
    with lease as generation:
        hold = CURRENT.get()
        assert hold is not None
        assert hold.generation is generation
        assert [where.rpartition(":")[0] for where in hold.leases.values()] == [__file__]
        with pytest.raises(RuntimeError, match=r"manager\.lease\(\)"):
            lease.__enter__()
        del hold
        assert held()
    assert CURRENT.get() is None
    assert not held()
    lease.__exit__(None, None, None)


def test_lease_left_by_an_exception() -> None:
    """A stored exception from inside a lease does not hold it."""
    lease, held = leased()
    with pytest.raises(ValueError) as stored, lease:
        raise ValueError("v")
    assert stored.value.__traceback__ is not None
    assert not held()


def test_async_lease() -> None:
    """`async with` does the same, and tasks started inside see the leased generation."""

    async def main() -> None:
        lease, held = leased()
        async with lease as generation:

            async def inner() -> object:
                hold = CURRENT.get()
                return hold and hold.generation

            assert await asyncio.create_task(inner()) is generation
            hold = CURRENT.get()
            assert hold is not None
            assert [where.rpartition(":")[0] for where in hold.leases.values()] == [__file__]
            del hold
        assert CURRENT.get() is None
        await asyncio.sleep(0)  # the finished task, which this step was told of, keeps its context until now
        gc.collect()
        assert not held()

    asyncio.run(main())


def test_lease_ended_in_another_context() -> None:
    """A lease that ends in another context than it began, as in an abandoned generator, lets go all the same."""
    lease, held = leased()
    context = copy_context()
    context.run(lease.__enter__)
    lease.__exit__(None, None, None)
    del context
    gc.collect()
    assert not held()
