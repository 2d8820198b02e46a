"""The same stages under asyncio: asynchronous lifecycle functions, a loop that is never blocked, cancellation."""

from __future__ import annotations

import asyncio
import threading

import pytest
from conftest import PATIENCE, Host, eventually
from eventlog import shelf

import hotswap

ASYNC = {
    function: f"""
async def {function}({parameter}):
    import asyncio
    await asyncio.sleep(0)
    events.append(f"{{VERSION}} {function}")
"""
    for function, parameter in (("on_load", "data"), ("on_init", "vault"), ("on_free", ""))
} | {"invoke_func": "async def invoke_func(name, *args, **kwargs): return VERSION"}


def test_asynchronous_lifecycle(host: Host, events: list[str]) -> None:
    """on_load, on_init, on_free and invoke_func may be async under aload, areload, arollback and aclose."""
    host.add("alpha", **ASYNC)

    async def scenario() -> None:
        async with host.manager() as manager:
            assert str(await manager.aload()) == "alpha: loaded"
            assert await manager.invoke("alpha", "anything") == "1.0"
            host.add("alpha", "2.0", **ASYNC)
            assert str(await manager.areload()) == "alpha: reloaded"
            assert await manager.invoke("alpha", "anything") == "2.0"
            assert await asyncio.to_thread(eventually, lambda: "1.0 on_free" in events)
            assert str(await manager.arollback()) == "alpha: reloaded"

    asyncio.run(scenario())
    kept = [event for event in events if not event.startswith("alpha")]
    assert kept == [
        "1.0 on_load", "1.0 on_init", "2.0 on_load", "2.0 on_init", "1.0 on_free",
        "1.0 on_load", "1.0 on_init", "2.0 on_free", "1.0 on_free",
    ]  # fmt: skip


def test_asynchronous_functions_run_on_the_loop_and_plain_ones_beside_it(host: Host) -> None:
    """Async functions run in the loop's thread; plain ones in another, so that they cannot block it."""
    host.add(
        "alpha",
        on_load="async def on_load(data): shelf['on_load'] = __import__('threading').get_ident()",
        on_init="def on_init(vault): shelf['on_init'] = __import__('threading').get_ident()",
    )

    async def scenario() -> int:
        async with host.manager() as manager:
            await manager.aload()
        return threading.get_ident()

    loop_thread = asyncio.run(scenario())
    assert shelf["on_load"] == loop_thread
    assert shelf["on_init"] != loop_thread


def test_the_loop_runs_while_a_plugin_blocks(host: Host) -> None:
    """A plain `on_load` that blocks does not stop the loop: here it waits for what only the loop can do."""
    host.add("alpha", on_load="def on_load(data): assert shelf['go'].wait(30)")

    async def scenario() -> str:
        shelf["go"] = threading.Event()
        async with host.manager() as manager:
            loading = asyncio.create_task(manager.aload())
            asyncio.get_running_loop().call_soon(shelf["go"].set)
            return str(await loading)

    assert asyncio.run(scenario()) == "alpha: loaded"


def test_asynchronous_function_under_plain_load_is_refused(host: Host) -> None:
    """Without a loop an async `on_load` is an error that says what to call instead."""
    host.add("alpha", **ASYNC)
    with pytest.raises(hotswap.LifecycleError, match=r"alpha: on_load\(\) raised TypeError: it is async: use aload"):
        host.manager().load()


