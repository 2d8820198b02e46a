"""Retired, drained, freed, collected: old calls end in the old version, then it goes."""

from __future__ import annotations

import asyncio
import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from conftest import PATIENCE, Host, collected, eventually
from eventlog import shelf

import hotswap

CALLS = """
import asyncio
class Marker: ...
shelf.setdefault("markers", {})[VERSION] = __import__("weakref").ref(Marker)
def wait():
    shelf["entered"].set()
    assert shelf["go"].wait(30)
    return VERSION
def count():
    yield VERSION
    yield VERSION
async def later():
    await asyncio.sleep(0)
    return VERSION
async def stream():
    yield VERSION
    yield VERSION
def task(): return asyncio.get_running_loop().create_task(later())
def boom(): raise ValueError(VERSION)
def reenter(): return shelf["manager"].invoke("alpha", "version"), shelf["manager"].current.number
"""


@pytest.fixture
def manager(host: Host) -> hotswap.PluginManager:
    """Alpha 1.0 is loaded; `upgrade` brings 2.0."""
    host.add("alpha", extra=CALLS)
    return host.loaded()


@pytest.fixture
def upgrade(host: Host, manager: hotswap.PluginManager) -> Callable[[], None]:
    """Replace alpha 1.0 by 2.0."""

    def do() -> None:
        host.add("alpha", "2.0", extra=CALLS)
        manager.reload()
        assert manager.invoke("alpha", "version") == "2.0"

    return do


def finish(coroutine: Any) -> Any:
    """Drive a coroutine that waits for nothing to its end."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as end:
        return end.value


def assert_freed_and_collected(events: list[str]) -> None:
    assert eventually(lambda: events.count("alpha 1.0 on_free") == 1)
    assert eventually(lambda: collected(shelf["markers"]["1.0"]))


@pytest.mark.parametrize("option", ["free_delay", "drain_timeout"])
def test_negative_seconds_are_refused(host: Host, option: str) -> None:
    """A negative time is refused when the manager is made, not when something is first replaced."""
    with pytest.raises(hotswap.UsageError, match=f"{option} is in seconds, 0 or more, not -1"):
        host.manager(**{option: -1})


def test_idle_version_is_free_when_reload_returns(
    manager: hotswap.PluginManager, upgrade: Callable[[], None], events: list[str]
) -> None:
    """Where nothing executes in the old version, `on_free` has run when `reload` returns."""
    upgrade()
    assert "alpha 1.0 on_free" in events
    assert_freed_and_collected(events)
    assert manager.leaks() == ()


def test_call_in_flight_ends_in_the_old_version(
    manager: hotswap.PluginManager, upgrade: Callable[[], None], events: list[str]
) -> None:
    """A thread inside the old version is neither failed nor stalled, and `on_free` waits for it."""
    shelf["entered"], shelf["go"] = threading.Event(), threading.Event()
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(manager.invoke("alpha", "wait")))
    thread.start()
    assert shelf["entered"].wait(PATIENCE)
    upgrade()
    (retired,) = manager.retired()
    assert (retired.plugin, retired.version, retired.state, retired.generation) == ("alpha", "1.0", "draining", 1)
    assert "alpha 1.0 on_free" not in events
    shelf["go"].set()
    thread.join(PATIENCE)
    assert answers == ["1.0"]
    assert_freed_and_collected(events)


def test_generator_goes_on(manager: hotswap.PluginManager, upgrade: Callable[[], None], events: list[str]) -> None:
    """A suspended generator keeps its version until it ends."""
    values = manager.invoke("alpha", "count")
    first = next(values)
    upgrade()
    assert "alpha 1.0 on_free" not in events
    assert [first, *values] == ["1.0", "1.0"]
    assert_freed_and_collected(events)


def test_generator_that_is_dropped(
    manager: hotswap.PluginManager, upgrade: Callable[[], None], events: list[str]
) -> None:
    """A generator that nobody wants any more keeps nothing."""
    values = manager.invoke("alpha", "count")
    next(values)
    upgrade()
    del values
    assert_freed_and_collected(events)


@pytest.mark.parametrize("started", [False, True])
def test_coroutine_goes_on(
    manager: hotswap.PluginManager, upgrade: Callable[[], None], events: list[str], started: bool
) -> None:
    """A coroutine ends in the version that returned it, also one that nobody has awaited yet."""
    coroutine = manager.invoke("alpha", "later")
    if started:
        coroutine.send(None)
    upgrade()
    assert "alpha 1.0 on_free" not in events
    assert finish(coroutine) == "1.0"
    assert_freed_and_collected(events)


def test_asynchronous_results_go_on(
    manager: hotswap.PluginManager, upgrade: Callable[[], None], events: list[str]
) -> None:
    """Asynchronous generators and tasks end in the old version; a finished task that is kept keeps nothing."""

    async def scenario() -> None:
        stream = manager.invoke("alpha", "stream")
        task = manager.invoke("alpha", "task")
        first = await anext(stream)
        await asyncio.to_thread(upgrade)
        assert "alpha 1.0 on_free" not in events
        assert [first, *[value async for value in stream]] == ["1.0", "1.0"]
        assert await task == "1.0"
        assert await asyncio.to_thread(eventually, lambda: "alpha 1.0 on_free" in events)

    asyncio.run(scenario())
    assert_freed_and_collected(events)


def test_lease_pins_a_generation(
    manager: hotswap.PluginManager, upgrade: Callable[[], None], events: list[str]
) -> None:
    """Inside a lease everything means the leased generation; outside, and in other threads, the current one."""
    shelf["manager"] = manager
    with manager.lease() as plugins:
        elsewhere: list[Any] = []
        thread = threading.Thread(target=lambda: (upgrade(), elsewhere.append(manager.invoke("alpha", "reenter"))))
        thread.start()
        thread.join(PATIENCE)
        assert elsewhere == [("2.0", 2)]
        assert plugins["alpha"].invoke_func("version") == manager.invoke("alpha", "version") == "1.0"
        assert manager.current is plugins
        assert manager.invoke("alpha", "reenter") == ("1.0", 1)
        with manager.lease() as inner:
            assert inner is plugins
        assert "alpha 1.0 on_free" not in events
    # `plugins` is still a variable here: a mere name keeps nothing.
    assert manager.invoke("alpha", "version") == "2.0"
    assert_freed_and_collected(events)


def test_lease_holds_for_the_tasks_it_starts(
    manager: hotswap.PluginManager, upgrade: Callable[[], None], events: list[str]
) -> None:
    """Tasks started inside a lease stay in its generation, also when they outlive it."""

    async def child(may_go: asyncio.Event) -> str:
        await may_go.wait()
        return str(manager.invoke("alpha", "version"))

    async def scenario() -> None:
        may_go = asyncio.Event()
        async with manager.lease() as plugins:
            task = asyncio.create_task(child(may_go))
            assert plugins.number == 1
        await asyncio.to_thread(upgrade)
        assert "alpha 1.0 on_free" not in events
        may_go.set()
        assert await task == "1.0"

    asyncio.run(scenario())
    assert_freed_and_collected(events)


def test_lease_is_for_one_with(manager: hotswap.PluginManager) -> None:
    """Entering a lease that is in use is refused; using it again afterwards is fine."""
    lease = manager.lease()
    with lease:
        with pytest.raises(RuntimeError, match=r"call manager\.lease\(\) for each"), lease:
            pass
        assert manager.invoke("alpha", "version") == "1.0"
    with lease as plugins:
        assert plugins.number == 1


def test_lease_in_an_abandoned_generator(
    manager: hotswap.PluginManager, upgrade: Callable[[], None], events: list[str]
) -> None:
    """A lease whose generator is closed from another context is given back all the same."""

    def leased() -> Any:
        with manager.lease() as plugins:
            yield plugins.number

    import contextvars

    suspended = leased()
    assert contextvars.copy_context().run(next, suspended) == 1
    upgrade()
    suspended.close()
    assert_freed_and_collected(events)


def test_stored_exception_blocks_collection_but_not_on_free(
    manager: hotswap.PluginManager, upgrade: Callable[[], None], events: list[str]
) -> None:
    """Who stores an exception with its traceback keeps the old code but not its `on_free`, and is named."""
    stored: list[BaseException] = []
    try:
        manager.invoke("alpha", "boom")
    except ValueError as error:
        stored.append(error)
    upgrade()
    assert eventually(lambda: "alpha 1.0 on_free" in events)
    (left,) = manager.leaks()
    assert (left.plugin, left.version, left.state) == ("alpha", "1.0", "freed")
    assert any('local variable "stored"' in holder for holder in left.holders), left.holders
    # Not `del`: a tracer, such as that of coverage, may keep what the report has seen of this frame's variables.
    stored.clear()
    assert_freed_and_collected(events)
    assert manager.leaks() == ()


def test_glance_is_safe(manager: hotswap.PluginManager, upgrade: Callable[[], None], events: list[str]) -> None:
    """A generation just seen through `manager.current` is not freed between that and the call through it."""
    generation = manager.current
    upgrade()
    assert generation["alpha"].invoke_func("version") == "1.0"
    assert_freed_and_collected(events)


def test_shared_plugin_is_freed_with_its_last_generation(host: Host, events: list[str]) -> None:
    """A plugin kept over many generations is freed once, after the last that has it."""
    wheel = host.add("alpha")
    host.add("beta", "1.0")
    manager = host.loaded()
    for version in ("1.1", "1.2", "1.3"):
        host.add("beta", version)
        manager.reload()
    assert "alpha 1.0 on_free" not in events
    assert [e for e in events if e.endswith("on_free")] == [f"beta {v} on_free" for v in ("1.0", "1.1", "1.2")]
    wheel.unlink()
    manager.reload()
    assert events.count("alpha 1.0 on_free") == 1


def test_old_lease_does_not_delay_who_is_not_in_it(host: Host, events: list[str]) -> None:
    """A lease of generation 1 keeps what generation 1 has, and nothing of generation 2."""
    host.add("alpha")
    manager = host.loaded()
    with manager.lease():
        host.add("alpha", "2.0")
        manager.reload()
        host.add("alpha", "3.0")
        manager.reload()
        assert [e for e in events if e.endswith("on_free")] == ["alpha 2.0 on_free"]
    assert eventually(lambda: events[-1] == "alpha 1.0 on_free")


def test_dependency_drains_with_its_dependents(host: Host, events: list[str]) -> None:
    """A call in a dependent keeps what it is bound to, and nothing else."""
    host.add("alpha")
    host.add("beta", needs="alpha", extra=CALLS)
    host.add("gamma")
    manager = host.loaded()
    values = manager.invoke("beta", "count")
    next(values)
    for name in ("alpha", "gamma"):
        host.add(name, "2.0")
    manager.reload()
    assert [e for e in events if e.endswith("on_free")] == ["gamma 1.0 on_free"]
    values.close()
    assert eventually(lambda: len([e for e in events if e.endswith("on_free")]) == 3)
    assert [e for e in events if e.endswith("on_free")][1:] == ["beta 1.0 on_free", "alpha 1.0 on_free"]


def test_free_delay(host: Host, events: list[str]) -> None:
    """`free_delay` stands between drained and `on_free`; closing does not wait for it."""
    host.add("alpha")
    manager = host.loaded(free_delay=1000.0)
    host.add("alpha", "2.0")
    manager.reload()
    assert eventually(lambda: [r.state for r in manager.retired()] == ["drained"])
    assert "alpha 1.0 on_free" not in events
    manager.close()
    assert [e for e in events if e.endswith("on_free")] == ["alpha 1.0 on_free", "alpha 2.0 on_free"]


def test_free_delay_passes(host: Host, events: list[str]) -> None:
    """After `free_delay` the plugin is freed without any further call."""
    host.add("alpha")
    manager = host.loaded(free_delay=0.01)
    host.add("alpha", "2.0")
    manager.reload()
    assert eventually(lambda: "alpha 1.0 on_free" in events)


def test_drain_timeout_names_the_holders(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    """Past `drain_timeout` the log says who still executes: leases with their line, generators with their name."""
    host.add("alpha", extra=CALLS)
    manager = host.loaded(drain_timeout=0.01)
    values = manager.invoke("alpha", "count")
    next(values)
    host.add("alpha", "2.0")
    with caplog.at_level(logging.WARNING), manager.lease():
        manager.reload()
        assert eventually(lambda: any("has not drained" in r.getMessage() for r in caplog.records))
    (message,) = [r.getMessage() for r in caplog.records if "has not drained" in r.getMessage()]
    assert message.startswith("alpha 1.0 has not drained")
    assert "a lease of generation 1 taken at" in message
    assert "test_manager_draining.py" in message
    assert "count" in message
    values.close()


def test_close_waits_for_calls(host: Host, events: list[str]) -> None:
    """`close` returns after the last call has ended and everything has been freed."""
    host.add("alpha", extra=CALLS)
    manager = host.loaded()
    values = manager.invoke("alpha", "count")
    next(values)
    closing = threading.Thread(target=manager.close)
    closing.start()
    assert eventually(lambda: [r.state for r in manager.retired()] == ["draining"])
    assert "alpha 1.0 on_free" not in events
    values.close()
    closing.join(PATIENCE)
    assert not closing.is_alive()
    assert events[-1] == "alpha 1.0 on_free"


def test_close_does_not_wait_beyond_drain_timeout(host: Host, events: list[str]) -> None:
    """With `drain_timeout`, what has not drained is left unfreed: `on_free` never runs under a running call."""
    host.add("alpha", extra=CALLS)
    manager = host.loaded(drain_timeout=0.01)
    values = manager.invoke("alpha", "count")
    next(values)
    manager.close()
    assert "alpha 1.0 on_free" not in events
    assert [r.state for r in manager.retired()] == ["draining"]
    values.close()


def test_manager_itself_is_collected(host: Host) -> None:
    """A closed manager that nobody refers to leaves nothing behind."""
    host.add("alpha")
    manager = host.loaded()
    manager.close()
    reference = weakref.ref(manager)
    host.managers.clear()
    del manager
    assert eventually(lambda: collected(reference))


def test_blocking_on_free_stops_neither_reload_nor_close(host: Host, events: list[str]) -> None:
    """While one plugin's `on_free` blocks, others are replaced and freed, and `close` keeps to its `drain_timeout`."""
    shelf["entered"], shelf["go"] = threading.Event(), threading.Event()
    host.add("alpha", on_free="def on_free(): shelf['entered'].set(); shelf['go'].wait(30)")
    host.add("beta")
    manager = host.loaded(drain_timeout=0.01)
    with manager.lease():
        host.add("alpha", "2.0")
        manager.reload()
    assert shelf["entered"].wait(PATIENCE)
    host.add("beta", "2.0")
    manager.reload()
    assert "beta 1.0 on_free" in events
    manager.close()
    assert not shelf["go"].is_set()
    assert ("alpha", "1.0", "drained") in [(r.plugin, r.version, r.state) for r in manager.retired()]
    shelf["go"].set()