def test_failure_under_areload_undoes(host: Host, events: list[str]) -> None:
    """An exception in an async function changes nothing, and what had loaded is freed on the loop."""
    host.add("alpha", **ASYNC)

    async def scenario() -> None:
        async with host.manager() as manager:
            await manager.aload()
            before = manager.current
            host.add("alpha", "2.0", **{**ASYNC, "on_init": "async def on_init(vault): raise ValueError('broken')"})
            with pytest.raises(hotswap.LifecycleError, match="broken"):
                await manager.areload()
            assert manager.current is before
            assert events[-1] == "2.0 on_free"

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["async", "plain"])
def test_cancelling_undoes_before_it_returns(host: Host, events: list[str], kind: str) -> None:
    """Cancelling an areload before the swap leaves the old generation, with everything undone, when it returns."""
    host.add("alpha")
    host.add("omega")
    blocking = {
        "async": "async def on_load(data):\n    shelf['entered'].set()\n    await __import__('asyncio').sleep(1000)",
        "plain": "def on_load(data):\n    shelf['entered'].set()\n    assert shelf['go'].wait(30)",
    }[kind]

    async def scenario() -> None:
        shelf["entered"], shelf["go"] = threading.Event(), threading.Event()
        async with host.manager() as manager:
            await manager.aload()
            before = manager.current
            host.add("alpha", "2.0")
            host.add("omega", "2.0", on_load=blocking)
            reloading = asyncio.create_task(manager.areload())
            assert await asyncio.to_thread(shelf["entered"].wait, 30)
            reloading.cancel()
            await asyncio.sleep(0)
            reloading.cancel()
            shelf["go"].set()
            with pytest.raises(asyncio.CancelledError):
                await reloading
            assert manager.current is before
            freed = [event for event in events if event.endswith("on_free")]
            assert freed == (["alpha 2.0 on_free"] if kind == "async" else ["omega 2.0 on_free", "alpha 2.0 on_free"])
            assert manager.invoke("omega", "version") == "1.0"

    asyncio.run(scenario())


def test_asynchronous_on_free_after_its_loop_has_gone(host: Host, events: list[str]) -> None:
    """`on_free` of a plugin that was loaded on a loop which has been closed still runs, on a loop of its own."""
    host.add("alpha", **ASYNC)
    manager = host.manager()
    asyncio.run(manager.aload())
    manager.close()
    assert events[-1] == "1.0 on_free"


def test_close_on_the_loop_is_left_to_aclose(host: Host, events: list[str]) -> None:
    """A plain `close` on the loop that an async `on_free` needs is refused by name."""
    host.add("alpha", **ASYNC)

    async def scenario() -> None:
        manager = host.manager()
        await manager.aload()
        with pytest.raises(hotswap.ReentrantReloadError, match="await aclose"):
            manager.close()
        await manager.aclose()

    asyncio.run(scenario())
    assert events[-1] == "1.0 on_free"


def test_plain_reload_leaves_asynchronous_on_free_to_the_loop(host: Host, events: list[str]) -> None:
    """A plain `reload` on the loop's thread does not wait for an async `on_free`, which runs once the loop can."""
    host.add("alpha", **ASYNC)

    async def scenario() -> None:
        async with host.manager() as manager:
            await manager.aload()
            host.add("alpha", "2.0")
            manager.reload()
            assert "1.0 on_free" not in events
            while "1.0 on_free" not in events:
                await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_async_on_free_where_the_loop_rests(host: Host, events: list[str]) -> None:
    """`on_free` of a plugin whose loop is neither closed nor running still runs, on a loop of its own."""
    host.add("alpha", on_free="async def on_free(): events.append('freed')")
    manager = host.manager()
    with asyncio.Runner() as runner:
        runner.run(manager.aload())
        manager.close()
    assert events[-1] == "freed"


def test_async_on_free_of_a_closed_loop_on_another_loop(host: Host, events: list[str]) -> None:
    """A plain `reload` on a running loop sees the `on_free` through that belongs to a loop which has been closed."""
    host.add("alpha", on_free="async def on_free(): events.append('freed')")
    manager = host.manager()
    asyncio.run(manager.aload())
    host.add("alpha", "2.0")

    async def on_another_loop() -> None:
        manager.reload()

    asyncio.run(on_another_loop())
    assert events[-1] == "freed"