def test_dependency_waits_for_the_on_free_of_its_dependent(host: Host, events: list[str]) -> None:
    """A dependency is freed after its dependent, although that one's `on_free` blocks in another thread."""
    shelf["entered"], shelf["go"] = threading.Event(), threading.Event()
    blocking = "def on_free(): shelf['entered'].set(); assert shelf['go'].wait(30); events.append('beta freed')"
    host.add("alpha", on_free="def on_free(): events.append('alpha freed')")
    host.add("beta", needs="alpha", on_free=blocking)
    manager = host.loaded()
    with manager.lease():
        host.add("alpha", "2.0")
        host.add("beta", "2.0")
        manager.reload()
    assert shelf["entered"].wait(PATIENCE)
    manager.reload()
    assert "alpha freed" not in events
    shelf["go"].set()
    assert eventually(lambda: events[-2:] == ["beta freed", "alpha freed"])


def test_nothing_that_on_free_raises_ends_the_freeing(
    host: Host, events: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """What is no ordinary exception is logged where nobody waits for it, and later versions are freed all the same."""
    host.add("alpha", on_free="def on_free(): raise GeneratorExit('odd')")
    manager = host.loaded()
    for version in ("2.0", "3.0"):
        with manager.lease():
            host.add("alpha", version)
            manager.reload()
        assert eventually(lambda: all(retired.state == "freed" for retired in manager.retired()))
    assert "alpha 2.0 on_free" in events
    assert "GeneratorExit: odd" in caplog.text


def test_second_close_goes_on_waiting(host: Host, events: list[str]) -> None:
    """A `close` that gave up waiting can be followed by another, and what drains in between is still freed."""
    host.add("alpha", extra=CALLS)
    manager = host.loaded(drain_timeout=0.0)
    values = manager.invoke("alpha", "count")
    manager.close()
    assert "alpha 1.0 on_free" not in events
    values.close()
    assert eventually(lambda: manager.close() is None and "alpha 1.0 on_free" in events)


def test_excepthook_that_is_given_back_keeps_nothing(host: Host) -> None:
    """A plugin that takes `sys.excepthook` and gives it back in `on_free` is collected: no thread remembers it."""
    code = """
    import sys
    def hook(*error): ...
    def on_load(data):
        shelf["hook"], sys.excepthook = sys.excepthook, hook
    def on_free(): sys.excepthook = shelf["hook"]
    """
    host.add("alpha", extra=code, on_load="", on_free="")
    manager = host.loaded()
    host.add("alpha", "2.0")
    manager.reload()
    assert eventually(lambda: manager.leaks() == ())