def test_loop_that_stops_under_an_on_free(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    """An `on_free` whose loop stops while it runs does not keep the manager waiting."""
    wait = "async def on_free(): shelf['stop'](); await __import__('asyncio').sleep(1000)"
    host.add("alpha", on_free=wait)
    manager = host.manager()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(manager.aload())
    shelf["stop"] = loop.stop
    serving = threading.Thread(target=loop.run_forever)
    serving.start()
    assert eventually(loop.is_running)
    manager.close()
    serving.join(PATIENCE)
    assert "its event loop has stopped before it ended" in caplog.text
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@pytest.mark.parametrize("kind", ["async def", "def"])
def test_cancellation_that_a_plugin_makes_is_its_error(host: Host, kind: str) -> None:
    """A CancelledError out of a plugin does not look as if the waiting task had been cancelled."""
    host.add("alpha")

    async def scenario() -> None:
        manager = host.manager()
        await manager.aload()
        host.add("alpha", "2.0", on_load=f"{kind} on_load(data): raise __import__('asyncio').CancelledError")
        with pytest.raises(hotswap.LifecycleError, match=r"alpha: on_load\(\) raised CancelledError"):
            await manager.areload()
        assert manager.invoke("alpha", "version") == "1.0"
        await manager.aclose()

    asyncio.run(scenario())


def test_aclose_can_be_cancelled(host: Host, events: list[str]) -> None:
    """Cancelling `aclose` ends the waiting; what has not drained by then is freed later."""
    host.add("alpha", extra="def count(): yield 1")

    async def scenario() -> None:
        manager = host.manager()
        await manager.aload()
        values = manager.invoke("alpha", "count")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(manager.aclose(), 0.01)
        assert "alpha 1.0 on_free" not in events
        values.close()
        await manager.aclose()
        assert "alpha 1.0 on_free" in events

    asyncio.run(scenario())


def test_awaitable_under_plain_load_is_refused(host: Host) -> None:
    """A plain function that returns something to be awaited is an asynchronous one."""

    class Later:
        def __await__(self) -> object:
            raise AssertionError("nobody awaits this")

    shelf["later"] = Later()
    host.add("alpha", on_load="def on_load(data): return shelf['later']")
    with pytest.raises(hotswap.LifecycleError, match="it is async: use aload"):
        host.manager().load()


def test_async_callbacks(host: Host) -> None:
    """Under `aload` and `areload` callbacks and `extension=` may be async: they are awaited, and their veto counts."""
    host.add("alpha")
    asked: list[str] = []

    async def extend() -> str:
        await asyncio.sleep(0)
        return "extended"

    async def agree(new: hotswap.Generation, old: hotswap.Generation) -> None:
        await asyncio.sleep(0)
        asked.append(f"{old['alpha'].version} to {new['alpha'].version}")

    async def refuse(new: hotswap.Generation, old: hotswap.Generation) -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def give_up(new: hotswap.Generation, old: hotswap.Generation) -> None:
        raise asyncio.CancelledError

    async def main() -> None:
        manager = host.manager(on_reload=agree, extension=extend)
        await manager.aload()
        assert manager.current.vault.extension == "extended"
        host.add("alpha", "2.0")
        await manager.areload()
        host.add("alpha", "3.0")
        before = manager.current
        for callback, said in ((refuse, "ValueError: no"), (give_up, "CancelledError")):
            with pytest.raises(hotswap.ReloadVetoError, match=f"{callback.__name__} vetoed the reload: {said}"):
                await manager.areload(callback=callback)
        assert manager.current is before
        await manager.aclose()

    asyncio.run(main())
    assert asked == ["1.0 to 2.0", "2.0 to 3.0", "2.0 to 3.0"]


def test_async_callbacks_need_a_loop(host: Host) -> None:
    """Without an event loop an async callback or `extension=` is refused, and not left unawaited."""
    host.add("alpha")

    async def anything(*args: object) -> None: ...

    manager = host.loaded()
    for action in (manager.reload, manager.rollback):
        host.add("alpha", f"{manager.reload_count + 2}.0")
        with pytest.raises(hotswap.HotswapError, match=r"it is async: use aload, areload|nothing to go back"):
            action(callback=anything)
    with pytest.raises(hotswap.ReloadVetoError, match="extension= raised TypeError: it is async"):
        host.loaded(extension=anything)
